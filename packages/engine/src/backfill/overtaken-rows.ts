import type { Batch, RowKey } from '@brimful/model';

/** Columns of an overtaken row that its chunk must still supply; empty: the row is of no use any more. */
export type LeftOut = ReadonlySet<string>;

/** What the stream did to a row after the chunk's snapshot. */
export interface Remedy {
  readonly columns: LeftOut;
  /** Where the row is now, if its key has changed: one row whose key columns say it. */
  readonly movedTo: Batch | undefined;
}

/** One recorded change of one row, as far as the handoff is concerned. */
export interface RecordedChange {
  /** The row's key after the change; for a delete the one it had. */
  readonly key: RowKey;
  /** What an update or a move left out; undefined after an insert or a delete, which leave nothing of the row before. */
  readonly leftOut: LeftOut | undefined;
  /** A move: the key before, and a batch of the one row with the key after. */
  readonly move: { readonly oldKey: RowKey; readonly moved: Batch } | undefined;
}

const NOTHING: LeftOut = new Set();

/** A row as the snapshot has it, followed through changes. Undefined columns: nothing has left anything out yet. */
interface Followed {
  columns: LeftOut | undefined;
  movedTo: Batch | undefined;
}

/**
 * Follows the rows of a snapshot through the changes it did not see, in commit order: which of them are overtaken, what
 * every change left out, and where they went.
 */
export class OvertakenRows {
  /** By the key the row has in the snapshot. */
  readonly #rows = new Map<RowKey, Followed>();
  /** By the key the row has now. */
  readonly #now = new Map<RowKey, Followed>();

  follow({ key, leftOut, move }: RecordedChange): void {
    if (leftOut === undefined) return this.#end(key);
    if (move === undefined) {
      const row = this.#at(key);
      if (row !== undefined) row.columns = both(row.columns, leftOut);
      return;
    }
    const row = this.#at(move.oldKey);
    // Whatever the snapshot has under the new key had gone before the row could move there.
    this.#end(key);
    this.#now.delete(move.oldKey);
    if (row === undefined) return;
    row.columns = both(row.columns, leftOut);
    row.movedTo = move.moved;
    this.#now.set(key, row);
  }

  remedies(): ReadonlyMap<RowKey, Remedy> {
    const remedies = new Map<RowKey, Remedy>();
    for (const [key, { columns, movedTo }] of this.#rows)
      remedies.set(key, { columns: columns ?? NOTHING, movedTo });
    return remedies;
  }

  /** The snapshot's row that now has this key; undefined when what has it now is younger than the snapshot. */
  #at(key: RowKey): Followed | undefined {
    const now = this.#now.get(key);
    if (now !== undefined || this.#rows.has(key)) return now;
    const row: Followed = { columns: undefined, movedTo: undefined };
    this.#rows.set(key, row);
    this.#now.set(key, row);
    return row;
  }

  /** The row under this key is gone, or replaced by a new one. */
  #end(key: RowKey): void {
    const row = this.#at(key);
    if (row === undefined) return;
    row.columns = NOTHING;
    this.#now.delete(key);
  }
}

function both(a: LeftOut | undefined, b: LeftOut): LeftOut {
  if (a === undefined || a === b) return b;
  return a.size === 0 || b.size === 0 ? NOTHING : new Set([...a].filter((name) => b.has(name)));
}
