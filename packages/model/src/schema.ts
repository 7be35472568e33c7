import type { ColumnType } from './column-type.ts';

/** One column of a collection. */
export interface ColumnDefinition {
  readonly name: string;
  readonly type: ColumnType;
  /** False only where the source promises it. */
  readonly nullable: boolean;
  /** The type as the source spells it, e.g. `numeric(12,2)`, `public.mood`, `text[]`. */
  readonly sourceType: string;
  /** The source's own stable identity of the column (Postgres: attnum). Tells a rename from a drop and an add. */
  readonly sourceId?: number;
  /**
   * The text of the value that rows written before this column existed hold, where the source knows it without
   * rewriting them (Postgres: `ADD COLUMN … DEFAULT constant`). Absent: they hold null.
   */
  readonly initial?: string;
}

/** The shape of a collection's rows. Versions count up from 1 within a generation. */
export interface Schema {
  readonly version: number;
  readonly columns: readonly ColumnDefinition[];
  /**
   * Names of the columns that identify a row, in the source's index order. Empty: the collection has no key. Its
   * rows are then told apart only by all their values: a delete removes one row that equals it.
   */
  readonly key: readonly string[];
}

/** A schema in a collection's history. */
export interface RegisteredSchema extends Schema {
  /** Milliseconds since 1970 when a row of this shape was first seen. Absent: noted before times were. */
  readonly registeredAt?: number;
}

/** Indices of the key's columns in `schema.columns`. */
export function keyIndices(schema: Schema): number[] {
  return schema.key.map((name) => schema.columns.findIndex((column) => column.name === name));
}
