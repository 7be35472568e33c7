import type { Batch, Column, ColumnBuilder } from '@brimful/model';
import { ChangesBuilder, Operation, keyIndices } from '@brimful/model';
import type { Remedy } from './handoff.ts';

/** No source transaction has this number: every snapshot sees it. */
export const NO_TRANSACTION = -1n;

/**
 * Overtaken rows as updates that say only what every change which overtook them left out. The columns that are said come
 * from the chunk; all others are unknown and keep what the stream gave them. (Invariant 5)
 */
export function remedyUpdates(
  batch: Batch,
  rows: readonly { readonly row: number; readonly columns: Remedy }[],
  committedAt: bigint,
  position: bigint,
): Batch {
  const builder = new ChangesBuilder(batch.schema);
  const keys = new Set(keyIndices(batch.schema));
  for (const { row, columns } of rows) {
    batch.schema.columns.forEach((definition, index) => {
      const target = builder.columns[index] as ColumnBuilder;
      if (keys.has(index) || columns.has(definition.name))
        target.appendFrom(batch.columns[index] as Column, row);
      else target.appendUnknown();
    });
    builder.endChange(Operation.update, committedAt, position, NO_TRANSACTION);
  }
  return builder.finish();
}

/** The rows of a batch of changes for which `keep` says yes, in order. */
export function selectChanges(batch: Batch, keep: (row: number) => boolean): Batch | undefined {
  const { changes } = batch;
  if (changes === undefined) return undefined;
  const builder = new ChangesBuilder(batch.schema);
  for (let row = 0; row < batch.rows; row += 1) {
    if (!keep(row)) continue;
    batch.columns.forEach((column, index) =>
      (builder.columns[index] as ColumnBuilder).appendFrom(column, row),
    );
    if (changes.operations[row] === Operation.move) {
      const old = builder.oldKey();
      changes.oldKey?.forEach((column, place) => (old[place] as ColumnBuilder).appendFrom(column, row));
    }
    builder.endChange(
      changes.operations[row] as 0 | 1 | 2 | 3 | 4,
      changes.committedAt[row] as bigint,
      changes.positions[row] as bigint,
      changes.transactions[row] as bigint,
    );
  }
  return builder.rows === 0 ? undefined : builder.finish();
}
