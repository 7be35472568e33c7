import fc from 'fast-check';
import { expect, test } from 'vitest';

import { generationName } from './generation-name.ts';

/** What Postgres takes: not empty, at most 63 bytes, well-formed, no zero byte. */
const names = fc
  .string({ unit: 'grapheme', minLength: 1, maxLength: 63 })
  .filter((name) => Buffer.byteLength(name) <= 63 && name.isWellFormed() && !name.includes('\0'));

test('short names stay readable', () => {
  expect(generationName('orders', 2)).toBe('orders (generation 2)');
  expect(generationName('orders', 2, 3)).toBe('orders (generation 2, 3)');
});

test('every name fits, is well-formed, and is the same every time', () => {
  fc.assert(
    fc.property(names, fc.integer({ min: 1, max: 2 ** 31 - 1 }), (name, generation) => {
      const made = generationName(name, generation);
      expect(Buffer.byteLength(made)).toBeLessThanOrEqual(63);
      expect(made.isWellFormed()).toBe(true);
      expect(made).not.toBe(name);
      expect(generationName(name, generation)).toBe(made);
    }),
  );
});

test('long names that begin alike, and generations of one name, stay apart', () => {
  const start = 'ä"'.repeat(20);
  const alike = [`${start}1`, `${start}2`, `${start}1 (generation 2)`].map((name) => generationName(name, 2));
  expect(new Set([...alike, generationName(`${start}1`, 3), generationName(`${start}1`, 2, 2)]).size).toBe(5);
});
