import fc from 'fast-check';
import { expect, test } from 'vitest';
import { textDiff, unifiedLines } from './text-diff.ts';

const anyText = fc
  .array(fc.constantFrom('a', 'b', 'c', '', '  d'), { maxLength: 30 })
  .map((lines) => lines.map((line) => `${line}\n`).join(''));

test('going by the difference, one text becomes the other; nothing else is told', () => {
  fc.assert(
    fc.property(anyText, anyText, (before, after) => {
      const hunks = textDiff(before, after);
      const lines = before.split('\n').slice(0, -1);
      const young = after.split('\n').slice(0, -1);
      const told = hunks.flatMap((hunk) => hunk.lines);
      const wrong = told.filter(
        ({ kind, text, before: old, after: now }) =>
          (old !== null && lines[old - 1] !== text) ||
          (now !== null && young[now - 1] !== text) ||
          (old === null) !== (kind === 'added') ||
          (now === null) !== (kind === 'removed'),
      );
      expect(wrong).toEqual([]);
      const removed = new Set(told.filter(({ kind }) => kind === 'removed').map((line) => line.before));
      const added = new Set(told.filter(({ kind }) => kind === 'added').map((line) => line.after));
      const rest = lines.filter((_, index) => !removed.has(index + 1));
      expect(rest).toEqual(young.filter((_, index) => !added.has(index + 1)));
    }),
  );
});

test('two places far apart are two hunks, and two that touch are one', () => {
  const before = Array.from({ length: 30 }, (_, index) => `line ${index}\n`);
  const far = before.map((line, index) => (index === 2 || index === 25 ? 'changed\n' : line));
  expect(textDiff(before.join(''), far.join(''))).toHaveLength(2);
  const near = before.map((line, index) => (index === 2 || index === 8 ? 'changed\n' : line));
  expect(unifiedLines(textDiff(before.join(''), near.join('')))).toEqual([
    '  line 0',
    '  line 1',
    '- line 2',
    '+ changed',
    '  line 3',
    '  line 4',
    '  line 5',
    '  line 6',
    '  line 7',
    '- line 8',
    '+ changed',
    '  line 9',
    '  line 10',
    '  line 11',
  ]);
  expect(textDiff('a\n', 'a\n')).toEqual([]);
});

test('texts that have nothing in common are replaced, however long they are', () => {
  const [before, after] = ['x', 'y'].map((word) =>
    Array.from({ length: 20_000 }, (_, index) => `${word}${index}\n`).join(''),
  );
  expect(textDiff(before ?? '', after ?? '')[0]?.lines).toHaveLength(40_000);
});
