import type { Batch, Changes, Column, RowHashes, RowKeyReader, Schema } from '@brimful/model';
import { hashRows, keyIndices, keyListReader, keyReader } from '@brimful/model';
import type { RowNumbers } from './row-numbers.ts';
import { sameValue } from './same-value.ts';

/** Where a key is written: in a row's own columns, or in its old key. */
export type KeyPlace = number;

export function ownKey(row: number): KeyPlace {
  return row * 2;
}

export function oldKey(row: number): KeyPlace {
  return row * 2 + 1;
}

/** No entry. */
export const NONE = -1;

/**
 * Numbers the different keys of many rows 0, 1, 2, … in the order they are first seen: a hash table over the columns
 * themselves, so that no key becomes an object. Equality is that of `RowKey`.
 */
export class KeyTable {
  /** How many keys there are. */
  size = 0;
  readonly #numbers: RowNumbers;
  readonly #keyColumns: readonly number[];
  readonly #readKey: RowKeyReader;
  readonly #readOldKey: RowKeyReader;
  /** Of each batch: hashes of its rows' keys and old keys. */
  readonly #hashes: readonly RowHashes[];
  readonly #oldHashes: readonly (RowHashes | undefined)[];
  /** Entry + 1, or 0 where free. Linear probing; at most two thirds are taken. */
  readonly #slots: Int32Array;
  readonly #mask: number;
  readonly #slotOf: Int32Array;
  readonly #places: Int32Array;
  readonly #highs: Int32Array;

  constructor(numbers: RowNumbers, schema: Schema) {
    this.#numbers = numbers;
    this.#keyColumns = keyIndices(schema);
    this.#readKey = keyReader(schema);
    this.#readOldKey = keyListReader(schema);
    this.#hashes = numbers.batches.map(({ columns, rows }) =>
      hashRows(
        this.#keyColumns.map((column) => columns[column] as Column),
        rows,
      ),
    );
    this.#oldHashes = numbers.batches.map(
      ({ changes, rows }) => changes?.oldKey && hashRows(changes.oldKey, rows),
    );
    const moves = this.#oldHashes.some((hashes) => hashes !== undefined);
    const most = moves ? numbers.count * 2 : numbers.count;
    this.#slots = new Int32Array(2 ** Math.ceil(Math.log2(most * 1.5 + 1)));
    this.#mask = this.#slots.length - 1;
    this.#slotOf = new Int32Array(most);
    this.#places = new Int32Array(most);
    this.#highs = new Int32Array(most);
  }

  /** The most keys there can be. */
  get capacity(): number {
    return this.#places.length;
  }

  find(place: KeyPlace): number {
    return (this.#slots[this.#slotFor(place)] as number) - 1;
  }

  /** Finds the key, or gives it the next number. */
  add(place: KeyPlace): number {
    const slot = this.#slotFor(place);
    const found = (this.#slots[slot] as number) - 1;
    if (found !== NONE) return found;
    const entry = this.size;
    this.size += 1;
    this.#slots[slot] = entry + 1;
    this.#slotOf[entry] = slot;
    this.#places[entry] = place;
    this.#highs[entry] = this.#high;
    return entry;
  }

  /** Whether two places hold the same key. */
  same(a: KeyPlace, b: KeyPlace): boolean {
    const rowA = this.#numbers.row(a >> 1);
    const rowB = this.#numbers.row(b >> 1);
    let sameBytes = true;
    for (let at = 0; sameBytes && at < this.#keyColumns.length; at += 1) {
      const column = this.#keyColumns[at] as number;
      sameBytes = sameValue(this.#columnAt(a, column, at), rowA, this.#columnAt(b, column, at), rowB);
    }
    // One key can be written in more than one way: 1.0 and 1.00.
    return sameBytes || this.#keyAt(a) === this.#keyAt(b);
  }

  /** Forgets all keys. Takes as long as there are keys. */
  clear(): void {
    for (let entry = 0; entry < this.size; entry += 1) this.#slots[this.#slotOf[entry] as number] = 0;
    this.size = 0;
  }

  /** High half of the hash of the place that `#slotFor` was last asked for. */
  #high = 0;

  /** The slot that holds the key, or the free one where it belongs. */
  #slotFor(place: KeyPlace): number {
    const number = place >> 1;
    const batch = this.#numbers.batchOf(number);
    const hashes = ((place & 1) === 0 ? this.#hashes : this.#oldHashes)[batch] as RowHashes;
    const row = this.#numbers.row(number);
    this.#high = hashes.high[row] as number;
    let slot = (hashes.low[row] as number) & this.#mask;
    for (;;) {
      const entry = (this.#slots[slot] as number) - 1;
      if (entry === NONE) return slot;
      if (this.#highs[entry] === this.#high && this.same(this.#places[entry] as number, place)) return slot;
      slot = (slot + 1) & this.#mask;
    }
  }

  #columnAt(place: KeyPlace, column: number, at: number): Column {
    const batch = this.#numbers.batch(place >> 1);
    return ((place & 1) === 0 ? batch.columns[column] : (batch.changes as Changes).oldKey?.[at]) as Column;
  }

  #keyAt(place: KeyPlace): number | string {
    const batch: Batch = this.#numbers.batch(place >> 1);
    const row = this.#numbers.row(place >> 1);
    if ((place & 1) === 0) return this.#readKey(batch.columns, row);
    return this.#readOldKey((batch.changes as Changes).oldKey as readonly Column[], row);
  }
}
