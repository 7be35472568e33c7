import type { Run } from '@brimful/model';
import { isOver } from './run-state.ts';

/**
 * What keeps the tables of a run from every other run: it may still read into, rebuild or merge into them (a failed one can
 * be retried); it is told to take its swap back, or to make it again; or it was cancelled, perhaps in the middle of its
 * swap, and has not taken back yet what there was of that. (Invariant 7)
 */
export type RunHold = 'works' | 'exchanges' | 'cleans up';

/** Null: any other run may have its tables. */
export function holdOf(run: Run): RunHold | null {
  if (run.state === 'cancelled' && leavesSomething(run)) return 'cleans up';
  if (isOver(run.state) || run.state === 'planned') return null;
  if (run.state === 'swapped' || run.state === 'undone') return run.intent === null ? null : 'exchanges';
  return 'works';
}

/** A run that is over, and of which not all that it made has been removed: then it has its report. */
export function leavesSomething({ state, undoUntil, report, startedAt }: Run): boolean {
  const ended = isOver(state) || (state === 'undone' && undoUntil === null);
  return ended && report === null && startedAt !== null;
}

interface Subjects {
  readonly collection: string;
  readonly tables: readonly { readonly materialization: string; readonly table: string }[];
}

/** A collection or a table that both are about. */
export function sharedSubject(ours: readonly Subjects[], theirs: readonly Subjects[]): string | undefined {
  const taken = new Set(theirs.flatMap(subjectsOf));
  return ours.flatMap(subjectsOf).find((subject) => taken.has(subject));
}

function subjectsOf({ collection, tables }: Subjects): readonly string[] {
  return [collection, ...tables.map(({ materialization, table }) => `${materialization}: ${table}`)];
}
