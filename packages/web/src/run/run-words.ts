import type { Run, RunBinding, RunMode, RunState, RunVerb, Scope, Stage } from '@brimful/model';

export const MODE_WORDS: Readonly<Record<RunMode, string>> = {
  reset: 'Dataflow reset',
  incremental: 'Incremental backfill',
  materialization: 'Materialization backfill',
  repair: 'Repair',
};

const BEFORE_SWAP: ReadonlySet<RunState> = new Set([
  'approved',
  'waiting',
  'running',
  'throttled',
  'window closed',
  'interrupted',
  'catching up',
  'verifying',
  'ready to swap',
]);

/** Nothing happens to it any more. */
export function isOver(state: RunState): boolean {
  return state === 'done' || state === 'cancelled' || state === 'expired';
}

/** Something happens, or waits to happen. */
export function isActive(state: RunState): boolean {
  return BEFORE_SWAP.has(state) || state === 'paused';
}

/** What a person can do with the whole run now. The server has the last word. */
export function verbsOf({ state, bindings, undoUntil, intent }: Run): readonly RunVerb[] {
  const failed = bindings.some((binding) => binding.state === 'failed');
  return [
    ...(BEFORE_SWAP.has(state) ? (['pause'] as const) : []),
    ...(state === 'paused' ? (['resume'] as const) : []),
    ...(state === 'failed' || (failed && isActive(state)) ? (['retry'] as const) : []),
    ...(isActive(state) || state === 'failed' ? (['cancel'] as const) : []),
    ...(state === 'swapped' && undoUntil !== null && intent === null ? (['undo'] as const) : []),
    ...(state === 'undone' && undoUntil !== null && intent === null ? (['redo'] as const) : []),
  ];
}

export function canThrottle(state: RunState): boolean {
  return isActive(state);
}

export function scopeWords(scope: Scope): string {
  if (scope.kind === 'all') return 'all rows';
  if (scope.kind === 'keys') return `${scope.keys.length} single rows`;
  if (scope.kind === 'key')
    return `keys from ${scope.from?.join(', ') ?? 'the first'} to ${scope.to?.join(', ') ?? 'the last'}`;
  return `${scope.column} from ${scope.from ?? 'the beginning'} to ${scope.to ?? 'now and later'} (${scope.zone})`;
}

/** Where each kind of step lies on a table's way. */
const WAY: Readonly<Record<RunBinding['state'], number>> = {
  waiting: 0,
  paused: 0,
  failed: 0,
  skipped: 0,
  cancelled: 0,
  reading: 1,
  reconciling: 2,
  building: 3,
  'catching up': 4,
  verifying: 5,
  ready: 6,
  swapped: 7,
  undone: 7,
  done: 9,
};
const STEP: Readonly<Record<Stage['kind'], number>> = {
  read: 1,
  compact: 1,
  reconcile: 2,
  build: 3,
  'catch up': 4,
  verify: 5,
  swap: 6,
  keep: 8,
  'clean up': 8,
};

/** Whether a step of the plan is behind all the collections it is about. Asked for thousands of steps at a time. */
export function stagesDone(run: Run): (stage: Stage) => boolean {
  if (run.state === 'done') return () => true;
  const states = new Map(run.bindings.map(({ collection, state }) => [collection, state]));
  const subjects = new Map(
    run.plan.bindings.flatMap(({ collection, tables }) => [
      [collection, states.get(collection)] as const,
      ...tables.map(
        ({ materialization, table }) => [`${materialization}: ${table}`, states.get(collection)] as const,
      ),
    ]),
  );
  return ({ kind, subject }) => {
    const state = subjects.get(subject);
    return state !== undefined && WAY[state] > STEP[kind];
  };
}
