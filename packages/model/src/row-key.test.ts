import fc from 'fast-check';
import { expect, test } from 'vitest';
import type { ColumnType } from './column-type.ts';
import { keyListReader, keyReader, wholeRowReader } from './row-key.ts';
import type { Schema } from './schema.ts';
import { arbitraryValue, EVERY_TYPE } from './testing/arbitrary-values.ts';
import type { Value } from './testing/values.ts';
import { columnOf } from './testing/values.ts';

function schemaOf(types: readonly ColumnType[], key: readonly number[] = types.keys().toArray()): Schema {
  return {
    version: 1,
    columns: types.map((type, index) => ({ name: `c${index}`, type, nullable: true, sourceType: type.kind })),
    key: key.map((index) => `c${index}`),
  };
}

/** The source's equality, written down independently: numbers by value, everything else by its bytes. */
function equalValues(type: ColumnType, a: Value, b: Value): boolean {
  if (a === null || b === null) return a === b;
  if (type.kind === 'float32' || type.kind === 'float64')
    return a === b || (Number.isNaN(a) && Number.isNaN(b));
  if (type.kind === 'decimal') return equalDecimals(a as string, b as string);
  return String(a) === String(b);
}

function equalDecimals(a: string, b: string): boolean {
  if (a.includes('N') || b.includes('N') || a.includes('I') || b.includes('I')) return a === b;
  const scaled = (text: string): bigint => {
    const [whole = '', fraction = ''] = text.replace('-', '').split('.');
    const magnitude = BigInt(whole + fraction.padEnd(100, '0'));
    return text.startsWith('-') ? -magnitude : magnitude;
  };
  return scaled(a) === scaled(b);
}

const rows = fc.array(fc.constantFrom(...EVERY_TYPE), { minLength: 1, maxLength: 3 }).chain((types) =>
  fc.record({
    types: fc.constant(types),
    values: fc.tuple(...types.map((type) => fc.array(arbitraryValue(type), { minLength: 6, maxLength: 6 }))),
  }),
);

test('two keys give the same token exactly if the source calls them equal', () => {
  fc.assert(
    fc.property(rows, ({ types, values }) => {
      const columns = types.map((type, index) => columnOf(type, values[index] as Value[]));
      const read = keyReader(schemaOf(types));
      for (let a = 0; a < 6; a += 1) {
        for (let b = 0; b < 6; b += 1) {
          const equal = types.every((type, index) =>
            equalValues(type, values[index]?.[a] as Value, values[index]?.[b] as Value),
          );
          expect(read(columns, a) === read(columns, b)).toBe(equal);
        }
      }
    }),
    { numRuns: 600 },
  );
});

test('whole rows are equal exactly if all values are, nulls included', () => {
  const nullable = fc.array(fc.constantFrom(...EVERY_TYPE), { minLength: 1, maxLength: 3 }).chain((types) =>
    fc.record({
      types: fc.constant(types),
      values: fc.tuple(
        ...types.map((type) =>
          fc.array(fc.option(arbitraryValue(type), { nil: null, freq: 2 }), { minLength: 6, maxLength: 6 }),
        ),
      ),
    }),
  );
  fc.assert(
    fc.property(nullable, ({ types, values }) => {
      const columns = types.map((type, index) => columnOf(type, values[index] as Value[]));
      const read = wholeRowReader(schemaOf(types, []));
      for (let a = 0; a < 6; a += 1) {
        for (let b = 0; b < 6; b += 1) {
          const equal = types.every((type, index) =>
            equalValues(type, values[index]?.[a] as Value, values[index]?.[b] as Value),
          );
          expect(read(columns, a) === read(columns, b)).toBe(equal);
        }
      }
    }),
    { numRuns: 400 },
  );
});

test('a key read from a row is the key read from a key list', () => {
  fc.assert(
    fc.property(rows, ({ types, values }) => {
      const columns = types.map((type, index) => columnOf(type, values[index] as Value[]));
      const order = types.keys().toArray().reverse();
      const schema = schemaOf(types, order);
      const list = order.map((index) => columns[index] as (typeof columns)[number]);
      for (let row = 0; row < 6; row += 1) {
        expect(keyListReader(schema)(list, row)).toBe(keyReader(schema)(columns, row));
      }
    }),
  );
});

test('text with separators and digits in it is not mistaken for another composite key', () => {
  const text: ColumnType = { kind: 'text' };
  const read = keyReader(schemaOf([text, text]));
  const pairs = [
    ['a', 'b'],
    ['', 'ab'],
    ['ab', ''],
    ['a1:b', ''],
    ['a:', 'b'],
    ['a', ':b'],
    ['a;', 'b'],
    ['a', ';b'],
    ['1:a', 'b'],
    ['a', '1:b'],
    ['a1:', 'b'],
    [';', ':'],
  ] as const;
  const columns = [0, 1].map((at) =>
    columnOf(
      text,
      pairs.map((pair) => pair[at] as string),
    ),
  );
  expect(new Set(pairs.map((_, row) => read(columns, row))).size).toBe(pairs.length);
});

test('null is not the text that could stand for it', () => {
  const text: ColumnType = { kind: 'text' };
  const column = columnOf(text, [null, '', '\u0100', 'null', '\u0000']);
  const read = keyReader(schemaOf([text]));
  expect(new Set([0, 1, 2, 3, 4].map((row) => read([column], row))).size).toBe(5);
});

test('numbers that differ only in how they are written are one key', () => {
  const decimals = columnOf({ kind: 'decimal' }, [
    '1.0',
    '1.00',
    '1',
    '0',
    '-0.00',
    '100',
    '1e2'.replace('e2', '00.0'),
  ]);
  const read = keyReader(schemaOf([{ kind: 'decimal' }]));
  expect([0, 1, 2, 3, 4, 5, 6].map((row) => read([decimals], row))).toEqual([
    '1',
    '1',
    '1',
    '0',
    '0',
    '100',
    '100',
  ]);
  const floats = columnOf({ kind: 'float64' }, [-0, 0, NaN, Number.NaN]);
  const readFloat = keyReader(schemaOf([{ kind: 'float64' }]));
  expect(readFloat([floats], 0)).toBe(readFloat([floats], 1));
  expect(readFloat([floats], 2)).toBe(readFloat([floats], 3));
});

test('integers are numbers while they are exact, and never rounded', () => {
  const values = [
    0n,
    -1n,
    2n ** 53n - 1n,
    2n ** 53n,
    2n ** 53n + 1n,
    -(2n ** 53n),
    -(2n ** 53n) - 1n,
    2n ** 63n - 1n,
  ];
  const column = columnOf({ kind: 'int64' }, values);
  const read = keyReader(schemaOf([{ kind: 'int64' }]));
  const keys = values.map((_, row) => read([column], row));
  expect(keys.map((key) => BigInt(key))).toEqual(values);
  expect(keys.slice(0, 3).every((key) => typeof key === 'number')).toBe(true);
  expect(new Set(keys).size).toBe(values.length);
});

test('a reader follows from one batch to the next', () => {
  const read = keyReader(schemaOf([{ kind: 'int32' }]));
  expect(read([columnOf({ kind: 'int32' }, [1])], 0)).toBe(1);
  expect(read([columnOf({ kind: 'int32' }, [2])], 0)).toBe(2);
});
