import type { LogEntry } from '@brimful/api';
import { expect, test } from 'vitest';
import { isAbout, isWanted, linesText } from './log-words.ts';

function line(parts: Partial<LogEntry>): LogEntry {
  return { sequence: 1, at: 0, level: 'info', message: 'ready', fields: {}, ...parts };
}

test('lines of a task are found by any field that names it, however deep, and not by names that only begin so', () => {
  const problem = { code: 'BRM-X', at: { capture: 'shop/postgres' } };
  expect(isAbout(line({ fields: { capture: 'shop/postgres' } }), 'shop/postgres')).toBe(true);
  expect(isAbout(line({ fields: { problem } }), 'shop/postgres')).toBe(true);
  expect(isAbout(line({ message: 'shop/postgres has stopped' }), 'shop/postgres')).toBe(true);
  expect(isAbout(line({ fields: { capture: 'shop/postgres2' } }), 'shop/postgres')).toBe(false);
});

test('level, text and task together', () => {
  const entry = line({ level: 'warn', message: 'Slot is late', fields: { capture: 'a', slot: 's1' } });
  const all = { level: 'info', text: '', task: null } as const;
  expect(isWanted(entry, all)).toBe(true);
  expect(isWanted(entry, { ...all, level: 'error' })).toBe(false);
  expect(isWanted(entry, { ...all, text: ' SLOT=S1 ' })).toBe(true);
  expect(isWanted(entry, { ...all, text: 'other' })).toBe(false);
  expect(isWanted(entry, { ...all, task: 'b' })).toBe(false);
});

test('what is copied is a line a line', () => {
  const entries = [line({}), line({ level: 'error', message: 'no', fields: { n: 1, o: { p: 'q' } } })];
  expect(linesText(entries)).toBe(
    '1970-01-01T00:00:00.000Z info ready\n1970-01-01T00:00:00.000Z error no n=1 o={"p":"q"}',
  );
});
