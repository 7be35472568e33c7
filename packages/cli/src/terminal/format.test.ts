import { expect, test } from 'vitest';
import { formatBytes, formatCount, formatMilliseconds, formatSeconds, formatShortSeconds } from './format.ts';
import { clip, harmless, padRight, textWidth, wrap } from './width.ts';

test('numbers keep three digits that matter, at the borders too', () => {
  const counts = [0, 999, 999.6, 1000, 9994, 9996, 99_949, 99_951, 999_499, 999_500, 1_234_567_890];
  expect(counts.map(formatCount)).toEqual([
    '0',
    '999',
    '1000',
    '1.00 k',
    '9.99 k',
    '10.0 k',
    '99.9 k',
    '100 k',
    '999 k',
    '1.00 M',
    '1.23 G',
  ]);
  expect([0, 1500, 746e6, 5e15, 5e18].map(formatBytes)).toEqual([
    '0 B',
    '1.50 kB',
    '746 MB',
    '5.00 PB',
    '5000 PB',
  ]);
});

test('times', () => {
  expect([0, 12.4, 1240, 9960, 65_000, 7_800_000, 97_200_000].map(formatMilliseconds)).toEqual([
    '0 ms',
    '12 ms',
    '1.2 s',
    '10 s',
    '1 min 5 s',
    '2 h 10 min',
    '1 d 3 h',
  ]);
  expect(formatSeconds(120)).toBe('2 min');
  expect([0.2, 59.5, 3600, 7200, 200_000].map(formatShortSeconds)).toEqual([
    '1 s',
    '60 s',
    '60 min',
    '2 h',
    '2 d',
  ]);
});

test('widths count what a terminal shows', () => {
  expect(textWidth('Bestellungen')).toBe(12);
  expect(textWidth('注文')).toBe(4);
  expect(textWidth('e\u{301}')).toBe(1);
  expect(clip('注文テーブル', 5)).toBe('注文…');
  expect(textWidth(padRight('注文', 7))).toBe(7);
  expect(wrap('one two three', 7)).toEqual(['one two', 'three']);
});

test('a table name cannot steer the terminal', () => {
  expect(harmless('a\u{1B}[2Jb\nc\u{202E}d')).toBe(String.raw`a\x1b[2Jb\x0ac\u202ed`);
});
