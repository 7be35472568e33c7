import fc from 'fast-check';
import { expect, test } from 'vitest';
import type { ColumnType } from './column-type.ts';
import type { ColumnDefinition, Schema } from './schema.ts';
import { compareSchemas, joinTypes, matchColumns, widensTo } from './schema-lattice.ts';
import { arbitraryValue, EVERY_TYPE } from './testing/arbitrary-values.ts';
import type { Value } from './testing/values.ts';
import { columnOf, UNKNOWN, valueAt } from './testing/values.ts';
import { widenColumn } from './widen-column.ts';

const decimal = fc
  .tuple(fc.integer({ min: 1, max: 25 }), fc.integer({ min: -3, max: 25 }))
  .map(([precision, scale]): ColumnType => ({ kind: 'decimal', precision, scale }));
const type = fc.oneof(
  fc.constantFrom<ColumnType>(...EVERY_TYPE, { kind: 'other', name: 'inet' }),
  decimal,
  fc.constantFrom<ColumnType>({ kind: 'int16' }, { kind: 'int32' }, { kind: 'int64' }, { kind: 'float32' }),
);

function joinAll(a: ColumnType | undefined, b: ColumnType | undefined): ColumnType | undefined {
  return a === undefined || b === undefined ? undefined : joinTypes(a, b);
}

test('joining types is commutative, associative and idempotent', () => {
  fc.assert(
    fc.property(type, type, type, (a, b, c) => {
      expect(joinTypes(a, b)).toEqual(joinTypes(b, a));
      expect(joinAll(joinAll(a, b), c)).toEqual(joinAll(a, joinAll(b, c)));
      expect(joinTypes(a, a)).toEqual(a);
    }),
    { numRuns: 5000 },
  );
});

test('the join is an upper bound, and the least one', () => {
  fc.assert(
    fc.property(type, type, type, (a, b, c) => {
      const joined = joinTypes(a, b);
      const bounds = widensTo(a, c) && widensTo(b, c);
      expect(joined === undefined || (widensTo(a, joined) && widensTo(b, joined))).toBe(true);
      expect(!bounds || (joined !== undefined && widensTo(joined, c))).toBe(true);
    }),
    { numRuns: 5000 },
  );
});

/** A value as a type-independent exact number, or itself where it is not one. */
function exact(value: Value): string {
  if (typeof value === 'number') return Object.is(value, -0) ? '-0' : String(value);
  return String(value);
}

// Invariant 6
test('every value of a type is exact in each type it widens to, nulls and unknowns included', () => {
  const pairs = EVERY_TYPE.flatMap((a) => EVERY_TYPE.map((b) => [a, b] as const)).filter(([a, b]) =>
    widensTo(a, b),
  );
  expect(pairs.length).toBeGreaterThan(EVERY_TYPE.length + 8);
  fc.assert(
    fc.property(
      fc
        .constantFrom(...pairs)
        .chain(([a, b]) =>
          fc.tuple(
            fc.constant(a),
            fc.constant(b),
            fc.array(fc.oneof(arbitraryValue(a), fc.constantFrom(null, UNKNOWN))),
          ),
        ),
      ([a, b, values]) => {
        const widened = widenColumn(columnOf(a, values), b, values.length);
        expect(widened.type).toEqual(b);
        expect(values.map((_, row) => exact(valueAt(widened, row)))).toEqual(values.map(exact));
      },
    ),
    { numRuns: 1000 },
  );
});

test('integers become floats only where every one of them is exact', () => {
  const int64: ColumnType = { kind: 'int64' };
  expect(joinTypes({ kind: 'int32' }, { kind: 'float64' })).toEqual({ kind: 'float64' });
  expect(joinTypes({ kind: 'int32' }, { kind: 'float32' })).toEqual({ kind: 'float64' });
  expect(joinTypes({ kind: 'int16' }, { kind: 'float32' })).toEqual({ kind: 'float32' });
  expect(joinTypes(int64, { kind: 'float64' })).toBeUndefined();
  expect(joinTypes({ kind: 'decimal' }, { kind: 'float64' })).toBeUndefined();
  expect(joinTypes(int64, { kind: 'text' })).toBeUndefined();
  expect(joinTypes({ kind: 'date' }, { kind: 'timestamp', zoned: false })).toBeUndefined();
  expect(joinTypes({ kind: 'timestamp', zoned: true }, { kind: 'timestamp', zoned: false })).toBeUndefined();
});

