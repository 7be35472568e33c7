import type { Batch, Column, RowKey, Schema } from '@brimful/model';
import { assert, Operation, operationAt, wholeRowReader } from '@brimful/model';
import type { RowNumbers } from './row-numbers.ts';
import { sameValue } from './same-value.ts';

const NONE = -1;

/**
 * Of changes to a collection without a key, the numbers of the rows that remain to be added and to be removed. A delete
 * takes back an equal row that was added before it; an addition does not take back a delete, which may have had nothing to
 * delete.
 */
export function cancel(
  numbers: RowNumbers,
  schema: Schema,
): { readonly added: number[]; readonly removed: number[] } {
  /** The last added row of all that are equal and still there; `next` leads to the others. */
  const present = new Map<RowKey, number>();
  const next = new Int32Array(numbers.count);
  const isAdded = new Uint8Array(numbers.count);
  const removed: number[] = [];
  const read = wholeRowReader(schema);
  for (const [index, batch] of numbers.batches.entries()) {
    for (let row = 0; row < batch.rows; row += 1) {
      const number = numbers.start(index) + row;
      const operation = operationAt(batch, row);
      const key = read(batch.columns, row);
      const last = present.get(key) ?? NONE;
      if (operation !== Operation.delete) {
        assert(
          operation === Operation.read || operation === Operation.insert,
          'rows without a key are not updated',
        );
        isAdded[number] = 1;
        next[number] = last;
        present.set(key, number);
      } else if (last === NONE) {
        removed.push(number);
      } else {
        isAdded[takeBack(numbers, number, last, next, (head) => present.set(key, head))] = 0;
      }
    }
  }
  return {
    added: isAdded
      .keys()
      .filter((number) => isAdded[number] === 1)
      .toArray(),
    removed,
  };
}

/** Unlinks the row that was meant: of rows that are equal, one with the same bytes (1.0, not 1.00) if there is one. */
function takeBack(
  numbers: RowNumbers,
  deleted: number,
  last: number,
  next: Int32Array,
  setLast: (number: number) => void,
): number {
  let before = NONE;
  for (let number = last; number !== NONE; number = next[number] as number) {
    if (sameBytes(numbers, number, deleted)) {
      if (before === NONE) setLast(next[number] as number);
      else next[before] = next[number] as number;
      return number;
    }
    before = number;
  }
  setLast(next[last] as number);
  return last;
}

function sameBytes(numbers: RowNumbers, a: number, b: number): boolean {
  const left: Batch = numbers.batch(a);
  const right = numbers.batch(b).columns;
  return left.columns.every((column, index) =>
    sameValue(column, numbers.row(a), right[index] as Column, numbers.row(b)),
  );
}
