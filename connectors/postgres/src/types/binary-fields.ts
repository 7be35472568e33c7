import type { Column } from '@brimful/model';
import type { ColumnReader } from './column-reader.ts';
import type { RowBlock } from './row-block.ts';
import { EPOCH_OFFSET_DAYS, EPOCH_OFFSET_HIGH, EPOCH_OFFSET_LOW, isInfinite } from './time-columns.ts';
import { DATE_INFINITY, DATE_MINUS_INFINITY } from './time-columns.ts';

/**
 * Writes one fixed-width column's fields for rows `from..to` of the block, each a length and the value in network
 * order. One loop per layout, so that each stays monomorphic.
 */
export type FixedWriter = (reader: ColumnReader, block: RowBlock, from: number, to: number) => void;

function isNullAt(column: Column, row: number): boolean {
  const { validity } = column;
  return validity !== undefined && ((validity[row >> 3] as number) & (1 << (row & 7))) === 0;
}

/** Writes the length of a null and moves on. */
function putNull(block: RowBlock, index: number): void {
  const at = block.cursors[index] as number;
  block.view.setInt32(at, -1);
  block.cursors[index] = at + 4;
}

export function putBooleans({ column }: ColumnReader, block: RowBlock, from: number, to: number): void {
  const { rows, cursors, view } = block;
  const { values } = column;
  for (let index = from; index < to; index += 1) {
    const row = rows[index] as number;
    if (isNullAt(column, row)) {
      putNull(block, index);
      continue;
    }
    const at = cursors[index] as number;
    view.setInt32(at, 1);
    view.setInt8(at + 4, ((values[row >> 3] as number) >> (row & 7)) & 1);
    cursors[index] = at + 5;
  }
}

export function putInt16s(
  { column, view: source }: ColumnReader,
  block: RowBlock,
  from: number,
  to: number,
): void {
  const { rows, cursors, view } = block;
  for (let index = from; index < to; index += 1) {
    const row = rows[index] as number;
    if (isNullAt(column, row)) {
      putNull(block, index);
      continue;
    }
    const at = cursors[index] as number;
    view.setInt32(at, 2);
    view.setInt16(at + 4, source.getInt16(row * 2, true));
    cursors[index] = at + 6;
  }
}

/** Any four bytes: int32, float32. */
export function putInt32s(
  { column, view: source }: ColumnReader,
  block: RowBlock,
  from: number,
  to: number,
): void {
  const { rows, cursors, view } = block;
  for (let index = from; index < to; index += 1) {
    const row = rows[index] as number;
    if (isNullAt(column, row)) {
      putNull(block, index);
      continue;
    }
    const at = cursors[index] as number;
    view.setInt32(at, 4);
    view.setInt32(at + 4, source.getInt32(row * 4, true));
    cursors[index] = at + 8;
  }
}

/** Any eight bytes: int64, float64, time. */
export function putInt64s(
  { column, view: source }: ColumnReader,
  block: RowBlock,
  from: number,
  to: number,
): void {
  const { rows, cursors, view } = block;
  for (let index = from; index < to; index += 1) {
    const row = rows[index] as number;
    if (isNullAt(column, row)) {
      putNull(block, index);
      continue;
    }
    const at = cursors[index] as number;
    view.setInt32(at, 8);
    view.setInt32(at + 4, source.getInt32(row * 8 + 4, true));
    view.setInt32(at + 8, source.getInt32(row * 8, true));
    cursors[index] = at + 12;
  }
}

export function putDates(
  { column, view: source }: ColumnReader,
  block: RowBlock,
  from: number,
  to: number,
): void {
  const { rows, cursors, view } = block;
  for (let index = from; index < to; index += 1) {
    const row = rows[index] as number;
    if (isNullAt(column, row)) {
      putNull(block, index);
      continue;
    }
    const at = cursors[index] as number;
    const days = source.getInt32(row * 4, true);
    const infinite = days === DATE_INFINITY || days === DATE_MINUS_INFINITY;
    view.setInt32(at, 4);
    view.setInt32(at + 4, infinite ? days : days - EPOCH_OFFSET_DAYS);
    cursors[index] = at + 8;
  }
}

