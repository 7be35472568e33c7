import type { MergeStep } from '@brimful/connector';
import type { Batch, Column, ColumnBuilder, ColumnType, OperationCode, Schema } from '@brimful/model';
import { BatchBuilder, ChangesBuilder, isUnknown, keyIndices, Operation } from '@brimful/model';
import type { Value } from '@brimful/model/testing';
import { appendValue, columnOf, UNKNOWN, valueAt } from '@brimful/model/testing';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { fold } from './fold.ts';

const decimal: ColumnType = { kind: 'decimal' };
const int32: ColumnType = { kind: 'int32' };
const int64: ColumnType = { kind: 'int64' };
const text: ColumnType = { kind: 'text' };

function version(
  number: number,
  columns: readonly [number, string, ColumnType][],
  key: readonly string[],
): Schema {
  return {
    version: number,
    columns: columns.map(([sourceId, name, type]) => ({
      sourceId,
      name,
      type,
      nullable: true,
      sourceType: type.kind,
    })),
    key,
  };
}

/** Versions of one collection: a column widened, one dropped, one added, one renamed, the order changed, the key too wide. */
const VERSIONS: readonly Schema[] = [
  version(
    1,
    [
      [1, 'id', int32],
      [2, 'part', decimal],
      [3, 'name', text],
      [4, 'count', int32],
      [5, 'old', text],
    ],
    ['id', 'part'],
  ),
  version(
    2,
    [
      [1, 'id', int32],
      [2, 'part', decimal],
      [3, 'name', text],
      [4, 'count', int64],
    ],
    ['id', 'part'],
  ),
  version(
    3,
    [
      [2, 'part', decimal],
      [3, 'title', text],
      [6, 'name', text],
      [1, 'id', int64],
      [4, 'count', int64],
    ],
    ['id', 'part'],
  ),
];
/** What the column added last holds in rows from before. */
const INITIAL = 'before';
const TARGET: Schema = {
  ...(VERSIONS[2] as Schema),
  columns: (VERSIONS[2] as Schema).columns.map((column) =>
    column.sourceId === 6 ? { ...column, initial: INITIAL } : column,
  ),
};

/** What one change says, by source identity of the columns. */
interface Change {
  readonly operation: OperationCode;
  readonly key: readonly [number, string];
  readonly oldKey: readonly [number, string];
  readonly name: Value;
  readonly count: number | null | typeof UNKNOWN;
  readonly added: Value;
}

interface Piece {
  readonly version: number;
  readonly changes: readonly Change[];
}

function valueOf(change: Change, sourceId: number, type: ColumnType): Value {
  if (sourceId === 1) return type.kind === 'int64' ? BigInt(change.key[0]) : change.key[0];
  if (sourceId === 2) return change.key[1];
  const meaningless = change.operation === Operation.delete;
  if (sourceId === 3) return meaningless ? null : change.name;
  if (sourceId === 4) {
    if (meaningless) return null;
    return typeof change.count === 'number' && type.kind === 'int64' ? BigInt(change.count) : change.count;
  }
  return sourceId === 5 ? 'dropped' : meaningless ? null : change.added;
}

function batchOf(piece: Piece): Batch {
  const schema = VERSIONS[piece.version] as Schema;
  const builder = new ChangesBuilder(schema);
  for (const [row, change] of piece.changes.entries()) {
    for (const [index, column] of schema.columns.entries()) {
      appendValue(
        builder.columns[index] as ColumnBuilder,
        valueOf(change, column.sourceId as number, column.type),
      );
    }
    if (change.operation === Operation.move) {
      const [id, part] = builder.oldKey();
      appendValue(
        id as ColumnBuilder,
        id?.type.kind === 'int64' ? BigInt(change.oldKey[0]) : change.oldKey[0],
      );
      appendValue(part as ColumnBuilder, change.oldKey[1]);
    }
    builder.endChange(change.operation, BigInt(row), 0n, 0n);
  }
  return builder.finish();
}

/** A table: rows in the target's columns by key. Numbers that are written differently are one key. */
type Table = Map<string, Value[]>;

function nameOf(id: Value, part: Value): string {
  return `${String(id)} ${Number(part)}`;
}

