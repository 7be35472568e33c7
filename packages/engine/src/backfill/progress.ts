import type { Run, RunBinding, RunState } from '@brimful/model';
import { isRunInput, nextRunState } from './run-state.ts';

/** Before anything is known for sure, it may take so many times as long as it looks, or as little. */
const WIDEST_FACTOR = 2;

/**
 * How long the table's reading goes on, likely shortest and longest, in seconds. Null while there is no speed to go by. The
 * range narrows as work is done: what is left is smaller, and its speed is known better.
 */
export function etaOf(
  binding: Pick<RunBinding, 'rowsRead' | 'rowsEstimated' | 'rowsPerSecond' | 'done'>,
): { readonly from: number; readonly to: number } | null {
  const { rowsRead, rowsEstimated, rowsPerSecond, done } = binding;
  if (done >= 1) return { from: 0, to: 0 };
  if (rowsPerSecond <= 0) return null;
  // What was read of a known part says more than statistics, once that part is telling.
  const all = done > 0.05 ? rowsRead / done : Math.max(rowsEstimated, rowsRead);
  const left = Math.max(0, all - rowsRead) / rowsPerSecond;
  const factor = 1 + (WIDEST_FACTOR - 1) * (1 - Math.min(1, Math.max(0, done)));
  return { from: left / factor, to: left * factor };
}

/** One number for it: as far from the shortest as from the longest, in proportion. */
export function etaSecondsOf(binding: Parameters<typeof etaOf>[0]): number | null {
  const eta = etaOf(binding);
  return eta === null ? null : Math.sqrt(eta.from * eta.to);
}

/** A run works in these; in all others it waits for something, or is over. */
const WORKING: ReadonlySet<RunState> = new Set([
  'running',
  'throttled',
  'catching up',
  'verifying',
  'ready to swap',
]);

/**
 * Seconds the run has worked: without pauses, closed windows, interruptions and its undo window. From its history, so for
 * runs with a very long one it is a little less. Null: it has not begun.
 */
export function workingSeconds(run: Run, now: number): number | null {
  if (run.startedAt === null) return null;
  let state: RunState = 'approved';
  let since: number | null = null;
  let milliseconds = 0;
  for (const { at, what } of run.events) {
    const input = what.split(': ', 1)[0] ?? '';
    if (!isRunInput(input)) continue;
    const outcome = nextRunState(state, input);
    if ('refused' in outcome) continue;
    if (since !== null) milliseconds += Math.max(0, at - since);
    state = outcome.state;
    since = WORKING.has(state) ? at : null;
  }
  if (since !== null) milliseconds += Math.max(0, now - since);
  return milliseconds / 1000;
}

/** What came of an estimate: estimated over actual. Null: there is nothing to compare, or it is not over. */
export function accuracyOf(
  run: Run,
  now: number,
): { readonly rows: number | null; readonly seconds: number | null } | null {
  const seconds = workingSeconds(run, now);
  if (seconds === null || (run.state !== 'done' && run.state !== 'swapped')) return null;
  const rows = run.bindings.reduce((sum, { rowsRead }) => sum + rowsRead, 0);
  const { estimate } = run.plan;
  const expected = Math.sqrt(estimate.seconds.from * estimate.seconds.to);
  return {
    rows: rows === 0 ? null : estimate.rows.value / rows,
    seconds: seconds === 0 ? null : expected / seconds,
  };
}
