import type { Column, ColumnType } from '@brimful/model';
import { isNull } from '@brimful/model';
import type { FixedWriter } from './binary-fields.ts';
import * as fixed from './binary-fields.ts';
import { ByteSink } from './byte-sink.ts';
import { offsetOf, putCanonical } from './canonical-text.ts';
import type { ColumnReader } from './column-reader.ts';
import { readerOf } from './column-reader.ts';
import type { EncodeColumn } from './encode-column.ts';
import { putBinaryDecimal } from './numeric-encoder.ts';
import type { RowBlock } from './row-block.ts';
import { ENCODE_BLOCK_ROWS } from './row-block.ts';
import type { FieldBytes } from './variable-fields.ts';
import { addSizes, putFields } from './variable-fields.ts';
import { requireWidening } from './widening.ts';

/** Writes one column of a batch into the rows of a block. Made per batch. */
export interface FieldEncoder {
  /** Adds what the fields of the block's first `count` rows take, lengths not included. Called once per block. */
  measure(block: RowBlock, count: number): void;
  /** Writes the fields of rows `from..to` of the block. */
  put(block: RowBlock, from: number, to: number): void;
}

/** Throws `BRM-PG-WIDEN` when the column does not fit the destination's. */
export function fieldEncoder(column: Column, target: EncodeColumn): FieldEncoder {
  requireWidening(column.type, target.type, target.name);
  const writer = fixedWriter(column.type, target.type);
  if (writer !== undefined) return new FixedField(readerOf(column), writer.write, writer.bytes);
  const { kind } = target.type;
  if (kind === 'decimal') return new ConvertedField(readerOf(column), putDecimal);
  if (kind === 'text' && !isVerbatim(column.type)) return new ConvertedField(readerOf(column), putText);
  return new VerbatimField(
    readerOf(column),
    target.type.kind === 'json' && target.type.binary ? JSONB_VERSION : -1,
  );
}

const JSONB_VERSION = 1;

/** Its bytes are its text. */
function isVerbatim(type: ColumnType): boolean {
  return type.kind === 'text' || type.kind === 'decimal' || type.kind === 'json' || type.kind === 'other';
}

interface Fixed {
  readonly write: FixedWriter;
  readonly bytes: number;
}

function fixedWriter(from: ColumnType, to: ColumnType): Fixed | undefined {
  switch (to.kind) {
    case 'boolean':
      return { write: fixed.putBooleans, bytes: 1 };
    case 'int16':
      return { write: fixed.putInt16s, bytes: 2 };
    case 'int32':
      return { write: from.kind === 'int16' ? fixed.putInt16sAsInt32 : fixed.putInt32s, bytes: 4 };
    case 'int64':
      return { write: from.kind === 'int64' ? fixed.putInt64s : fixed.putSmallAsInt64, bytes: 8 };
    case 'float32':
      return { write: from.kind === 'int16' ? fixed.putInt16sAsFloat32 : fixed.putInt32s, bytes: 4 };
    case 'float64':
      return { write: from.kind === 'float64' ? fixed.putInt64s : fixed.putAsFloat64, bytes: 8 };
    case 'date':
      return { write: fixed.putDates, bytes: 4 };
    case 'time':
      return { write: fixed.putInt64s, bytes: 8 };
    case 'timestamp':
      return { write: fixed.putTimestamps, bytes: 8 };
    case 'uuid':
      return { write: fixed.putUuids, bytes: 16 };
    case 'bytes':
    case 'text':
    case 'decimal':
    case 'json':
    case 'other':
      return undefined;
  }
}

class FixedField implements FieldEncoder {
  readonly #reader: ColumnReader;
  readonly #write: FixedWriter;
  readonly #bytes: number;

  constructor(reader: ColumnReader, write: FixedWriter, bytes: number) {
    this.#reader = reader;
    this.#write = write;
    this.#bytes = bytes;
  }

