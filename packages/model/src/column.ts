import type { ColumnType } from './column-type.ts';
import { widthOf } from './column-type.ts';

/**
 * One column of a batch in Arrow's layout, little endian.
 *
 * Fixed width: `values` holds rows * width bytes. `boolean`: one bit a row, least significant first. Variable: row i is
 * `values[offsets[i] .. offsets[i + 1]]`; text is UTF-8. Bitmaps are Arrow's too: bit i says row i.
 * A null row's bytes are zero (fixed) or empty (variable). Immutable once in a batch.
 */
export interface Column {
  readonly type: ColumnType;
  readonly values: Uint8Array;
  readonly offsets: Int32Array | undefined;
  /** Bit set: the row has a value. Undefined: no nulls. */
  readonly validity: Uint8Array | undefined;
  /** Bit set: the source did not say what the value is (an unchanged TOASTed value). Undefined: all known. */
  readonly unknown: Uint8Array | undefined;
}

export function hasBit(bitmap: Uint8Array, row: number): boolean {
  return ((bitmap[row >> 3] as number) & (1 << (row & 7))) !== 0;
}

export function isNull(column: Column, row: number): boolean {
  return column.validity !== undefined && !hasBit(column.validity, row);
}

export function isUnknown(column: Column, row: number): boolean {
  return column.unknown !== undefined && hasBit(column.unknown, row);
}

const INITIAL_ROWS = 64;
const INITIAL_BYTES_PER_VALUE = 16;

/**
 * Grows one column, row by row. Decoders on the hot path write `values` themselves after `reserve*`; everything else
 * uses the append methods. Public fields are the contract with those decoders.
 */
export class ColumnBuilder {
  readonly type: ColumnType;
  readonly width: ReturnType<typeof widthOf>;
  values: Uint8Array<ArrayBuffer>;
  view: DataView;
  offsets: Int32Array<ArrayBuffer> | undefined;
  /** Variable columns: bytes of `values` in use. */
  used = 0;
  rows = 0;
  #validity: Uint8Array<ArrayBuffer> | undefined;
  #unknown: Uint8Array<ArrayBuffer> | undefined;
  #capacity = INITIAL_ROWS;

  constructor(type: ColumnType) {
    this.type = type;
    this.width = widthOf(type);
    const bytes =
      this.width === 0
        ? INITIAL_ROWS * INITIAL_BYTES_PER_VALUE
        : this.width === 'bit'
          ? INITIAL_ROWS / 8
          : INITIAL_ROWS * this.width;
    this.values = new Uint8Array(bytes);
    this.view = new DataView(this.values.buffer);
    this.offsets = this.width === 0 ? new Int32Array(INITIAL_ROWS + 1) : undefined;
  }

