import type { Batch, ColumnType } from '@brimful/model';
import type { EncodeColumn } from './encode-column.ts';
import type { FramePool } from './frame-pool.ts';

/** Whether binary COPY can carry values into columns of these destination types; else use `CopyTextEncoder`. */
export function canEncodeBinary(types: readonly ColumnType[]): boolean {
  return types.every((type) => type.kind !== 'other');
}

/**
 * Batches as the payload of `COPY … FROM STDIN (FORMAT binary)`.
 *
 * Frames are whole CopyData messages ('d', length, payload), ready for the socket; `frame.subarray(5)` is the bare
 * payload. A frame's buffer is the pool's: `pool.release(frame)` once it is written. Send `header()` first and
 * `trailer()` last, then CopyDone. Unknown values are written as null: leave such columns out.
 * Throws `BRM-PG-WIDEN` naming the column when the batch's type does not fit the destination's. (Invariant 6)
 */
export class CopyEncoder {
  readonly pool: FramePool;

  constructor(_columns: readonly EncodeColumn[], pool: FramePool) {
    this.pool = pool;
  }

  header(): Uint8Array {
    throw new Error('not yet');
  }

  /** `rows`: indices of the rows to write, in that order; undefined for all. */
  *encode(_batch: Batch, _rows?: Int32Array): Generator<Uint8Array, void, undefined> {
    throw new Error('not yet');
  }

  trailer(): Uint8Array {
    throw new Error('not yet');
  }
}
