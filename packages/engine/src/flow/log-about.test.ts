import { expect, test } from 'vitest';
import { logAbout } from './log-about.ts';

test('every line has what it is about, and its own word for the same counts', () => {
  const lines: unknown[] = [];
  const note =
    (level: string) =>
    (fields: object, message: string): void =>
      void lines.push([level, fields, message]);
  const log = { debug: note('debug'), info: note('info'), warn: note('warn'), error: note('error') };
  const about = logAbout(log, { capture: 'shop/postgres' });
  about.info({ slot: 's' }, 'ready');
  about.error({ capture: 'other' }, 'failed');
  expect(lines).toEqual([
    ['info', { capture: 'shop/postgres', slot: 's' }, 'ready'],
    ['error', { capture: 'other' }, 'failed'],
  ]);
});
