import { bytesText } from './amount.ts';
import type { Condition, Findings } from './condition.ts';
import { runConditions, runsOver } from './run-conditions.ts';
import type { Sight } from './sight.ts';
import { CALM_SHARE } from './sight.ts';
import { captureConditions, materializationConditions } from './task-conditions.ts';
import { divergence } from './verification-conditions.ts';

/** What happened longer ago is not told any more, and what nobody acknowledged is cleared. */
export const EVENT_MILLISECONDS = 24 * 3_600_000;
/** Everything that somebody should be told now. Pure: the same sight and time give the same findings. */
export function alertsOf(sight: Sight, now: number): Findings {
  const { status, runs, verifications } = sight;
  const news = Math.max(sight.since, now - EVENT_MILLISECONDS);
  const conditions = [
    ...disk(sight),
    ...status.captures.flatMap((task) => captureConditions(task, sight, news, now)),
    ...status.materializations.flatMap((task) => materializationConditions(task, sight, now)),
    ...runs.flatMap((run) => runConditions(run, news)),
    ...verifications.flatMap((report) => divergence(report, news)),
  ];
  const settled = verifications.filter(
    ({ verdict }) => verdict === 'equal' || verdict === 'equal after catch-up',
  );
  const starting = [...status.captures, ...status.materializations].filter(
    ({ state }) => state === 'starting' || state === 'stopped',
  );
  return {
    conditions,
    unknown: new Set(starting.map(({ name }) => name)),
    over: new Set([...runsOver(runs), ...settled.map(({ subject }) => `verification:${subject}`)]),
  };
}

function disk({ status, limits, open }: Sight): Condition[] {
  const { freeBytes, limitBytes, usedBytes, paused } = status.disk;
  const id = 'disk:data';
  // Before it was looked at, nothing is known of it.
  if (usedBytes === 0 && freeBytes === 0) return [];
  const isTight = freeBytes < limits.diskFreeBytes / (open.has(id) ? CALM_SHARE : 1);
  if (!isTight && !paused) return [];
  const free = `${bytesText(freeBytes)} are free for the data directory, which holds ${bytesText(usedBytes)}`;
  return [
    {
      id,
      kind: 'disk',
      severity: paused ? 'critical' : 'warning',
      subject: { kind: 'disk', name: 'data' },
      sentence: paused
        ? `Captures are paused: ${free}.`
        : `${free}; captures pause below ${bytesText(limitBytes)}.`,
      remedy: 'Make room on the disk, lower limits.retention, or set another dataDirectory.',
      lasts: 'while so',
      event: null,
    },
  ];
}
