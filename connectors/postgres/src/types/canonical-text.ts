import type { ByteSink } from './byte-sink.ts';
import type { ColumnReader } from './column-reader.ts';
import { putFloat32, putFloat64, putInt64, putInteger } from './number-text.ts';
import { putDate, putTime, putTimestamp } from './time-text.ts';

const LOWER_T = 0x74;
const LOWER_F = 0x66;
const DASH = 0x2d;

const HEX = new TextEncoder().encode('0123456789abcdef');

/** Writes a value that is not null as its type's output function prints it. */
export function putCanonical(sink: ByteSink, reader: ColumnReader, row: number): void {
  const { column, view } = reader;
  const { type } = column;
  switch (type.kind) {
    case 'boolean':
      return sink.put(((column.values[row >> 3] as number) >> (row & 7)) & 1 ? LOWER_T : LOWER_F);
    case 'int16':
      return putInteger(sink, view.getInt16(row * 2, true));
    case 'int32':
      return putInteger(sink, view.getInt32(row * 4, true));
    case 'int64':
      return putInt64(sink, view.getInt32(row * 8 + 4, true), view.getInt32(row * 8, true));
    case 'float32':
      return putFloat32(sink, view.getFloat32(row * 4, true));
    case 'float64':
      return putFloat64(sink, view.getFloat64(row * 8, true));
    case 'date':
      return putDate(sink, view.getInt32(row * 4, true));
    case 'time':
      return putTime(sink, view.getInt32(row * 8 + 4, true), view.getInt32(row * 8, true));
    case 'timestamp':
      return putTimestamp(sink, view.getInt32(row * 8 + 4, true), view.getInt32(row * 8, true), type.zoned);
    case 'uuid':
      return putUuid(sink, column.values, row * 16);
    case 'bytes':
      return putHexBytes(
        sink,
        column.values,
        offsetOf(column.offsets, row),
        offsetOf(column.offsets, row + 1),
      );
    case 'text':
    case 'decimal':
    case 'json':
    case 'other':
      return sink.putBytes(column.values, offsetOf(column.offsets, row), offsetOf(column.offsets, row + 1));
  }
}

export function offsetOf(offsets: Int32Array | undefined, row: number): number {
  return (offsets as Int32Array)[row] as number;
}

function putUuid(sink: ByteSink, values: Uint8Array, start: number): void {
  sink.reserve(36);
  const { bytes } = sink;
  let to = sink.used;
  for (let index = 0; index < 16; index += 1) {
    if (index === 4 || index === 6 || index === 8 || index === 10) bytes[to++] = DASH;
    to = putHex(bytes, to, values[start + index] as number);
  }
  sink.used = to;
}

function putHexBytes(sink: ByteSink, values: Uint8Array, start: number, end: number): void {
  sink.reserve(2 + (end - start) * 2);
  sink.putAscii('\\x');
  const { bytes } = sink;
  let to = sink.used;
  for (let index = start; index < end; index += 1) to = putHex(bytes, to, values[index] as number);
  sink.used = to;
}

function putHex(bytes: Uint8Array, to: number, byte: number): number {
  bytes[to] = HEX[byte >> 4] as number;
  bytes[to + 1] = HEX[byte & 15] as number;
  return to + 2;
}
