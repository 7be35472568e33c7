import type { Column } from './column.ts';
import { ColumnBuilder, isNull, isUnknown } from './column.ts';
import type { ColumnKind, ColumnType } from './column-type.ts';
import { sameType, widthOf } from './column-type.ts';
import { assert } from './problem.ts';
import { widensTo } from './schema-lattice.ts';

/**
 * The same values in a wider type. Shares memory where the layouts agree. Precondition: `widensTo(column.type, type)`.
 * (Invariant 6)
 */
export function widenColumn(column: Column, type: ColumnType, rows: number): Column {
  if (sameType(column.type, type)) return column;
  assert(widensTo(column.type, type), `a column of ${column.type.kind} widens to ${type.kind}`);
  if (column.type.kind === type.kind) return { ...column, type };
  if (type.kind === 'decimal') return decimals(column, type, rows);
  const width = widthOf(type) as number;
  const values = new Uint8Array(rows * width);
  const to = new DataView(values.buffer);
  const from = new DataView(column.values.buffer, column.values.byteOffset, column.values.byteLength);
  const read = NUMBER_READERS[column.type.kind];
  assert(read !== undefined, `${column.type.kind} is read as a number`);
  for (let row = 0; row < rows; row += 1) {
    const value = read(from, row);
    // Null rows are zero in every layout, so they need no test.
    if (type.kind === 'int32') to.setInt32(row * 4, value, true);
    else if (type.kind === 'float32') to.setFloat32(row * 4, value, true);
    else if (type.kind === 'float64') to.setFloat64(row * 8, value, true);
    else {
      to.setUint32(row * 8, value, true);
      to.setInt32(row * 8 + 4, value < 0 ? -1 : 0, true);
    }
  }
  return { type, values, offsets: undefined, validity: column.validity, unknown: column.unknown };
}

/** Numbers that widen to another fixed-width type; all exact as JavaScript numbers. */
const NUMBER_READERS: Readonly<Partial<Record<ColumnKind, (view: DataView, row: number) => number>>> = {
  int16: (view, row) => view.getInt16(row * 2, true),
  int32: (view, row) => view.getInt32(row * 4, true),
  float32: (view, row) => view.getFloat32(row * 4, true),
};

function decimals(column: Column, type: ColumnType, rows: number): Column {
  const view = new DataView(column.values.buffer, column.values.byteOffset, column.values.byteLength);
  const read = NUMBER_READERS[column.type.kind];
  const builder = new ColumnBuilder(type);
  const encoder = new TextEncoder();
  for (let row = 0; row < rows; row += 1) {
    if (isUnknown(column, row)) builder.appendUnknown();
    else if (isNull(column, row)) builder.appendNull();
    else {
      const value = read === undefined ? view.getBigInt64(row * 8, true) : read(view, row);
      builder.appendBytes(encoder.encode(value.toString()));
    }
  }
  return builder.finish();
}
