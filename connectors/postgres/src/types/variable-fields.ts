import type { RowBlock } from './row-block.ts';

/** Bytes of a block's fields: a batch's own column, or what was converted for this block. */
export interface FieldBytes {
  readonly bytes: Uint8Array;
  readonly view: DataView;
  /** Field of row r lies at `offsets[r] .. offsets[r + 1]`. */
  readonly offsets: Int32Array;
  readonly validity: Uint8Array | undefined;
}

/** Above this a native copy beats a loop, though it makes a view. */
const LOOP_BYTES = 128;

/** Adds what the fields take to the rows' sizes, the lengths not included. `rows`: where each field is found. */
export function addSizes(
  fields: FieldBytes,
  rows: Int32Array,
  sizes: Int32Array,
  count: number,
  extra: number,
): void {
  const { offsets, validity } = fields;
  for (let index = 0; index < count; index += 1) {
    const row = rows[index] as number;
    const length = (offsets[row + 1] as number) - (offsets[row] as number);
    const isNull = validity !== undefined && ((validity[row >> 3] as number) & (1 << (row & 7))) === 0;
    (sizes[index] as number) += isNull ? 0 : length + extra;
  }
}

/** Writes length and bytes of each row's field; `prefix`: a byte before the value, or -1 for none. */
export function putFields(
  fields: FieldBytes,
  rows: Int32Array,
  block: RowBlock,
  from: number,
  to: number,
  prefix: number,
): void {
  const { bytes, view: source, offsets, validity } = fields;
  const { cursors, view, bytes: out } = block;
  const extra = prefix < 0 ? 0 : 1;
  for (let index = from; index < to; index += 1) {
    const row = rows[index] as number;
    let at = cursors[index] as number;
    if (validity !== undefined && ((validity[row >> 3] as number) & (1 << (row & 7))) === 0) {
      view.setInt32(at, -1);
      cursors[index] = at + 4;
      continue;
    }
    const start = offsets[row] as number;
    const length = (offsets[row + 1] as number) - start;
    view.setInt32(at, length + extra);
    at += 4;
    if (extra === 1) {
      out[at] = prefix;
      at += 1;
    }
    if (length > LOOP_BYTES) out.set(bytes.subarray(start, start + length), at);
    else if (length >= 4) copyWords(source, start, view, at, length);
    else for (let byte = 0; byte < length; byte += 1) out[at + byte] = bytes[start + byte] as number;
    cursors[index] = at + length;
  }
}

/** At least four bytes, four at a time; the last four overlap. Never touches a byte outside of the value. */
function copyWords(from: DataView, at: number, out: DataView, to: number, length: number): void {
  const last = length - 4;
  for (let byte = 0; byte < last; byte += 4) out.setInt32(to + byte, from.getInt32(at + byte));
  out.setInt32(to + last, from.getInt32(at + last));
}
