import type { ByteSink } from './byte-sink.ts';
import { nearestSingle } from './text-number.ts';

const ZERO = 0x30;
const MINUS = 0x2d;
const TWO_32 = 4_294_967_296;
const BILLION = 1e9;

const TWO_31 = 2_147_483_648;

/** A whole number without sign below 2^53, with leading zeros up to `width`. */
export function putDigits(sink: ByteSink, value: number, width: number): void {
  let digits = 1;
  for (let limit = 10; value >= limit && digits < 16; limit *= 10) digits += 1;
  if (digits < width) digits = width;
  sink.reserve(digits);
  const { bytes, used } = sink;
  let at = used + digits - 1;
  let rest = value;
  for (; rest >= TWO_31; at -= 1) {
    const next = Math.floor(rest / 10);
    bytes[at] = ZERO + (rest - next * 10);
    rest = next;
  }
  // What is left is a small integer, whose division is several times faster.
  let small = rest | 0;
  for (; at >= used; at -= 1) {
    const next = (small / 10) | 0;
    bytes[at] = ZERO + (small - next * 10);
    small = next;
  }
  sink.used = used + digits;
}

export function putInteger(sink: ByteSink, value: number): void {
  if (value < 0) sink.put(MINUS);
  putDigits(sink, Math.abs(value), 1);
}

/** A 64-bit number from its halves. */
export function putInt64(sink: ByteSink, high: number, low: number): void {
  let upper = high;
  let lower = low;
  if (high < 0) {
    sink.put(MINUS);
    lower = -low | 0;
    upper = lower === 0 ? -high | 0 : ~high;
  }
  // -2^63 stays negative when negated: as an unsigned number it is right.
  const unsigned = upper >>> 0;
  if (unsigned < 0x1f_ffff) return putDigits(sink, unsigned * TWO_32 + (lower >>> 0), 1);
  const head = divide(unsigned, lower >>> 0, BILLION);
  putDigits(sink, head, 1);
  putDigits(sink, remainder, 9);
}

/** What the last `divide` left. A pair would be an allocation per value. */
export let remainder = 0;

/** Unsigned (high, low) / divisor by long division in 16-bit pieces; exact for divisors and quotients below 2^37. */
export function divide(high: number, low: number, divisor: number): number {
  let quotient = 0;
  let rest = 0;
  for (let piece = 0; piece < 4; piece += 1) {
    const half = piece < 2 ? high : low;
    rest = rest * 65_536 + (piece % 2 === 0 ? half >>> 16 : half & 0xffff);
    const digit = Math.floor(rest / divisor);
    quotient = quotient * 65_536 + digit;
    rest -= digit * divisor;
  }
  remainder = rest;
  return quotient;
}

/**
 * As float8out prints with extra_float_digits ≥ 1: the shortest digits that read back the same. At powers of
 * two, and half-way to the next double (1e23), Postgres chooses others of the same value.
 */
export function putFloat64(sink: ByteSink, value: number): void {
  putFloat(sink, value, value === 0 || !Number.isFinite(value) ? '' : value.toExponential(), 15);
}

export function putFloat32(sink: ByteSink, value: number): void {
  putFloat(sink, value, value === 0 || !Number.isFinite(value) ? '' : shortestSingle(value), 6);
}

/** Nine digits always suffice for a single. */
function shortestSingle(value: number): string {
  for (let digits = 0; digits < 8; digits += 1) {
    const text = value.toExponential(digits);
    if (nearestSingle(text) === value) return text;
  }
  return value.toExponential(8);
}

/** `scientific`: `d.ddde±x`. Postgres writes exponents below -4 and from `limit` on, with two digits at least. */
function putFloat(sink: ByteSink, value: number, scientific: string, limit: number): void {
  if (value === 0) return sink.putAscii(Object.is(value, -0) ? '-0' : '0');
  if (!Number.isFinite(value)) {
    return sink.putAscii(Number.isNaN(value) ? 'NaN' : value > 0 ? 'Infinity' : '-Infinity');
  }
  const mark = scientific.indexOf('e');
  const exponent = Number(scientific.slice(mark + 1));
  const mantissa = scientific.slice(0, mark);
  if (exponent < -4 || exponent >= limit) {
    const size = String(Math.abs(exponent)).padStart(2, '0');
    return sink.putAscii(`${mantissa}e${exponent < 0 ? '-' : '+'}${size}`);
  }
  const negative = mantissa.startsWith('-');
  const digits = mantissa.replace('-', '').replace('.', '');
  sink.putAscii(`${negative ? '-' : ''}${placePoint(digits, exponent)}`);
}

function placePoint(digits: string, exponent: number): string {
  if (exponent < 0) return `0.${'0'.repeat(-exponent - 1)}${digits}`;
  if (exponent + 1 >= digits.length) return digits.padEnd(exponent + 1, '0');
  return `${digits.slice(0, exponent + 1)}.${digits.slice(exponent + 1)}`;
}
