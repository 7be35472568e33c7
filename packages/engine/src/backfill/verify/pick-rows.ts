import type { Batch, Column } from '@brimful/model';
import { ColumnBuilder } from '@brimful/model';

/** The rows of a batch for which `isWanted` says so, in their order, as rows of values alone. The batch itself when that is all. */
export function pickRows(batch: Batch, isWanted: (row: number) => boolean): Batch {
  const wanted: number[] = [];
  for (let row = 0; row < batch.rows; row += 1) if (isWanted(row)) wanted.push(row);
  if (wanted.length === batch.rows) return batch;
  const columns = batch.columns.map((column) => picked(column, wanted));
  return { schema: batch.schema, rows: wanted.length, columns, changes: undefined };
}

function picked(column: Column, rows: readonly number[]): Column {
  const builder = new ColumnBuilder(column.type);
  for (const row of rows) builder.appendFrom(column, row);
  return builder.finish();
}