/** Subtracts the epochs' distance modulo 2^64, which undoes the decoder's addition for every timestamp. */
export function putTimestamps(
  { column, view: source }: ColumnReader,
  block: RowBlock,
  from: number,
  to: number,
): void {
  const { rows, cursors, view } = block;
  for (let index = from; index < to; index += 1) {
    const row = rows[index] as number;
    if (isNullAt(column, row)) {
      putNull(block, index);
      continue;
    }
    const at = cursors[index] as number;
    let low = source.getInt32(row * 8, true);
    let high = source.getInt32(row * 8 + 4, true);
    if (!isInfinite(high, low)) {
      high = (high - EPOCH_OFFSET_HIGH - (low >>> 0 < EPOCH_OFFSET_LOW ? 1 : 0)) | 0;
      low = (low - EPOCH_OFFSET_LOW) | 0;
    }
    view.setInt32(at, 8);
    view.setInt32(at + 4, high);
    view.setInt32(at + 8, low);
    cursors[index] = at + 12;
  }
}

export function putUuids(
  { column, view: source }: ColumnReader,
  block: RowBlock,
  from: number,
  to: number,
): void {
  const { rows, cursors, view } = block;
  for (let index = from; index < to; index += 1) {
    const row = rows[index] as number;
    if (isNullAt(column, row)) {
      putNull(block, index);
      continue;
    }
    const at = cursors[index] as number;
    const start = row * 16;
    view.setInt32(at, 16);
    view.setInt32(at + 4, source.getInt32(start));
    view.setInt32(at + 8, source.getInt32(start + 4));
    view.setInt32(at + 12, source.getInt32(start + 8));
    view.setInt32(at + 16, source.getInt32(start + 12));
    cursors[index] = at + 20;
  }
}

export function putInt16sAsInt32(reader: ColumnReader, block: RowBlock, from: number, to: number): void {
  const { rows, cursors, view } = block;
  for (let index = from; index < to; index += 1) {
    const row = rows[index] as number;
    if (isNullAt(reader.column, row)) {
      putNull(block, index);
      continue;
    }
    const at = cursors[index] as number;
    view.setInt32(at, 4);
    view.setInt32(at + 4, reader.view.getInt16(row * 2, true));
    cursors[index] = at + 8;
  }
}

/** From int16 or int32, by the width of what is read. */
export function putSmallAsInt64(reader: ColumnReader, block: RowBlock, from: number, to: number): void {
  const { rows, cursors, view } = block;
  const wide = reader.column.type.kind === 'int32';
  for (let index = from; index < to; index += 1) {
    const row = rows[index] as number;
    if (isNullAt(reader.column, row)) {
      putNull(block, index);
      continue;
    }
    const at = cursors[index] as number;
    const value = wide ? reader.view.getInt32(row * 4, true) : reader.view.getInt16(row * 2, true);
    view.setInt32(at, 8);
    view.setInt32(at + 4, value >> 31);
    view.setInt32(at + 8, value);
    cursors[index] = at + 12;
  }
}

/** From float32, int32 or int16: all exact as a double. */
export function putAsFloat64(reader: ColumnReader, block: RowBlock, from: number, to: number): void {
  const { rows, cursors, view } = block;
  for (let index = from; index < to; index += 1) {
    const row = rows[index] as number;
    if (isNullAt(reader.column, row)) {
      putNull(block, index);
      continue;
    }
    const at = cursors[index] as number;
    view.setInt32(at, 8);
    view.setFloat64(at + 4, readNumber(reader, row));
    cursors[index] = at + 12;
  }
}

export function putInt16sAsFloat32(reader: ColumnReader, block: RowBlock, from: number, to: number): void {
  const { rows, cursors, view } = block;
  for (let index = from; index < to; index += 1) {
    const row = rows[index] as number;
    if (isNullAt(reader.column, row)) {
      putNull(block, index);
      continue;
    }
    const at = cursors[index] as number;
    view.setInt32(at, 4);
    view.setFloat32(at + 4, reader.view.getInt16(row * 2, true));
    cursors[index] = at + 8;
  }
}

function readNumber({ column, view }: ColumnReader, row: number): number {
  if (column.type.kind === 'float32') return view.getFloat32(row * 4, true);
  return column.type.kind === 'int32' ? view.getInt32(row * 4, true) : view.getInt16(row * 2, true);
}
