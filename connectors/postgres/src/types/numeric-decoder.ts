import type { ColumnBuilder } from '@brimful/model';
import type { FieldBlock } from './field-block.ts';
import { UnfitValue } from './value-problem.ts';

/** Ten thousand groups of four decimal digits, each as four bytes in memory order. */
const GROUPS: Int32Array = (() => {
  const groups = new Int32Array(10_000);
  const view = new DataView(groups.buffer);
  for (let group = 0; group < 10_000; group += 1) {
    const text = String(group).padStart(4, '0');
    for (let index = 0; index < 4; index += 1) view.setUint8(group * 4 + index, text.charCodeAt(index));
  }
  for (let group = 0; group < 10_000; group += 1) groups[group] = view.getInt32(group * 4, true);
  return groups;
})();

const NEGATIVE = 0x4000;
const NOT_A_NUMBER = 0xc000;
const PLUS_INFINITY = 0xd000;
const MINUS_INFINITY = 0xf000;
const MINUS = 0x2d;
const POINT = 0x2e;
const ZERO = 0x30;

/**
 * Binary `numeric` → the text that `numeric_out` prints, scale kept: base-10000 digits, the first worth 10000^weight,
 * of which leading and trailing zeros are left out.
 */
export function decodeDecimals(block: FieldBlock, field: number, column: ColumnBuilder): void {
  const { positions, fields, rows } = block;
  column.reserveRows(rows);
  const { offsets } = column;
  for (let row = 0, index = field; row < rows; row += 1, index += fields) {
    const at = positions[index] as number;
    if (at < 0) {
      column.appendNull();
      continue;
    }
    const next = appendDecimal(block.view, at, column, row);
    column.used = next;
    column.rows += 1;
    (offsets as Int32Array)[column.rows] = next;
  }
}

/** Writes one value at `column.used` and returns where it ends. */
function appendDecimal(view: DataView, at: number, column: ColumnBuilder, row: number): number {
  const length = view.getInt32(at - 4);
  const digits = length < 8 ? -1 : view.getUint16(at);
  if (length !== 8 + digits * 2) throw new UnfitValue(`${length} bytes are not a numeric`, row);
  const weight = view.getInt16(at + 2);
  const sign = view.getUint16(at + 4);
  const scale = view.getUint16(at + 6);
  if (sign >= NOT_A_NUMBER) return appendSpecial(sign, column);
  // A sign, whole groups on both sides, the point, and room for a last group that is cut.
  column.reserveBytes(10 + (weight < 0 ? 0 : weight * 4 + 4) + scale);
  const { values, view: out } = column;
  let to = column.used;
  if (sign === NEGATIVE) {
    values[to] = MINUS;
    to += 1;
  }
  let digit = 0;
  if (weight < 0) {
    values[to] = ZERO;
    to += 1;
    digit = weight + 1;
  } else {
    to = writeFirstGroup(values, to, digits > 0 ? view.getUint16(at + 8) : 0);
    for (digit = 1; digit <= weight; digit += 1) {
      out.setInt32(to, GROUPS[digit < digits ? view.getUint16(at + 8 + digit * 2) : 0] as number, true);
      to += 4;
    }
  }
  if (scale === 0) return to;
  values[to] = POINT;
  to += 1;
  const end = to + scale;
  for (; to < end; to += 4, digit += 1) {
    const group = digit >= 0 && digit < digits ? view.getUint16(at + 8 + digit * 2) : 0;
    out.setInt32(to, GROUPS[group] as number, true);
  }
  return end;
}

/** The leading group has no leading zeros. */
function writeFirstGroup(values: Uint8Array, start: number, group: number): number {
  let to = start;
  if (group >= 1000) values[to++] = ZERO + ((group / 1000) | 0);
  if (group >= 100) values[to++] = ZERO + (((group / 100) | 0) % 10);
  if (group >= 10) values[to++] = ZERO + (((group / 10) | 0) % 10);
  values[to++] = ZERO + (group % 10);
  return to;
}

const SPECIAL: ReadonlyMap<number, Uint8Array> = new Map(
  [
    [NOT_A_NUMBER, 'NaN'] as const,
    [PLUS_INFINITY, 'Infinity'] as const,
    [MINUS_INFINITY, '-Infinity'] as const,
  ].map(([sign, text]) => [sign, new TextEncoder().encode(text)]),
);

function appendSpecial(sign: number, column: ColumnBuilder): number {
  const text = SPECIAL.get(sign);
  if (text === undefined) throw new UnfitValue(`numeric with sign ${sign}`);
  column.reserveBytes(text.length);
  column.values.set(text, column.used);
  return column.used + text.length;
}
