import type { RowKey } from '@brimful/model';
import { hashRows } from '@brimful/model';
import type { Offset } from '@brimful/store';
import { HashIndex } from '../backfill/verify/hash-index.ts';
import { readState } from '../collection/collection-state.ts';
import { rowsWhere, selectRows } from '../collection/select-rows.ts';
import type { EngineContext } from '../context.ts';
import { keyColumns } from './captured-table.ts';
import type { CapturedTable } from './captured-table.ts';

/** Keys of the newer generation that are held at once, about 36 bytes each. Of more, the older one is read several times. */
const KEYS_AT_ONCE = 2_000_000;

/** Both generations at one place of the stream, and what comes after it. */
export interface CarryFrom {
  readonly older: CapturedTable;
  readonly olderEnd: Offset;
  readonly newerEnd: Offset;
  /** Keys the stream has changed since; grows. Undefined: too many to tell. */
  readonly changed: { readonly keys: ReadonlySet<RowKey> | undefined };
}

/**
 * A reset that keeps history: rows that the generation before holds and the source has no longer are carried over into
 * the next one. Rows the stream deleted are in neither; a key that changes meanwhile is the stream's. (Invariant 5)
 * Idempotent: what was carried over is in the newer state.
 */
export async function carryOver(
  context: EngineContext,
  table: CapturedTable,
  { older, olderEnd, newerEnd, changed }: CarryFrom,
  signal: AbortSignal,
): Promise<void> {
  const { collection, generation } = table.writer;
  const slices = Math.max(1, Math.ceil(table.backfill.rows / KEYS_AT_ONCE));
  for (let slice = 0; slice < slices; slice += 1) {
    const only = (high: number): boolean => (high >>> 0) % slices === slice;
    const present = new HashIndex();
    for await (const { batch } of readState(context, collection, generation, {
      asOf: newerEnd,
      only,
      signal,
    })) {
      const { high, low } = hashRows(keyColumns(batch), batch.rows);
      for (let row = 0; row < batch.rows; row += 1) present.add(high[row] as number, low[row] as number);
    }
    const state = readState(context, collection, older.writer.generation, { asOf: olderEnd, only, signal });
    for await (const { batch } of state) {
      const { high, low } = hashRows(keyColumns(batch), batch.rows);
      const missing = rowsWhere(
        batch.rows,
        (row) => only(high[row] as number) && present.find(high[row] as number, low[row] as number) < 0,
      );
      if (missing.length > 0) await table.carry(selectRows(batch, missing), () => changed.keys);
    }
  }
}
