import type { ColumnBuilder } from '@brimful/model';
import type { FieldBlock } from './field-block.ts';
import { UnfitValue } from './value-problem.ts';

/** Days from 1970-01-01 to 2000-01-01, where Postgres starts to count. */
export const EPOCH_OFFSET_DAYS = 10_957;
/** The same in microseconds, 946,684,800,000,000, as two halves of a 64-bit number. */
export const EPOCH_OFFSET_HIGH = 220_417;
export const EPOCH_OFFSET_LOW = 0x3b37_e000;

export const DATE_INFINITY = 0x7fff_ffff;
export const DATE_MINUS_INFINITY = -0x8000_0000;

const INFINITY_HIGH = 0x7fff_ffff;
const MINUS_INFINITY_HIGH = -0x8000_0000;

export function decodeDates(block: FieldBlock, field: number, column: ColumnBuilder): void {
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
      if (view.getInt32(at - 4) !== 4) throw new UnfitValue('it is not 4 bytes long', row);
      const days = view.getInt32(at);
      const infinite = days === DATE_INFINITY || days === DATE_MINUS_INFINITY;
      out.setInt32(to * 4, infinite ? days : days + EPOCH_OFFSET_DAYS, true);
    }
    to += 1;
  }
  column.rows = to;
}

/** Adds the epochs' distance modulo 2^64, in halves, because a BigInt per value would be an allocation per value. */
export function decodeTimestamps(block: FieldBlock, field: number, column: ColumnBuilder): void {
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
      if (view.getInt32(at - 4) !== 8) throw new UnfitValue('it is not 8 bytes long', row);
      let high = view.getInt32(at);
      let low = view.getInt32(at + 4);
      if (!isInfinite(high, low)) {
        const before = low;
        low = (low + EPOCH_OFFSET_LOW) | 0;
        high = (high + EPOCH_OFFSET_HIGH + (low >>> 0 < before >>> 0 ? 1 : 0)) | 0;
        if (isInfinite(high, low)) throw new UnfitValue(TIMESTAMP_TAKEN, row);
      }
      out.setInt32(to * 8 + 4, high, true);
      out.setInt32(to * 8, low, true);
    }
    to += 1;
  }
  column.rows = to;
}

/** Of the two microseconds in the year 294247 that would read as an infinity. */
export const TIMESTAMP_TAKEN =
  '294247-01-10 04:00:54.775807 and .775808 UTC cannot be told from infinity once counted from 1970';

export function isInfinite(high: number, low: number): boolean {
  return (high === INFINITY_HIGH && low === -1) || (high === MINUS_INFINITY_HIGH && low === 0);
}