/** The model: changes one by one, as the contract of `Operation` words it. */
function applyChanges(table: Table, pieces: readonly Piece[]): void {
  for (const piece of pieces) {
    const known = new Set((VERSIONS[piece.version] as Schema).columns.map((column) => column.sourceId));
    for (const change of piece.changes) {
      const key = nameOf(change.key[0], change.key[1]);
      const oldKey = nameOf(change.oldKey[0], change.oldKey[1]);
      if (change.operation === Operation.delete) {
        table.delete(key);
        continue;
      }
      const old = change.operation === Operation.move ? table.get(oldKey) : undefined;
      const present = old ?? table.get(key);
      const row = TARGET.columns.map(({ sourceId, type }, index) => {
        const value = known.has(sourceId) ? valueOf(change, sourceId as number, type) : INITIAL;
        return value === UNKNOWN ? (present?.[index] ?? null) : value;
      });
      if (change.operation === Operation.move) table.delete(oldKey);
      table.set(key, row);
    }
  }
}

/** A destination, as the contract of `MergeStep` words it. Says if a key has two effects between moves. */
function applySteps(table: Table, steps: readonly MergeStep[]): boolean {
  const touched = new Set<string>();
  let once = true;
  const touch = (key: string): void => {
    once &&= !touched.has(key);
    touched.add(key);
  };
  const put = (batch: Batch, row: number, unknown: readonly number[], present: Value[] | undefined): void => {
    const values = batch.columns.map((column, index) => {
      expect(isUnknown(column, row)).toBe(unknown.includes(index));
      return unknown.includes(index) ? (present?.[index] ?? null) : valueAt(column, row);
    });
    table.set(rowName(batch, row), values);
  };
  for (const step of steps) {
    if (step.kind === 'upsert') {
      for (let row = 0; row < step.batch.rows; row += 1) {
        touch(rowName(step.batch, row));
        put(step.batch, row, step.unknown, table.get(rowName(step.batch, row)));
      }
    } else if (step.kind === 'delete') {
      for (let row = 0; row < step.rows; row += 1) {
        touch(keyName(step.keys, row));
        table.delete(keyName(step.keys, row));
      }
    } else if (step.kind === 'move') {
      touched.clear();
      const old = table.get(keyName(step.oldKey, 0));
      table.delete(keyName(step.oldKey, 0));
      put(step.batch, 0, step.unknown, old ?? table.get(rowName(step.batch, 0)));
    }
  }
  return once;
}

function keyName(keys: readonly Column[], row: number): string {
  return nameOf(valueAt(keys[0] as Column, row), valueAt(keys[1] as Column, row));
}

function rowName(batch: Batch, row: number): string {
  return keyName(
    keyIndices(batch.schema).map((index) => batch.columns[index] as Column),
    row,
  );
}

const key = fc.tuple(fc.integer({ min: 0, max: 2 }), fc.constantFrom('1', '1.0', '1.00', '2'));
const change: fc.Arbitrary<Change> = fc.record({
  operation: fc.constantFrom(
    Operation.read,
    Operation.insert,
    Operation.update,
    Operation.update,
    Operation.move,
    Operation.move,
    Operation.delete,
  ),
  key,
  oldKey: key,
  name: fc.constantFrom('a', 'b', '', null, UNKNOWN, UNKNOWN),
  count: fc.constantFrom(1, -2, null, UNKNOWN),
  added: fc.constantFrom('x', null, UNKNOWN),
});
const pieces = fc
  .array(fc.record({ version: fc.constantFrom(0, 1, 2), changes: fc.array(change, { maxLength: 8 }) }), {
    maxLength: 4,
  })
  .map((list) => list.sort((a, b) => a.version - b.version));
const table: fc.Arbitrary<Table> = fc
  .array(fc.tuple(key, fc.constantFrom('p', null), fc.constantFrom(7n, null)), { maxLength: 6 })
  .map(
    (rows) =>
      new Map(
        rows.map(([[id, part], name, count]) => [nameOf(id, part), [part, name, 'q', BigInt(id), count]]),
      ),
  );

// Invariant 5
test('folded changes leave any table as the changes one by one do', () => {
  fc.assert(
    fc.property(table, pieces, fc.constantFrom('each' as const, 'latest' as const), (start, list, times) => {
      const expected = new Map(start);
      applyChanges(expected, list);
      const actual = new Map(start);
      const once = applySteps(actual, fold(list.map(batchOf), TARGET, times));
      expect(sorted(actual)).toEqual(sorted(expected));
      expect(once).toBe(true);
    }),
    { numRuns: 5000 },
  );
});

