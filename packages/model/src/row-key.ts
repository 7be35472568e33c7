import { byteString } from './byte-string.ts';
import type { Column } from './column.ts';
import { hasBit } from './column.ts';
import type { ColumnType } from './column-type.ts';
import { normalizeDecimal } from './decimal-text.ts';
import type { Schema } from './schema.ts';
import { keyIndices } from './schema.ts';

/**
 * Stands for a row's key in a `Map`: equal (`===`) exactly if the keys are equal. Only comparable with row keys of the
 * same columns with the same types. Numbers compare by value (1.0 and 1.00 are one key, so are -0 and 0; NaN equals
 * NaN), everything else by its bytes.
 *
 * Where a source's equality is coarser than bytes (case-insensitive text, intervals), its changes still name each row
 * by the exact bytes it had, so following bytes is right as long as deletes come before upserts.
 */
export type RowKey = number | string;

/** Reads the key of one row. Keeps a view on the last columns it saw, so read a whole batch before the next. */
export type RowKeyReader = (columns: readonly Column[], row: number) => RowKey;

/** Reads from columns aligned with `schema.columns`. The collection must have a key. */
export function keyReader(schema: Schema): RowKeyReader {
  const indices = keyIndices(schema);
  return readerOf(
    indices.map((index) => (schema.columns[index] as Schema['columns'][number]).type),
    indices,
  );
}

/** Reads from columns in key order: old keys, lists of keys. */
export function keyListReader(schema: Schema): RowKeyReader {
  const types = keyIndices(schema).map((index) => (schema.columns[index] as Schema['columns'][number]).type);
  return readerOf(
    types,
    types.map((_, index) => index),
  );
}

/** Reads all columns, for collections without a key. Nulls are equal to each other; unknown equals only unknown. */
export function wholeRowReader(schema: Schema): RowKeyReader {
  const types = schema.columns.map((column) => column.type);
  return compositeReader(
    types,
    types.map((_, index) => index),
  );
}

/** Not a byte, so no value's byte string holds it. */
const NULL = '\u0100';
const UNKNOWN = '\u0101';

function readerOf(types: readonly ColumnType[], indices: readonly number[]): RowKeyReader {
  const [type] = types;
  const [index] = indices;
  if (types.length !== 1 || type === undefined || index === undefined) return compositeReader(types, indices);
  const read = valueReader(type);
  return (columns, row) => {
    const column = columns[index] as Column;
    return column.validity !== undefined && !hasBit(column.validity, row) ? NULL : read(column, row);
  };
}

/** Each part tells where it ends, so no two different rows give the same text. */
function compositeReader(types: readonly ColumnType[], indices: readonly number[]): RowKeyReader {
  const parts = types.map((type, at) => ({ index: indices[at] as number, read: valueReader(type) }));
  return (columns, row) => {
    let key = '';
    for (const part of parts) {
      const column = columns[part.index] as Column;
      if (column.validity !== undefined && !hasBit(column.validity, row)) {
        key += column.unknown !== undefined && hasBit(column.unknown, row) ? UNKNOWN : NULL;
        continue;
      }
      const value = part.read(column, row);
      key += typeof value === 'number' ? `${value};` : `${value.length}:${value}`;
    }
    return key;
  };
}

type ValueReader = (column: Column, row: number) => RowKey;

/** One value that is not null, as something equal exactly if the values are. */
function valueReader(type: ColumnType): ValueReader {
  switch (type.kind) {
    case 'boolean':
      return (column, row) => (hasBit(column.values, row) ? 1 : 0);
    case 'int16':
      return viewed((view, row) => view.getInt16(row * 2, true));
    case 'int32':
    case 'date':
      return viewed((view, row) => view.getInt32(row * 4, true));
    case 'int64':
    case 'time':
    case 'timestamp':
      return viewed(readInt64);
    case 'float32':
      return viewed((view, row) => floatKey(view.getFloat32(row * 4, true)));
    case 'float64':
      return viewed((view, row) => floatKey(view.getFloat64(row * 8, true)));
    case 'uuid':
      return viewed(readUuid);
    case 'decimal':
      return (column, row) => normalizeDecimal(variable(column, row));
    case 'bytes':
    case 'text':
    case 'json':
    case 'other':
      return variable;
  }
}

function viewed(read: (view: DataView, row: number) => RowKey): ValueReader {
  let values: Uint8Array | undefined;
  let view: DataView = new DataView(new ArrayBuffer(0));
  return (column, row) => {
    if (column.values !== values) {
      values = column.values;
      view = new DataView(values.buffer, values.byteOffset, values.byteLength);
    }
    return read(view, row);
  };
}

/** High words whose 64-bit integers are all exact as numbers. */
const SAFE_HIGH = 2 ** 21;

function readInt64(view: DataView, row: number): RowKey {
  const high = view.getInt32(row * 8 + 4, true);
  if (high >= -SAFE_HIGH && high < SAFE_HIGH) return high * 2 ** 32 + view.getUint32(row * 8, true);
  return view.getBigInt64(row * 8, true).toString();
}

function floatKey(value: number): RowKey {
  // Adding 0 turns -0 into 0. NaN is not equal to itself, its name is.
  return Number.isNaN(value) ? 'NaN' : value + 0;
}

function readUuid(view: DataView, row: number): string {
  const at = row * 16;
  return String.fromCharCode(
    view.getUint16(at),
    view.getUint16(at + 2),
    view.getUint16(at + 4),
    view.getUint16(at + 6),
    view.getUint16(at + 8),
    view.getUint16(at + 10),
    view.getUint16(at + 12),
    view.getUint16(at + 14),
  );
}

function variable(column: Column, row: number): string {
  const offsets = column.offsets as Int32Array;
  return byteString(column.values, offsets[row] as number, offsets[row + 1] as number);
}
