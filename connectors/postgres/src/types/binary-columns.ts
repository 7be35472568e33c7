import type { ColumnBuilder } from '@brimful/model';
import type { DecoderCode } from './decoder.ts';
import { Decoder } from './decoder.ts';
import type { FieldBlock } from './field-block.ts';
import { decodeDecimals } from './numeric-decoder.ts';
import { decodeDates, decodeTimestamps } from './time-columns.ts';
import { UnfitValue } from './value-problem.ts';
import { decodeChars, decodeJsonb, decodeTexts } from './variable-columns.ts';

/** Appends one field of every row of the block. One loop per type, so that each stays monomorphic. */
export function decodeColumn(
  decoder: DecoderCode,
  block: FieldBlock,
  field: number,
  column: ColumnBuilder,
): void {
  switch (decoder) {
    case Decoder.boolean:
      return decodeBooleans(block, field, column);
    case Decoder.int16:
      return decodeInt16s(block, field, column);
    case Decoder.int32:
      return decodeInt32s(block, field, column);
    case Decoder.int64:
    case Decoder.time:
      return decodeInt64s(block, field, column);
    case Decoder.oid:
      return decodeOids(block, field, column);
    case Decoder.float32:
      return decodeFloat32s(block, field, column);
    case Decoder.float64:
      return decodeFloat64s(block, field, column);
    case Decoder.decimal:
      return decodeDecimals(block, field, column);
    case Decoder.date:
      return decodeDates(block, field, column);
    case Decoder.timestamp:
      return decodeTimestamps(block, field, column);
    case Decoder.uuid:
      return decodeUuids(block, field, column);
    case Decoder.bytes:
    case Decoder.text:
    case Decoder.other:
      return decodeTexts(block, field, column);
    case Decoder.jsonb:
      return decodeJsonb(block, field, column);
    case Decoder.char:
      return decodeChars(block, field, column);
  }
}

function decodeBooleans(block: FieldBlock, field: number, column: ColumnBuilder): void {
  const { view, positions, fields, rows } = block;
  column.reserveRows(rows);
  const { values } = column;
  let to = column.rows;
  for (let row = 0, index = field; row < rows; row += 1, index += fields) {
    const at = positions[index] as number;
    if (at < 0) {
      column.rows = to;
      column.appendNull();
    } else {
      requireLength(view, at, 1, row);
      if (view.getUint8(at) !== 0) (values[to >> 3] as number) |= 1 << (to & 7);
    }
    to += 1;
  }
  column.rows = to;
}

function decodeInt16s(block: FieldBlock, field: number, column: ColumnBuilder): void {
  const { view, positions, fields, rows } = block;
  column.reserveRows(rows);
  const out = column.view;
  let to = column.rows;
  for (let row = 0, index = field; row < rows; row += 1, index += fields) {
    const at = positions[index] as number;
    if (at < 0) {
      column.rows = to;
      column.appendNull();
    } else {
      requireLength(view, at, 2, row);
      out.setInt16(to * 2, view.getInt16(at), true);
    }
    to += 1;
  }
  column.rows = to;
}

function decodeInt32s(block: FieldBlock, field: number, column: ColumnBuilder): void {
  const { view, positions, fields, rows } = block;
  column.reserveRows(rows);
  const out = column.view;
  let to = column.rows;
  for (let row = 0, index = field; row < rows; row += 1, index += fields) {
    const at = positions[index] as number;
    if (at < 0) {
      column.rows = to;
      column.appendNull();
    } else {
      requireLength(view, at, 4, row);
      out.setInt32(to * 4, view.getInt32(at), true);
    }
    to += 1;
  }
  column.rows = to;
}

