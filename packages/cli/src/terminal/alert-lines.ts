import type { Alert } from '@brimful/model';
import type { Colors } from 'picocolors/types.js';
import { formatMilliseconds } from './format.ts';
import { harmless, wrap } from './width.ts';

/** Open alerts, the worst first: what is so, since when, and what to do. None: no lines. */
export function alertLines(
  alerts: readonly Alert[],
  now: number,
  options: { readonly columns: number; readonly colors: Colors },
): string[] {
  return alerts.flatMap((alert) => {
    const { severity, sentence, remedy, raisedAt, acknowledged } = alert;
    const seen = acknowledged === null ? '' : `, seen by ${acknowledged.who}`;
    const head = `${severity}  ${sentence} (since ${formatMilliseconds(now - raisedAt)}${seen})`;
    const [first = '', ...rest] = wrap(harmless(head), options.columns);
    const mark = severity === 'critical' ? options.colors.red : options.colors.yellow;
    const painted = severity === 'info' ? first : mark(severity) + first.slice(severity.length);
    const advice = remedy === null ? [] : wrap(harmless(remedy), options.columns - 4);
    return [
      painted,
      ...rest.map((line) => `  ${line}`),
      ...advice.map((line) => options.colors.dim(`    ${line}`)),
    ];
  });
}
