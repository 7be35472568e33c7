import type { Column, ColumnType } from '@brimful/model';
import { hasBit } from '@brimful/model';
import duckdb from '@duckdb/node-bindings';
import { writeDecimal } from './decimal-value.ts';
import { decimalWidth } from './native-type.ts';
import { ValueRefused } from './value-refused.ts';

/** DuckDB's vector size. Starts are multiples of it, so bitmaps are cut at whole bytes. */
export const VECTOR_ROWS = 2048;

/** Copies rows `[start, start + rows)` into a vector of an empty chunk. Throws `ValueRefused`. */
export type ColumnWriter = (vector: duckdb.Vector, column: Column, start: number, rows: number) => void;

// Everything below runs to its end on one thread, so these can be shared.
const bytes = new Uint8Array(VECTOR_ROWS * 16);
const integers = new Int32Array(bytes.buffer);
const words = new Uint32Array(bytes.buffer);

export function columnWriter(type: ColumnType): ColumnWriter {
  switch (type.kind) {
    case 'boolean':
      return writeBooleans;
    case 'int16':
      return fixedWriter(2);
    case 'int32':
    case 'float32':
      return fixedWriter(4);
    case 'int64':
    case 'float64':
      return fixedWriter(8);
    case 'date':
      return fixedWriter(4, checkDates);
    case 'time':
      return fixedWriter(8);
    case 'timestamp':
      return fixedWriter(8, checkTimestamps);
    case 'uuid':
      return writeUuids;
    case 'decimal':
      return decimalWriter(type);
    case 'bytes':
    case 'text':
    case 'json':
    case 'other':
      return writeStrings;
  }
}

function writeValidity(vector: duckdb.Vector, column: Column, start: number, rows: number): void {
  const { validity } = column;
  if (validity === undefined) return;
  duckdb.vector_ensure_validity_writable(vector);
  const from = validity.byteOffset + (start >> 3);
  duckdb.copy_data_to_vector_validity(vector, 0, validity.buffer as ArrayBuffer, from, (rows + 7) >> 3);
}

function isPresent(column: Column, row: number): boolean {
  return column.validity === undefined || hasBit(column.validity, row);
}

type Check = (start: number, rows: number, column: Column) => void;

function fixedWriter(width: 2 | 4 | 8, check?: Check): ColumnWriter {
  return (vector, column, start, rows) => {
    const { values } = column;
    if (check === undefined) {
      const from = values.byteOffset + start * width;
      duckdb.copy_data_to_vector(vector, 0, values.buffer as ArrayBuffer, from, rows * width);
    } else {
      bytes.set(values.subarray(start * width, (start + rows) * width));
      check(start, rows, column);
      duckdb.copy_data_to_vector(vector, 0, bytes.buffer, 0, rows * width);
    }
    writeValidity(vector, column, start, rows);
  };
}

const LEAST_INTEGER = -(2 ** 31);

/** DuckDB's -infinity is -(2^31-1); what the model has there is a day it cannot show. */
function checkDates(start: number, rows: number): void {
  for (let row = 0; row < rows; row += 1) {
    const day = integers[row] as number;
    if (day > LEAST_INTEGER + 1) continue;
    if (day !== LEAST_INTEGER)
      throw new ValueRefused(start + row, `day ${day} is before DuckDB's first date`);
    integers[row] = LEAST_INTEGER + 1;
  }
}

/** High words at or below this may be below -9.2e18: values that wrapped around, or -infinity. */
const WRAPPED_BELOW = -9_200_000_000_000_000_000n;
const WRAPPED_HIGH_WORD = Number(WRAPPED_BELOW >> 32n);

function checkTimestamps(start: number, rows: number): void {
  for (let row = 0; row < rows; row += 1) {
    const high = integers[row * 2 + 1] as number;
    if (high > WRAPPED_HIGH_WORD) continue;
    const low = words[row * 2] as number;
    const value = (BigInt(high) << 32n) | BigInt(low);
    if (value >= WRAPPED_BELOW) continue;
    if (value !== -(2n ** 63n)) {
      throw new ValueRefused(
        start + row,
        "the timestamp is after DuckDB's last one, 294247-01-10 04:00:54.775806",
      );
    }
    // DuckDB's -infinity is -(2^63-1).
    words[row * 2] = 1;
  }
}

function writeBooleans(vector: duckdb.Vector, column: Column, start: number, rows: number): void {
  const { values } = column;
  for (let row = 0; row < rows; row += 1) bytes[row] = hasBit(values, start + row) ? 1 : 0;
  duckdb.copy_data_to_vector(vector, 0, bytes.buffer, 0, rows);
  writeValidity(vector, column, start, rows);
}