function sorted(rows: Table): [string, Value[]][] {
  return [...rows].sort(([a], [b]) => (a < b ? -1 : 1));
}

const plain: Change = {
  operation: Operation.update,
  key: [1, '1'],
  oldKey: [1, '1'],
  name: 'a',
  count: 1,
  added: null,
};

function kinds(...changes: Partial<Change>[]): string[] {
  const batch = batchOf({ version: 2, changes: changes.map((one) => ({ ...plain, ...one })) });
  return fold([batch], TARGET).map((step) => step.kind);
}

test('a key change with an unknown value takes it from the row before, without asking the destination if that is here', () => {
  expect(
    kinds({ key: [1, '1'] }, { operation: Operation.move, oldKey: [1, '1'], key: [2, '1'], name: UNKNOWN }),
  ).toEqual(['delete', 'upsert']);
  expect(kinds({ operation: Operation.move, oldKey: [1, '1'], key: [2, '1'], name: UNKNOWN })).toEqual([
    'move',
  ]);
  expect(
    kinds(
      { name: UNKNOWN },
      { operation: Operation.move, oldKey: [1, '1'], key: [2, '1'], name: UNKNOWN },
      {},
    ),
  ).toEqual(['upsert', 'move', 'upsert']);
});

test('rows that exchange their keys are written once each', () => {
  const move = (from: number, to: number): Partial<Change> => ({
    operation: Operation.move,
    oldKey: [from, '1'],
    key: [to, '1'],
    name: `was ${from}`,
  });
  expect(kinds(move(0, 9), move(1, 0), move(9, 1))).toEqual(['delete', 'upsert']);
});

test('a row written again after its deletion keeps nothing of the row before', () => {
  const steps = fold(
    [
      batchOf({
        version: 2,
        changes: [
          { ...plain, operation: Operation.delete },
          { ...plain, name: UNKNOWN },
        ],
      }),
    ],
    TARGET,
  );
  expect(steps.map((step) => step.kind)).toEqual(['upsert']);
  const [upsert] = steps as [Extract<MergeStep, { kind: 'upsert' }>];
  expect(upsert.unknown).toEqual([]);
  expect(valueAt(upsert.batch.columns[1] as Column, 0)).toBeNull();
});

test('soft deletes keep the commit time of each delete, hard ones need only one step', () => {
  const changes = [0, 1, 2].map((id): Change => ({ ...plain, operation: Operation.delete, key: [id, '1'] }));
  const batch = batchOf({ version: 2, changes });
  const times = (steps: MergeStep[]): bigint[] =>
    steps.flatMap((step) => (step.kind === 'delete' ? [step.committedAt] : []));
  expect(times(fold([batch], TARGET, 'each'))).toEqual([0n, 1n, 2n]);
  expect(times(fold([batch], TARGET, 'latest'))).toEqual([2n]);
});

const WIDE = version(
  1,
  [
    [1, 'id', int64],
    [2, 'name', text],
  ],
  ['id'],
);

function scanned(from: number, rows: number): Batch {
  const ids = Array.from({ length: rows }, (_, index) => BigInt(from + index));
  const columns = [
    columnOf(int64, ids),
    columnOf(
      text,
      ids.map((id) => `name ${id}`),
    ),
  ];
  return { schema: WIDE, rows, columns, changes: undefined };
}

test('a large batch of distinct rows passes through without being copied', () => {
  const batch = scanned(0, 10_000);
  const [step, ...rest] = fold([batch], WIDE) as [Extract<MergeStep, { kind: 'upsert' }>];
  expect(rest).toEqual([]);
  expect(step.batch.columns[0]?.values).toBe(batch.columns[0]?.values);
});

test('a large batch that a later change touches is copied without the row that lost', () => {
  const steps = fold([scanned(0, 10_000), scanned(5, 1)], WIDE);
  const ids = steps.flatMap((step) =>
    step.kind === 'upsert'
      ? Array.from({ length: step.batch.rows }, (_, row) => valueAt(step.batch.columns[0] as Column, row))
      : [],
  );
  expect(ids.length).toBe(10_000);
  expect(new Set(ids).size).toBe(10_000);
});

