import type { Column } from './column.ts';
import { hasBit } from './column.ts';
import { readDecimal, ScaledInteger } from './scaled-integer.ts';

/**
 * What a set of rows comes to: how many, and the sum of their 64-bit hashes modulo 2^64. A sum and a count, not an
 * exclusive or, so that a row that is there twice does not cancel itself out. Order does not matter.
 */
export interface Fingerprint {
  readonly count: number;
  readonly sum: bigint;
}

export const NO_ROWS: Fingerprint = { count: 0, sum: 0n };

/** The fingerprint of two disjoint sets of rows together. */
export function addFingerprints(a: Fingerprint, b: Fingerprint): Fingerprint {
  return { count: a.count + b.count, sum: BigInt.asUintN(64, a.sum + b.sum) };
}

export function sameFingerprint(a: Fingerprint, b: Fingerprint): boolean {
  return a.count === b.count && a.sum === b.sum;
}

/** The fingerprint of all rows. Columns in an order that both sides of a comparison agree on. */
export function fingerprint(columns: readonly Column[], rows: number): Fingerprint {
  const { high, low } = hashRows(columns, rows);
  let highs = 0;
  let lows = 0;
  let sum = 0n;
  for (let row = 0; row < rows; row += 1) {
    highs += (high[row] as number) >>> 0;
    lows += (low[row] as number) >>> 0;
    // Both stay exact for 2^21 rows; then they are carried over.
    if ((row & 0xf_ffff) === 0xf_ffff || row === rows - 1) {
      sum += (BigInt(highs) << 32n) + BigInt(lows);
      highs = 0;
      lows = 0;
    }
  }
  return { count: rows, sum: BigInt.asUintN(64, sum) };
}

/** 64-bit hashes, one a row, in halves. */
export interface RowHashes {
  readonly high: Int32Array;
  readonly low: Int32Array;
}

/**
 * Hashes of canonical rows: values that are equal hash equally whichever type they travel in (1 as an int16 or as the
 * decimal 1.00; text as text, JSON or a source's own type). Values in other columns, and null in place of an empty
 * text, hash differently. Not for adversaries, and not stable across releases: compare hashes of one run only.
 */
export function hashRows(columns: readonly Column[], rows: number): RowHashes {
  const lanes = new Lanes(rows);
  for (const column of columns) hashColumn(lanes, column, rows);
  lanes.finish();
  return { high: lanes.a, low: lanes.b };
}

const Tag = {
  null: 1,
  unknown: 2,
  boolean: 3,
  integer: 4,
  decimal: 5,
  longDecimal: 6,
  float: 7,
  date: 8,
  time: 9,
  timestamp: 10,
  uuid: 11,
  bytes: 12,
  text: 13,
} as const;

/** Two hashes of 32 bits a row, of different make: one after MurmurHash3, one after xxHash. */
class Lanes {
  readonly a: Int32Array;
  readonly b: Int32Array;

  constructor(rows: number) {
    this.a = new Int32Array(rows).fill(0x2f0b_4a17);
    this.b = new Int32Array(rows).fill(0x1656_67b1);
  }

  feed(row: number, word: number): void {
    let k = Math.imul(word, 0xcc9e_2d51);
    k = Math.imul((k << 15) | (k >>> 17), 0x1b87_3593);
    const a = (this.a[row] as number) ^ k;
    this.a[row] = Math.imul((a << 13) | (a >>> 19), 5) + 0xe654_6b64;
    const b = (this.b[row] as number) + Math.imul(word, 0x85eb_ca77);
    this.b[row] = Math.imul((b << 13) | (b >>> 19), 0x9e37_79b1);
  }

  /** Feeds words of four bytes, the last one filled up with zeros: feed the length before. `view` is on `bytes`. */
  feedBytes(row: number, view: DataView, start: number, end: number): void {
    // Kept in registers: with long values, loads and stores would be most of the work.
    let a = this.a[row] as number;
    let b = this.b[row] as number;
    for (let at = start; at < end; at += 4) {
      let word = 0;
      if (at + 4 <= end) word = view.getInt32(at, true);
      else
        for (let shift = 0; at + (shift >> 3) < end; shift += 8)
          word |= view.getUint8(at + (shift >> 3)) << shift;
      let k = Math.imul(word, 0xcc9e_2d51);
      k = Math.imul((k << 15) | (k >>> 17), 0x1b87_3593);
      a ^= k;
      a = (Math.imul((a << 13) | (a >>> 19), 5) + 0xe654_6b64) | 0;
      b = (b + Math.imul(word, 0x85eb_ca77)) | 0;
      b = Math.imul((b << 13) | (b >>> 19), 0x9e37_79b1);
    }
    this.a[row] = a;
    this.b[row] = b;
  }

  /** Lets every bit of the words decide every bit of both halves. */
  finish(): void {
    const { a, b } = this;
    for (let row = 0; row < a.length; row += 1) {
      let x = ((a[row] as number) + (b[row] as number)) | 0;
      let y = ((b[row] as number) + x) | 0;
      x = avalanche(x);
      y = avalanche(y);
      x = (x + y) | 0;
      a[row] = x;
      b[row] = x + y;
    }
  }
}

