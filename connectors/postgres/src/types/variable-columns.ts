import type { ColumnBuilder } from '@brimful/model';
import { writeCharByte } from './char.ts';
import type { FieldBlock } from './field-block.ts';
import { UnfitValue } from './value-problem.ts';

/** Above this a native copy beats a loop, though it makes a view. */
const LOOP_BYTES = 128;

/** Values whose bytes are the value: text of any kind, bytea. */
export function decodeTexts(block: FieldBlock, field: number, column: ColumnBuilder): void {
  copyFields(block, field, column, 0);
}

const JSONB_VERSION = 1;

/** Binary jsonb is its text behind a version byte. */
export function decodeJsonb(block: FieldBlock, field: number, column: ColumnBuilder): void {
  const { bytes, positions, fields, rows } = block;
  for (let row = 0, index = field; row < rows; row += 1, index += fields) {
    const at = positions[index] as number;
    if (at >= 0 && bytes[at] !== JSONB_VERSION) throw new UnfitValue(`jsonb of version ${bytes[at]}`, row);
  }
  copyFields(block, field, column, 1);
}

function copyFields(block: FieldBlock, field: number, column: ColumnBuilder, skip: number): void {
  const { bytes, view, positions, fields, rows } = block;
  column.reserveRows(rows);
  let total = 0;
  for (let row = 0, index = field; row < rows; row += 1, index += fields) {
    const at = positions[index] as number;
    if (at >= 0) total += view.getInt32(at - 4) - skip;
  }
  column.reserveBytes(total);
  const { values, view: out } = column;
  const offsets = column.offsets as Int32Array;
  let { used } = column;
  let to = column.rows;
  for (let row = 0, index = field; row < rows; row += 1, index += fields) {
    const at = (positions[index] as number) + skip;
    if (at < skip) {
      column.rows = to;
      column.used = used;
      column.appendNull();
    } else {
      const length = view.getInt32(at - skip - 4) - skip;
      if (length > LOOP_BYTES) values.set(bytes.subarray(at, at + length), used);
      else if (length >= 4) copyWords(view, at, out, used, length);
      else for (let byte = 0; byte < length; byte += 1) values[used + byte] = bytes[at + byte] as number;
      used += length;
      offsets[to + 1] = used;
    }
    to += 1;
  }
  column.rows = to;
  column.used = used;
}

/** At least four bytes, four at a time; the last four overlap. Never touches a byte outside of the value. */
function copyWords(from: DataView, at: number, out: DataView, to: number, length: number): void {
  const last = length - 4;
  for (let byte = 0; byte < last; byte += 4) out.setInt32(to + byte, from.getInt32(at + byte));
  out.setInt32(to + last, from.getInt32(at + last));
}

/** `"char"`: printed as servers since 16 do, so that bytes above 127 are valid text everywhere. */
export function decodeChars(block: FieldBlock, field: number, column: ColumnBuilder): void {
  const { bytes, positions, fields, rows } = block;
  for (let row = 0, index = field; row < rows; row += 1, index += fields) {
    const at = positions[index] as number;
    if (at < 0) column.appendNull();
    else writeCharByte(bytes[at] as number, column);
  }
}
