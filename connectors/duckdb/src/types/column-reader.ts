import type { ColumnBuilder, ColumnType } from '@brimful/model';
import { hasBit } from '@brimful/model';
import duckdb from '@duckdb/node-bindings';
import { appendLargeScaled, appendScaled } from './decimal-text.ts';
import type { DecimalWidth } from './native-type.ts';

/** Appends rows `[from, to)` of a vector to a column. The vector's memory must be alive for as long as the call. */
export type ColumnReader = (vector: duckdb.Vector, from: number, to: number, into: ColumnBuilder) => void;

/**
 * How a vector of the type's native DuckDB type becomes a column: the inverse of `column-writer`. `width`: of a decimal
 * that comes as a DECIMAL; undefined where it comes as text.
 */
export function columnReader(type: ColumnType, width: DecimalWidth | undefined): ColumnReader {
  switch (type.kind) {
    case 'boolean':
      return readBooleans;
    case 'int16':
      return fixedReader(2);
    case 'int32':
    case 'float32':
      return fixedReader(4);
    case 'int64':
    case 'float64':
    case 'time':
      return fixedReader(8);
    case 'date':
      return fixedReader(4, restoreDate);
    case 'timestamp':
      return fixedReader(8, restoreTimestamp);
    case 'uuid':
      return readUuids;
    case 'decimal':
      return width === undefined ? readStrings : decimalReader(width);
    case 'bytes':
    case 'text':
    case 'json':
    case 'other':
      return readStrings;
  }
}

/** Bytes of a DuckDB string in its vector: a length, then the text itself or a pointer to it. */
const STRING_BYTES = 16;
const INLINE_BYTES = 12;
const TWO_32 = 2 ** 32;

/** Adds to `sizes` what each of the rows `[0, rows)` of a vector of strings weighs. */
export function addStringSizes(vector: duckdb.Vector, rows: number, sizes: Float64Array): void {
  const { view } = dataOf(vector, rows * STRING_BYTES);
  const validity = validityOf(vector, rows);
  for (let row = 0; row < rows; row += 1) {
    if (validity === undefined || hasBit(validity, row))
      (sizes[row] as number) += view.getUint32(row * STRING_BYTES, true);
  }
}

interface Data {
  readonly bytes: Uint8Array;
  readonly view: DataView;
}

function dataOf(vector: duckdb.Vector, length: number): Data {
  const bytes = duckdb.vector_get_data(vector, length);
  return { bytes, view: new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength) };
}

/** Undefined: no row is null. */
function validityOf(vector: duckdb.Vector, rows: number): Uint8Array | undefined {
  // The engine keeps whole words of 64 rows. The driver's declaration forgets that there may be none.
  const validity = duckdb.vector_get_validity(vector, ((rows + 63) >> 6) * 8) as Uint8Array | null;
  return validity ?? undefined;
}

type Restore = (view: DataView, at: number) => void;

function fixedReader(width: 2 | 4 | 8, restore?: Restore): ColumnReader {
  return (vector, from, to, into) => {
    const { bytes } = dataOf(vector, to * width);
    const validity = validityOf(vector, to);
    into.reserveRows(to - from);
    into.values.set(bytes.subarray(from * width, to * width), into.rows * width);
    for (let row = from; row < to; row += 1) {
      const at = into.rows * width;
      if (validity !== undefined && !hasBit(validity, row)) {
        into.values.fill(0, at, at + width);
        into.appendNull();
        continue;
      }
      restore?.(into.view, at);
      into.commitFixed();
    }
  };
}

/** DuckDB's -infinity is one above the lowest number, in both types. */
function restoreDate(view: DataView, at: number): void {
  if (view.getInt32(at, true) === -(2 ** 31) + 1) view.setInt32(at, -(2 ** 31), true);
}

function restoreTimestamp(view: DataView, at: number): void {
  if (view.getInt32(at + 4, true) === -(2 ** 31) && view.getInt32(at, true) === 1) view.setInt32(at, 0, true);
}

function readBooleans(vector: duckdb.Vector, from: number, to: number, into: ColumnBuilder): void {
  const { bytes } = dataOf(vector, to);
  const validity = validityOf(vector, to);
  for (let row = from; row < to; row += 1) {
    if (validity === undefined || hasBit(validity, row)) into.appendBoolean(bytes[row] !== 0);
    else into.appendNull();
  }
}

