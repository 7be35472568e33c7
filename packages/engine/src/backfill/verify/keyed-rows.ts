import type { Batch, Schema } from '@brimful/model';
import { hashRows } from '@brimful/model';
import { rowsWhere, selectRows } from '../../collection/select-rows.ts';
import type { ComparedShape } from './compared-shape.ts';
import { digestsOf, intoShape, keyColumnsOf } from './compared-shape.ts';
import { HashIndex, NOT_FOUND } from './hash-index.ts';
import type { KeyList } from './key-log.ts';

/** Differing rows of which columns are told apart: a sample. (Invariant 9) */
const COLUMN_SAMPLE_KEYS = 1000;

/** One side's rows of some keys, as hashes: of the row, and for a sample of them of every column. */
export class KeyedRows {
  readonly #shape: ComparedShape;
  readonly #index: HashIndex;
  readonly #counts: Int32Array;
  /** Sums: the order in which copies of one key come does not matter. */
  readonly #high: Int32Array;
  readonly #low: Int32Array;
  /** Of the first keys, by column. */
  readonly #columns: readonly Int32Array[];

  constructor(keys: KeyList, shape: ComparedShape) {
    this.#shape = shape;
    this.#index = new HashIndex(keys.rows);
    for (let key = 0; key < keys.rows; key += 1)
      this.#index.add(keys.high[key] as number, keys.low[key] as number);
    this.#counts = new Int32Array(keys.rows);
    this.#high = new Int32Array(keys.rows);
    this.#low = new Int32Array(keys.rows);
    const sample = Math.min(keys.rows, COLUMN_SAMPLE_KEYS);
    this.#columns = shape.level === 'full' ? shape.schema.columns.map(() => new Int32Array(sample)) : [];
  }

  has(high: number, low: number): boolean {
    return this.#index.find(high, low) !== NOT_FOUND;
  }

  /** Takes the rows that have one of the keys; leaves the others. */
  feed(batch: Batch): void {
    const all = intoShape(batch, this.#shape);
    const { high, low } = hashRows(keyColumnsOf(all), all.rows);
    const entries: number[] = [];
    const wanted = rowsWhere(all.rows, (row) => {
      const entry = this.#index.find(high[row] as number, low[row] as number);
      if (entry !== NOT_FOUND) entries.push(entry);
      return entry !== NOT_FOUND;
    });
    if (entries.length === 0) return;
    const some = selectRows(all, wanted);
    const { row } = digestsOf(some, this.#shape);
    entries.forEach((entry, at) => {
      (this.#counts[entry] as number) += 1;
      this.#high[entry] = (this.#high[entry] as number) + (row.high[at] as number);
      this.#low[entry] = (this.#low[entry] as number) + (row.low[at] as number);
    });
    this.#columns.forEach((hashes, index) => {
      const column = hashRows([some.columns[index] as Batch['columns'][number]], some.rows);
      entries.forEach((entry, at) => {
        if (entry < hashes.length) hashes[entry] = (column.high[at] as number) ^ (column.low[at] as number);
      });
    });
  }

  /** What differs about a key: undefined when nothing does. */
  compare(other: KeyedRows, key: number): KeyDifference | undefined {
    const left = this.#counts[key] as number;
    const right = other.#counts[key] as number;
    const same = this.#high[key] === other.#high[key] && this.#low[key] === other.#low[key];
    if (left === right && same) return undefined;
    // Where one side has more copies of a key, these are what differs.
    return {
      onlyLeft: Math.max(0, left - right),
      onlyRight: Math.max(0, right - left),
      different: left === right ? left : 0,
    };
  }

  /** Counts the columns in which a key's only rows differ. Beyond the sample it counts nothing. */
  countColumns(other: KeyedRows, key: number, schema: Schema, counts: Record<string, number>): void {
    if (this.#counts[key] !== 1 || other.#counts[key] !== 1) return;
    schema.columns.forEach(({ name }, index) => {
      const left = this.#columns[index];
      if (left === undefined || key >= left.length || left[key] === other.#columns[index]?.[key]) return;
      counts[name] = (counts[name] ?? 0) + 1;
    });
  }
}

export interface KeyDifference {
  readonly onlyLeft: number;
  readonly onlyRight: number;
  readonly different: number;
}
