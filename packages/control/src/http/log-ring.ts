import type { LogEntry } from '@brimful/api';
import type { Logger } from '@brimful/connector';
import { toProblem } from '@brimful/model';

/** Lines kept: a page of trouble and what led to it. (Invariant 9) */
export const LOG_LINES_LIMIT = 2000;
/** Of one line's fields, as JSON; larger ones are left out. */
const FIELDS_LIMIT_CHARACTERS = 8000;

type Level = LogEntry['level'];
const LEVELS: readonly Level[] = ['info', 'warn', 'error'];

/** The newest log lines, in memory, without secrets. */
export class LogRing {
  readonly #redact: (text: string) => string;
  readonly #now: () => number;
  readonly #listeners = new Set<(entry: LogEntry) => void>();
  #entries: LogEntry[] = [];
  #sequence = 0;

  constructor(redact: (text: string) => string, now: () => number) {
    this.#redact = redact;
    this.#now = now;
  }

  /** A log that is kept here as well as going where it went; but for `debug`, which would soon be all there is. */
  over(log: Logger): Logger {
    const at = (level: Level) => (fields: object, message: string) => {
      log[level](fields, message);
      this.add(level, fields, message);
    };
    return {
      debug: (fields, message) => log.debug(fields, message),
      info: at('info'),
      warn: at('warn'),
      error: at('error'),
    };
  }

  add(level: Level, fields: object, message: string): void {
    this.#sequence += 1;
    const entry: LogEntry = {
      sequence: this.#sequence,
      at: this.#now(),
      level,
      message: this.#redact(message),
      fields: this.#fieldsOf(fields),
    };
    this.#entries.push(entry);
    // Cut in halves, so that a line costs no shifting of all others.
    if (this.#entries.length > 2 * LOG_LINES_LIMIT) this.#entries = this.#entries.slice(-LOG_LINES_LIMIT);
    for (const tell of this.#listeners) tell(entry);
  }

  /** The newest ones, the oldest of them first. */
  newest(limit: number, level: Level, after: number): LogEntry[] {
    const least = LEVELS.indexOf(level);
    return this.#entries
      .slice(-LOG_LINES_LIMIT)
      .filter((entry) => entry.sequence > after && LEVELS.indexOf(entry.level) >= least)
      .slice(-limit);
  }

  /** Calls back with every line from now on, until what is returned is called. */
  listen(listener: (entry: LogEntry) => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  // Invariant 10: every text is freed of secrets before it is kept.
  #fieldsOf(fields: object): Record<string, unknown> {
    const text = JSON.stringify(fields, (_key, value: unknown) => {
      if (value instanceof Error) return toProblem(value).toJSON();
      if (typeof value === 'bigint') return value.toString();
      return typeof value === 'string' ? this.#redact(value) : value;
    });
    if (text.length > FIELDS_LIMIT_CHARACTERS) return { leftOut: `${text.length} characters` };
    return JSON.parse(text) as Record<string, unknown>;
  }
}
