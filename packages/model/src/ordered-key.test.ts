import fc from 'fast-check';
import { expect, test } from 'vitest';
import type { ColumnType } from './column-type.ts';
import { keyOfPoint, keyPointReader, listedKeyPoint, pointAfter } from './ordered-key.ts';
import { contains, normalize } from './range-set.ts';
import type { Schema } from './schema.ts';
import { keyListReader } from './row-key.ts';
import { arbitraryDecimal, arbitraryValue, EVERY_TYPE } from './testing/arbitrary-values.ts';
import type { Value } from './testing/values.ts';
import { columnOf } from './testing/values.ts';

function schemaOf(types: readonly ColumnType[]): Schema {
  const columns = types.map((type, index) => ({
    name: `c${index}`,
    type,
    nullable: true,
    sourceType: type.kind,
  }));
  return { version: 1, columns, key: columns.map((column) => column.name) };
}

function sign(a: bigint | number | string, b: bigint | number | string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}

/** The order, written down independently. */
function compareValues(type: ColumnType, a: Value, b: Value): number {
  if (a === null || b === null) return sign(Number(a === null), Number(b === null));
  switch (type.kind) {
    case 'float32':
    case 'float64':
      if (Number.isNaN(a) || Number.isNaN(b)) return sign(Number(Number.isNaN(a)), Number(Number.isNaN(b)));
      return sign(a as number, b as number);
    case 'decimal':
      return compareDecimals(a as string, b as string);
    case 'timestamp':
      return sign(timeOf(a as bigint), timeOf(b as bigint));
    case 'boolean':
      return sign(Number(a), Number(b));
    case 'bytes':
    case 'text':
    case 'json':
    case 'other':
      return compareBytes(bytesOf(a), bytesOf(b));
    default:
      return sign(a as bigint, b as bigint);
  }
}

function timeOf(stored: bigint): bigint {
  if (stored === 2n ** 63n - 1n) return 2n ** 100n;
  return stored !== -(2n ** 63n) && stored < -9_200_000_000_000_000_000n ? stored + 2n ** 64n : stored;
}

function bytesOf(value: Value): Uint8Array {
  return typeof value === 'string' ? new TextEncoder().encode(value) : (value as Uint8Array);
}

function compareBytes(a: Uint8Array, b: Uint8Array): number {
  for (const [index, byte] of a.entries()) {
    if (index >= b.length) return 1;
    if (byte !== b[index]) return sign(byte, b[index] as number);
  }
  return a.length < b.length ? -1 : 0;
}

function compareDecimals(a: string, b: string): number {
  const rank = ['-Infinity', '', 'Infinity', 'NaN'];
  const special = (text: string): number => Math.max(1, rank.indexOf(text) === 0 ? 1 : rank.indexOf(text));
  const place = (text: string): number => (text === '-Infinity' ? 0 : special(text));
  if (place(a) !== 1 || place(b) !== 1) return sign(place(a), place(b));
  const scaled = (text: string): bigint => {
    const [whole = '', fraction = ''] = text.replace('-', '').split('.');
    const magnitude = BigInt(whole + fraction.padEnd(100, '0'));
    return text.startsWith('-') ? -magnitude : magnitude;
  };
  return sign(scaled(a), scaled(b));
}

const pairs = fc.array(fc.constantFrom(...EVERY_TYPE), { minLength: 1, maxLength: 3 }).chain((types) => {
  const value = (type: ColumnType): fc.Arbitrary<Value> =>
    fc.option(arbitraryValue(type), { nil: null, freq: 8 });
  const both = types.map((type) =>
    fc.oneof(
      fc.tuple(value(type), value(type)),
      // Equal in the first columns: the later ones must decide.
      value(type).map((one): [Value, Value] => [one, one]),
    ),
  );
  return fc.record({ types: fc.constant(types), values: fc.tuple(...both) });
});

test('points compare as the keys do, column by column', () => {
  fc.assert(
    fc.property(pairs, ({ types, values }) => {
      const columns = types.map((type, index) => columnOf(type, values[index] as [Value, Value]));
      const read = keyPointReader(schemaOf(types));
      let expected = 0;
      for (const [index, type] of types.entries()) {
        const [a, b] = values[index] as [Value, Value];
        expected ||= compareValues(type, a, b);
      }
      expect(sign(read(columns, 0), read(columns, 1))).toBe(expected);
      expect(listedKeyPoint(columns, 0)).toBe(read(columns, 0));
    }),
    { numRuns: 10_000 },
  );
});

test('decimals of any length and precision are in numeric order', () => {
  const decimal: ColumnType = { kind: 'decimal' };
  const near = arbitraryDecimal.chain((one) =>
    fc.tuple(fc.constant(one), fc.constantFrom(one, `${one}1`, `${one}01`, `-${one}`)),
  );
  fc.assert(
    fc.property(fc.oneof(fc.tuple(arbitraryDecimal, arbitraryDecimal), near), ([a, b]) => {
      fc.pre(/^(?:-?\d+(?:\.\d+)?|NaN|-?Infinity)$/u.test(b));
      const column = columnOf(decimal, [a, b]);
      expect(sign(listedKeyPoint([column], 0), listedKeyPoint([column], 1))).toBe(compareDecimals(a, b));
    }),
    { numRuns: 5000 },
  );
  const ascending = [
    '-Infinity',
    '-100',
    '-99.9',
    '-10',
    '-9',
    '-1.01',
    '-1',
    '-0.1',
    '-0.01',
    '0',
    '0.001',
    '0.01',
    '0.1',
    '1',
    '1.01',
    '9',
    '10',
    '99.9',
    '100',
    'Infinity',
    'NaN',
  ];
  const column = columnOf(decimal, ascending);
  const points = ascending.map((_, row) => listedKeyPoint([column], row));
  expect([...points].sort()).toEqual(points);
});

test('a key is read back from its point', () => {
  fc.assert(
    fc.property(pairs, ({ types, values }) => {
      const schema = schemaOf(types);
      const columns = types.map((type, index) => columnOf(type, values[index] as [Value, Value]));
      const back = keyOfPoint(schema, listedKeyPoint(columns, 0));
      expect(keyListReader(schema)(back, 0)).toBe(keyListReader(schema)(columns, 0));
      expect(back.map((column) => column.type)).toEqual(types);
    }),
    { numRuns: 3000 },
  );
});

test('no point begins another, so a range holds one key or all that follow', () => {
  fc.assert(
    fc.property(pairs, ({ types, values }) => {
      const columns = types.map((type, index) => columnOf(type, values[index] as [Value, Value]));
      const [a, b] = [listedKeyPoint(columns, 0), listedKeyPoint(columns, 1)];
      expect(a === b || !a.startsWith(b)).toBe(true);
      const alone = normalize([{ from: a, to: pointAfter(a) }]);
      expect(contains(alone, a)).toBe(true);
      expect(contains(alone, b)).toBe(a === b);
      expect(/^[!-~]*$/u.test(a)).toBe(true);
    }),
    { numRuns: 2000 },
  );
});

test('ranges over integers survive a widening of the column', () => {
  const point = (type: ColumnType, value: Value): string => listedKeyPoint([columnOf(type, [value])], 0);
  expect(point({ kind: 'int16' }, -5)).toBe(point({ kind: 'int64' }, -5n));
  expect(point({ kind: 'int32' }, 70_000)).toBe(point({ kind: 'int64' }, 70_000n));
});
