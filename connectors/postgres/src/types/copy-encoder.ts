import type { Batch, Column, ColumnType } from '@brimful/model';
import type { EncodeColumn } from './encode-column.ts';
import type { FieldEncoder } from './field-encoder.ts';
import { fieldEncoder } from './field-encoder.ts';
import type { FramePool } from './frame-pool.ts';
import { FRAME_HEADER_BYTES, sealFrame } from './frame-pool.ts';
import type { RowBlock } from './row-block.ts';
import { ENCODE_BLOCK_ROWS, newRowBlock } from './row-block.ts';
import { UnfitValue, valueProblem } from './value-problem.ts';

/** Whether binary COPY can carry values into columns of these destination types; else use `CopyTextEncoder`. */
export function canEncodeBinary(types: readonly ColumnType[]): boolean {
  return types.every((type) => type.kind !== 'other');
}

/** Signature, no flags, no extension. */
const HEADER = Uint8Array.of(
  0x50,
  0x47,
  0x43,
  0x4f,
  0x50,
  0x59,
  0x0a,
  0xff,
  0x0d,
  0x0a,
  0,
  0,
  0,
  0,
  0,
  0,
  0,
  0,
  0,
);
const TRAILER = Uint8Array.of(0xff, 0xff);
const FIELD_COUNT_BYTES = 2;
const LENGTH_BYTES = 4;

/**
 * Batches as the payload of `COPY … FROM STDIN (FORMAT binary)`.
 *
 * Frames are whole CopyData messages ('d', length, payload), ready for the socket; `frame.subarray(5)` is the bare
 * payload. A frame's buffer is the pool's: `pool.release(frame)` once it is written. Send `header()` first and
 * `trailer()` last, then CopyDone. Unknown values are written as null: leave such columns out.
 * Throws `BRM-PG-WIDEN` naming the column when the batch's type does not fit the destination's, and `BRM-PG-VALUE` for a
 * decimal that is none or too long for Postgres. (Invariant 6) One `encode` at a time.
 */
export class CopyEncoder {
  readonly pool: FramePool;
  readonly #columns: readonly EncodeColumn[];
  readonly #block = newRowBlock();

  constructor(columns: readonly EncodeColumn[], pool: FramePool) {
    this.#columns = columns;
    this.pool = pool;
  }

  header(): Uint8Array {
    return smallFrame(HEADER);
  }

  /** `rows`: indices of the rows to write, in that order; undefined for all. */
  *encode(batch: Batch, rows?: Int32Array): Generator<Uint8Array, void, undefined> {
    const encoders = this.#columns.map((target) =>
      fieldEncoder(batch.columns[target.source] as Column, target),
    );
    const block = this.#block;
    const total = rows === undefined ? batch.rows : rows.length;
    let used = this.#open(0);
    for (let first = 0; first < total; first += ENCODE_BLOCK_ROWS) {
      const count = Math.min(ENCODE_BLOCK_ROWS, total - first);
      fillRows(block, rows, first, count);
      this.#measure(encoders, count);
      let done = 0;
      while (done < count) {
        const fitting = fitRows(block, done, count, used);
        if (fitting === done) {
          // The frame is full, or too small for even one row.
          if (used > FRAME_HEADER_BYTES) yield sealFrame(block.bytes, used);
          else this.pool.release(block.bytes);
          used = this.#open(FRAME_HEADER_BYTES + (block.sizes[done] as number));
          continue;
        }
        used = this.#put(encoders, done, fitting, used);
        done = fitting;
      }
    }
    if (used > FRAME_HEADER_BYTES) yield sealFrame(block.bytes, used);
    else this.pool.release(block.bytes);
  }

  trailer(): Uint8Array {
    return smallFrame(TRAILER);
  }

  #open(atLeast: number): number {
    const bytes = this.pool.take(atLeast);
    this.#block.bytes = bytes;
    this.#block.view = new DataView(bytes.buffer);
    return FRAME_HEADER_BYTES;
  }

  /** Invariant 6: a value without a form in the destination's type stops here, before its row is written. */
  #measure(encoders: readonly FieldEncoder[], count: number): void {
    this.#block.sizes.fill(FIELD_COUNT_BYTES + LENGTH_BYTES * encoders.length, 0, count);
    for (const [index, encoder] of encoders.entries()) {
      try {
        encoder.measure(this.#block, count);
      } catch (cause) {
        const { name, type } = this.#columns[index] as EncodeColumn;
        throw cause instanceof UnfitValue
          ? valueProblem(cause, { column: name, sourceType: type.kind })
          : cause;
      }
    }
  }

  /** Writes rows `from..to` of the block at `start`, and returns where they end. */
  #put(encoders: readonly FieldEncoder[], from: number, to: number, start: number): number {
    const { cursors, sizes, view } = this.#block;
    let at = start;
    for (let index = from; index < to; index += 1) {
      view.setInt16(at, encoders.length);
      cursors[index] = at + FIELD_COUNT_BYTES;
      at += sizes[index] as number;
    }
    for (const encoder of encoders) encoder.put(this.#block, from, to);
    return at;
  }
}

function fillRows(block: RowBlock, rows: Int32Array | undefined, first: number, count: number): void {
  if (rows !== undefined) {
    block.rows.set(rows.subarray(first, first + count));
    return;
  }
  for (let index = 0; index < count; index += 1) block.rows[index] = first + index;
}

/** The first row from `done` on that no longer fits behind `used`. */
function fitRows(block: RowBlock, done: number, count: number, used: number): number {
  const { sizes, bytes } = block;
  let room = bytes.length - used;
  let index = done;
  while (index < count && (sizes[index] as number) <= room) {
    room -= sizes[index] as number;
    index += 1;
  }
  return index;
}

function smallFrame(payload: Uint8Array): Uint8Array {
  const frame = new Uint8Array(FRAME_HEADER_BYTES + payload.length);
  frame.set(payload, FRAME_HEADER_BYTES);
  return sealFrame(frame, frame.length);
}
