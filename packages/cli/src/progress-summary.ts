import type { CaptureStatus, MaterializationStatus, Run, RuntimeStatus } from '@brimful/model';
import { doneOf } from './terminal/run-lines.ts';

/** Changes whenever something happened that is worth a line in a log: a state or a phase, not a number. */
export function progressSummary(status: RuntimeStatus, runs: readonly Run[]): string {
  return JSON.stringify([
    status.captures.map(taskSummary),
    status.materializations.map(taskSummary),
    status.disk.paused,
    runs.map((run) => [run.id, run.state, run.because, run.bindings.map((binding) => binding.state)]),
  ]);
}

function taskSummary(task: CaptureStatus | MaterializationStatus): unknown {
  return [task.name, task.state, task.problem?.code, phases(task)];
}

/** The status as a log line: per task, not per table. */
export function progressRecord(status: RuntimeStatus, runs: readonly Run[]): object {
  return {
    captures: status.captures.map((capture) => ({
      name: capture.name,
      state: capture.state,
      sentence: capture.sentence,
      lagBytes: capture.lagBytes,
      lagMilliseconds: capture.lagMilliseconds,
      changes: capture.changes,
      phases: phases(capture),
      rowsRead: sum(capture.bindings, (binding) => binding.rowsRead),
      rowsEstimated: sum(capture.bindings, (binding) => binding.rowsEstimated),
      problem: capture.problem,
    })),
    materializations: status.materializations.map((materialization) => ({
      name: materialization.name,
      state: materialization.state,
      sentence: materialization.sentence,
      waiting: materialization.waiting,
      lagMilliseconds: materialization.lagMilliseconds,
      rowsWritten: materialization.rowsWritten,
      phases: phases(materialization),
      problem: materialization.problem,
    })),
    disk: status.disk,
    ...(runs.length === 0 ? {} : { runs: runs.map(runRecord) }),
  };
}

function runRecord(run: Run): object {
  const { id, mode, state, because, bindings } = run;
  return {
    id,
    mode,
    state,
    because,
    done: Number(doneOf(run).toFixed(3)),
    tables: bindings.map((binding) => ({
      collection: binding.collection,
      state: binding.state,
      rowsRead: binding.rowsRead,
      problem: binding.problem,
    })),
  };
}

function phases(task: CaptureStatus | MaterializationStatus): Record<string, number> {
  const counts: Record<string, number> = {};
  for (const { phase } of task.bindings) counts[phase] = (counts[phase] ?? 0) + 1;
  return counts;
}

function sum<T>(all: readonly T[], value: (one: T) => number): number {
  return all.reduce((total, one) => total + value(one), 0);
}
