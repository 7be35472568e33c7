import { normalizeDecimal } from './decimal-text.ts';

/** First character of a decimal's point, in the order of the numbers. */
const RANK = {
  minusInfinity: '0',
  negative: '1',
  zero: '2',
  positive: '3',
  infinity: '4',
  nan: '5',
} as const;

/** Ends positive numbers' digits: below every digit. */
const END = '!';
/** Ends negative numbers' digits, which are complemented: above every digit. */
const NEGATIVE_END = ':';
const EXPONENT_BIAS = 2 ** 31;

/**
 * Canonical decimal text as a string that compares as the numbers do: rank, then how many digits stand before the
 * point, then the digits. For negative numbers both are complemented.
 */
export function decimalPoint(text: string): string {
  if (text === 'NaN') return RANK.nan + END;
  if (text === 'Infinity') return RANK.infinity + END;
  if (text === '-Infinity') return RANK.minusInfinity + END;
  const normal = normalizeDecimal(text);
  if (normal === '0') return RANK.zero + END;
  const negative = normal.startsWith('-');
  const [whole = '', fraction = ''] = (negative ? normal.slice(1) : normal).split('.');
  const all = whole === '0' ? fraction : whole + fraction;
  const digits = all.replace(/^0+/u, '');
  const exponent = whole === '0' ? digits.length - all.length : whole.length;
  const significant = digits.replace(/0+$/u, '');
  if (!negative) return RANK.positive + hex(EXPONENT_BIAS + exponent) + significant + END;
  const complement = significant.replace(/\d/gu, (digit) => String(9 - Number(digit)));
  return RANK.negative + hex(EXPONENT_BIAS - exponent) + complement + NEGATIVE_END;
}

/** The number that a point stands for, without trailing zeros. */
export function decimalFromPoint(point: string): string {
  const [rank] = point;
  if (rank === RANK.nan) return 'NaN';
  if (rank === RANK.infinity) return 'Infinity';
  if (rank === RANK.minusInfinity) return '-Infinity';
  if (rank === RANK.zero) return '0';
  const negative = rank === RANK.negative;
  const biased = Number.parseInt(point.slice(1, 9), 16) - EXPONENT_BIAS;
  const exponent = negative ? -biased : biased;
  const written = point.slice(9, -1);
  const digits = negative ? written.replace(/\d/gu, (digit) => String(9 - Number(digit))) : written;
  const sign = negative ? '-' : '';
  if (exponent <= 0) return `${sign}0.${'0'.repeat(-exponent)}${digits}`;
  if (digits.length <= exponent) return sign + digits.padEnd(exponent, '0');
  return `${sign}${digits.slice(0, exponent)}.${digits.slice(exponent)}`;
}

function hex(value: number): string {
  return value.toString(16).padStart(8, '0');
}