function avalanche(hash: number): number {
  let mixed = Math.imul(hash ^ (hash >>> 16), 0x85eb_ca6b);
  mixed = Math.imul(mixed ^ (mixed >>> 13), 0xc2b2_ae35);
  return mixed ^ (mixed >>> 16);
}

function hashColumn(lanes: Lanes, column: Column, rows: number): void {
  const { validity, unknown } = column;
  const feed = valueFeeder(lanes, column);
  for (let row = 0; row < rows; row += 1) {
    if (validity === undefined || hasBit(validity, row)) feed(row);
    else lanes.feed(row, unknown !== undefined && hasBit(unknown, row) ? Tag.unknown : Tag.null);
  }
}

function valueFeeder(lanes: Lanes, column: Column): (row: number) => void {
  const { values } = column;
  const view = new DataView(values.buffer, values.byteOffset, values.byteLength);
  switch (column.type.kind) {
    case 'boolean':
      return (row) => feedTagged(lanes, row, Tag.boolean, hasBit(values, row) ? 1 : 0);
    case 'int16':
      return (row) => feedInteger(lanes, row, view.getInt16(row * 2, true));
    case 'int32':
      return (row) => feedInteger(lanes, row, view.getInt32(row * 4, true));
    case 'int64':
      return (row) => feedWide(lanes, row, Tag.integer, view);
    case 'float32':
      return (row) => feedFloat(lanes, row, view.getFloat32(row * 4, true));
    case 'float64':
      return (row) => feedFloat(lanes, row, view.getFloat64(row * 8, true));
    case 'date':
      return (row) => feedTagged(lanes, row, Tag.date, view.getInt32(row * 4, true));
    case 'time':
      return (row) => feedWide(lanes, row, Tag.time, view);
    case 'timestamp':
      return (row) => feedWide(lanes, row, Tag.timestamp, view);
    case 'uuid':
      return (row) => {
        lanes.feed(row, Tag.uuid);
        lanes.feedBytes(row, view, row * 16, row * 16 + 16);
      };
    case 'decimal':
      return decimalFeeder(lanes, column);
    case 'bytes':
      return (row) => feedVariable(lanes, row, Tag.bytes, column, view);
    case 'text':
    case 'json':
    case 'other':
      return (row) => feedVariable(lanes, row, Tag.text, column, view);
  }
}

function feedTagged(lanes: Lanes, row: number, tag: number, word: number): void {
  lanes.feed(row, tag);
  lanes.feed(row, word);
}

function feedInteger(lanes: Lanes, row: number, value: number): void {
  lanes.feed(row, Tag.integer);
  lanes.feed(row, value | 0);
  lanes.feed(row, Math.floor(value / 2 ** 32) | 0);
}

function feedWide(lanes: Lanes, row: number, tag: number, view: DataView): void {
  lanes.feed(row, tag);
  lanes.feed(row, view.getInt32(row * 8, true));
  lanes.feed(row, view.getInt32(row * 8 + 4, true));
}

const scratch = new DataView(new ArrayBuffer(8));

function feedFloat(lanes: Lanes, row: number, value: number): void {
  // Also turns -0 into 0.
  if (Number.isSafeInteger(value)) return feedInteger(lanes, row, value);
  scratch.setFloat64(0, Number.isNaN(value) ? NaN : value, true);
  lanes.feed(row, Tag.float);
  lanes.feed(row, scratch.getInt32(0, true));
  lanes.feed(row, scratch.getInt32(4, true));
}

function feedVariable(lanes: Lanes, row: number, tag: number, column: Column, view: DataView): void {
  const offsets = column.offsets as Int32Array;
  const start = offsets[row] as number;
  const end = offsets[row + 1] as number;
  feedTagged(lanes, row, tag, end - start);
  lanes.feedBytes(row, view, start, end);
}

/** Decimals that fit go as an integer and a scale, so they equal integers; longer ones as their significant digits. */
function decimalFeeder(lanes: Lanes, column: Column): (row: number) => void {
  const { values } = column;
  const offsets = column.offsets as Int32Array;
  const scaled = new ScaledInteger();
  return (row) => {
    const start = offsets[row] as number;
    const end = offsets[row + 1] as number;
    if (readDecimal(values, start, end, scaled)) {
      lanes.feed(row, scaled.scale === 0 ? Tag.integer : Tag.decimal);
      lanes.feed(row, scaled.low);
      lanes.feed(row, scaled.high);
      if (scaled.scale !== 0) lanes.feed(row, scaled.scale);
      return;
    }
    lanes.feed(row, Tag.longDecimal);
    for (let at = scaled.first; at < scaled.end; at += 1) lanes.feed(row, values[at] as number);
    lanes.feed(row, scaled.negative ? -1 : 0);
  };
}
