import { DELETED_AT_COLUMN } from '@brimful/connector';
import type { ColumnType } from '@brimful/model';

/** A column of the table that Brimful made. Columns are never dropped: one whose source is gone is no longer `live`. */
export interface HeldColumn {
  /** The collection's name for it. */
  collected: string;
  /** In the table: another name only where DuckDB could not tell two apart. */
  name: string;
  /** What the table's column holds: the collection's type, or a wider one it had before. */
  type: ColumnType;
  live: boolean;
  /** NOT NULL is set in the table. */
  notNull: boolean;
  /** Literal of the value that rows written before the column existed hold. */
  readonly initial: string;
}

/** Columns by the collection's names, as of one version of its schema. */
export type View = ReadonlyMap<string, HeldColumn>;

export function viewOf(columns: readonly HeldColumn[]): View {
  return new Map(columns.filter((column) => column.live).map((column) => [column.collected, column]));
}

/** `rowid` is DuckDB's own name for a row's address, which a column of that name would hide. */
const RESERVED = ['rowid', DELETED_AT_COLUMN];

/** The wanted name, made different from all others: DuckDB does not tell upper from lower case. */
export function freeName(wanted: string, taken: readonly string[]): string {
  const used = new Set([...taken, ...RESERVED].map((name) => name.toLowerCase()));
  if (!used.has(wanted.toLowerCase())) return wanted;
  let suffix = 1;
  while (used.has(`${wanted}_${suffix}`.toLowerCase())) suffix += 1;
  return `${wanted}_${suffix}`;
}
