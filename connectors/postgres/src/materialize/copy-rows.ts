import type { Batch, Column } from '@brimful/model';
import { widenColumn, widensTo } from '@brimful/model';

import { CopyEncoder, canEncodeBinary } from '../types/copy-encoder.ts';
import type { EncodeColumn } from '../types/encode-column.ts';
import { FramePool } from '../types/frame-pool.ts';
import { CopyTextEncoder } from '../types/text-encoder.ts';
import type { CopySource } from './pipeline.ts';

/** One pool for all connections: they take turns on one thread anyway. */
const POOL = new FramePool();

/**
 * The rows of some batches of one schema as the data of one COPY; binary wherever every column has such an encoder.
 * `rows`: only these of each batch.
 */
export function copySource(
  batches: readonly Batch[],
  columns: readonly EncodeColumn[],
  rows?: Int32Array,
): { readonly format: 'binary' | 'text'; readonly copy: CopySource } {
  const binary = canEncodeBinary(columns.map(({ type }) => type));
  const frames = function* (): Generator<Uint8Array, void, undefined> {
    const encoder = binary ? new CopyEncoder(columns, POOL) : new CopyTextEncoder(columns, POOL);
    const header = encoder.header();
    if (header !== undefined) yield header;
    for (const batch of batches) yield* encoder.encode(binary ? batch : inWiderTypes(batch, columns), rows);
    const trailer = encoder.trailer();
    if (trailer !== undefined) yield trailer;
  };
  return { format: binary ? 'binary' : 'text', copy: { frames, release: (frame) => POOL.release(frame) } };
}

/** As text a value must be spelled as the destination's type would: a float's shortest digits are another's number. */
function inWiderTypes(batch: Batch, columns: readonly EncodeColumn[]): Batch {
  const widened: Column[] = [...batch.columns];
  for (const { source, type } of columns) {
    const column = widened[source] as Column;
    if (type.kind !== column.type.kind && widensTo(column.type, type)) {
      widened[source] = widenColumn(column, type, batch.rows);
    }
  }
  return { ...batch, columns: widened };
}