test('decimals join by the digits on each side of the point', () => {
  const of = (precision: number, scale: number): ColumnType => ({ kind: 'decimal', precision, scale });
  expect(joinTypes(of(12, 2), of(6, 4))).toEqual(of(14, 4));
  expect(joinTypes(of(3, -2), of(2, 2))).toEqual(of(7, 2));
  expect(joinTypes({ kind: 'int64' }, of(4, 2))).toEqual(of(21, 2));
  expect(joinTypes({ kind: 'decimal' }, of(4, 2))).toEqual({ kind: 'decimal' });
  expect(widensTo({ kind: 'int64' }, { kind: 'decimal', precision: 19 })).toBe(true);
  expect(widensTo({ kind: 'int64' }, { kind: 'decimal', precision: 18 })).toBe(false);
});

function column(name: string, id: number | undefined, of: ColumnType, nullable = true): ColumnDefinition {
  const identity = id === undefined ? {} : { sourceId: id };
  return { name, type: of, nullable, sourceType: of.kind, ...identity };
}

const int32: ColumnType = { kind: 'int32' };
const text: ColumnType = { kind: 'text' };

test('a renamed column is not a drop and an add, and a key that follows it has not changed', () => {
  const before: Schema = {
    version: 1,
    columns: [column('id', 1, int32), column('name', 2, text)],
    key: ['id'],
  };
  const after: Schema = {
    version: 2,
    columns: [column('order_id', 1, int32), column('name', 2, text)],
    key: ['order_id'],
  };
  expect(compareSchemas(before, after)).toEqual([{ kind: 'rename', from: 'id', to: 'order_id' }]);
});

test('names that change places are two renames', () => {
  const before: Schema = { version: 1, columns: [column('a', 1, text), column('b', 2, text)], key: ['a'] };
  const after: Schema = { version: 2, columns: [column('b', 1, text), column('a', 2, text)], key: ['a'] };
  expect(compareSchemas(before, after)).toEqual([
    { kind: 'rename', from: 'a', to: 'b' },
    { kind: 'rename', from: 'b', to: 'a' },
    { kind: 'key', from: ['a'], to: ['a'] },
  ]);
  expect(matchColumns(before, after)).toEqual([0, 1]);
});

test('a column dropped and added again under its name is another column', () => {
  const before: Schema = { version: 1, columns: [column('a', 1, text)], key: [] };
  const after: Schema = { version: 2, columns: [column('a', 2, text)], key: [] };
  expect(compareSchemas(before, after).map((change) => change.kind)).toEqual(['drop', 'add']);
});

test('without identities, names decide', () => {
  const before: Schema = { version: 1, columns: [column('a', undefined, text)], key: [] };
  const after: Schema = { version: 2, columns: [column('a', 7, text), column('b', 8, text)], key: [] };
  expect(compareSchemas(before, after).map((change) => change.kind)).toEqual(['add']);
});

test('changes of type say whether a table can take them', () => {
  const types: [ColumnType, ColumnType, string][] = [
    [int32, { kind: 'int64' }, 'widen'],
    [{ kind: 'int64' }, int32, 'narrow'],
    [int32, { kind: 'float32' }, 'widen'],
    [int32, text, 'incompatible'],
    [{ kind: 'decimal', precision: 5 }, { kind: 'decimal', precision: 5, scale: 0 }, 'narrow'],
  ];
  for (const [from, to, kind] of types) {
    const before: Schema = { version: 1, columns: [column('a', 1, from)], key: [] };
    const after: Schema = { version: 2, columns: [column('a', 1, to, false)], key: [] };
    const [change, nullable] = compareSchemas(before, after);
    expect(change?.kind).toBe(kind);
    expect(nullable).toEqual({ kind: 'nullable', column: 'a', nullable: false });
  }
  const before: Schema = { version: 1, columns: [column('a', 1, int32)], key: [] };
  const after: Schema = { version: 2, columns: [column('a', 1, { kind: 'float32' })], key: [] };
  expect(compareSchemas(before, after)).toEqual([
    { kind: 'widen', column: 'a', from: int32, to: { kind: 'float64' } },
  ]);
});

test('other key columns are a change of the key, and so is another order', () => {
  const columns = [column('a', 1, int32), column('b', 2, int32)];
  const before: Schema = { version: 1, columns, key: ['a', 'b'] };
  expect(compareSchemas(before, { version: 2, columns, key: ['b', 'a'] })).toEqual([
    { kind: 'key', from: ['a', 'b'], to: ['b', 'a'] },
  ]);
  expect(compareSchemas(before, before)).toEqual([]);
});