  measure(block: RowBlock, count: number): void {
    const { rows, sizes } = block;
    const { validity } = this.#reader.column;
    const bytes = this.#bytes;
    for (let index = 0; index < count; index += 1) {
      const row = rows[index] as number;
      const isNull = validity !== undefined && ((validity[row >> 3] as number) & (1 << (row & 7))) === 0;
      if (!isNull) (sizes[index] as number) += bytes;
    }
  }

  put(block: RowBlock, from: number, to: number): void {
    this.#write(this.#reader, block, from, to);
  }
}

class VerbatimField implements FieldEncoder {
  readonly #fields: FieldBytes;
  readonly #prefix: number;

  constructor({ column, view }: ColumnReader, prefix: number) {
    const { values, offsets, validity } = column;
    this.#fields = { bytes: values, view, offsets: offsets as Int32Array, validity };
    this.#prefix = prefix;
  }

  measure(block: RowBlock, count: number): void {
    addSizes(this.#fields, block.rows, block.sizes, count, this.#prefix < 0 ? 0 : 1);
  }

  put(block: RowBlock, from: number, to: number): void {
    putFields(this.#fields, block.rows, block, from, to, this.#prefix);
  }
}

const EVERY_FIELD = Int32Array.from({ length: ENCODE_BLOCK_ROWS }, (_, index) => index);

/** Values that change their form: they are converted a block at a time, so that sizes are known before writing. */
class ConvertedField implements FieldEncoder {
  readonly #reader: ColumnReader;
  readonly #convert: (sink: ByteSink, reader: ColumnReader, row: number) => void;
  readonly #sink = new ByteSink(new Uint8Array(ENCODE_BLOCK_ROWS * 16));
  readonly #offsets = new Int32Array(ENCODE_BLOCK_ROWS + 1);
  readonly #validity: Uint8Array | undefined;
  #fields: FieldBytes | undefined;

  constructor(reader: ColumnReader, convert: (sink: ByteSink, reader: ColumnReader, row: number) => void) {
    this.#reader = reader;
    this.#convert = convert;
    this.#validity = reader.column.validity === undefined ? undefined : new Uint8Array(ENCODE_BLOCK_ROWS / 8);
  }

  measure(block: RowBlock, count: number): void {
    const { rows, sizes } = block;
    const sink = this.#sink;
    sink.used = 0;
    this.#validity?.fill(0xff);
    for (let index = 0; index < count; index += 1) {
      const row = rows[index] as number;
      if (isNull(this.#reader.column, row)) {
        (this.#validity as Uint8Array)[index >> 3] =
          ((this.#validity as Uint8Array)[index >> 3] as number) & ~(1 << (index & 7));
      } else {
        this.#convert(sink, this.#reader, row);
      }
      this.#offsets[index + 1] = sink.used;
    }
    this.#fields = { bytes: sink.bytes, view: sink.view, offsets: this.#offsets, validity: this.#validity };
    addSizes(this.#fields, EVERY_FIELD, sizes, count, 0);
  }

  put(block: RowBlock, from: number, to: number): void {
    putFields(this.#fields as FieldBytes, EVERY_FIELD, block, from, to, -1);
  }
}

const scratch = new ByteSink();

function putDecimal(sink: ByteSink, reader: ColumnReader, row: number): void {
  const { column } = reader;
  if (column.type.kind === 'decimal') {
    return putBinaryDecimal(
      sink,
      column.values,
      offsetOf(column.offsets, row),
      offsetOf(column.offsets, row + 1),
    );
  }
  scratch.used = 0;
  putCanonical(scratch, reader, row);
  putBinaryDecimal(sink, scratch.bytes, 0, scratch.used);
}

function putText(sink: ByteSink, reader: ColumnReader, row: number): void {
  const { column } = reader;
  if (column.type.kind !== 'boolean') return putCanonical(sink, reader, row);
  // Spelled out, as a cast does.
  sink.putAscii(((column.values[row >> 3] as number) >> (row & 7)) & 1 ? 'true' : 'false');
}
