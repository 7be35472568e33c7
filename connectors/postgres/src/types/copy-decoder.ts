import type { BatchBuilder } from '@brimful/model';
import { decodeColumn } from './binary-columns.ts';
import type { DecoderCode } from './decoder.ts';
import type { FieldBlock } from './field-block.ts';
import { BLOCK_ROWS, newFieldBlock } from './field-block.ts';
import { describeKey } from './row-key.ts';
import { protocolProblem, UnfitValue, valueProblem } from './value-problem.ts';

/** Told of every frame that is not row data. `start..end` is the body, valid during the call only. */
export type FrameListener = (type: number, buffer: Uint8Array, start: number, end: number) => void;

export interface CopyDecoderOptions {
  /** One per field of the COPY, in order; field i goes to `builder.columns[i]`. */
  readonly decoders: readonly DecoderCode[];
  readonly builder: BatchBuilder;
  /** Backend frames other than CopyData: 'C', 'Z', 'E', 'N', 'c', 'H', … as character codes. */
  readonly onFrame: FrameListener;
  /** For messages. */
  readonly table?: string;
}

const COPY_DATA = 0x64;
/** Kind and length. */
const FRAME_HEADER_BYTES = 5;
/** `PGCOPY\n\xff\r\n\0`, flags, length of an extension. */
const COPY_HEADER_BYTES = 19;
const SIGNATURE = Uint8Array.of(0x50, 0x47, 0x43, 0x4f, 0x50, 0x59, 0x0a, 0xff, 0x0d, 0x0a, 0x00);
const HAS_OIDS = 1 << 16;

const INITIAL_CARRY_BYTES = 1024;
/** A single huge row does not keep its buffer for ever. (Invariant 9) */
const CARRY_KEPT_BYTES = 1024 * 1024;

/** A batch this large was cut by its size, and the next one will be about as large. */
const SIMILAR_ROWS = 4096;

/** Growing by doubling copies everything once more, and costs as much as the decoding. */
function reserveLike(taken: BatchBuilder, next: BatchBuilder): void {
  for (const [index, column] of taken.columns.entries()) {
    next.columns[index]?.reserveRows(column.rows);
    if (column.width === 0) next.columns[index]?.reserveBytes(column.used + (column.used >> 4));
  }
}

/**
 * Decodes the backend's side of a binary COPY TO STDOUT, from raw socket bytes straight into columns.
 *
 * Chunks may be cut anywhere; what a chunk leaves incomplete is copied, so its buffer may be used again as soon as
 * `push` returns. All complete rows of a chunk are in the builder when `push` returns, and when `onFrame` is called all
 * that came before the frame. Throws `BRM-PG-VALUE` (operator; `at` names column and row key) for a value that has no
 * exact form, and `BRM-PG-PROTOCOL` (bug) for bytes that are not binary COPY; the builder is then spent.
 */
export class CopyDecoder {
  builder: BatchBuilder;
  /** The trailer was seen: all rows are here. */
  done = false;
  readonly #decoders: readonly DecoderCode[];
  readonly #onFrame: FrameListener;
  readonly #table: string | undefined;
  readonly #block: FieldBlock;
  #headerSeen = false;
  /** Start of a frame that its chunk cut. */
  #carry = new Uint8Array(INITIAL_CARRY_BYTES);
  #carried = 0;

  constructor(options: CopyDecoderOptions) {
    this.builder = options.builder;
    this.#decoders = options.decoders;
    this.#onFrame = options.onFrame;
    this.#table = options.table;
    this.#block = newFieldBlock(options.decoders.length);
  }

  /** Reads `buffer[start..end)`: any bytes the backend sent. */
  push(buffer: Uint8Array, start: number, end: number): void {
    const at = this.#carried === 0 ? start : this.#completeFrame(buffer, start, end);
    if (at === end) return;
    const stopped = this.#walk(buffer, at, end);
    if (stopped < end) this.#carryOver(buffer, stopped, end);
  }

  /** Takes what was decoded and goes on with `next`. Between calls of `push` only. */
  take(next: BatchBuilder): BatchBuilder {
    const taken = this.builder;
    this.builder = next;
    if (taken.rows >= SIMILAR_ROWS) reserveLike(taken, next);
    return taken;
  }

