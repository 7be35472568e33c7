import type { ByteSink } from './byte-sink.ts';
import { divide, putDigits, remainder } from './number-text.ts';
import { DATE_INFINITY, DATE_MINUS_INFINITY, isInfinite } from './time-columns.ts';

const DASH = 0x2d;
const COLON = 0x3a;
const POINT = 0x2e;
const SPACE = 0x20;
const ZERO = 0x30;
const TWO_32 = 4_294_967_296;
const SECONDS_PER_DAY = 86_400;

export function putDate(sink: ByteSink, days: number): void {
  if (days === DATE_INFINITY) return sink.putAscii('infinity');
  if (days === DATE_MINUS_INFINITY) return sink.putAscii('-infinity');
  const year = putCalendar(sink, days);
  if (year <= 0) sink.putAscii(' BC');
}

/** Writes `YYYY-MM-DD` and returns the year, of which 0 is 1 BC. */
function putCalendar(sink: ByteSink, days: number): number {
  const shifted = days + 719_468;
  const era = Math.floor(shifted / 146_097);
  const dayOfEra = shifted - era * 146_097;
  const yearOfEra = Math.floor(
    (dayOfEra -
      Math.floor(dayOfEra / 1460) +
      Math.floor(dayOfEra / 36_524) -
      Math.floor(dayOfEra / 146_096)) /
      365,
  );
  const dayOfYear = dayOfEra - (365 * yearOfEra + Math.floor(yearOfEra / 4) - Math.floor(yearOfEra / 100));
  const shiftedMonth = Math.floor((5 * dayOfYear + 2) / 153);
  const month = shiftedMonth < 10 ? shiftedMonth + 3 : shiftedMonth - 9;
  const year = yearOfEra + era * 400 + (month <= 2 ? 1 : 0);
  putDigits(sink, year <= 0 ? 1 - year : year, 4);
  sink.put(DASH);
  putDigits(sink, month, 2);
  sink.put(DASH);
  putDigits(sink, dayOfYear - Math.floor((153 * shiftedMonth + 2) / 5) + 1, 2);
  return year;
}

/** `HH:MM:SS[.ffffff]`, the fraction without trailing zeros. */
function putClock(sink: ByteSink, seconds: number, microseconds: number): void {
  putDigits(sink, Math.floor(seconds / 3600), 2);
  sink.put(COLON);
  putDigits(sink, Math.floor(seconds / 60) % 60, 2);
  sink.put(COLON);
  putDigits(sink, seconds % 60, 2);
  if (microseconds === 0) return;
  sink.put(POINT);
  putDigits(sink, microseconds, 6);
  while (sink.bytes[sink.used - 1] === ZERO) sink.used -= 1;
}

export function putTime(sink: ByteSink, high: number, low: number): void {
  const microseconds = high * TWO_32 + (low >>> 0);
  putClock(sink, Math.floor(microseconds / 1e6), microseconds % 1e6);
}

/** Seconds added so that every timestamp counts from before the first, a whole number of days. */
const BIAS_SECONDS = 2_600_000 * SECONDS_PER_DAY;
const BIAS_HIGH = Math.floor((BIAS_SECONDS * 15_625) / 2 ** 26);
const BIAS_LOW = Number(BigInt.asUintN(32, BigInt(BIAS_SECONDS) * 1_000_000n));

/** Modulo 2^64, so the last 29 years, which wrapped, come out right. */
export function putTimestamp(sink: ByteSink, high: number, low: number, zoned: boolean): void {
  if (isInfinite(high, low)) return sink.putAscii(high > 0 ? 'infinity' : '-infinity');
  const lower = (low >>> 0) + BIAS_LOW;
  const upper = (high + BIAS_HIGH + (lower >= TWO_32 ? 1 : 0)) >>> 0;
  const seconds = divide(upper, lower >>> 0, 1e6);
  const microseconds = remainder;
  const days = Math.floor(seconds / SECONDS_PER_DAY);
  const year = putCalendar(sink, days - 2_600_000);
  sink.put(SPACE);
  putClock(sink, seconds - days * SECONDS_PER_DAY, microseconds);
  if (zoned) sink.putAscii('+00');
  if (year <= 0) sink.putAscii(' BC');
}
