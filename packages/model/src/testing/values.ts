import type { Column } from '../column.ts';
import { ColumnBuilder, hasBit, isNull, isUnknown } from '../column.ts';
import type { ColumnType } from '../column-type.ts';

/** Stands for a value the source left out. */
export const UNKNOWN = Symbol('unknown');

/**
 * A value of a column as tests write it. Integers and dates are numbers, 64-bit ones (times and timestamps too)
 * bigints, bytes arrays; uuid, text, decimal, JSON and everything else are strings.
 */
export type Value = null | boolean | number | bigint | string | Uint8Array | typeof UNKNOWN;

const encoder = new TextEncoder();
const decoder = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });

export function columnOf(type: ColumnType, values: readonly Value[]): Column {
  const builder = new ColumnBuilder(type);
  for (const value of values) appendValue(builder, value);
  return builder.finish();
}

export function appendValue(builder: ColumnBuilder, value: Value): void {
  if (value === null) return builder.appendNull();
  if (value === UNKNOWN) return builder.appendUnknown();
  const { kind } = builder.type;
  if (kind === 'boolean') return builder.appendBoolean(value as boolean);
  if (builder.width === 0) {
    return builder.appendBytes(typeof value === 'string' ? encoder.encode(value) : (value as Uint8Array));
  }
  builder.reserveRow();
  const at = builder.rows * (builder.width as number);
  if (kind === 'int16') builder.view.setInt16(at, value as number, true);
  else if (kind === 'int32' || kind === 'date') builder.view.setInt32(at, value as number, true);
  else if (kind === 'float32') builder.view.setFloat32(at, value as number, true);
  else if (kind === 'float64') builder.view.setFloat64(at, value as number, true);
  else if (kind === 'uuid') builder.values.set(uuidBytes(value as string), at);
  else builder.view.setBigInt64(at, value as bigint, true);
  builder.commitFixed();
}

export function valueAt(column: Column, row: number): Value {
  if (isUnknown(column, row)) return UNKNOWN;
  if (isNull(column, row)) return null;
  const { values } = column;
  const view = new DataView(values.buffer, values.byteOffset, values.byteLength);
  switch (column.type.kind) {
    case 'boolean':
      return hasBit(values, row);
    case 'int16':
      return view.getInt16(row * 2, true);
    case 'int32':
    case 'date':
      return view.getInt32(row * 4, true);
    case 'int64':
    case 'time':
    case 'timestamp':
      return view.getBigInt64(row * 8, true);
    case 'float32':
      return view.getFloat32(row * 4, true);
    case 'float64':
      return view.getFloat64(row * 8, true);
    case 'uuid':
      return uuidText(values.subarray(row * 16, row * 16 + 16));
    case 'bytes':
      return variableBytes(column, row).slice();
    case 'text':
    case 'decimal':
    case 'json':
    case 'other':
      return decoder.decode(variableBytes(column, row));
  }
}

function variableBytes(column: Column, row: number): Uint8Array {
  const offsets = column.offsets as Int32Array;
  return column.values.subarray(offsets[row], offsets[row + 1]);
}

function uuidBytes(text: string): Uint8Array {
  return Uint8Array.from(text.replaceAll('-', '').match(/../gu) ?? [], (pair) => Number.parseInt(pair, 16));
}

function uuidText(bytes: Uint8Array): string {
  const hex = [...bytes].map((byte) => byte.toString(16).padStart(2, '0')).join('');
  return hex.replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/u, '$1-$2-$3-$4-$5');
}
