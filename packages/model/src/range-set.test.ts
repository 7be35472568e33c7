import fc from 'fast-check';
import { expect, test } from 'vitest';
import type { Range } from './range.ts';
import {
  EVERYTHING,
  NOTHING,
  complement,
  contains,
  covers,
  equals,
  intersect,
  isEmpty,
  normalize,
  subtract,
  union,
} from './range-set.ts';

// The naive model: which of these points a set holds. They include every point that ranges are made of, and points
// strictly between them, so two sets that agree here are the same set.
const ENDS = ['', 'a', 'ab', 'b', 'c', 'd\uffff', 'e', '\uffff'];
const POINTS = ENDS.flatMap((end) => [end, `${end}\u0000`]);

const end = fc.option(fc.constantFrom(...ENDS), { nil: null, freq: 4 });
const range: fc.Arbitrary<Range> = fc.record({ from: end, to: end });
const ranges = fc.array(range, { maxLength: 7 });
const set = ranges.map(normalize);

function holds(list: readonly Range[], point: string): boolean {
  return list.some(({ from, to }) => (from === null || from <= point) && (to === null || point < to));
}

function points(list: readonly Range[]): string[] {
  return POINTS.filter((point) => holds(list, point));
}

test('a canonical set holds the points of the ranges it was made of', () => {
  fc.assert(
    fc.property(ranges, (list) => {
      expect(points(normalize(list))).toEqual(points(list));
    }),
  );
});

test('sets with the same points are the same data', () => {
  fc.assert(
    fc.property(set, set, (a, b) => {
      const same = points(a).join() === points(b).join();
      expect(equals(a, b)).toBe(same);
      expect(JSON.stringify(a) === JSON.stringify(b)).toBe(same);
    }),
    { numRuns: 1000 },
  );
});

test('canonical sets are ascending, without empty ranges, and no two touch', () => {
  fc.assert(
    fc.property(ranges, (list) => {
      const canonical = normalize(list);
      canonical.forEach((item) => {
        expect(item.to === null || (item.from ?? '') < item.to).toBe(true);
      });
      for (const [index, next] of canonical.slice(1).entries()) {
        expect((canonical[index]?.to as string) < (next.from as string)).toBe(true);
      }
      expect(normalize(canonical)).toEqual(canonical);
      expect(normalize([...list].reverse())).toEqual(canonical);
    }),
  );
});

test('union, intersection, difference and complement agree with the points and stay canonical', () => {
  fc.assert(
    fc.property(set, set, (a, b) => {
      const results = {
        union: [union(a, b), POINTS.filter((point) => holds(a, point) || holds(b, point))],
        intersect: [intersect(a, b), POINTS.filter((point) => holds(a, point) && holds(b, point))],
        subtract: [subtract(a, b), POINTS.filter((point) => holds(a, point) && !holds(b, point))],
        complement: [complement(a), POINTS.filter((point) => !holds(a, point))],
      } as const;
      for (const [name, [result, expected]] of Object.entries(results)) {
        expect(points(result), name).toEqual(expected);
        expect(normalize(result), name).toEqual(result);
      }
    }),
    { numRuns: 1000 },
  );
});

test('contains and covers agree with the points', () => {
  fc.assert(
    fc.property(set, set, (a, b) => {
      for (const point of POINTS) expect(contains(a, point)).toBe(holds(a, point));
      expect(covers(a, b)).toBe(points(b).every((point) => holds(a, point)));
      expect(isEmpty(a)).toBe(points(a).length === 0);
    }),
  );
});

test('the laws of a boolean algebra hold', () => {
  fc.assert(
    fc.property(set, set, set, (a, b, c) => {
      expect(union(a, b)).toEqual(union(b, a));
      expect(union(a, union(b, c))).toEqual(union(union(a, b), c));
      expect(union(a, a)).toEqual(a);
      expect(intersect(a, b)).toEqual(intersect(b, a));
      expect(intersect(a, intersect(b, c))).toEqual(intersect(intersect(a, b), c));
      expect(intersect(a, a)).toEqual(a);
      expect(intersect(a, union(b, c))).toEqual(union(intersect(a, b), intersect(a, c)));
      expect(union(a, intersect(a, b))).toEqual(a);
      expect(complement(complement(a))).toEqual(a);
      expect(union(a, NOTHING)).toEqual(a);
      expect(intersect(a, EVERYTHING)).toEqual(a);
      expect(subtract(a, EVERYTHING)).toEqual(NOTHING);
      expect(union(subtract(a, b), intersect(a, b))).toEqual(a);
    }),
  );
});

test('pieces done in any order add up to the whole, and what remains shrinks to nothing', () => {
  const total = normalize([{ from: '0000', to: null }]);
  const pieces: Range[] = [
    { from: '0020', to: null },
    { from: '0000', to: '0010' },
    { from: '0010', to: '0020' },
  ];
  let done = NOTHING;
  for (const piece of pieces) done = union(done, normalize([piece]));
  expect(done).toEqual(total);
  expect(subtract(total, done)).toEqual(NOTHING);
});
