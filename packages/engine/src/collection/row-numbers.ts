import type { Batch, Column, ColumnType } from '@brimful/model';
import { ColumnBuilder } from '@brimful/model';

/** Instead of a row's number: null, because there was no row. */
export const ABSENT = -1;
/** Instead of a row's number: unknown, because no row said. */
export const UNKNOWN = -2;

/** Numbers the rows of several batches from 0, so that a place takes four bytes. The batches have one schema. */
export class RowNumbers {
  readonly batches: readonly Batch[];
  readonly count: number;
  readonly #starts: Int32Array;
  readonly #batchOf: Uint32Array;

  constructor(batches: readonly Batch[]) {
    this.batches = batches;
    this.#starts = new Int32Array(batches.length + 1);
    for (const [index, batch] of batches.entries()) {
      this.#starts[index + 1] = (this.#starts[index] as number) + batch.rows;
    }
    this.count = this.#starts[batches.length] as number;
    this.#batchOf = new Uint32Array(this.count);
    for (let index = 0; index < batches.length; index += 1) {
      this.#batchOf.fill(index, this.#starts[index], this.#starts[index + 1]);
    }
  }

  /** The number of the batch's first row. */
  start(batch: number): number {
    return this.#starts[batch] as number;
  }

  batchOf(number: number): number {
    return this.#batchOf[number] as number;
  }

  batch(number: number): Batch {
    return this.batches[this.#batchOf[number] as number] as Batch;
  }

  /** The row within its batch. */
  row(number: number): number {
    return number - (this.#starts[this.#batchOf[number] as number] as number);
  }

  /** The values that these rows (or `ABSENT`, `UNKNOWN`) have in a column. */
  gather(type: ColumnType, column: number, numbers: ArrayLike<number>): Column {
    const builder = new ColumnBuilder(type);
    builder.reserveRows(numbers.length);
    let index = -1;
    let start = 0;
    let source: Column | undefined;
    for (let at = 0; at < numbers.length; at += 1) {
      const number = numbers[at] as number;
      if (number < 0) {
        if (number === ABSENT) builder.appendNull();
        else builder.appendUnknown();
        continue;
      }
      // Neighbours mostly come from one batch.
      if (this.#batchOf[number] !== index || source === undefined) {
        index = this.#batchOf[number] as number;
        start = this.#starts[index] as number;
        source = (this.batches[index] as Batch).columns[column] as Column;
      }
      builder.appendFrom(source, number - start);
    }
    return builder.finish();
  }
}
