import type { ColumnDefinition, ColumnType, Schema } from '@brimful/model';
import { assert, Problem } from '@brimful/model';
import { DELETED_AT_COLUMN } from '@brimful/connector';

import { destinationColumnType, nativeType } from '../types/destination-type.ts';

/** One column of a destination table that Brimful writes. */
export interface TableColumn {
  readonly name: string;
  /** What it holds: the source column's type or a wider one. */
  readonly type: ColumnType;
  /** The source promises a value in every row. Not so here before all history is in. */
  readonly promised: boolean;
  /** The table has the constraint. */
  readonly notNull: boolean;
  readonly sourceId: number | undefined;
  /** False: the source has dropped it. It stays, and is null in rows written since. */
  readonly present: boolean;
}

/** What a destination table looks like, as far as Brimful writes it. Immutable. */
export interface TableShape {
  readonly columns: readonly TableColumn[];
  /** Names of key columns, in key order. Empty: no key. */
  readonly key: readonly string[];
}

/** Postgres cuts longer names silently. */
const NAME_LIMIT_BYTES = 63;

export function shapeOf(schema: Schema, table: string): TableShape {
  assertName(table, 'table', table);
  for (const { name } of schema.columns) {
    assertName(name, 'column', table);
    if (name === DELETED_AT_COLUMN) {
      throw new Problem(
        'BRM-PG-NAME',
        `Column ${name} of ${table} has the name that Brimful needs for itself.`,
        {
          remedy: 'Rename the column at the source, or leave it out of the collection.',
          at: { table, column: name },
        },
      );
    }
  }
  return { columns: schema.columns.map((column) => columnOf(column)), key: schema.key };
}

export function columnOf(definition: ColumnDefinition): TableColumn {
  return {
    name: definition.name,
    type: destinationColumnType(definition),
    promised: !definition.nullable,
    notNull: false,
    sourceId: definition.sourceId,
    present: true,
  };
}

/** Throws when Postgres would not keep the name as it is. */
export function assertName(name: string, what: string, table: string): void {
  const bytes = Buffer.byteLength(name);
  if (bytes > 0 && bytes <= NAME_LIMIT_BYTES && !name.includes('\0')) return;
  throw new Problem(
    'BRM-PG-NAME',
    `Postgres cannot name a ${what} "${name}": it has ${bytes} bytes, the limit is ${NAME_LIMIT_BYTES}.`,
    {
      remedy: `Choose a shorter ${what} name in the binding.`,
      at: { table, [what]: name },
    },
  );
}

/** The SQL type of a column. */
export function sqlType(column: TableColumn): string {
  return nativeType(column.type);
}

/** For each column of `schema`, its column in the table: by the source's identity if both know it, else by name. */
export function matchColumns(shape: TableShape, schema: Schema): TableColumn[] {
  return schema.columns.map((definition) => {
    const column = findColumn(shape, definition);
    assert(
      column !== undefined,
      `the table has a column for ${definition.name}: it must evolve before rows of this shape come`,
    );
    return column;
  });
}

export function findColumn(shape: TableShape, definition: ColumnDefinition): TableColumn | undefined {
  const { sourceId } = definition;
  if (sourceId !== undefined) {
    const same = shape.columns.find((column) => column.sourceId === sourceId);
    if (same !== undefined) return same;
  }
  return shape.columns.find(
    (column) =>
      column.present &&
      column.name === definition.name &&
      (sourceId === undefined || column.sourceId === undefined),
  );
}

export function keyColumns(shape: TableShape): TableColumn[] {
  return shape.key.map((name) => {
    const column = shape.columns.find((candidate) => candidate.name === name && candidate.present);
    assert(column !== undefined, `the key's column ${name} is in the table`);
    return column;
  });
}
