import type { MergeStep } from '@brimful/connector';
import type { Batch, Schema } from '@brimful/model';
import { Operation } from '@brimful/model';
import { cancel } from '../collection/keyless-rows.ts';
import { RowNumbers } from '../collection/row-numbers.ts';

/**
 * The fold of a collection without a key: rows to remove, then rows to append. A delete takes back an equal row that was
 * added before it in the same fold; an addition does not take back a delete, which may have had nothing to delete.
 */
export function foldKeyless(batches: readonly Batch[], schema: Schema): MergeStep[] {
  if (!batches.some(hasDeletes)) {
    return batches.map(({ rows, columns }) => ({
      kind: 'append',
      batch: { schema, rows, columns, changes: undefined },
    }));
  }
  const numbers = new RowNumbers(batches);
  const { added, removed } = cancel(numbers, schema);
  const steps: MergeStep[] = [];
  if (removed.length > 0) steps.push({ kind: 'remove', batch: gather(numbers, schema, removed) });
  if (added.length > 0) steps.push({ kind: 'append', batch: gather(numbers, schema, added) });
  return steps;
}

function hasDeletes(batch: Batch): boolean {
  return batch.changes?.operations.includes(Operation.delete) ?? false;
}

function gather(numbers: RowNumbers, schema: Schema, rows: readonly number[]): Batch {
  const columns = schema.columns.map(({ type }, column) => numbers.gather(type, column, rows));
  return { schema, rows: rows.length, columns, changes: undefined };
}
