import type { DecimalWidth } from './native-type.ts';
import { ValueRefused } from './value-refused.ts';

const MINUS = 45;
const DOT = 46;
const ZERO = 48;
const NINE = 57;
/** Up to so many digits a double counts exactly. */
const EXACT_DIGITS = 15;
const TWO_32 = 2 ** 32;

/**
 * Reads canonical decimal text into the scaled integer DuckDB keeps, low word first, `words` 32-bit words wide.
 * Refuses NaN, infinities, and values with more digits than the column has.
 */
export function writeDecimal(
  text: Uint8Array,
  from: number,
  to: number,
  { width, scale }: DecimalWidth,
  target: Int32Array,
  at: number,
  words: number,
  row: number,
): void {
  const negative = text[from] === MINUS;
  const start = negative ? from + 1 : from;
  let value = 0;
  let digits = 0;
  let fraction = -1;
  for (let index = start; index < to; index += 1) {
    const byte = text[index] as number;
    if (byte === DOT && fraction < 0) {
      fraction = 0;
      continue;
    }
    if (byte < ZERO || byte > NINE) throw refused(text, from, to, row, 'is not a finite number');
    if (fraction >= 0) {
      if (fraction === scale) {
        if (byte !== ZERO) throw refused(text, from, to, row, `has more than ${scale} decimal places`);
        continue;
      }
      fraction += 1;
    }
    if (digits > 0 || byte !== ZERO) digits += 1;
    value = value * 10 + (byte - ZERO);
  }
  const missing = scale - Math.max(fraction, 0);
  if (digits > 0) digits += missing;
  if (digits > width)
    throw refused(text, from, to, row, `has more than ${width - scale} digits before the point`);
  if (digits > EXACT_DIGITS) {
    writeLarge(scaled(text, start, to, scale, missing), negative, target, at, words);
    return;
  }
  for (let place = 0; place < missing; place += 1) value *= 10;
  const signed = negative ? -value : value;
  target[at] = (signed % TWO_32) | 0;
  const high = Math.floor(signed / TWO_32);
  if (words > 1) target[at + 1] = high | 0;
  for (let word = 2; word < words; word += 1) target[at + word] = negative && value > 0 ? -1 : 0;
}

function scaled(text: Uint8Array, start: number, to: number, scale: number, missing: number): bigint {
  let digits = '';
  let places = -1;
  for (let index = start; index < to; index += 1) {
    const byte = text[index] as number;
    if (byte === DOT) places = 0;
    else if (places < scale) {
      digits += String.fromCharCode(byte);
      if (places >= 0) places += 1;
    }
  }
  return BigInt(digits + '0'.repeat(missing));
}

function writeLarge(value: bigint, negative: boolean, target: Int32Array, at: number, words: number): void {
  let rest = BigInt.asUintN(words * 32, negative ? -value : value);
  for (let word = 0; word < words; word += 1) {
    target[at + word] = Number(rest & 0xffff_ffffn) | 0;
    rest >>= 32n;
  }
}

function refused(text: Uint8Array, from: number, to: number, row: number, why: string): ValueRefused {
  const shown = new TextDecoder().decode(text.subarray(from, Math.min(to, from + 60)));
  return new ValueRefused(row, `${shown}${to - from > 60 ? '…' : ''} ${why}`);
}
