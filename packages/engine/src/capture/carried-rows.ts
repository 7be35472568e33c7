import type { Batch, RowKey, Schema } from '@brimful/model';
import { Problem, alignBatch, keyReader } from '@brimful/model';
import { rowsWhere, selectRows } from '../collection/select-rows.ts';

/** The rows in the next generation's shape, whose columns may have other types by now. */
export function carriedInto(batch: Batch, schema: Schema, resource: string): Batch {
  try {
    return alignBatch(batch, schema);
  } catch (cause) {
    throw new Problem(
      'BRM-RUN-CARRY',
      `Rows that ${resource} no longer has do not fit the shape it has now, so they cannot be carried over.`,
      {
        remedy: 'Order the reset without --keep-missing, or keep the previous table under another name.',
        at: { table: resource },
        cause,
      },
    );
  }
}

/** Of rows to carry over, those that nothing has changed since. */
export function stillUnchanged(batch: Batch, changed: ReadonlySet<RowKey>): Batch {
  const read = keyReader(batch.schema);
  return selectRows(
    batch,
    rowsWhere(batch.rows, (row) => !changed.has(read(batch.columns, row))),
  );
}