function readUuids(vector: duckdb.Vector, from: number, to: number, into: ColumnBuilder): void {
  const { bytes } = dataOf(vector, to * 16);
  const validity = validityOf(vector, to);
  into.reserveRows(to - from);
  for (let row = from; row < to; row += 1) {
    if (validity !== undefined && !hasBit(validity, row)) {
      into.appendNull();
      continue;
    }
    const at = into.rows * 16;
    for (let index = 0; index < 16; index += 1)
      into.values[at + index] = bytes[row * 16 + 15 - index] as number;
    (into.values[at] as number) ^= 0x80;
    into.commitFixed();
  }
}

function decimalReader({ width, scale }: DecimalWidth): ColumnReader {
  const size = width <= 4 ? 2 : width <= 9 ? 4 : width <= 18 ? 8 : 16;
  return (vector, from, to, into) => {
    const { view } = dataOf(vector, to * size);
    const validity = validityOf(vector, to);
    for (let row = from; row < to; row += 1) {
      if (validity === undefined || hasBit(validity, row)) appendDecimal(into, view, row * size, size, scale);
      else into.appendNull();
    }
  };
}

function appendDecimal(
  into: ColumnBuilder,
  view: DataView,
  at: number,
  size: 2 | 4 | 8 | 16,
  scale: number,
): void {
  if (size === 2) return appendScaled(into, view.getInt16(at, true), scale);
  if (size === 4) return appendScaled(into, view.getInt32(at, true), scale);
  const low = view.getUint32(at, true);
  const high = view.getInt32(at + 4, true);
  const value = high * TWO_32 + low;
  const isNarrow =
    size === 8 || (view.getInt32(at + 8, true) === high >> 31 && view.getInt32(at + 12, true) === high >> 31);
  if (isNarrow && Number.isSafeInteger(value)) return appendScaled(into, value, scale);
  const narrow = view.getBigInt64(at, true);
  const large = size === 8 ? narrow : (view.getBigInt64(at + 8, true) << 64n) | view.getBigUint64(at, true);
  appendLargeScaled(into, large, scale);
}

/**
 * Texts beyond twelve bytes lie elsewhere, one behind the other where a statement's result was copied for us: what adjoins is
 * fetched in one call, measured a handful a vector instead of 2048.
 */
function readStrings(vector: duckdb.Vector, from: number, to: number, into: ColumnBuilder): void {
  const { bytes, view } = dataOf(vector, to * STRING_BYTES);
  const validity = validityOf(vector, to);
  const buffer = bytes.buffer as ArrayBuffer;
  let start = 0;
  let end = 0;
  let run: Uint8Array = bytes;
  into.reserveRows(to - from);
  for (let row = from; row < to; row += 1) {
    if (validity !== undefined && !hasBit(validity, row)) {
      into.appendNull();
      continue;
    }
    const at = row * STRING_BYTES;
    const length = view.getUint32(at, true);
    if (length <= INLINE_BYTES) {
      into.appendBytes(bytes, at + 4, at + 4 + length);
      continue;
    }
    const pointer = pointerAt(view, at);
    if (pointer < start || pointer + length > end) {
      start = pointer;
      end = runEnd(view, validity, row, to);
      run = duckdb.get_data_from_pointer(buffer, bytes.byteOffset + at + 8, end - start);
    }
    into.appendBytes(run, pointer - start, pointer - start + length);
  }
}

/** Addresses have 48 bits. */
function pointerAt(view: DataView, at: number): number {
  return view.getUint32(at + 12, true) * TWO_32 + view.getUint32(at + 8, true);
}

/** Where the text of `row` and of those that follow it without a gap ends. Nothing but values is ever read. */
function runEnd(view: DataView, validity: Uint8Array | undefined, row: number, to: number): number {
  let end = pointerAt(view, row * STRING_BYTES) + view.getUint32(row * STRING_BYTES, true);
  for (let next = row + 1; next < to; next += 1) {
    if (validity !== undefined && !hasBit(validity, next)) continue;
    const at = next * STRING_BYTES;
    const length = view.getUint32(at, true);
    if (length <= INLINE_BYTES) continue;
    if (pointerAt(view, at) !== end) break;
    end += length;
  }
  return end;
}