/** DuckDB keeps a UUID as a 128-bit integer, low half first, with the top bit flipped so that it orders. */
function writeUuids(vector: duckdb.Vector, column: Column, start: number, rows: number): void {
  const { values } = column;
  for (let row = 0; row < rows; row += 1) {
    const from = (start + row) * 16;
    const to = row * 16;
    for (let index = 0; index < 16; index += 1) bytes[to + 15 - index] = values[from + index] as number;
    (bytes[to + 15] as number) ^= 0x80;
  }
  duckdb.copy_data_to_vector(vector, 0, bytes.buffer, 0, rows * 16);
  writeValidity(vector, column, start, rows);
}

function decimalWriter(type: ColumnType): ColumnWriter {
  const width = decimalWidth(type);
  if (width === undefined) return writeStrings;
  const size = width.width <= 4 ? 2 : width.width <= 9 ? 4 : width.width <= 18 ? 8 : 16;
  const count = Math.max(size / 4, 1);
  return (vector, column, start, rows) => {
    const { values } = column;
    const offsets = column.offsets as Int32Array;
    for (let row = 0; row < rows; row += 1) {
      const index = start + row;
      if (!isPresent(column, index)) {
        integers.fill(0, row * count, (row + 1) * count);
        continue;
      }
      const from = offsets[index] as number;
      writeDecimal(values, from, offsets[index + 1] as number, width, integers, row * count, count, index);
    }
    if (size === 2) {
      // In place, front to back: the narrow value never lies behind the wide one still to be read.
      const narrow = new Int16Array(bytes.buffer);
      for (let row = 0; row < rows; row += 1) narrow[row] = integers[row] as number;
    }
    duckdb.copy_data_to_vector(vector, 0, bytes.buffer, 0, rows * size);
    writeValidity(vector, column, start, rows);
  };
}

const INLINE_BYTES = 12;
const TWO_32 = 2 ** 32;

/**
 * Strings as the engine's public `duckdb_string_t`: length, then the bytes themselves up to twelve, else their first
 * four and a pointer. All bytes of the rows go over in one call, as one long string in the vector's own heap; the rows
 * then point into it. One call a vector instead of one a value: measured six times faster.
 */
function writeStrings(vector: duckdb.Vector, column: Column, start: number, rows: number): void {
  const { values } = column;
  const offsets = column.offsets as Int32Array;
  const first = offsets[start] as number;
  const last = offsets[start + rows] as number;
  let low = 0;
  let high = 0;
  if (last > first) {
    duckdb.vector_assign_string_element_len(vector, 0, values.subarray(first, last));
    const placed = duckdb.vector_get_data(vector, 16);
    const entry = new DataView(placed.buffer, placed.byteOffset, 16);
    // The engine leaves text that is not UTF-8 out.
    if (entry.getUint32(0, true) !== last - first)
      throw new ValueRefused(badText(column, start, rows), 'is not valid UTF-8');
    low = entry.getUint32(8, true);
    high = entry.getUint32(12, true);
  }
  for (let row = 0; row < rows; row += 1) {
    const from = offsets[start + row] as number;
    const length = (offsets[start + row + 1] as number) - from;
    const at = row * 4;
    words[at] = length;
    if (length <= INLINE_BYTES) {
      words[at + 1] = 0;
      words[at + 2] = 0;
      words[at + 3] = 0;
      const to = at * 4 + 4;
      for (let index = 0; index < length; index += 1) bytes[to + index] = values[from + index] as number;
      continue;
    }
    const to = at * 4 + 4;
    for (let index = 0; index < 4; index += 1) bytes[to + index] = values[from + index] as number;
    const pointer = low + (from - first);
    words[at + 2] = pointer;
    words[at + 3] = pointer >= TWO_32 ? high + 1 : high;
  }
  duckdb.copy_data_to_vector(vector, 0, bytes.buffer, 0, rows * 16);
  writeValidity(vector, column, start, rows);
}

function badText(column: Column, start: number, rows: number): number {
  const decoder = new TextDecoder('utf-8', { fatal: true });
  const offsets = column.offsets as Int32Array;
  for (let row = start; row < start + rows; row += 1) {
    try {
      decoder.decode(column.values.subarray(offsets[row], offsets[row + 1]));
    } catch {
      return row;
    }
  }
  return start;
}