  /** Adds to the frame in `#carry` what it lacks, and reads it once whole. Returns where the chunk goes on. */
  #completeFrame(buffer: Uint8Array, start: number, end: number): number {
    let at = start;
    if (this.#carried < FRAME_HEADER_BYTES) {
      at = Math.min(end, start + FRAME_HEADER_BYTES - this.#carried);
      this.#carryOver(buffer, start, at);
      if (this.#carried < FRAME_HEADER_BYTES) return at;
    }
    const length = 1 + readInt32(this.#carry, 1);
    const next = Math.min(end, at + length - this.#carried);
    this.#carryOver(buffer, at, next, length);
    if (this.#carried < length) return next;
    this.#carried = 0;
    this.#walk(this.#carry, 0, length);
    if (length > CARRY_KEPT_BYTES) this.#carry = new Uint8Array(INITIAL_CARRY_BYTES);
    return next;
  }

  #carryOver(buffer: Uint8Array, start: number, end: number, expected = 0): void {
    const needed = this.#carried + end - start;
    if (Math.max(needed, expected) > this.#carry.length) {
      // A frame's length is known after five bytes: its buffer is made once. (Invariant 9: one frame, never a chunk more)
      const larger = new Uint8Array(Math.max(expected, needed * 2));
      larger.set(this.#carry.subarray(0, this.#carried));
      this.#carry = larger;
    }
    this.#carry.set(buffer.subarray(start, end), this.#carried);
    this.#carried = needed;
  }

  /** Reads whole frames, and returns where the first incomplete one starts. */
  #walk(buffer: Uint8Array, start: number, end: number): number {
    const block = this.#block;
    if (block.bytes !== buffer) {
      block.bytes = buffer;
      block.view = new DataView(buffer.buffer, buffer.byteOffset, buffer.byteLength);
    }
    const { view } = block;
    let at = start;
    while (end - at >= FRAME_HEADER_BYTES) {
      const next = at + 1 + view.getInt32(at + 1);
      if (next > end) break;
      if (buffer[at] === COPY_DATA) {
        this.#readData(view, at + FRAME_HEADER_BYTES, next);
      } else {
        this.#flush();
        this.#onFrame(buffer[at] as number, buffer, at + FRAME_HEADER_BYTES, next);
      }
      at = next;
    }
    this.#flush();
    return at;
  }

  /** Servers send one row a frame, the header before the first and the trailer alone; several rows are read too. */
  #readData(view: DataView, start: number, end: number): void {
    const block = this.#block;
    const { positions, fields } = block;
    let at = this.#headerSeen ? start : this.#readHeader(view, start, end);
    while (at < end) {
      const count = view.getInt16(at);
      at += 2;
      if (count !== fields) return this.#readTrailer(count, at, end);
      let index = block.rows * fields;
      for (const stop = index + fields; index < stop; index += 1) {
        const length = view.getInt32(at);
        at += 4;
        if (length < 0) {
          positions[index] = -1;
        } else {
          positions[index] = at;
          at += length;
        }
      }
      if (at > end) throw protocolProblem('a row of a binary COPY is longer than its frame');
      block.rows += 1;
      if (block.rows === BLOCK_ROWS) this.#flush();
    }
  }

  #readHeader(view: DataView, start: number, end: number): number {
    const intact =
      end - start >= COPY_HEADER_BYTES &&
      SIGNATURE.every((byte, index) => view.getUint8(start + index) === byte);
    if (!intact || (view.getInt32(start + 11) & HAS_OIDS) !== 0) {
      throw protocolProblem('the COPY does not start with the header of the binary format');
    }
    this.#headerSeen = true;
    return start + COPY_HEADER_BYTES + view.getInt32(start + 15);
  }

  #readTrailer(count: number, at: number, end: number): void {
    if (count !== -1 || at !== end) {
      throw protocolProblem(`a row of a binary COPY has ${count} fields instead of ${this.#block.fields}`);
    }
    this.done = true;
  }

  /** Decodes the rows noted so far, column by column. */
  #flush(): void {
    const block = this.#block;
    if (block.rows === 0) return;
    const { columns } = this.builder;
    let field = 0;
    try {
      for (; field < block.fields; field += 1) {
        decodeColumn(
          this.#decoders[field] as DecoderCode,
          block,
          field,
          columns[field] as (typeof columns)[number],
        );
      }
    } catch (cause) {
      throw cause instanceof UnfitValue ? this.#explain(cause, field) : cause;
    }
    this.builder.rows += block.rows;
    block.rows = 0;
  }

  /** Invariant 6: names the row's key and the column. */
  #explain(unfit: UnfitValue, field: number): Error {
    const { schema } = this.builder;
    const column = schema.columns[field];
    const key = describeKey(schema, this.#decoders, this.#block, unfit.row);
    return valueProblem(unfit, {
      ...(this.#table === undefined ? {} : { table: this.#table }),
      column: column?.name ?? `field ${field}`,
      sourceType: column?.sourceType ?? 'unknown',
      ...(key === undefined ? {} : { key }),
    });
  }
}

function readInt32(bytes: Uint8Array, at: number): number {
  return (
    ((bytes[at] as number) << 24) |
    ((bytes[at + 1] as number) << 16) |
    ((bytes[at + 2] as number) << 8) |
    (bytes[at + 3] as number)
  );
}
