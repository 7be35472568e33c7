import type { Batch, Column } from '@brimful/model';
import { ColumnBuilder } from '@brimful/model';

/** The rows of a batch with these numbers, in this order. The batch itself where they are all of its rows. */
export function selectRows(batch: Batch, rows: Int32Array): Batch {
  if (rows.length === batch.rows) return batch;
  const { changes } = batch;
  const pick = (column: Column): Column => selectFrom(column, rows);
  return {
    schema: batch.schema,
    rows: rows.length,
    columns: batch.columns.map(pick),
    changes: changes && {
      operations: Uint8Array.from(rows, (row) => changes.operations[row] as number),
      committedAt: BigInt64Array.from(rows, (row) => changes.committedAt[row] as bigint),
      positions: BigInt64Array.from(rows, (row) => changes.positions[row] as bigint),
      transactions: BigInt64Array.from(rows, (row) => changes.transactions[row] as bigint),
      oldKey: changes.oldKey?.map(pick),
    },
  };
}

export function selectFrom(column: Column, rows: Int32Array): Column {
  const builder = new ColumnBuilder(column.type);
  builder.reserveRows(rows.length);
  for (const row of rows) builder.appendFrom(column, row);
  return builder.finish();
}

/** The numbers, ascending and below `count`, that `keep` says yes to. */
export function rowsWhere(count: number, keep: (row: number) => boolean): Int32Array {
  const rows = new Int32Array(count);
  let kept = 0;
  for (let row = 0; row < count; row += 1) {
    if (!keep(row)) continue;
    rows[kept] = row;
    kept += 1;
  }
  return rows.subarray(0, kept);
}
