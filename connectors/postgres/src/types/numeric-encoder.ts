import type { ByteSink } from './byte-sink.ts';
import { UnfitValue } from './value-problem.ts';

const MINUS = 0x2d;
const POINT = 0x2e;
const ZERO = 0x30;
const UPPER_I = 0x49;
const UPPER_N = 0x4e;

const POSITIVE = 0;
const NEGATIVE = 0x4000;
const NOT_A_NUMBER = 0xc000;
const PLUS_INFINITY = 0xd000;
const MINUS_INFINITY = 0xf000;
const HEADER_BYTES = 8;
/** What the format has room for: 14 bits of scale, and weights up to 32,767 of groups of four digits. */
const MAXIMUM_SCALE = 0x3fff;
const MAXIMUM_GROUPS = 0x8000;

/** Appends canonical decimal text, `text[start..end)`, as binary `numeric`; the reverse of the numeric decoder. */
export function putBinaryDecimal(sink: ByteSink, text: Uint8Array, start: number, end: number): void {
  const negative = text[start] === MINUS;
  let first = negative ? start + 1 : start;
  const letter = text[first];
  if (letter === UPPER_N) return putHeader(sink, 0, 0, NOT_A_NUMBER, 0);
  if (letter === UPPER_I) return putHeader(sink, 0, 0, negative ? MINUS_INFINITY : PLUS_INFINITY, 0);
  let point = first;
  while (point < end && text[point] !== POINT) point += 1;
  const scale = point < end ? end - point - 1 : 0;
  while (first < point && text[first] === ZERO) first += 1;
  // Groups of four, aligned at the point.
  const whole = Math.ceil((point - first) / 4);
  if (scale > MAXIMUM_SCALE || whole > MAXIMUM_GROUPS)
    throw new UnfitValue('it has more digits than numeric holds');
  sink.reserve(HEADER_BYTES + (whole + Math.ceil(scale / 4)) * 2);
  const groups = sink.used + HEADER_BYTES;
  let to = groups;
  let weight = whole - 1;
  for (let at = point - whole * 4; at < point; at += 4, to += 2) {
    sink.view.setInt16(to, readGroup(text, at, first, point));
  }
  for (let at = point + 1; at < end; at += 4) {
    const group = readGroup(text, at, point + 1, end);
    if (to === groups && group === 0) {
      weight -= 1;
    } else {
      sink.view.setInt16(to, group);
      to += 2;
    }
  }
  while (to > groups && sink.view.getInt16(to - 2) === 0) to -= 2;
  const count = (to - groups) / 2;
  putHeader(sink, count, count === 0 ? 0 : weight, negative && count > 0 ? NEGATIVE : POSITIVE, scale);
  sink.used = to;
}

/** Four digits from `at`, of which those outside of `first..end` are zero. */
function readGroup(text: Uint8Array, at: number, first: number, end: number): number {
  let group = 0;
  for (let index = at; index < at + 4; index += 1) {
    const digit = index >= first && index < end ? (text[index] as number) - ZERO : 0;
    if (digit >>> 0 > 9) throw new UnfitValue('a character that is not a digit in a decimal');
    group = group * 10 + digit;
  }
  return group;
}

function putHeader(sink: ByteSink, digits: number, weight: number, sign: number, scale: number): void {
  sink.reserve(HEADER_BYTES);
  const { view, used } = sink;
  view.setInt16(used, digits);
  view.setInt16(used + 2, weight);
  view.setUint16(used + 4, sign);
  view.setUint16(used + 6, scale);
  sink.used = used + HEADER_BYTES;
}
