import type { ColumnBuilder } from '@brimful/model';
import { readDigits } from './text-number.ts';
import { DATE_INFINITY, DATE_MINUS_INFINITY, isInfinite, TIMESTAMP_TAKEN } from './time-columns.ts';
import { UnfitValue } from './value-problem.ts';

const MINUS = 0x2d;
const PLUS = 0x2b;
const POINT = 0x2e;
const COLON = 0x3a;
const ZERO = 0x30;
const SPACE = 0x20;
const UPPER_C = 0x43;
const LOWER_I = 0x69;
const TWO_32 = 4_294_967_296;
const SECONDS_PER_DAY = 86_400;

export function appendDate(buffer: Uint8Array, start: number, end: number, column: ColumnBuilder): void {
  column.reserveRow();
  column.view.setInt32(column.rows * 4, readDate(buffer, start, end), true);
  column.commitFixed();
}

function readDate(buffer: Uint8Array, start: number, end: number): number {
  if (buffer[start] === LOWER_I) return DATE_INFINITY;
  if (buffer[start] === MINUS) return DATE_MINUS_INFINITY;
  const yearEnd = findYearEnd(buffer, start, end);
  return readDays(buffer, start, yearEnd, isBeforeChrist(buffer, end));
}

/** The year has four digits or more. */
function findYearEnd(buffer: Uint8Array, start: number, end: number): number {
  let at = start + 4;
  while (at < end && buffer[at] !== MINUS) at += 1;
  return at;
}

/** Ends in ` BC`. */
function isBeforeChrist(buffer: Uint8Array, end: number): boolean {
  return buffer[end - 1] === UPPER_C;
}

/** `-MM-DD` follows the year. Days since 1970-01-01 in the proleptic Gregorian calendar. */
function readDays(buffer: Uint8Array, start: number, yearEnd: number, beforeChrist: boolean): number {
  const written = readDigits(buffer, start, yearEnd);
  const month = readTwo(buffer, yearEnd + 1);
  const day = readTwo(buffer, yearEnd + 4);
  // Counts years from March, so that the leap day is the last; 1 BC is year 0.
  const year = (beforeChrist ? 1 - written : written) - (month <= 2 ? 1 : 0);
  const era = Math.floor(year / 400);
  const yearOfEra = year - era * 400;
  const dayOfYear = Math.floor((153 * (month + (month > 2 ? -3 : 9)) + 2) / 5) + day - 1;
  const dayOfEra = yearOfEra * 365 + Math.floor(yearOfEra / 4) - Math.floor(yearOfEra / 100) + dayOfYear;
  return era * 146_097 + dayOfEra - 719_468;
}

function readTwo(buffer: Uint8Array, at: number): number {
  const tens = (buffer[at] as number) - ZERO;
  const ones = (buffer[at + 1] as number) - ZERO;
  if (!(tens >>> 0 <= 9 && ones >>> 0 <= 9)) throw new UnfitValue('a date or time in an unknown format');
  return tens * 10 + ones;
}

/** `HH:MM:SS`, then at most six digits after a point. Up to 86,400,000,000 µs. */
export function appendTime(buffer: Uint8Array, start: number, end: number, column: ColumnBuilder): void {
  const microseconds = readSeconds(buffer, start) * 1e6 + readFraction(buffer, start + 8, end);
  column.reserveRow();
  column.view.setInt32(column.rows * 8, microseconds | 0, true);
  column.view.setInt32(column.rows * 8 + 4, Math.floor(microseconds / TWO_32), true);
  column.commitFixed();
}

function readSeconds(buffer: Uint8Array, at: number): number {
  return readTwo(buffer, at) * 3600 + readTwo(buffer, at + 3) * 60 + readTwo(buffer, at + 6);
}

/** Microseconds after the point at `at`; 0 when there is none. */
function readFraction(buffer: Uint8Array, at: number, end: number): number {
  if (at >= end || buffer[at] !== POINT) return 0;
  let value = 0;
  let unit = 100_000;
  for (let index = at + 1; index < end; index += 1, unit /= 10) {
    const digit = (buffer[index] as number) - ZERO;
    if (digit >>> 0 > 9) break;
    value += digit * unit;
  }
  return value;
}

/** `YYYY-MM-DD HH:MM:SS[.ffffff][+HH[:MM[:SS]]][ BC]` or an infinity. */
export function appendTimestamp(buffer: Uint8Array, start: number, end: number, column: ColumnBuilder): void {
  column.reserveRow();
  const { view } = column;
  const at = column.rows * 8;
  if (buffer[start] === LOWER_I || buffer[start] === MINUS) {
    const infinite = buffer[start] === LOWER_I;
    view.setInt32(at, infinite ? -1 : 0, true);
    view.setInt32(at + 4, infinite ? 0x7fff_ffff : -0x8000_0000, true);
    return column.commitFixed();
  }
  const yearEnd = findYearEnd(buffer, start, end);
  const days = readDays(buffer, start, yearEnd, isBeforeChrist(buffer, end));
  const clock = yearEnd + 7;
  let rest = clock + 8;
  const fraction = readFraction(buffer, rest, end);
  while (rest < end && !isZoneSign(buffer[rest] as number) && buffer[rest] !== SPACE) rest += 1;
  const seconds = days * SECONDS_PER_DAY + readSeconds(buffer, clock) - readZone(buffer, rest, end);
  // seconds * 10^6 + fraction modulo 2^64, in doubles that stay below 2^53: seconds is cut at 20 bits.
  const upper = Math.floor(seconds / 1_048_576) * 1e6;
  const lower = (seconds - Math.floor(seconds / 1_048_576) * 1_048_576) * 1e6 + fraction;
  const upperHigh = Math.floor(upper / 4096);
  const low = (upper - upperHigh * 4096) * 1_048_576 + (lower % TWO_32);
  const high = (upperHigh + Math.floor(lower / TWO_32) + Math.floor(low / TWO_32)) | 0;
  if (isInfinite(high, low | 0)) throw new UnfitValue(TIMESTAMP_TAKEN);
  view.setInt32(at, low | 0, true);
  view.setInt32(at + 4, high, true);
  column.commitFixed();
}

function isZoneSign(byte: number): boolean {
  return byte === PLUS || byte === MINUS;
}

/** Seconds east of Greenwich; 0 without a zone. */
function readZone(buffer: Uint8Array, at: number, end: number): number {
  if (at >= end || !isZoneSign(buffer[at] as number)) return 0;
  let seconds = readTwo(buffer, at + 1) * 3600;
  if (buffer[at + 3] === COLON && at + 3 < end) {
    seconds += readTwo(buffer, at + 4) * 60;
    if (buffer[at + 6] === COLON && at + 6 < end) seconds += readTwo(buffer, at + 7);
  }
  return buffer[at] === MINUS ? -seconds : seconds;
}
