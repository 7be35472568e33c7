import type { Batch, Column } from '@brimful/model';
import { isNull } from '@brimful/model';
import { ByteSink } from './byte-sink.ts';
import { offsetOf, putCanonical } from './canonical-text.ts';
import type { ColumnReader } from './column-reader.ts';
import { readerOf } from './column-reader.ts';
import type { EncodeColumn } from './encode-column.ts';
import type { FramePool } from './frame-pool.ts';
import { FRAME_HEADER_BYTES, sealFrame } from './frame-pool.ts';
import { requireWidening } from './widening.ts';

const TAB = 0x09;
const NEWLINE = 0x0a;
const RETURN = 0x0d;
const BACKSLASH = 0x5c;
const LOWER_N = 0x6e;
const UPPER_N = 0x4e;
const LOWER_R = 0x72;
const LOWER_T = 0x74;

/**
 * Batches as the payload of `COPY … FROM STDIN` in text format with its default options. Same shape and rules as
 * `CopyEncoder`; works for every column type. There is no header or trailer: both are undefined.
 */
export class CopyTextEncoder {
  readonly pool: FramePool;
  readonly #columns: readonly EncodeColumn[];

  constructor(columns: readonly EncodeColumn[], pool: FramePool) {
    this.#columns = columns;
    this.pool = pool;
  }

  header(): undefined {
    return undefined;
  }

  *encode(batch: Batch, rows?: Int32Array): Generator<Uint8Array, void, undefined> {
    const fields = this.#columns.map(({ source, type, name }) => {
      const column = batch.columns[source] as Column;
      requireWidening(column.type, type, name);
      return fieldOf(column, type.kind === 'text');
    });
    const count = rows === undefined ? batch.rows : rows.length;
    const sink = new ByteSink(this.pool.take(), FRAME_HEADER_BYTES);
    for (let index = 0; index < count; index += 1) {
      putRow(sink, fields, rows === undefined ? index : (rows[index] as number));
      // Three quarters: most rows then end within the buffer, which stays the pool's.
      if (sink.used > this.pool.bytes * 0.75) {
        yield sealFrame(sink.bytes, sink.used);
        sink.replace(this.pool.take(), FRAME_HEADER_BYTES);
      }
    }
    if (sink.used > FRAME_HEADER_BYTES) yield sealFrame(sink.bytes, sink.used);
    else this.pool.release(sink.bytes);
  }

  trailer(): undefined {
    return undefined;
  }
}

interface Field {
  readonly reader: ColumnReader;
  /** Bytes as they are may hold what COPY escapes. */
  readonly verbatim: boolean;
  /** A boolean that becomes text is spelled out, as a cast does. */
  readonly words: boolean;
}

function fieldOf(column: Column, toText: boolean): Field {
  const { kind } = column.type;
  return {
    reader: readerOf(column),
    verbatim: kind === 'text' || kind === 'json' || kind === 'other',
    words: toText && kind === 'boolean',
  };
}

function putRow(sink: ByteSink, fields: readonly Field[], row: number): void {
  for (let index = 0; index < fields.length; index += 1) {
    if (index > 0) sink.put(TAB);
    putField(sink, fields[index] as Field, row);
  }
  sink.put(NEWLINE);
}

function putField(sink: ByteSink, field: Field, row: number): void {
  const { column } = field.reader;
  if (isNull(column, row)) {
    sink.put(BACKSLASH);
    sink.put(UPPER_N);
  } else if (field.verbatim) {
    putEscaped(sink, column.values, offsetOf(column.offsets, row), offsetOf(column.offsets, row + 1));
  } else if (field.words) {
    sink.putAscii(((column.values[row >> 3] as number) >> (row & 7)) & 1 ? 'true' : 'false');
  } else {
    // Bytea's own backslash; nothing else that is printed from here needs one.
    if (column.type.kind === 'bytes') sink.put(BACKSLASH);
    putCanonical(sink, field.reader, row);
  }
}

function putEscaped(sink: ByteSink, values: Uint8Array, start: number, end: number): void {
  // Each byte may need a backslash.
  sink.reserve((end - start) * 2);
  const { bytes } = sink;
  let to = sink.used;
  for (let at = start; at < end; at += 1) {
    const byte = values[at] as number;
    if (byte > RETURN && byte !== BACKSLASH) {
      bytes[to++] = byte;
      continue;
    }
    const letter = escapeOf(byte);
    if (letter !== 0) bytes[to++] = BACKSLASH;
    bytes[to++] = letter === 0 ? byte : letter;
  }
  sink.used = to;
}

function escapeOf(byte: number): number {
  switch (byte) {
    case BACKSLASH:
      return BACKSLASH;
    case NEWLINE:
      return LOWER_N;
    case RETURN:
      return LOWER_R;
    case TAB:
      return LOWER_T;
    default:
      return 0;
  }
}
