import type { EstimateQuality } from '@brimful/model';

const WHOLE = new Intl.NumberFormat('en', { maximumFractionDigits: 0 });
const SHORT = new Intl.NumberFormat('en', { notation: 'compact', maximumFractionDigits: 1 });
const BYTE_UNITS = ['B', 'kB', 'MB', 'GB', 'TB', 'PB'];
const MINUTE_SECONDS = 60;
const HOUR_SECONDS = 3600;
const DAY_SECONDS = 86_400;
const UNKNOWN = '–';

/** Every digit: `1,204,331`. */
export function count(value: number | null | undefined): string {
  return value === null || value === undefined ? UNKNOWN : WHOLE.format(value);
}

/** `1 source`, `1,200 sources`. */
export function several(number: number, noun: string): string {
  return `${count(number)} ${noun}${number === 1 ? '' : 's'}`;
}

/** For tight places: `1.2M`. */
export function shortCount(value: number | null | undefined): string {
  return value === null || value === undefined ? UNKNOWN : SHORT.format(value);
}

/** Decimal units, as rates are typed: `20 MB`. */
export function bytes(value: number | null | undefined): string {
  if (value === null || value === undefined) return UNKNOWN;
  let left = value;
  let unit = 0;
  while (left >= 1000 && unit < BYTE_UNITS.length - 1) {
    left /= 1000;
    unit += 1;
  }
  const digits = unit === 0 || left >= 100 ? 0 : 1;
  return `${left.toFixed(digits)} ${BYTE_UNITS[unit]}`;
}

export function rowRate(perSecond: number): string {
  return `${shortCount(perSecond)} rows/s`;
}

export function byteRate(perSecond: number): string {
  return `${bytes(perSecond)}/s`;
}

/** `240 ms`, `42 s`, `3 min 20 s`, `2 h 5 min`, `3 d 4 h`. */
export function duration(seconds: number | null | undefined): string {
  if (seconds === null || seconds === undefined) return UNKNOWN;
  if (seconds < 1) return seconds === 0 ? '0 s' : `${Math.max(1, Math.round(seconds * 1000))} ms`;
  const whole = Math.round(seconds);
  if (whole < MINUTE_SECONDS) return `${whole} s`;
  if (whole < HOUR_SECONDS) return pair(whole, MINUTE_SECONDS, 'min', 1, 's');
  if (whole < DAY_SECONDS) return pair(whole, HOUR_SECONDS, 'h', MINUTE_SECONDS, 'min');
  return pair(whole, DAY_SECONDS, 'd', HOUR_SECONDS, 'h');
}

function pair(whole: number, large: number, largeName: string, small: number, smallName: string): string {
  const rest = Math.floor((whole % large) / small);
  const first = `${Math.floor(whole / large)} ${largeName}`;
  return rest === 0 ? first : `${first} ${rest} ${smallName}`;
}

/** Lag as people say it; 0 is not "0 s" but up to date. */
export function lag(milliseconds: number | undefined): string {
  if (milliseconds === undefined) return 'unknown';
  return milliseconds === 0 ? 'up to date' : duration(milliseconds / 1000);
}

/** A mark before an estimated number: how much it can be trusted. */
export const QUALITY_MARKS: Readonly<Record<EstimateQuality | 'unknown', string>> = {
  exact: '=',
  sampled: '≈',
  statistics: '~',
  'at least': '≥',
  unknown: '?',
};

/** What the mark means, for the tooltip and for screen readers. */
export const QUALITY_WORDS: Readonly<Record<EstimateQuality | 'unknown', string>> = {
  exact: 'exact: counted',
  sampled: 'sampled: measured on a part',
  statistics: "by the source's own statistics, a few per cent off",
  'at least': 'at least: no upper bound is known',
  unknown: 'unknown: nothing to go by yet',
};

export function percent(part: number): string {
  if (part > 0 && part < 0.01) return '< 1 %';
  // 100 % is said only when it is so.
  return `${Math.min(part >= 1 ? 100 : 99, Math.round(part * 100))} %`;
}
