import type { EstimatedNumber, EstimateQuality } from '@brimful/model';
import { formatBytes, formatCount, formatSeconds } from './format.ts';

const MARKS: Readonly<Record<EstimateQuality, string>> = {
  exact: '',
  sampled: '≈',
  statistics: '~',
  'at least': '≥',
};

/** What the marks mean, for the foot of a page. */
export const MARKS_LEGEND = "≈ sampled, ~ from the source's statistics, ≥ at least, no mark: exact";

export function rowsText({ value, quality }: EstimatedNumber): string {
  return `${MARKS[quality]}${formatCount(value)}`;
}

export function bytesText({ value, quality }: EstimatedNumber): string {
  return `${MARKS[quality]}${formatBytes(value)}`;
}

/** `45 s to 2 min`, `≥ 3 h`. */
export function durationText(seconds: {
  readonly from: number;
  readonly to: number;
  readonly quality: EstimateQuality;
}): string {
  const mark = MARKS[seconds.quality];
  const from = formatSeconds(seconds.from);
  const to = formatSeconds(seconds.to);
  if (seconds.quality === 'at least') return `${mark} ${from}`;
  return from === to ? `${mark}${to}` : `${mark}${from} to ${to}`;
}
