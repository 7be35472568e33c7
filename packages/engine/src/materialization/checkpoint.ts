import type { Offset } from '@brimful/store';

/** What a destination table holds of its collection. Kept by the destination, in the transaction that makes it true. */
export interface TableCheckpoint {
  readonly phase: TablePhase;
  /** The next entry to take. */
  readonly offset: Offset;
  /** Where the second pass begins: 0, or after the last truncation. */
  readonly loadFrom: Offset;
  /** The `complete` entry at which the first pass ended. */
  readonly completeAt: Offset | null;
  /** Set while a base is loaded: `offset` is then the base's own. What the journal brought from `asOf` on follows after it. */
  readonly base?: { readonly journal: string; readonly asOf: Offset } | null;
  /** Schema version of the table. */
  readonly schema: number;
  readonly rows: number;
  readonly bytes: number;
}

/** Undefined unless a base is being loaded. */
export function baseOf(checkpoint: TableCheckpoint): NonNullable<TableCheckpoint['base']> | undefined {
  return checkpoint.base ?? undefined;
}

/**
 * `loading`: pass 1, scanned rows go in without an index. `replaying`: pass 2, every change in order from `loadFrom` on.
 * `live`: the table is complete and follows the journal.
 */
export type TablePhase = 'loading' | 'replaying' | 'live';

export const NEW_TABLE: TableCheckpoint = {
  phase: 'loading',
  offset: 0,
  loadFrom: 0,
  completeAt: null,
  schema: 0,
  rows: 0,
  bytes: 0,
};
