import type { Column } from './column.ts';
import { ColumnBuilder, hasBit, isNull } from './column.ts';
import type { ColumnType } from './column-type.ts';
import { decimalFromPoint, decimalPoint } from './ordered-decimal.ts';
import type { Schema } from './schema.ts';
import { keyIndices } from './schema.ts';
import { TIMESTAMP_INFINITY, TIMESTAMP_MINUS_INFINITY, TIMESTAMP_WRAPPED_BELOW } from './value.ts';

/**
 * A key as a point of an ordered space: points compare (as strings, by code unit) as their keys do, column by column.
 * Numbers and times compare by value, -0 as 0, NaN above infinity; text and everything kept as text by its bytes,
 * which is not a source's collation; false before true; nulls last. All integers are encoded alike, so ranges survive
 * a widening among them. Printable ASCII. No point begins another.
 */
export type KeyPoint = string;

/** Reads the point of one row. */
export type KeyPointReader = (columns: readonly Column[], row: number) => KeyPoint;

/** Reads from columns aligned with `schema.columns`. */
export function keyPointReader(schema: Schema): KeyPointReader {
  const indices = keyIndices(schema);
  return (columns, row) =>
    indices.reduce((point, index) => point + partOf(columns[index] as Column, row), '');
}

/** Reads from columns in key order. */
export function listedKeyPoint(keys: readonly Column[], row: number): KeyPoint {
  return keys.reduce((point, column) => point + partOf(column, row), '');
}

/** The first point that may follow a key's point: `[point, pointAfter(point))` holds that key alone. */
export function pointAfter(point: KeyPoint): string {
  return `${point}${END}`;
}

/** The key that a point stands for: columns of one row, in key order. Decimals come without trailing zeros. */
export function keyOfPoint(schema: Schema, point: KeyPoint): Column[] {
  let rest = point;
  return keyIndices(schema).map((index) => {
    const builder = new ColumnBuilder((schema.columns[index] as Schema['columns'][number]).type);
    const length = rest.startsWith(NULL) ? NULL.length : lengthOf(builder.type, rest);
    if (rest.startsWith(NULL)) builder.appendNull();
    else appendPart(builder, rest.slice(0, length));
    rest = rest.slice(length);
    return builder.finish();
  });
}

/** Above the first character of every value. */
const NULL = '~';
/** Ends what has no fixed length. Below every other character. */
const END = '!';

function partOf(column: Column, row: number): string {
  if (isNull(column, row)) return NULL;
  const { values } = column;
  const view = new DataView(values.buffer, values.byteOffset, values.byteLength);
  switch (column.type.kind) {
    case 'boolean':
      return hasBit(values, row) ? '1' : '0';
    case 'int16':
      return integerPart(BigInt(view.getInt16(row * 2, true)));
    case 'int32':
    case 'date':
      return integerPart(BigInt(view.getInt32(row * 4, true)));
    case 'int64':
    case 'time':
      return integerPart(view.getBigInt64(row * 8, true));
    case 'timestamp':
      return timestampPart(view.getBigInt64(row * 8, true));
    case 'float32':
      return floatPart(view.getFloat32(row * 4, true));
    case 'float64':
      return floatPart(view.getFloat64(row * 8, true));
    case 'uuid':
      return hexOf(values, row * 16, row * 16 + 16);
    case 'decimal':
      return decimalPoint(asciiOf(column, row));
    case 'bytes':
    case 'text':
    case 'json':
    case 'other': {
      const offsets = column.offsets as Int32Array;
      return hexOf(values, offsets[row] as number, offsets[row + 1] as number) + END;
    }
  }
}

const SIGN = 2n ** 63n;

function integerPart(value: bigint): string {
  return (value + SIGN).toString(16).padStart(16, '0');
}

/** One digit more than integers: the last years of the range have wrapped, and infinity lies above them. */
function timestampPart(stored: bigint): string {
  if (stored === TIMESTAMP_INFINITY) return `2${'0'.repeat(16)}`;
  const wrapped = stored < TIMESTAMP_WRAPPED_BELOW && stored !== TIMESTAMP_MINUS_INFINITY;
  return (stored + SIGN + (wrapped ? 2n ** 64n : 0n)).toString(16).padStart(17, '0');
}

const scratch = new DataView(new ArrayBuffer(8));

function floatPart(value: number): string {
  // Adding 0 makes -0 0. There are many NaNs, of which this writes one, above all other floats.
  scratch.setFloat64(0, value + 0);
  if (Number.isNaN(value)) return 'f'.repeat(16);
  const bits = scratch.getBigUint64(0);
  return (bits >= SIGN ? BigInt.asUintN(64, ~bits) : bits + SIGN).toString(16).padStart(16, '0');
}

function hexOf(bytes: Uint8Array, start: number, end: number): string {
  let text = '';
  for (let index = start; index < end; index += 1)
    text += (bytes[index] as number).toString(16).padStart(2, '0');
  return text;
}

function asciiOf(column: Column, row: number): string {
  const offsets = column.offsets as Int32Array;
  return new TextDecoder().decode(column.values.subarray(offsets[row], offsets[row + 1]));
}

function lengthOf(type: ColumnType, part: string): number {
  switch (type.kind) {
    case 'boolean':
      return 1;
    case 'timestamp':
      return 17;
    case 'uuid':
      return 32;
    case 'decimal':
      return part.search(/[!:]/u) + 1;
    case 'bytes':
    case 'text':
    case 'json':
    case 'other':
      return part.indexOf(END) + 1;
    default:
      return 16;
  }
}

function appendPart(builder: ColumnBuilder, part: string): void {
  const { kind } = builder.type;
  if (kind === 'boolean') return builder.appendBoolean(part === '1');
  if (kind === 'decimal') return builder.appendBytes(new TextEncoder().encode(decimalFromPoint(part)));
  if (builder.width === 0) return builder.appendBytes(bytesOf(part.slice(0, -1)));
  builder.reserveRow();
  const at = builder.rows * (builder.width as number);
  if (kind === 'uuid') builder.values.set(bytesOf(part), at);
  else appendNumber(builder, at, BigInt(`0x${part}`));
  builder.commitFixed();
}

function appendNumber({ type, view }: ColumnBuilder, at: number, point: bigint): void {
  const value = point - SIGN;
  switch (type.kind) {
    case 'int16':
      return view.setInt16(at, Number(value), true);
    case 'int32':
    case 'date':
      return view.setInt32(at, Number(value), true);
    case 'timestamp':
      return view.setBigInt64(at, point === 2n ** 65n ? TIMESTAMP_INFINITY : BigInt.asIntN(64, value), true);
    case 'float32':
      return view.setFloat32(at, floatOf(point), true);
    case 'float64':
      return view.setFloat64(at, floatOf(point), true);
    default:
      return view.setBigInt64(at, value, true);
  }
}

function floatOf(point: bigint): number {
  scratch.setBigUint64(0, point >= SIGN ? point - SIGN : BigInt.asUintN(64, ~point));
  return scratch.getFloat64(0);
}

function bytesOf(hex: string): Uint8Array {
  const bytes = new Uint8Array(hex.length / 2);
  for (let index = 0; index < bytes.length; index += 1) {
    bytes[index] = Number.parseInt(hex.slice(index * 2, index * 2 + 2), 16);
  }
  return bytes;
}
