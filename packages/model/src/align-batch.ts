import type { Batch, Changes } from './batch.ts';
import type { Column } from './column.ts';
import { ColumnBuilder } from './column.ts';
import type { ColumnType } from './column-type.ts';
import { widthOf } from './column-type.ts';
import { Problem, assert } from './problem.ts';
import type { ColumnDefinition, Schema } from './schema.ts';
import { matchColumns, widensTo } from './schema-lattice.ts';
import { appendText } from './value-from-text.ts';
import { widenColumn } from './widen-column.ts';

/**
 * The same rows with the columns of another version of their schema: renamed ones follow their identity, narrower ones
 * are widened, dropped ones go. Columns the batch's version did not have yet hold their `initial` value, else null (never
 * unknown): a row written before the column existed has no other value in it. Shares memory wherever layouts agree.
 *
 * Throws `BRM-SCHEMA-INCOMPATIBLE` where a column's values are not exact in its new type. (Invariant 6)
 */
export function alignBatch(batch: Batch, schema: Schema): Batch {
  if (batch.schema === schema) return batch;
  const matches = matchColumns(batch.schema, schema);
  const columns = schema.columns.map((definition, index) => {
    const column = batch.columns[matches[index] as number];
    if (column === undefined) return initialColumn(definition, batch.rows);
    return widen(column, definition.type, batch.rows, definition.name);
  });
  const { changes } = batch;
  return {
    schema,
    rows: batch.rows,
    columns,
    changes: changes && alignOldKey(batch, changes, schema, matches),
  };
}

function alignOldKey(batch: Batch, changes: Changes, schema: Schema, matches: readonly number[]): Changes {
  const { oldKey } = changes;
  if (oldKey === undefined) return changes;
  const aligned = schema.key.map((name) => {
    const index = schema.columns.findIndex((column) => column.name === name);
    const before = batch.schema.columns[matches[index] as number]?.name;
    const column = oldKey[batch.schema.key.indexOf(before ?? '')];
    assert(column !== undefined, `${name} was part of the key in version ${batch.schema.version}`);
    return widen(column, (schema.columns[index] as Schema['columns'][number]).type, batch.rows, name);
  });
  return { ...changes, oldKey: aligned };
}

function widen(column: Column, type: ColumnType, rows: number, name: string): Column {
  if (widensTo(column.type, type)) return widenColumn(column, type, rows);
  // A decimal's limits bind what its source writes from then on; what it wrote before is carried as it is.
  if (column.type.kind === 'decimal' && type.kind === 'decimal') return { ...column, type };
  // Invariant 6
  throw new Problem(
    'BRM-SCHEMA-INCOMPATIBLE',
    `values of column ${name} were ${column.type.kind} and are not all exact as ${type.kind}`,
    { remedy: 'Reset the collection: its next generation begins with the new type.', at: { column: name } },
  );
}

/** What rows hold that were written before the column existed. */
function initialColumn({ name, type, initial }: ColumnDefinition, rows: number): Column {
  if (initial === undefined) return nullColumn(type, rows);
  const one = new ColumnBuilder(type);
  try {
    appendText(one, initial);
  } catch (cause) {
    throw new Problem(
      'BRM-VALUE-TEXT',
      `the default of column ${name} is not understood: ${(cause as Error).message}`,
      {
        remedy: 'Reset the collection: its rows are then read with the column in them.',
        at: { column: name },
        cause,
      },
    );
  }
  const value = one.finish();
  const column = new ColumnBuilder(type);
  for (let row = 0; row < rows; row += 1) column.appendFrom(value, 0);
  return column.finish();
}

/** A column of nulls. */
export function nullColumn(type: ColumnType, rows: number): Column {
  const width = widthOf(type);
  const bitmapBytes = (rows + 7) >> 3;
  return {
    type,
    values: new Uint8Array(width === 0 ? 0 : width === 'bit' ? bitmapBytes : rows * width),
    offsets: width === 0 ? new Int32Array(rows + 1) : undefined,
    validity: new Uint8Array(bitmapBytes),
    unknown: undefined,
  };
}
