import type { BatchBuilder } from '@brimful/model';
import type { DecoderCode } from './decoder.ts';

/** Told of every frame that is not row data. `start..end` is the body, valid during the call only. */
export type FrameListener = (type: number, buffer: Uint8Array, start: number, end: number) => void;

export interface CopyDecoderOptions {
  /** One per field of the COPY, in order; field i goes to `builder.columns[i]`. */
  readonly decoders: readonly DecoderCode[];
  readonly builder: BatchBuilder;
  /** Backend frames other than CopyData: 'C', 'Z', 'E', 'N', 'c', 'H', … as character codes. */
  readonly onFrame: FrameListener;
}

/**
 * Decodes the backend's side of a binary COPY TO STDOUT, from raw socket bytes straight into columns.
 *
 * Chunks may be cut anywhere; what a chunk leaves incomplete is copied, so its buffer may be used again as soon as
 * `push` returns. All complete rows of a chunk are in the builder when `push` returns. Throws `BRM-PG-VALUE` (operator;
 * `at` names column and row key) for a value that has no exact form, and `BRM-PG-PROTOCOL` (bug) for bytes that are not
 * binary COPY.
 */
export class CopyDecoder {
  builder: BatchBuilder;
  /** The trailer was seen: all rows are here. */
  done = false;

  constructor(options: CopyDecoderOptions) {
    this.builder = options.builder;
  }

  /** Reads `buffer[start..end)`: any bytes the backend sent. */
  push(_buffer: Uint8Array, _start: number, _end: number): void {
    throw new Error('not yet');
  }

  /** Takes what was decoded and goes on with `next`. Between calls of `push` only. */
  take(next: BatchBuilder): BatchBuilder {
    const taken = this.builder;
    this.builder = next;
    return taken;
  }
}
