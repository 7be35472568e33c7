import fc from 'fast-check';
import { expect, test } from 'vitest';
import type { Column } from './column.ts';
import type { ColumnType } from './column-type.ts';
import { addFingerprints, fingerprint, hashRows, NO_ROWS, sameFingerprint } from './row-hash.ts';
import { readDecimal, ScaledInteger } from './scaled-integer.ts';
import { arbitraryDecimal, arbitraryValue, EVERY_TYPE } from './testing/arbitrary-values.ts';
import type { Value } from './testing/values.ts';
import { columnOf } from './testing/values.ts';
import { widensTo } from './schema-lattice.ts';
import { widenColumn } from './widen-column.ts';

const text: ColumnType = { kind: 'text' };
const int32: ColumnType = { kind: 'int32' };
const int64: ColumnType = { kind: 'int64' };
const decimal: ColumnType = { kind: 'decimal' };
const float64: ColumnType = { kind: 'float64' };

function hashOf(type: ColumnType, value: Value): string {
  const { high, low } = hashRows([columnOf(type, [value])], 1);
  return `${high[0]} ${low[0]}`;
}

test('equal values hash equally in whatever type they travel', () => {
  const equal: [ColumnType, Value][][] = [
    [
      [{ kind: 'int16' }, 1],
      [int32, 1],
      [int64, 1n],
      [decimal, '1'],
      [decimal, '1.00'],
      [float64, 1],
    ],
    [
      [int32, -7],
      [int64, -7n],
      [decimal, '-7.0'],
      [float64, -7],
    ],
    [
      [int32, 0],
      [decimal, '-0.00'],
      [float64, -0],
    ],
    [
      [int64, -(2n ** 63n)],
      [decimal, '-9223372036854775808.0'],
    ],
    [
      [int64, 2n ** 63n - 1n],
      [decimal, '9223372036854775807'],
    ],
    [
      [{ kind: 'float32' }, 0.5],
      [float64, 0.5],
    ],
    [
      [text, '{}'],
      [{ kind: 'json', binary: true }, '{}'],
      [{ kind: 'other', name: 'hstore' }, '{}'],
    ],
  ];
  for (const group of equal) {
    expect(new Set(group.map(([type, value]) => hashOf(type, value))).size, String(group[0]?.[1])).toBe(1);
  }
  expect(new Set(equal.map(([first]) => hashOf(...(first as [ColumnType, Value])))).size).toBe(equal.length);
});

test('widening a column does not change what its rows hash to', () => {
  const pairs = EVERY_TYPE.flatMap((a) => EVERY_TYPE.map((b) => [a, b] as const)).filter(([a, b]) =>
    widensTo(a, b),
  );
  fc.assert(
    fc.property(
      fc
        .constantFrom(...pairs)
        .chain(([a, b]) => fc.tuple(fc.constant([a, b] as const), fc.array(arbitraryValue(a)))),
      ([[a, b], values]) => {
        const column = columnOf(a, values);
        const widened = widenColumn(column, b, values.length);
        expect(fingerprint([widened], values.length)).toEqual(fingerprint([column], values.length));
      },
    ),
    { numRuns: 2000 },
  );
});

/** The exact value of a decimal: an integer and a scale without trailing zeros. */
function exact(value: string): { unscaled: bigint; scale: number } | undefined {
  if (!/\d$/u.test(value)) return undefined;
  const [whole = '', fraction = ''] = value.split('.');
  const digits = fraction.replace(/0+$/u, '');
  return { unscaled: BigInt(whole + digits), scale: digits.length };
}

test('decimals are read as the integers they are, wherever 64 bits hold them', () => {
  const nearLimit = fc
    .tuple(
      fc.constantFrom(2n ** 63n, 10n ** 18n, 10n ** 19n, 2n ** 64n),
      fc.bigInt({ min: -2n, max: 2n }),
      fc.boolean(),
    )
    .map(([base, step, negative]) => String(negative ? -(base + step) : base + step));
  const anywhere = fc.tuple(nearLimit, fc.integer({ min: 0, max: 5 })).map(([digits, scale]) => {
    return scale === 0 ? digits : `${digits.slice(0, -scale)}.${digits.slice(-scale)}`;
  });
  fc.assert(
    fc.property(fc.oneof(arbitraryDecimal, nearLimit, anywhere), (value) => {
      const into = new ScaledInteger();
      const bytes = new TextEncoder().encode(`##${value}9.`);
      const fits = readDecimal(bytes, 2, 2 + value.length, into);
      const expected = exact(value);
      const unscaled = expected === undefined ? undefined : BigInt.asIntN(64, expected.unscaled);
      expect(fits).toBe(expected !== undefined && unscaled === expected.unscaled);
      const read = (BigInt(into.high) << 32n) | BigInt(into.low >>> 0);
      expect(!fits || read === unscaled).toBe(true);
      expect(!fits || into.scale === expected?.scale).toBe(true);
    }),
    { numRuns: 5000 },
  );
});

