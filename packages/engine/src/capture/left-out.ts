import type { Batch } from '@brimful/model';
import { Operation, hasBit } from '@brimful/model';
import type { Offset } from '@brimful/store';
import { isLeftOutBySource, selectChanges } from '../backfill/remedy.ts';
import type { CollectionReader } from '../collection/collection-reader.ts';

/** Where to look in a journal. `movesOnly`: only at moves, whose rows may lack what the row under the old key lacked. */
export interface LeftOutBetween {
  readonly from: Offset;
  readonly until: Offset;
  readonly movesOnly: boolean;
}

/** Changes whose columns the source left out, in groups of at most `size`. */
export async function* leftOut(
  reader: CollectionReader,
  { from, until, movesOnly }: LeftOutBetween,
  size: number,
  signal: AbortSignal,
): AsyncIterable<Batch> {
  for await (const entry of reader.history(from, until, signal)) {
    if (entry.kind !== 'rows' || entry.meta.unknown === 0) continue;
    const batch = await reader.batch(entry);
    const rows = rowsLeftOut(batch, movesOnly);
    for (let at = 0; at < rows.length; at += size) {
      const group = new Set(rows.slice(at, at + size));
      const selected = selectChanges(batch, (row) => group.has(row));
      if (selected !== undefined) yield selected;
    }
  }
}

function rowsLeftOut(batch: Batch, movesOnly: boolean): number[] {
  const operations = batch.changes?.operations;
  const unknown = batch.columns.flatMap((column) => (column.unknown === undefined ? [] : [column.unknown]));
  const rows: number[] = [];
  for (let row = 0; row < batch.rows; row += 1) {
    if (movesOnly && operations?.[row] !== Operation.move) continue;
    if (unknown.some((bitmap) => hasBit(bitmap, row)) && isLeftOutBySource(batch, row)) rows.push(row);
  }
  return rows;
}
