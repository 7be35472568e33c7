import type { RunSummary } from '@brimful/api';
import type { Run, RunBinding } from '@brimful/model';

const DONE: ReadonlySet<RunBinding['state']> = new Set(['ready', 'swapped', 'done', 'skipped', 'undone']);

export function runSummary(run: Run): RunSummary {
  const { id, mode, state, because, throttle, createdAt, startedAt, endedAt, undoUntil, intent, report } =
    run;
  const { request } = run.plan;
  const sum = (of: (binding: RunBinding) => number): number =>
    run.bindings.reduce((total, binding) => total + of(binding), 0);
  const rowsEstimated = sum((binding) => binding.rowsEstimated);
  const etas = run.bindings.flatMap(({ etaSeconds }) => (etaSeconds === null ? [] : [etaSeconds]));
  const weighted = sum((binding) => binding.done * Math.max(1, binding.rowsEstimated));
  const weights = sum((binding) => Math.max(1, binding.rowsEstimated));
  return {
    id,
    mode,
    planId: run.plan.id,
    // Up to 100,000 keys: whoever wants them asks for the run.
    request: request.scope.kind === 'keys' ? { ...request, scope: { kind: 'keys', keys: [] } } : request,
    state,
    because,
    throttle,
    createdAt,
    startedAt,
    endedAt,
    undoUntil,
    intent,
    report,
    tables: {
      total: run.bindings.length,
      done: run.bindings.filter((binding) => DONE.has(binding.state)).length,
      failed: run.bindings.filter((binding) => binding.state === 'failed').length,
    },
    rowsRead: sum((binding) => binding.rowsRead),
    rowsEstimated,
    rowsPerSecond: sum((binding) => binding.rowsPerSecond),
    etaSeconds: etas.length === 0 ? null : Math.max(...etas),
    done: weights === 0 ? 0 : weighted / weights,
    lastEvent: run.events.at(-1) ?? null,
  };
}