  /** Makes room for the next row. Call once before writing it; `commit*` or an append ends it. */
  reserveRow(): void {
    if (this.rows === this.#capacity) this.#grow(this.#capacity * 2);
  }

  /** Makes room for `count` more rows. For decoders that write many rows of one column, then advance `rows` themselves. */
  reserveRows(count: number): void {
    const needed = this.rows + count;
    if (needed <= this.#capacity) return;
    let capacity = this.#capacity * 2;
    while (capacity < needed) capacity *= 2;
    this.#grow(capacity);
  }

  #grow(capacity: number): void {
    this.#capacity = capacity;
    if (this.offsets !== undefined) {
      const offsets = new Int32Array(this.#capacity + 1);
      offsets.set(this.offsets);
      this.offsets = offsets;
    } else {
      this.#growValues(this.width === 'bit' ? this.#capacity / 8 : this.#capacity * (this.width as number));
    }
    if (this.#validity !== undefined) this.#validity = grown(this.#validity, this.#capacity / 8, 0xff);
    if (this.#unknown !== undefined) this.#unknown = grown(this.#unknown, this.#capacity / 8, 0);
  }

  /** Variable columns: makes room for `bytes` more value bytes; write at `used`, then `commitBytes`. */
  reserveBytes(bytes: number): void {
    const needed = this.used + bytes;
    if (needed > this.values.length) this.#growValues(Math.max(needed, this.values.length * 2));
  }

  /** Ends a variable row whose bytes end at `used + bytes`. */
  commitBytes(bytes: number): void {
    this.used += bytes;
    this.rows += 1;
    (this.offsets as Int32Array)[this.rows] = this.used;
  }

  /** Ends a fixed-width row that was written at `rows * width`. */
  commitFixed(): void {
    this.rows += 1;
  }

  appendNull(): void {
    this.reserveRow();
    if (this.#validity === undefined) this.#validity = new Uint8Array(this.#capacity / 8).fill(0xff);
    (this.#validity[this.rows >> 3] as number) &= ~(1 << (this.rows & 7));
    this.rows += 1;
    if (this.offsets !== undefined) this.offsets[this.rows] = this.used;
  }

  /** A value the source left out. Reads as null until the reader supplies it. */
  appendUnknown(): void {
    const row = this.rows;
    this.appendNull();
    if (this.#unknown === undefined) this.#unknown = new Uint8Array(this.#capacity / 8);
    (this.#unknown[row >> 3] as number) |= 1 << (row & 7);
  }

  appendBoolean(value: boolean): void {
    this.reserveRow();
    if (value) (this.values[this.rows >> 3] as number) |= 1 << (this.rows & 7);
    this.rows += 1;
  }

  appendBytes(source: Uint8Array, start = 0, end = source.length): void {
    this.reserveRow();
    const length = end - start;
    this.reserveBytes(length);
    if (length < 24) {
      // Short values: a loop beats the call into `set`.
      const { values, used } = this;
      for (let index = 0; index < length; index += 1) values[used + index] = source[start + index] as number;
    } else {
      this.values.set(source.subarray(start, end), this.used);
    }
    this.commitBytes(length);
  }

  /** Copies row `row` of a column of the same layout, nulls and unknowns included. */
  appendFrom(column: Column, row: number): void {
    if (column.unknown !== undefined && hasBit(column.unknown, row)) return this.appendUnknown();
    if (column.validity !== undefined && !hasBit(column.validity, row)) return this.appendNull();
    if (this.width === 0) {
      const offsets = column.offsets as Int32Array;
      return this.appendBytes(column.values, offsets[row], offsets[row + 1]);
    }
    if (this.width === 'bit') return this.appendBoolean(hasBit(column.values, row));
    this.reserveRow();
    const width = this.width;
    const from = row * width;
    const to = this.rows * width;
    const { values } = this;
    for (let index = 0; index < width; index += 1) values[to + index] = column.values[from + index] as number;
    this.rows += 1;
  }

  /** Bytes held so far, for limits. */
  get bytes(): number {
    if (this.width === 0) return this.used + this.rows * 4;
    return this.width === 'bit' ? this.rows >> 3 : this.rows * this.width;
  }

  /** The finished column. The builder is spent: its memory now belongs to the column. */
  finish(): Column {
    const { rows, width } = this;
    const bitmapBytes = (rows + 7) >> 3;
    const length = width === 0 ? this.used : width === 'bit' ? bitmapBytes : rows * width;
    return {
      type: this.type,
      values: this.values.subarray(0, length),
      offsets: this.offsets?.subarray(0, rows + 1),
      validity: this.#validity?.subarray(0, bitmapBytes),
      unknown: this.#unknown?.subarray(0, bitmapBytes),
    };
  }

  #growValues(bytes: number): void {
    const values = new Uint8Array((bytes + 7) & ~7);
    values.set(this.values);
    this.values = values;
    this.view = new DataView(values.buffer);
  }
}

function grown(bitmap: Uint8Array, bytes: number, fill: number): Uint8Array<ArrayBuffer> {
  const larger = new Uint8Array(bytes);
  if (fill !== 0) larger.fill(fill);
  larger.set(bitmap);
  return larger;
}