test('decimals hash equally exactly if they are the same number', () => {
  const long = fc.constantFrom(
    `1${'0'.repeat(30)}`,
    `${'0.'}${'0'.repeat(30)}1`,
    `${'12'.repeat(15)}.50`,
    `${'12'.repeat(15)}.5`,
    `-${'12'.repeat(15)}.5`,
  );
  const value = fc.oneof(arbitraryDecimal, long);
  const nameOf = (one: string): string => {
    const number = exact(one);
    return number === undefined ? one : `${number.unscaled}e-${number.scale}`;
  };
  fc.assert(
    fc.property(value, value, (a, b) => {
      expect(hashOf(decimal, a) === hashOf(decimal, b)).toBe(nameOf(a) === nameOf(b));
    }),
    { numRuns: 5000 },
  );
});

const rows = fc.array(
  fc.tuple(
    fc.constantFrom('', 'a', 'b', null),
    fc.constantFrom('', 'a', 'b', null),
    fc.constantFrom(0, 1, null),
  ),
  {
    maxLength: 6,
  },
);

function columnsOf(list: readonly (readonly [Value, Value, Value])[]): Column[] {
  return [text, text, int32].map((type, index) =>
    columnOf(
      type,
      list.map((row) => row[index] as Value),
    ),
  );
}

test('two sets of rows have one fingerprint exactly if they hold the same rows as often', () => {
  const bag = (list: readonly unknown[]): string =>
    list
      .map((row) => JSON.stringify(row))
      .sort()
      .join();
  fc.assert(
    fc.property(rows, rows, (a, b) => {
      const same = sameFingerprint(fingerprint(columnsOf(a), a.length), fingerprint(columnsOf(b), b.length));
      expect(same).toBe(bag(a) === bag(b));
    }),
    { numRuns: 3000 },
  );
});

test('fingerprints of parts add up to that of the whole, in any order', () => {
  fc.assert(
    fc.property(rows, rows, (a, b) => {
      const whole = [...b, ...a];
      const parts = addFingerprints(fingerprint(columnsOf(a), a.length), fingerprint(columnsOf(b), b.length));
      expect(fingerprint(columnsOf(whole), whole.length)).toEqual(parts);
    }),
  );
  expect(fingerprint([], 0)).toEqual(NO_ROWS);
});

test('each way to lose or damage a row changes the fingerprint', () => {
  const good: [Value, Value, Value][] = [
    ['ann', 'bob', 1],
    ['', null, 2],
    ['x', 'y', null],
  ];
  const of = (list: readonly (readonly [Value, Value, Value])[]): string =>
    String(fingerprint(columnsOf(list), list.length).sum);
  const mutants: [string, [Value, Value, Value][]][] = [
    ['lost row', good.slice(1)],
    ['row twice', [...good, ['ann', 'bob', 1]]],
    [
      'row twice, another lost',
      [
        ['ann', 'bob', 1],
        ['ann', 'bob', 1],
        ['', null, 2],
      ],
    ],
    ['values exchanged between columns', [['bob', 'ann', 1], ...good.slice(1)]],
    ['null for an empty text', [good[0] as never, [null, null, 2], good[2] as never]],
    ['an empty text for null', [good[0] as never, ['', '', 2], good[2] as never]],
    ['zero for null', [...good.slice(0, 2), ['x', 'y', 0]]],
    ['text cut short', [['an', 'bob', 1], ...good.slice(1)]],
    ['text moved over a column border', [['annb', 'ob', 1], ...good.slice(1)]],
    ['values exchanged between rows', [['ann', 'bob', 2], ['', null, 1], good[2] as never]],
  ];
  for (const [name, mutant] of mutants) expect(of(mutant), name).not.toBe(of(good));
});

test('zero bytes at the end of a value count', () => {
  expect(hashOf(text, 'a')).not.toBe(hashOf(text, 'a\u0000'));
  expect(hashOf({ kind: 'bytes' }, new Uint8Array(1))).not.toBe(hashOf({ kind: 'bytes' }, new Uint8Array(2)));
});

test('a time shifted by a zone changes the fingerprint', () => {
  const zoned: ColumnType = { kind: 'timestamp', zoned: true };
  expect(hashOf(zoned, 1_700_000_000_000_000n)).not.toBe(hashOf(zoned, 1_700_003_600_000_000n));
});

test('half a million near values give as many hashes', () => {
  const count = 500_000;
  const ids = columnOf(
    int32,
    Array.from({ length: count }, (_, index) => index),
  );
  const { high, low } = hashRows(
    [
      ids,
      columnOf(
        int32,
        Array.from({ length: count }, (_, index) => index & 7),
      ),
    ],
    count,
  );
  const seen = new Set<number>();
  for (let row = 0; row < count; row += 1)
    seen.add(((high[row] as number) & 0x1f_ffff) * 2 ** 32 + ((low[row] as number) >>> 0));
  expect(seen.size).toBe(count);
  // Each half alone is as good as 32 random bits: about 29 pairs meet by chance.
  for (const half of [high, low]) expect(count - new Set(half).size).toBeLessThan(80);
});
