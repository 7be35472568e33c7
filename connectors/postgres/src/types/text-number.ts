import type { ColumnBuilder } from '@brimful/model';
import { UnfitValue } from './value-problem.ts';

const MINUS = 0x2d;
const PLUS = 0x2b;
const POINT = 0x2e;
const ZERO = 0x30;
const TWO_32 = 4_294_967_296;
const LOWER_E = 0x65;
const UPPER_I = 0x49;
const UPPER_N = 0x4e;

export function appendInt16(buffer: Uint8Array, start: number, end: number, column: ColumnBuilder): void {
  column.reserveRow();
  column.view.setInt16(column.rows * 2, readSmall(buffer, start, end), true);
  column.commitFixed();
}

export function appendInt32(buffer: Uint8Array, start: number, end: number, column: ColumnBuilder): void {
  column.reserveRow();
  column.view.setInt32(column.rows * 4, readSmall(buffer, start, end), true);
  column.commitFixed();
}

function readSmall(buffer: Uint8Array, start: number, end: number): number {
  const negative = buffer[start] === MINUS;
  const value = readDigits(buffer, negative ? start + 1 : start, end);
  return negative ? -value : value;
}

/** At most 15 digits, so that a double holds them all. */
export function readDigits(buffer: Uint8Array, start: number, end: number): number {
  if (start >= end) throw new UnfitValue('a number without digits');
  let value = 0;
  for (let at = start; at < end; at += 1) {
    const digit = (buffer[at] as number) - ZERO;
    if (digit >>> 0 > 9) throw new UnfitValue('a character that is not a digit in a number');
    value = value * 10 + digit;
  }
  return value;
}

/** Up to 19 digits, as two exact doubles that are then multiplied out into 32-bit halves. */
export function appendInt64(buffer: Uint8Array, start: number, end: number, column: ColumnBuilder): void {
  const negative = buffer[start] === MINUS;
  const first = negative ? start + 1 : start;
  const split = end - 9;
  const head = split > first ? readDigits(buffer, first, split) : 0;
  const tail = readDigits(buffer, split > first ? split : first, end);
  // value = head * 10^9 + tail, head < 2^34: head is cut at 16 bits to stay below 2^53.
  const headHigh = Math.floor(head / 65_536) * 1e9;
  const rest = (head % 65_536) * 1e9 + tail;
  const low = (headHigh % 65_536) * 65_536 + (rest % TWO_32);
  let high = Math.floor(headHigh / 65_536) + Math.floor(rest / TWO_32) + Math.floor(low / TWO_32);
  let bits = low | 0;
  if (negative) {
    bits = -bits | 0;
    high = bits === 0 ? -high : ~high;
  }
  column.reserveRow();
  column.view.setInt32(column.rows * 8, bits, true);
  column.view.setInt32(column.rows * 8 + 4, high | 0, true);
  column.commitFixed();
}

export function appendFloat64(buffer: Uint8Array, start: number, end: number, column: ColumnBuilder): void {
  column.reserveRow();
  column.view.setFloat64(column.rows * 8, readFloat(buffer, start, end), true);
  column.commitFixed();
}

export function appendFloat32(buffer: Uint8Array, start: number, end: number, column: ColumnBuilder): void {
  const double = readFloat(buffer, start, end);
  let single = Math.fround(double);
  if (mayBeTie(double, single)) single = roundExactly(asciiText(buffer, start, end), double, single);
  column.reserveRow();
  column.view.setFloat32(column.rows * 4, single, true);
  column.commitFixed();
}

/** The single nearest to a decimal number: not always the one nearest to the double nearest to it. */
export function nearestSingle(text: string): number {
  const double = Number(text);
  const single = Math.fround(double);
  return mayBeTie(double, single) ? roundExactly(text, double, single) : single;
}

const POWERS_OF_TEN = Float64Array.from({ length: 23 }, (_, power) => Number(`1e${power}`));

/**
 * Up to 15 digits and a power up to 10^22 are exact doubles, so one multiplication or division rounds correctly.
 * Longer ones go through the engine's own parser, which costs a short string.
 */
function readFloat(buffer: Uint8Array, start: number, end: number): number {
  const negative = buffer[start] === MINUS;
  let at = negative ? start + 1 : start;
  const letter = buffer[at];
  if (letter === UPPER_N) return Number.NaN;
  if (letter === UPPER_I) return negative ? -Infinity : Infinity;
  let digits = 0;
  let mantissa = 0;
  let exponent = 0;
  let fraction = false;
  for (; at < end; at += 1) {
    const byte = buffer[at] as number;
    if (byte === POINT) {
      fraction = true;
      continue;
    }
    if (byte === LOWER_E) break;
    const digit = byte - ZERO;
    if (digit >>> 0 > 9) throw new UnfitValue('a character that is not a digit in a number');
    mantissa = mantissa * 10 + digit;
    if (mantissa !== 0) digits += 1;
    if (fraction) exponent -= 1;
  }
  if (at < end) exponent += readExponent(buffer, at + 1, end);
  if (digits > 15 || exponent < -22 || exponent > 22) return Number(asciiText(buffer, start, end));
  const power = POWERS_OF_TEN[Math.abs(exponent)] as number;
  const value = exponent < 0 ? mantissa / power : mantissa * power;
  return negative ? -value : value;
}

function readExponent(buffer: Uint8Array, start: number, end: number): number {
  const sign = buffer[start];
  const value = readDigits(buffer, sign === MINUS || sign === PLUS ? start + 1 : start, end);
  return sign === MINUS ? -value : value;
}

/** A double half-way between two singles may have got there by rounding, and then rounds once too often. */
function mayBeTie(double: number, single: number): boolean {
  if (single === double || !Number.isFinite(single)) return false;
  return double - single === otherSingle(double, single) - double;
}

const SINGLE = new Float32Array(1);
const SINGLE_BITS = new Int32Array(SINGLE.buffer);

/** The single on the other side of `double`. */
function otherSingle(double: number, single: number): number {
  SINGLE[0] = single;
  const awayFromZero = Math.abs(double) > Math.abs(single);
  (SINGLE_BITS[0] as number) += awayFromZero ? 1 : -1;
  return SINGLE[0];
}

function roundExactly(text: string, double: number, single: number): number {
  const order = compareDecimal(text, double);
  if (order === 0) return single;
  const other = otherSingle(double, single);
  return order > 0 === other > single ? other : single;
}

/** Sign of (decimal text − double), exactly. Rare, so BigInt is fine. */
function compareDecimal(text: string, double: number): number {
  const match = /^(-?)(\d+)(?:\.(\d*))?(?:e([+-]?\d+))?$/.exec(text);
  if (match === null) throw new UnfitValue(`${text} is not a number`);
  const [, sign = '', whole = '', fraction = '', power = '0'] = match;
  let decimal = BigInt(`${sign}${whole}${fraction}`);
  let exponent = Number(power) - fraction.length;
  let scaled = double;
  let twos = 0;
  while (!Number.isInteger(scaled)) {
    scaled *= 2;
    twos += 1;
  }
  let binary = BigInt(scaled);
  decimal *= 2n ** BigInt(twos);
  if (exponent > 0) decimal *= 10n ** BigInt(exponent);
  else binary *= 10n ** BigInt(-exponent);
  exponent = 0;
  return decimal === binary ? 0 : decimal > binary ? 1 : -1;
}

function asciiText(buffer: Uint8Array, start: number, end: number): string {
  return Buffer.prototype.latin1Slice.call(buffer, start, end);
}
