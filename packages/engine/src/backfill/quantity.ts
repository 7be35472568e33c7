import { Problem } from '@brimful/model';

const DURATION_UNITS: Readonly<Record<string, number>> = {
  s: 1000,
  m: 60_000,
  h: 3_600_000,
  d: 24 * 3_600_000,
};
const SIZE_UNITS: Readonly<Record<string, number>> = {
  '': 1,
  b: 1,
  kb: 1e3,
  mb: 1e6,
  gb: 1e9,
  kib: 1024,
  mib: 1024 ** 2,
  gib: 1024 ** 3,
};

/** `90m`, `24h`, `2d`, `1h30m`, `0`: elapsed milliseconds. Throws `BRM-REQUEST-QUANTITY`. */
export function durationOf(text: string, what: string): number {
  if (text === '0') return 0;
  const parts = [...text.matchAll(/(?<amount>\d+(?:\.\d+)?)(?<unit>[smhd])/gu)];
  if (parts.length === 0 || parts.map(([whole]) => whole).join('') !== text)
    throw notA(what, text, 'a length of time', 'Write 90m, 24h, 2d or 0.');
  return parts.reduce(
    (sum, { groups }) => sum + Number(groups?.['amount']) * (DURATION_UNITS[groups?.['unit'] ?? ''] ?? 0),
    0,
  );
}

/** `20MB/s`, `500kB`, `0`: bytes a second. Throws `BRM-REQUEST-QUANTITY`. */
export function rateOf(text: string, what: string): number {
  const parts = /^(?<amount>\d+(?:\.\d+)?)\s*(?<unit>[a-z]*)(?:\/s)?$/iu.exec(text)?.groups;
  const unit = SIZE_UNITS[(parts?.['unit'] ?? '').toLowerCase()];
  if (parts === undefined || unit === undefined)
    throw notA(what, text, 'a rate', 'Write 20MB/s, 500kB/s, or 0 to begin paused.');
  return Math.round(Number(parts['amount']) * unit);
}

/** `10%` or `0.1`: a part, 0 to 1. Throws `BRM-REQUEST-QUANTITY`. */
export function partOf(text: string, what: string): number {
  const parts = /^(?<amount>\d+(?:\.\d+)?)(?<percent>%?)$/u.exec(text)?.groups;
  const part = Number(parts?.['amount']) / (parts?.['percent'] === '%' ? 100 : 1);
  if (parts === undefined || part > 1) throw notA(what, text, 'a part between 0 and 1', 'Write 10% or 0.1.');
  return part;
}

/** Throws `BRM-REQUEST-QUANTITY`. */
export function countOf(text: string, what: string): number {
  if (!/^[1-9]\d{0,3}$/u.test(text)) throw notA(what, text, 'a number from 1 to 9999', 'Write 2.');
  return Number(text);
}

function notA(what: string, text: string, wanted: string, remedy: string): Problem {
  return new Problem('BRM-REQUEST-QUANTITY', `${what}: ${JSON.stringify(text)} is not ${wanted}.`, {
    remedy,
  });
}
