import type { Batch, Changes, Column, Schema } from '@brimful/model';
import { assert, batchBytes, hasBit, Operation } from '@brimful/model';
import { cancel } from './keyless-rows.ts';
import type { KeyPlace } from './key-table.ts';
import { KeyTable, NONE, oldKey, ownKey } from './key-table.ts';
import { ABSENT, RowNumbers } from './row-numbers.ts';

/**
 * The rows that scanned rows and changes, applied one by one to an empty table, leave: complete, each key once. What a
 * change left out and no row before it supplies is null. `batches` are in order and have one schema. The result comes in
 * pieces of about `pieceBytes`; large batches that are wholly in effect pass through as they are.
 */
export function* remainingRows(
  batches: readonly Batch[],
  schema: Schema,
  pieceBytes: number,
): Iterable<Batch> {
  if (batches.length === 0) return;
  if (schema.key.length > 0) yield* new KeyState(batches, schema).rows(pieceBytes);
  else yield* keylessRows(batches, schema, pieceBytes);
}

/** A batch of at least so many rows that are all in effect is not copied. Below, gathering many into one is worth more. */
const REUSE_ROWS = 4096;

/**
 * Rows are numbered through all batches. An entry is a key with the row that was last in effect on it; where an update
 * with unknown columns lies over an earlier row, `sources` says for each column which row its value comes from.
 */
class KeyState {
  readonly #numbers: RowNumbers;
  readonly #schema: Schema;
  readonly #keys: KeyTable;
  readonly #rows: Int32Array;
  readonly #isThere: Uint8Array;
  /** Start of the entry's part of `sources`, or -1. */
  readonly #overlays: Int32Array;
  readonly #sources: number[] = [];

  constructor(batches: readonly Batch[], schema: Schema) {
    this.#numbers = new RowNumbers(batches);
    this.#schema = schema;
    this.#keys = new KeyTable(this.#numbers, schema);
    const { capacity } = this.#keys;
    this.#rows = new Int32Array(capacity);
    this.#isThere = new Uint8Array(capacity);
    this.#overlays = new Int32Array(capacity);
  }