test('a large batch that leaves the same column out in all rows passes through, but for the row that is known', () => {
  const known = scanned(7, 1);
  const whole = scanned(0, 10_000);
  const names = columnOf(
    text,
    Array.from({ length: 10_000 }, () => UNKNOWN),
  );
  const masked: Batch = { ...whole, columns: [whole.columns[0] as Column, names] };
  const alone = fold([masked], WIDE) as Extract<MergeStep, { kind: 'upsert' }>[];
  expect(alone.map((step) => [step.batch.rows, step.unknown])).toEqual([[10_000, [1]]]);
  expect(alone[0]?.batch.columns[1]).toBe(names);
  const both = fold([known, masked], WIDE) as Extract<MergeStep, { kind: 'upsert' }>[];
  const rows = both.map((step) => [step.batch.rows, step.unknown] as const);
  expect(rows.sort(([a], [b]) => a - b)).toEqual([
    [1, []],
    [9_999, [1]],
  ]);
  const complete = both.find((step) => step.batch.rows === 1) as Extract<MergeStep, { kind: 'upsert' }>;
  expect(complete.batch.columns.map((column) => valueAt(column, 0))).toEqual([7n, 'name 7']);
});

test('many small batches become one statement', () => {
  const steps = fold(
    Array.from({ length: 50 }, (_, index) => scanned(index * 3, 3)),
    WIDE,
  );
  expect(steps.map((step) => (step.kind === 'upsert' ? step.batch.rows : 0))).toEqual([150]);
});

test('nothing comes of nothing', () => {
  expect(fold([], WIDE)).toEqual([]);
  expect(fold([new BatchBuilder(WIDE).finish()], WIDE)).toEqual([]);
});

const KEYLESS = version(
  1,
  [
    [1, 'n', decimal],
    [2, 's', text],
  ],
  [],
);
const row = fc.tuple(fc.constantFrom('1', '1.0', null), fc.constantFrom('', null, 'a'));

test('rows without a key are added and removed as often as the changes say', () => {
  const changes = fc.array(fc.array(fc.tuple(fc.boolean(), row), { maxLength: 8 }), { maxLength: 3 });
  fc.assert(
    fc.property(fc.array(row, { maxLength: 6 }), changes, (start, list) => {
      const expected = start.map(bagName);
      for (const [add, values] of list.flat()) {
        if (add) expected.push(bagName(values));
        else remove(expected, bagName(values));
      }
      const batches = list.map((piece) => {
        const builder = new ChangesBuilder(KEYLESS);
        for (const [add, values] of piece) {
          values.forEach((value, index) => appendValue(builder.columns[index] as ColumnBuilder, value));
          builder.endChange(add ? Operation.insert : Operation.delete, 0n, 0n, 0n);
        }
        return builder.finish();
      });
      const actual = start.map(bagName);
      for (const step of fold(batches, KEYLESS)) {
        const { batch } = step as Extract<MergeStep, { kind: 'append' | 'remove' }>;
        for (let index = 0; index < batch.rows; index += 1) {
          const name = bagName(batch.columns.map((column) => valueAt(column, index)));
          if (step.kind === 'append') actual.push(name);
          else remove(actual, name);
        }
      }
      expect(actual.sort()).toEqual(expected.sort());
    }),
    { numRuns: 2000 },
  );
});

/** As the source compares rows: numbers by value. */
function bagName(values: readonly Value[]): string {
  return JSON.stringify([values[0] === null ? null : Number(values[0]), values[1]]);
}

function remove(bag: string[], name: string): void {
  const at = bag.indexOf(name);
  if (at >= 0) bag.splice(at, 1);
}

test('of rows that are equal but written differently, the one that was meant is taken back', () => {
  const builder = new ChangesBuilder(KEYLESS);
  for (const [number, operation] of [
    ['1.0', Operation.insert],
    ['1.00', Operation.insert],
    ['1.0', Operation.delete],
  ] as const) {
    appendValue(builder.columns[0] as ColumnBuilder, number);
    appendValue(builder.columns[1] as ColumnBuilder, 'a');
    builder.endChange(operation, 0n, 0n, 0n);
  }
  const [step] = fold([builder.finish()], KEYLESS) as [Extract<MergeStep, { kind: 'append' }>];
  expect(step.kind).toBe('append');
  expect(valueAt(step.batch.columns[0] as Column, 0)).toBe('1.00');
});
