import type { Snapshot } from '@brimful/connector';
import type { Batch, Column, RowKey, Schema } from '@brimful/model';
import { Operation, hasBit, keyListReader, keyReader } from '@brimful/model';
import type { LeftOut, RecordedChange, Remedy } from './overtaken-rows.ts';
import { OvertakenRows } from './overtaken-rows.ts';
import { changeAt } from './remedy.ts';

/**
 * The handoff: how a chunk that was read beside the stream joins the journal without ever overwriting newer data.
 * Pure. SPEC.md in this folder states the rules and the counter-examples behind them.
 *
 * While a table is backfilled, every streamed change is recorded here before it is journaled. When a chunk closes, the
 * journal holds changes that the chunk's snapshot did not see. Rows with such a key are *overtaken*: the chunk's value is
 * older than what the journal already says, so it may only supply what all those changes left out (unchanged TOAST).
 */

/** What a chunk's rows are up against. */
export type Overtaken =
  /** The snapshot misses something that cannot be mended row by row: read the chunk again. */
  | { readonly kind: 'discard'; readonly reason: 'truncated' | 'forgotten' }
  | { readonly kind: 'rows'; readonly remedies: ReadonlyMap<RowKey, Remedy> };

/** An open chunk. `base` is a snapshot older than the chunk's own: what it sees, the chunk's sees. */
export interface OpenChunk {
  readonly base: Snapshot | undefined;
}

/** The keys of changes that were recorded since somebody began to watch. Undefined: there were too many to keep. */
export interface ChangedKeys {
  keys: Set<RowKey> | undefined;
}

/** About 60 MB of keys at the worst; beyond it open chunks are read again rather than the stream held up. */
export const RECORDED_CHANGES_LIMIT = 500_000;

/** Above it, transactions are no longer told apart: chunks wait until all up to the newest have ended. */
export const FORGOTTEN_TRANSACTIONS_LIMIT = 100_000;

const NOTHING_LEFT_OUT: LeftOut = new Set();

export class Recorder {
  readonly #limit: number;
  #keys: RowKey[] = [];
  #transactions: bigint[] = [];
  /** What each change left out; undefined: an insert or a delete. */
  #leftOut: (LeftOut | undefined)[] = [];
  #moves: RecordedChange['move'][] = [];
  #truncates: bigint[] = [];
  /** Transactions whose changes are journaled but no longer recorded: a chunk must see them all. */
  #forgotten = new Set<bigint>();
  /** The same for all transactions up to this one: what the set is boiled down to when it grows. */
  #forgottenUpTo: bigint | undefined;
  #latest: Snapshot | undefined;
  readonly #open = new Set<OpenChunk>();
  readonly #watching = new Set<ChangedKeys>();

  constructor(limit = RECORDED_CHANGES_LIMIT) {
    this.#limit = limit;
  }

  get size(): number {
    return this.#keys.length;
  }

  /** Records a batch of changes. Must happen before, or in one turn with, its append to the journal. */
  record(batch: Batch): void {
    const { changes } = batch;
    if (changes === undefined || batch.schema.key.length === 0) return;
    const read = keyReader(batch.schema);
    const readOld = keyListReader(batch.schema);
    const leftOut = leftOutReader(batch);
    for (let row = 0; row < batch.rows; row += 1) {
      const operation = changes.operations[row];
      const transaction = changes.transactions[row] as bigint;
      const key = read(batch.columns, row);
      if (operation === Operation.update) {
        this.#add(transaction, key, leftOut(row), undefined);
      } else if (operation === Operation.move && changes.oldKey !== undefined) {
        const oldKey = readOld(changes.oldKey, row);
        const left = leftOut(row);
        // A move that says everything needs nothing of the row before.
        if (left.size === 0) this.#add(transaction, oldKey, undefined, undefined);
        const move = left.size === 0 ? undefined : { oldKey, moved: changeAt(batch, row) };
        this.#add(transaction, key, move && left, move);
      } else {
        this.#add(transaction, key, undefined, undefined);
      }
    }
  }

  recordTruncate(transaction: bigint): void {
    this.#truncates.push(transaction);
  }

  /** Notes changes of a table whose turn to be read has not come: only that chunks must see them. */
  note(batch: Batch): void {
    let last: bigint | undefined;
    for (const transaction of batch.changes?.transactions ?? []) {
      if (transaction === last) continue;
      this.#forgetTransaction(transaction);
      last = transaction;
    }
  }

  /** Collects the keys of changes from now on, until `unwatch`. */
  watch(): ChangedKeys {
    const changed: ChangedKeys = { keys: new Set() };
    this.#watching.add(changed);
    return changed;
  }

  unwatch(changed: ChangedKeys): void {
    this.#watching.delete(changed);
  }

