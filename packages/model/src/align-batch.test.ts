import { expect, test } from 'vitest';
import { alignBatch } from './align-batch.ts';
import type { Batch } from './batch.ts';
import { ChangesBuilder, Operation } from './batch.ts';
import type { Column, ColumnBuilder } from './column.ts';
import type { ColumnType } from './column-type.ts';
import type { ColumnDefinition, Schema } from './schema.ts';
import { appendValue, columnOf, valueAt } from './testing/values.ts';

const int32: ColumnType = { kind: 'int32' };
const int64: ColumnType = { kind: 'int64' };
const text: ColumnType = { kind: 'text' };

function column(sourceId: number, name: string, type: ColumnType, initial?: string): ColumnDefinition {
  const base = { sourceId, name, type, nullable: true, sourceType: type.kind };
  return initial === undefined ? base : { ...base, initial };
}

const before: Schema = {
  version: 1,
  columns: [column(1, 'id', int32), column(2, 'name', text)],
  key: ['id'],
};

function scanned(): Batch {
  return {
    schema: before,
    rows: 2,
    columns: [columnOf(int32, [1, 2]), columnOf(text, ['a', null])],
    changes: undefined,
  };
}

function rowsOf(batch: Batch): unknown[][] {
  return Array.from({ length: batch.rows }, (_, row) => batch.columns.map((one) => valueAt(one, row)));
}

test('columns follow their identity, and share memory where nothing changed', () => {
  const after: Schema = {
    version: 2,
    columns: [column(2, 'title', text), column(1, 'id', int64)],
    key: ['id'],
  };
  const batch = scanned();
  const aligned = alignBatch(batch, after);
  expect(rowsOf(aligned)).toEqual([
    ['a', 1n],
    [null, 2n],
  ]);
  expect(aligned.columns[0]).toBe(batch.columns[1]);
  expect(alignBatch(batch, before)).toBe(batch);
});

test('a row from before a column was added holds its constant default, which no later change would bring', () => {
  const added = [
    column(3, 'n', { kind: 'decimal' }, '5.00'),
    column(4, 'f', { kind: 'boolean' }, 't'),
    column(5, 'z', text),
  ];
  const after: Schema = { version: 2, columns: [...before.columns, ...added], key: ['id'] };
  expect(rowsOf(alignBatch(scanned(), after))).toEqual([
    [1, 'a', '5.00', true, null],
    [2, null, '5.00', true, null],
  ]);
});

test('a default that is not understood stops the table and names the column', () => {
  const after: Schema = {
    version: 2,
    columns: [...before.columns, column(3, 'n', int32, 'many')],
    key: ['id'],
  };
  expect(() => alignBatch(scanned(), after)).toThrow(/default of column n/u);
});

// Invariant 6
test('values that are not exact in the new type stop the table', () => {
  const after: Schema = {
    version: 2,
    columns: [column(1, 'id', text), column(2, 'name', text)],
    key: ['id'],
  };
  expect(() => alignBatch(scanned(), after)).toThrow(
    expect.objectContaining({ code: 'BRM-SCHEMA-INCOMPATIBLE', at: { column: 'id' } }),
  );
});

test('old keys are renamed, widened and put in the new order of the key with the rest', () => {
  const composite: Schema = { ...before, key: ['id', 'name'] };
  const builder = new ChangesBuilder(composite);
  const [id, name] = builder.oldKey();
  appendValue(id as ColumnBuilder, 1);
  appendValue(name as ColumnBuilder, 'old');
  appendValue(builder.columns[0] as ColumnBuilder, 2);
  appendValue(builder.columns[1] as ColumnBuilder, 'new');
  builder.endChange(Operation.move, 0n, 0n, 0n);
  const after: Schema = {
    version: 2,
    columns: [column(1, 'id', int64), column(2, 'title', text)],
    key: ['title', 'id'],
  };
  const { changes } = alignBatch(builder.finish(), after);
  expect(changes?.oldKey?.map((one: Column) => valueAt(one, 0))).toEqual(['old', 1n]);
});
