import type { Range } from '@brimful/model';
import { rangeSet } from '@brimful/model';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { divide } from './bound-points.ts';
import { nextUnits, scopedPlan, unitsOf } from './scoped-plan.ts';
import type { StretchesDetail } from './scoped-plan.ts';

const builtIn = (oid: number): Parameters<typeof divide>[0] => ({
  oid,
  name: `type ${oid}`,
  schema: 'pg_catalog',
  typtype: 'b',
  modifier: -1,
});
const TIMESTAMPTZ = builtIn(1184);

test('marks rise strictly, keep every edge, and leave no stretch much heavier than asked', () => {
  fc.assert(
    fc.property(
      fc.uniqueArray(fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n }), { minLength: 1, maxLength: 20 }),
      fc.integer({ min: 1, max: 50 }),
      (values, weight) => {
        const edges = [...values].sort((a, b) => (a < b ? -1 : 1));
        const weights = edges.slice(1).map(() => 100);
        const marks = divide(builtIn(20), edges.map(String), weights, weight).map(BigInt);
        expect(marks.every((mark, index) => index === 0 || mark > (marks[index - 1] as bigint))).toBe(true);
        expect(edges.every((edge) => marks.includes(edge))).toBe(true);
        const wide = edges.every((edge, index) => index === 0 || edge - (edges[index - 1] as bigint) > 1000n);
        const most = 1 + weights.length * Math.ceil(100 / weight);
        expect(wide ? marks.length : most).toBe(most);
      },
    ),
  );
});

test('time is cut in microseconds and printed as the server prints it', () => {
  const cut = (from: string, to: string, pieces: number): string[] =>
    divide(TIMESTAMPTZ, [from, to], [pieces], 1).slice(1, -1);
  expect(cut('2026-01-01 00:00:00+00', '2026-01-01 00:00:01+00', 4)).toEqual([
    '2026-01-01 00:00:00.25+00',
    '2026-01-01 00:00:00.5+00',
    '2026-01-01 00:00:00.75+00',
  ]);
  expect(cut('1969-12-31 23:59:59.999999+00', '1970-01-01 00:00:00.000001+00', 9)).toEqual([
    '1970-01-01 00:00:00+00',
  ]);
  expect(divide(builtIn(1082), ['2024-02-28', '2024-03-01'], [9], 1)).toEqual([
    '2024-02-28',
    '2024-02-29',
    '2024-03-01',
  ]);
  expect(
    divide(
      builtIn(2950),
      [`${'0'.repeat(8)}-0000-0000-0000-${'0'.repeat(12)}`, 'ffffffff-ffff-ffff-ffff-ffffffffffff'],
      [2],
      1,
    )[1],
  ).toBe('7fffffff-ffff-ffff-ffff-ffffffffffff');
});

test('what lies on no line is not cut', () => {
  for (const [from, to] of [
    ['-infinity', '2026-01-01 00:00:00+00'],
    ['2026-01-01 00:00:00+00', 'infinity'],
    ['0044-03-15 00:00:00+00 BC', '2026-01-01 00:00:00+00'],
    ['2026-01-01 00:00:00+00', '12026-01-01 00:00:00+00'],
  ] as const) {
    expect(divide(TIMESTAMPTZ, [from, to], [100], 1)).toEqual([from, to]);
  }
  expect(divide(builtIn(25), ['a', 'b'], [100], 1)).toEqual(['a', 'b']);
  expect(divide(builtIn(1700), ['1.5', 'NaN'], [100], 1)).toEqual(['1.5', 'NaN']);
});

test('whatever is done in whatever pieces, what is next covers every stretch once', () => {
  fc.assert(
    fc.property(
      fc.integer({ min: 1, max: 300 }),
      fc.array(fc.integer({ min: 1, max: 40 }), { minLength: 1, maxLength: 20 }),
      fc.array(fc.boolean(), { minLength: 1, maxLength: 20 }),
      (count, sizes, crashes) => {
        const points = Array.from({ length: count + 1 }, (_, index) => [String(index)]);
        const detail: StretchesDetail = {
          kind: 'stretches',
          table: 1,
          leaves: [1],
          columns: [],
          points,
          pages: 2,
        };
        const plan = scopedPlan(detail, { rows: 1, bytes: 1, quality: 'statistics' });
        const seen = new Map<number, number>();
        let done: readonly Range[] = [];
        for (let round = 0; round < 10_000; round += 1) {
          const remaining = rangeSet.subtract(plan.total, done);
          if (remaining.length === 0) break;
          const front = crashes[round % crashes.length] === true ? remaining.slice(-1) : remaining;
          const range = nextUnits(detail, front, sizes[round % sizes.length] as number);
          const { from, to } = unitsOf(detail, range);
          for (let unit = from; unit < to; unit += 1) seen.set(unit, (seen.get(unit) ?? 0) + 1);
          done = rangeSet.union(done, [range]);
        }
        expect(rangeSet.subtract(plan.total, done)).toEqual([]);
        expect([...seen.values()].every((times) => times === 1)).toBe(true);
        expect(seen.size).toBe(count);
      },
    ),
  );
});
