import type { RuntimeStatus } from '@brimful/model';

/** How far a run has come, read off its status. */
export type Arrival =
  | { readonly kind: 'under way' }
  /** Every table is backfilled, and live in every destination. */
  | { readonly kind: 'complete' }
  /** Something stopped that will not go on by itself. */
  | { readonly kind: 'failed'; readonly problems: readonly string[] };

export function arrivalOf(status: RuntimeStatus, tables: number): Arrival {
  const problems = problemsIn(status);
  if (problems.length > 0) return { kind: 'failed', problems };
  const captured = status.captures.every(
    ({ bindings }) => bindings.length === tables && bindings.every(({ phase }) => phase === 'streaming'),
  );
  const live = status.materializations.every(
    ({ bindings }) => bindings.length === tables && bindings.every(({ phase }) => phase === 'live'),
  );
  return { kind: captured && live ? 'complete' : 'under way' };
}

function problemsIn(status: RuntimeStatus): string[] {
  const tasks = [...status.captures, ...status.materializations];
  return tasks.flatMap((task) => [
    ...(task.state === 'failed' ? [`${task.name}: ${task.problem?.message ?? task.sentence}`] : []),
    ...task.bindings.flatMap((binding) =>
      binding.phase === 'failed' || binding.phase === 'gap'
        ? [
            `${task.name}, ${'table' in binding ? binding.table : binding.resource}: ${binding.problem?.message ?? binding.phase}`,
          ]
        : [],
    ),
  ]);
}

/** Whether everything that committed up to `position` is journaled, and everything journaled is in the destinations. */
export function isDrained(status: RuntimeStatus, position: bigint): boolean {
  const journaled = status.captures.every(
    (capture) => capture.position !== undefined && BigInt(capture.position) >= position,
  );
  const written = status.materializations.every(({ bindings }) =>
    bindings.every(({ offset, next }) => offset >= next),
  );
  return journaled && written;
}

/** Changes whenever anything moves: to tell a slow run from one that is stuck. */
export function progressMark(status: RuntimeStatus): string {
  return JSON.stringify([
    status.captures.map(({ bindings }) =>
      bindings.map(({ phase, rowsRead, changes }) => [phase, rowsRead, changes]),
    ),
    status.materializations.map(({ bindings }) =>
      bindings.map(({ phase, offset, rowsWritten }) => [phase, offset, rowsWritten]),
    ),
  ]);
}
