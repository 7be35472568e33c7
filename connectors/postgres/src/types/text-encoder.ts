import type { Batch } from '@brimful/model';
import type { EncodeColumn } from './encode-column.ts';
import type { FramePool } from './frame-pool.ts';

/**
 * Batches as the payload of `COPY … FROM STDIN` in text format with its default options. Same shape and rules as
 * `CopyEncoder`; works for every column type. There is no header or trailer: `header()` and `trailer()` are undefined.
 */
export class CopyTextEncoder {
  readonly pool: FramePool;

  constructor(_columns: readonly EncodeColumn[], pool: FramePool) {
    this.pool = pool;
  }

  header(): Uint8Array | undefined {
    return undefined;
  }

  *encode(_batch: Batch, _rows?: Int32Array): Generator<Uint8Array, void, undefined> {
    throw new Error('not yet');
  }

  trailer(): Uint8Array | undefined {
    return undefined;
  }
}
