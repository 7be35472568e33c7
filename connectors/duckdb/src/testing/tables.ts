import type { TableRequest } from '@brimful/connector';
import type { Batch, Column, ColumnDefinition, ColumnType, Schema } from '@brimful/model';
import { keyIndices } from '@brimful/model';
import type { Value } from '@brimful/model/testing';
import { columnOf } from '@brimful/model/testing';

export function definition(
  name: string,
  type: ColumnType,
  more: Partial<ColumnDefinition> = {},
): ColumnDefinition {
  return { name, type, nullable: true, sourceType: type.kind, ...more };
}

export function schemaOf(columns: readonly ColumnDefinition[], key: readonly string[], version = 1): Schema {
  return { version, columns, key };
}

export function requestFor(table: string, schema: Schema, more: Partial<TableRequest> = {}): TableRequest {
  return {
    id: { materialization: 'shop/warehouse', table, generation: 1 },
    collection: `shop/${table}`,
    schema,
    deletes: 'hard',
    adopt: false,
    ...more,
  };
}

export function batchOf(schema: Schema, rows: readonly (readonly Value[])[]): Batch {
  const columns = schema.columns.map(({ type }, index) =>
    columnOf(
      type,
      rows.map((row) => row[index] ?? null),
    ),
  );
  return { schema, rows: rows.length, columns, changes: undefined };
}

/** Columns in key order. */
export function keysOf(schema: Schema, keys: readonly (readonly Value[])[]): Column[] {
  return keyIndices(schema).map((index, place) =>
    columnOf(
      (schema.columns[index] as ColumnDefinition).type,
      keys.map((key) => key[place] ?? null),
    ),
  );
}
