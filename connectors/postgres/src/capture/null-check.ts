import type { Batch, Column, Schema } from '@brimful/model';
import { isNull, isUnknown, Operation, operationAt } from '@brimful/model';

/**
 * The catalog may promise NOT NULL already while the stream still brings rows from before the constraint. A promise
 * that the rows break is taken back. Returns the batch's own schema when none is.
 */
export function allowNulls(batch: Batch): Schema {
  const broken = new Set<number>();
  for (const [index, definition] of batch.schema.columns.entries()) {
    const column = batch.columns[index] as Column;
    if (!definition.nullable && column.validity !== undefined && hasNull(batch, column)) broken.add(index);
  }
  if (broken.size === 0) return batch.schema;
  return {
    ...batch.schema,
    columns: batch.schema.columns.map((column, index) =>
      broken.has(index) ? { ...column, nullable: true } : column,
    ),
  };
}

function hasNull(batch: Batch, column: Column): boolean {
  for (let row = 0; row < batch.rows; row += 1) {
    // Deletes carry the key only.
    if (isNull(column, row) && !isUnknown(column, row) && operationAt(batch, row) !== Operation.delete)
      return true;
  }
  return false;
}