function decodeInt64s(block: FieldBlock, field: number, column: ColumnBuilder): void {
  const { view, positions, fields, rows } = block;
  column.reserveRows(rows);
  const out = column.view;
  let to = column.rows;
  for (let row = 0, index = field; row < rows; row += 1, index += fields) {
    const at = positions[index] as number;
    if (at < 0) {
      column.rows = to;
      column.appendNull();
    } else {
      requireLength(view, at, 8, row);
      out.setInt32(to * 8 + 4, view.getInt32(at), true);
      out.setInt32(to * 8, view.getInt32(at + 4), true);
    }
    to += 1;
  }
  column.rows = to;
}

/** Unsigned, so the upper half stays zero. */
function decodeOids(block: FieldBlock, field: number, column: ColumnBuilder): void {
  const { view, positions, fields, rows } = block;
  column.reserveRows(rows);
  const out = column.view;
  let to = column.rows;
  for (let row = 0, index = field; row < rows; row += 1, index += fields) {
    const at = positions[index] as number;
    if (at < 0) {
      column.rows = to;
      column.appendNull();
    } else {
      requireLength(view, at, 4, row);
      out.setInt32(to * 8, view.getInt32(at), true);
    }
    to += 1;
  }
  column.rows = to;
}

const FLOAT32_NAN = 0x7fc0_0000;

/** As bits: a NaN's sign and payload are dropped, since text does not carry them and every NaN is equal in Postgres. */
function decodeFloat32s(block: FieldBlock, field: number, column: ColumnBuilder): void {
  const { view, positions, fields, rows } = block;
  column.reserveRows(rows);
  const out = column.view;
  let to = column.rows;
  for (let row = 0, index = field; row < rows; row += 1, index += fields) {
    const at = positions[index] as number;
    if (at < 0) {
      column.rows = to;
      column.appendNull();
    } else {
      requireLength(view, at, 4, row);
      const bits = view.getInt32(at);
      out.setInt32(to * 4, (bits & 0x7fff_ffff) > 0x7f80_0000 ? FLOAT32_NAN : bits, true);
    }
    to += 1;
  }
  column.rows = to;
}

const FLOAT64_NAN_HIGH = 0x7ff8_0000;

function decodeFloat64s(block: FieldBlock, field: number, column: ColumnBuilder): void {
  const { view, positions, fields, rows } = block;
  column.reserveRows(rows);
  const out = column.view;
  let to = column.rows;
  for (let row = 0, index = field; row < rows; row += 1, index += fields) {
    const at = positions[index] as number;
    if (at < 0) {
      column.rows = to;
      column.appendNull();
    } else {
      requireLength(view, at, 8, row);
      const high = view.getInt32(at);
      const low = view.getInt32(at + 4);
      const exponent = high & 0x7fff_ffff;
      const nan = exponent > 0x7ff0_0000 || (exponent === 0x7ff0_0000 && low !== 0);
      out.setInt32(to * 8 + 4, nan ? FLOAT64_NAN_HIGH : high, true);
      out.setInt32(to * 8, nan ? 0 : low, true);
    }
    to += 1;
  }
  column.rows = to;
}

function decodeUuids(block: FieldBlock, field: number, column: ColumnBuilder): void {
  const { view, positions, fields, rows } = block;
  column.reserveRows(rows);
  const out = column.view;
  let to = column.rows;
  for (let row = 0, index = field; row < rows; row += 1, index += fields) {
    const at = positions[index] as number;
    if (at < 0) {
      column.rows = to;
      column.appendNull();
    } else {
      requireLength(view, at, 16, row);
      out.setInt32(to * 16, view.getInt32(at));
      out.setInt32(to * 16 + 4, view.getInt32(at + 4));
      out.setInt32(to * 16 + 8, view.getInt32(at + 8));
      out.setInt32(to * 16 + 12, view.getInt32(at + 12));
    }
    to += 1;
  }
  column.rows = to;
}

/** A fixed type of another length means the table changed under the scan: never read on over the neighbour's bytes. */
function requireLength(view: DataView, at: number, expected: number, row: number): void {
  const length = view.getInt32(at - 4);
  if (length !== expected) throw new UnfitValue(`it has ${length} bytes instead of ${expected}`, row);
}
