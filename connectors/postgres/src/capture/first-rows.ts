import type { Batch, Column } from '@brimful/model';
import { ColumnBuilder } from '@brimful/model';

/** The batch with its columns cut to `batch.rows`: what is left after a row that was given up half way. */
export function firstRows(batch: Batch): Batch {
  const cut = (column: Column): Column => {
    const builder = new ColumnBuilder(column.type);
    for (let row = 0; row < batch.rows; row += 1) builder.appendFrom(column, row);
    return builder.finish();
  };
  const { changes } = batch;
  return {
    ...batch,
    columns: batch.columns.map(cut),
    changes: changes === undefined ? undefined : { ...changes, oldKey: changes.oldKey?.map(cut) },
  };
}
