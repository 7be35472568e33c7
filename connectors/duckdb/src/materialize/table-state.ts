import type { Schema } from '@brimful/model';
import { relationName } from '../database/database-file.ts';
import { initialValue } from '../types/initial-value.ts';
import type { HeldColumn } from './held-column.ts';
import { freeName } from './held-column.ts';

/** `loading`: rows are appended. `indexed`: history is replayed. `settled`: complete. `replaced`: a newer generation took its place. */
export type Phase = 'loading' | 'indexed' | 'settled' | 'replaced';

/** What Brimful knows about one of its tables. Plain data: kept in the file next to the table. */
export interface TableState {
  readonly databaseSchema: string;
  /** The table's present name. A generation that is built beside a live one has a name of its own until it is settled. */
  table: string;
  phase: Phase;
  schema: Schema;
  readonly columns: HeldColumn[];
  readonly adopted: boolean;
  readonly soft: boolean;
  /** Keys noted while loading. */
  touched: Touched | undefined;
}

export interface Touched {
  /** Table of the noted keys, with columns `k0`, `k1`, … */
  readonly table: string;
  /** SQL types of its columns. */
  types: readonly string[];
  /** The key itself changed meanwhile: look for copies everywhere. */
  everything: boolean;
}

export function relationOf(state: TableState): string {
  return relationName(state.databaseSchema, state.table);
}

/** Columns for a new table. */
export function newColumns(schema: Schema): HeldColumn[] {
  const columns: HeldColumn[] = [];
  for (const definition of schema.columns) {
    const name = freeName(
      definition.name,
      columns.map((column) => column.name),
    );
    columns.push({
      collected: definition.name,
      name,
      type: definition.type,
      live: true,
      notNull: false,
      initial: initialValue(definition),
    });
  }
  return columns;
}