  /** Call before the chunk's read begins. */
  open(): OpenChunk {
    const chunk: OpenChunk = { base: this.#latest };
    this.#open.add(chunk);
    return chunk;
  }

  /** What was journaled that `snapshot` does not see. Call in the journal's turn in which the chunk is appended. */
  overtaken(snapshot: Snapshot): Overtaken {
    if (this.#forgottenUpTo !== undefined && !snapshot.seesAllUpTo(this.#forgottenUpTo)) {
      return { kind: 'discard', reason: 'forgotten' };
    }
    for (const transaction of this.#forgotten) {
      if (!snapshot.sees(transaction)) return { kind: 'discard', reason: 'forgotten' };
    }
    if (this.#truncates.some((transaction) => !snapshot.sees(transaction)))
      return { kind: 'discard', reason: 'truncated' };
    const rows = new OvertakenRows();
    this.#keys.forEach((key, index) => {
      if (snapshot.sees(this.#transactions[index] as bigint)) return;
      rows.follow({ key, leftOut: this.#leftOut[index], move: this.#moves[index] });
    });
    return { kind: 'rows', remedies: rows.remedies() };
  }

  /** The chunk was appended or given up. Its snapshot, where it got one, lets older records go. */
  close(chunk: OpenChunk, snapshot?: Snapshot): void {
    this.#open.delete(chunk);
    if (snapshot !== undefined) this.#latest = snapshot;
    // What the oldest open chunk's base sees, every open and every future chunk sees.
    const floor = this.#open.size === 0 ? this.#latest : [...this.#open].at(0)?.base;
    if (floor !== undefined) this.#prune(floor);
  }

  /** Forgets the records but not that they were: later chunks must see these transactions. */
  forget(): void {
    for (const transaction of this.#transactions) this.#forgetTransaction(transaction);
    for (const transaction of this.#truncates) this.#forgetTransaction(transaction);
    this.#keys = [];
    this.#transactions = [];
    this.#leftOut = [];
    this.#moves = [];
    this.#truncates = [];
  }

  #forgetTransaction(transaction: bigint): void {
    if (this.#forgotten.size >= FORGOTTEN_TRANSACTIONS_LIMIT) {
      let newest = this.#forgottenUpTo ?? 0n;
      for (const known of this.#forgotten) if (known > newest) newest = known;
      this.#forgottenUpTo = newest;
      this.#forgotten.clear();
    }
    this.#forgotten.add(transaction);
  }

  #add(transaction: bigint, key: RowKey, leftOut: LeftOut | undefined, move: RecordedChange['move']): void {
    if (this.#keys.length >= this.#limit) this.forget();
    for (const changed of this.#watching) {
      changed.keys?.add(key);
      if (move !== undefined) changed.keys?.add(move.oldKey);
      if ((changed.keys?.size ?? 0) > this.#limit) changed.keys = undefined;
    }
    this.#transactions.push(transaction);
    this.#keys.push(key);
    this.#leftOut.push(leftOut);
    this.#moves.push(move);
  }

  #prune(floor: Snapshot): void {
    const kept = this.#transactions.flatMap((transaction, index) => (floor.sees(transaction) ? [] : [index]));
    if (kept.length < this.#keys.length) {
      this.#keys = kept.map((index) => this.#keys[index] as RowKey);
      this.#transactions = kept.map((index) => this.#transactions[index] as bigint);
      this.#leftOut = kept.map((index) => this.#leftOut[index]);
      this.#moves = kept.map((index) => this.#moves[index]);
    }
    this.#truncates = this.#truncates.filter((transaction) => !floor.sees(transaction));
    if (this.#forgottenUpTo !== undefined && floor.seesAllUpTo(this.#forgottenUpTo))
      this.#forgottenUpTo = undefined;
    for (const transaction of this.#forgotten)
      if (floor.sees(transaction)) this.#forgotten.delete(transaction);
  }
}

/** One segment of a chunk, matched against what overtook it. Row numbers ascend. */
export interface Reconciled {
  /** Rows that must not be journaled as read. */
  readonly dropped: readonly number[];
  /** Of those, the rows that still supply columns. */
  readonly remedied: readonly { readonly row: number; readonly remedy: Remedy }[];
}

/** `keys`: the segment's key columns in key order. */
export function reconcile(
  schema: Schema,
  keys: readonly Column[],
  rows: number,
  remedies: ReadonlyMap<RowKey, Remedy>,
): Reconciled {
  const dropped: number[] = [];
  const remedied: { row: number; remedy: Remedy }[] = [];
  if (remedies.size === 0) return { dropped, remedied };
  const read = keyListReader(schema);
  for (let row = 0; row < rows; row += 1) {
    const remedy = remedies.get(read(keys, row));
    if (remedy === undefined) continue;
    dropped.push(row);
    if (remedy.columns.size > 0) remedied.push({ row, remedy });
  }
  return { dropped, remedied };
}

/**
 * Of keys that were looked up: the rows of those that the source no longer has. A key that is among the chunk's rows is
 * there; one that the stream overtook is the stream's to decide. (Invariant 5)
 */
export function missingRows(
  schema: Schema,
  asked: { readonly keys: readonly Column[]; readonly rows: number },
  found: readonly { readonly keys: readonly Column[]; readonly rows: number }[],
  remedies: ReadonlyMap<RowKey, Remedy>,
): number[] {
  const read = keyListReader(schema);
  const present = new Set<RowKey>();
  for (const { keys, rows } of found) for (let row = 0; row < rows; row += 1) present.add(read(keys, row));
  const missing: number[] = [];
  for (let row = 0; row < asked.rows; row += 1) {
    const key = read(asked.keys, row);
    if (!present.has(key) && !remedies.has(key)) missing.push(row);
  }
  return missing;
}

/** The set of columns an update left out, row by row; equal sets are one object. */
function leftOutReader(batch: Batch): (row: number) => LeftOut {
  const columns = batch.columns.flatMap((column, index) =>
    column.unknown === undefined
      ? []
      : [{ name: batch.schema.columns[index]?.name as string, unknown: column.unknown }],
  );
  if (columns.length === 0) return () => NOTHING_LEFT_OUT;
  const sets = new Map<string, LeftOut>();
  return (row) => {
    const names = columns.filter(({ unknown }) => hasBit(unknown, row)).map(({ name }) => name);
    if (names.length === 0) return NOTHING_LEFT_OUT;
    const token = names.join('\0');
    const set = sets.get(token) ?? new Set(names);
    sets.set(token, set);
    return set;
  };
}
