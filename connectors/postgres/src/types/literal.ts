import type { Column } from '@brimful/model';
import { isNull } from '@brimful/model';
import { ByteSink } from './byte-sink.ts';
import { offsetOf, putCanonical } from './canonical-text.ts';
import { readerOf } from './column-reader.ts';

const UTF8 = new TextDecoder();

/** A row's value as Postgres prints it; null for null and unknown. For messages and single parameters, not hot paths. */
export function literal(column: Column, row: number): string | null {
  if (isNull(column, row)) return null;
  const sink = new ByteSink();
  putCanonical(sink, readerOf(column), row);
  return UTF8.decode(sink.bytes.subarray(0, sink.used));
}

const OPEN = 0x7b;
const CLOSE = 0x7d;
const COMMA = 0x2c;
const QUOTE = 0x22;
const BACKSLASH = 0x5c;

/**
 * Rows' values as the text of a one-dimensional Postgres array, for `unnest($1::type[])`. A column that itself holds
 * arrays must go through `unnest($1::text[])` and a cast of each element. `rows`: a count (the first so many) or indices.
 */
export function arrayLiteral(column: Column, rows: number | Int32Array): string {
  const reader = readerOf(column);
  const sink = new ByteSink(new Uint8Array(1024));
  const count = typeof rows === 'number' ? rows : rows.length;
  const { kind } = column.type;
  const verbatim = kind === 'text' || kind === 'json' || kind === 'other';
  // Of the others only the two with spaces or backslashes need quotes.
  const quoted = kind === 'timestamp' || kind === 'date';
  sink.put(OPEN);
  for (let index = 0; index < count; index += 1) {
    const row = typeof rows === 'number' ? index : (rows[index] as number);
    if (index > 0) sink.put(COMMA);
    if (isNull(column, row)) {
      sink.putAscii('NULL');
    } else if (verbatim) {
      putQuoted(sink, column.values, offsetOf(column.offsets, row), offsetOf(column.offsets, row + 1));
    } else if (kind === 'bytes') {
      // `\\x…`: the array's own escape, then bytea's. The digits need none.
      sink.put(BACKSLASH);
      putCanonical(sink, reader, row);
    } else {
      if (quoted) sink.put(QUOTE);
      putCanonical(sink, reader, row);
      if (quoted) sink.put(QUOTE);
    }
  }
  sink.put(CLOSE);
  return UTF8.decode(sink.bytes.subarray(0, sink.used));
}

function putQuoted(sink: ByteSink, values: Uint8Array, start: number, end: number): void {
  // Each byte may need a backslash.
  sink.reserve((end - start) * 2 + 2);
  const { bytes } = sink;
  let to = sink.used;
  bytes[to++] = QUOTE;
  for (let at = start; at < end; at += 1) {
    const byte = values[at] as number;
    if (byte === QUOTE || byte === BACKSLASH) bytes[to++] = BACKSLASH;
    bytes[to++] = byte;
  }
  bytes[to++] = QUOTE;
  sink.used = to;
}