  *rows(pieceBytes: number): Iterable<Batch> {
    for (const [index, batch] of this.#numbers.batches.entries())
      this.#apply(batch, this.#numbers.start(index));
    const reused = this.#wholeBatches();
    for (const [index, batch] of this.#numbers.batches.entries())
      if (reused[index] === 1) yield { ...batch, changes: undefined };
    const rest = new Int32Array(this.#keys.size);
    let count = 0;
    for (let entry = 0; entry < this.#keys.size; entry += 1) {
      if (this.#isThere[entry] === 0) continue;
      const row = this.#rows[entry] as number;
      if (this.#overlays[entry] === -1 && reused[this.#numbers.batchOf(row)] === 1) continue;
      rest[count] = entry;
      count += 1;
    }
    const piece = rowsPerPiece(this.#numbers, pieceBytes);
    for (let from = 0; from < count; from += piece) {
      const entries = rest.subarray(from, Math.min(count, from + piece));
      const columns = this.#schema.columns.map(({ type }, column) =>
        this.#numbers.gather(
          type,
          column,
          entries.map((entry) => this.#rowFor(entry, column)),
        ),
      );
      yield { schema: this.#schema, rows: entries.length, columns, changes: undefined };
    }
  }

  #apply(batch: Batch, start: number): void {
    const operations = batch.changes?.operations;
    const bitmaps = batch.columns.flatMap(({ unknown }) => (unknown === undefined ? [] : [unknown]));
    for (let row = 0; row < batch.rows; row += 1) {
      const operation = operations === undefined ? Operation.read : (operations[row] as number);
      const number = start + row;
      if (operation === Operation.delete) {
        this.#remove(ownKey(number));
        continue;
      }
      let known = true;
      for (const bitmap of bitmaps) if (hasBit(bitmap, row)) known = false;
      if (operation === Operation.move) this.#move(number, known);
      else if (known) this.#put(ownKey(number), number);
      else this.#lay(ownKey(number), number, this.#keys.find(ownKey(number)));
    }
  }

  // Invariant 5: rows come in the order they happened, the last one decides.
  #put(key: KeyPlace, row: number): void {
    const entry = this.#keys.add(key);
    this.#rows[entry] = row;
    this.#isThere[entry] = 1;
    this.#overlays[entry] = -1;
  }

  #remove(key: KeyPlace): void {
    const entry = this.#keys.find(key);
    if (entry !== NONE) this.#isThere[entry] = 0;
  }

  #move(row: number, known: boolean): void {
    const key = ownKey(row);
    const old = oldKey(row);
    if (this.#keys.same(old, key)) {
      // The key is written differently (1.0, 1.00) but is the same.
      if (known) this.#put(key, row);
      else this.#lay(key, row, this.#keys.find(key));
      return;
    }
    if (known) {
      this.#put(key, row);
    } else {
      const below = this.#keys.find(old);
      const isThere = below !== NONE && this.#isThere[below] === 1;
      // Without an old row, unknown columns keep what the new key has.
      this.#lay(key, row, isThere ? below : this.#keys.find(key));
    }
    this.#remove(old);
  }

  /** Puts a row on a key; its unknown columns take the values of another entry, or null where there is none. */
  #lay(key: KeyPlace, row: number, below: number): void {
    const width = this.#schema.columns.length;
    const own = this.#keys.find(key);
    const present = own !== NONE && this.#isThere[own] === 1 ? (this.#overlays[own] as number) : -1;
    // A row that is updated again and again keeps its one overlay: each column is read before it is written.
    const overlay = present === -1 ? this.#sources.length : present;
    for (let column = 0; column < width; column += 1) {
      this.#sources[overlay + column] = this.#isUnknown(row, column) ? this.#sourceOf(below, column) : row;
    }
    this.#put(key, row);
    this.#overlays[this.#keys.find(key)] = overlay;
  }

  #sourceOf(entry: number, column: number): number {
    if (entry === NONE || this.#isThere[entry] === 0) return ABSENT;
    return this.#rowFor(entry, column);
  }

  #rowFor(entry: number, column: number): number {
    const overlay = this.#overlays[entry] as number;
    return overlay === -1 ? (this.#rows[entry] as number) : (this.#sources[overlay + column] as number);
  }

  #isUnknown(row: number, column: number): boolean {
    const { unknown } = this.#numbers.batch(row).columns[column] as Column;
    return unknown !== undefined && hasBit(unknown, this.#numbers.row(row));
  }

  /** 1 for each large batch whose rows are all in effect, and all known. */
  #wholeBatches(): Uint8Array {
    const { batches } = this.#numbers;
    const live = new Uint32Array(batches.length);
    for (let entry = 0; entry < this.#keys.size; entry += 1) {
      if (this.#isThere[entry] === 0 || this.#overlays[entry] !== -1) continue;
      (live[this.#numbers.batchOf(this.#rows[entry] as number)] as number) += 1;
    }
    return Uint8Array.from(batches, (batch, index) =>
      batch.rows >= REUSE_ROWS && live[index] === batch.rows ? 1 : 0,
    );
  }
}

function* keylessRows(batches: readonly Batch[], schema: Schema, pieceBytes: number): Iterable<Batch> {
  const numbers = new RowNumbers(batches);
  // A delete of a row that is not there has nothing to do.
  const rest = Int32Array.from(cancel(numbers, schema).added);
  const piece = rowsPerPiece(numbers, pieceBytes);
  for (let from = 0; from < rest.length; from += piece) {
    const rows = rest.subarray(from, Math.min(rest.length, from + piece));
    const columns = schema.columns.map(({ type }, column) => numbers.gather(type, column, rows));
    yield { schema, rows: rows.length, columns, changes: undefined };
  }
}

function rowsPerPiece({ batches, count }: RowNumbers, pieceBytes: number): number {
  const bytes = batches.reduce((sum, batch) => sum + batchBytes(batch), 0);
  assert(count > 0, 'a state is made of rows');
  return Math.max(1, Math.floor((pieceBytes * count) / Math.max(1, bytes)));
}

/** What a row costs while its batch is held and folded: hashes, a place in the key table, an entry. */
const ROW_COST_BYTES = 56;
/** Columns and buffers of a batch are objects. */
const BATCH_COST_BYTES = 512;
const COLUMN_COST_BYTES = 256;

/** Memory that holding a batch and folding it with others takes, its share of the result not counted. */
export function costBytes(batch: Batch): number {
  const { rows, columns, changes } = batch;
  let bytes =
    batchBytes(batch) + BATCH_COST_BYTES + columns.length * COLUMN_COST_BYTES + rows * ROW_COST_BYTES;
  if (columns.some(({ unknown }) => unknown !== undefined)) bytes += rows * columns.length * 8;
  if (hasMoves(changes)) bytes += rows * ROW_COST_BYTES;
  return bytes;
}

function hasMoves(changes: Changes | undefined): boolean {
  return changes?.oldKey !== undefined;
}
