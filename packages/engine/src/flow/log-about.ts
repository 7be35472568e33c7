import type { Logger } from '@brimful/connector';

/** A log whose every line also has these fields: so that the lines of one task can be found among all. */
export function logAbout(log: Logger, about: Readonly<Record<string, string>>): Logger {
  const at =
    (level: keyof Logger) =>
    (fields: object, message: string): void =>
      log[level]({ ...about, ...fields }, message);
  return { debug: at('debug'), info: at('info'), warn: at('warn'), error: at('error') };
}
