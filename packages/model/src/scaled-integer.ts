/** A decimal as an integer of 64 bits and a number of digits after the point. Filled again and again: no object a row. */
export class ScaledInteger {
  /** Low and high half of the two's complement. */
  low = 0;
  high = 0;
  scale = 0;
  /** Where the significant digits are, also when they do not fit. */
  first = 0;
  end = 0;
  negative = false;
}

const ZERO = 48;
const NINE = 57;
const DOT = 46;
const MINUS = 45;
/** Digits that fit 64 bits for some values. */
const MOST_DIGITS = 19;
const LOW_DIGITS = 9;

/**
 * Reads canonical decimal text without the zeros that do not change its value. False where the number does not fit, or
 * is not finite; `first`, `end` and `negative` then still delimit what tells it from all others. Allocates nothing.
 */
export function readDecimal(bytes: Uint8Array, start: number, end: number, into: ScaledInteger): boolean {
  into.negative = bytes[start] === MINUS;
  let first = into.negative ? start + 1 : start;
  let last = end;
  let dot = first;
  while (dot < end && bytes[dot] !== DOT) dot += 1;
  if (dot < end) {
    while (bytes[last - 1] === ZERO) last -= 1;
    if (last === dot + 1) last = dot;
  }
  while (first < last - 1 && (bytes[first] === ZERO || bytes[first] === DOT)) first += 1;
  // The point belongs to what tells numbers apart when it lies before the first digit that is not zero.
  into.scale = last > dot ? last - dot - 1 : 0;
  into.first = first > dot ? dot : first;
  into.end = last;
  if ((bytes[first] as number) > NINE) return false;
  return readDigits(bytes, first, last, into);
}

function readDigits(bytes: Uint8Array, first: number, last: number, into: ScaledInteger): boolean {
  let top = 0;
  let bottom = 0;
  let digits = 0;
  // How many digits go to the top: all but the last nine.
  let count = last - first;
  for (let at = first; at < last; at += 1) if (bytes[at] === DOT) count -= 1;
  if (count > MOST_DIGITS) return false;
  for (let at = first; at < last; at += 1) {
    const byte = bytes[at] as number;
    if (byte === DOT) continue;
    if (digits < count - LOW_DIGITS) top = top * 10 + byte - ZERO;
    else bottom = bottom * 10 + byte - ZERO;
    digits += 1;
  }
  // top * 10^9 + bottom, in halves: every product stays below 2^53.
  const topHigh = Math.floor(top / 65_536) * 1e9;
  const low = (top % 65_536) * 1e9 + (topHigh % 65_536) * 65_536 + bottom;
  const high = Math.floor(topHigh / 65_536) + Math.floor(low / 2 ** 32);
  into.low = low | 0;
  into.high = high | 0;
  const least = into.negative && high === 2 ** 31 && into.low === 0;
  if (high >= 2 ** 31 && !least) return false;
  if (into.negative && !least) negate(into);
  return true;
}

function negate(value: ScaledInteger): void {
  value.low = -value.low | 0;
  value.high = ~value.high + (value.low === 0 ? 1 : 0);
}
