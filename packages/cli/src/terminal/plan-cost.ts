import type { BackfillPlan, RunEstimate } from '@brimful/model';
import { bytesText, durationText, rowsText } from './estimate-text.ts';
import { formatBytes, formatCount, formatSeconds } from './format.ts';
import type { PageOptions } from './page.ts';
import { facts } from './page.ts';

/** Everything that is estimated, a line each. */
export function costLines({ estimate, request }: BackfillPlan, options: PageOptions): string[] {
  const closed = request.windows.length > 0 ? ', without closed windows' : '';
  const pairs: [string, string][] = [
    ['reads', `${rowsText(estimate.rows)} rows, ${bytesText(estimate.bytes)}`],
    ['takes', `${durationText(estimate.seconds)}${closed} (${estimate.basedOn})`],
  ];
  if (request.mode !== 'materialization') pairs.push(['source', sourceText(estimate)]);
  pairs.push(
    [
      'writes',
      `${formatCount(estimate.destinationRowsWritten)} rows, ${formatBytes(estimate.destinationBytesWritten)} at destinations`,
    ],
    [
      'storage',
      `at its peak ${formatBytes(estimate.peakLocalBytes)} more here, ${formatBytes(estimate.peakDestinationBytes)} more at destinations`,
    ],
    ['price', priceText(estimate)],
    ['downtime', downtimeText(estimate)],
  );
  return facts(pairs, options);
}

function sourceText({ sourceBytesRead, walBytes, walHeadroomBytes }: RunEstimate): string {
  const log = `keeps ${formatBytes(walBytes)} of its log meanwhile`;
  const room =
    walHeadroomBytes === null
      ? 'it has no limit for that'
      : `it may keep ${formatBytes(walHeadroomBytes)} (${shareText(walBytes, walHeadroomBytes)})`;
  return `${formatBytes(sourceBytesRead)} read from its disk or cache; ${log}, ${room}`;
}

function shareText(part: number, whole: number): string {
  if (whole <= 0) return 'no room';
  const percent = (part / whole) * 100;
  return percent > 0 && percent < 1 ? 'under 1 %' : `${Math.round(percent)} %`;
}

function priceText({ price }: RunEstimate): string {
  if (price === null) return 'not known: set backfill.prices in the configuration';
  return [`${price.amount.toFixed(2)} ${price.currency}`, ...price.lines].join('\n');
}

function downtimeText({ downtimeSeconds }: RunEstimate): string {
  if (downtimeSeconds > 0) return `readers find no table for ${formatSeconds(downtimeSeconds)}`;
  return 'none: readers always see a whole table';
}
