import type { CaptureStatus, MaterializationStatus, Run, RuntimeStatus } from '@brimful/model';

/** Since when each task has been where it is, although there is work. Tasks without work, or that move, begin anew. */
export type Standstill = ReadonlyMap<string, { readonly mark: string; readonly since: number }>;

/** The next from the one before; call it now and then. Pure. */
export function standstill(before: Standstill, status: RuntimeStatus, runs: readonly Run[]): Standstill {
  const { at, captures, materializations } = status;
  const marks: (readonly [string, string | null])[] = [
    ...captures.map((task) => [taskKey('capture', task.name), captureMark(task, runs)] as const),
    ...materializations.map((task) => [taskKey('materialization', task.name), tableMark(task)] as const),
  ];
  return new Map(
    marks.flatMap(([key, mark]) => {
      if (mark === null) return [];
      const known = before.get(key);
      return [[key, { mark, since: known?.mark === mark ? known.since : at }] as const];
    }),
  );
}

export function taskKey(kind: 'capture' | 'materialization', name: string): string {
  return `${kind} ${name}`;
}

const READING: ReadonlySet<string> = new Set(['joining', 'backfilling', 'filling']);
/** Reading rests because somebody or the clock said so: that is no standstill. */
const RESTING: ReadonlySet<string> = new Set(['paused', 'window closed', 'waiting', 'approved']);

/** Where it is; null: it has nothing to do, or rests on purpose. */
function captureMark(task: CaptureStatus, runs: readonly Run[]): string | null {
  const { name, state, bindings, lagBytes = 0, position } = task;
  if (state === 'waiting' || state === 'starting') return state;
  if (state !== 'running') return null;
  const rests = runs.some((run) => run.plan.request.task === name && RESTING.has(run.state));
  const reads = !rests && bindings.some(({ phase }) => READING.has(phase));
  if (!reads && lagBytes === 0) return null;
  const sum = (of: (binding: (typeof bindings)[number]) => number): number =>
    bindings.reduce((total, binding) => total + of(binding), 0);
  const phases = bindings.map(({ phase }) => phase).join(' ');
  return [position, sum(({ rowsRead }) => rowsRead), sum(({ changes }) => changes), phases].join('|');
}

function tableMark({ state, waiting, bindings }: MaterializationStatus): string | null {
  if (state === 'failed' || state === 'stopped' || state === 'paused') return null;
  const behind = bindings.filter(({ offset, next, phase }) => offset < next && phase !== 'failed');
  // An index takes as long as it takes, and shows nothing on its way.
  if (bindings.some(({ phase }) => phase === 'indexing')) return null;
  if (behind.length === 0) return state === 'running' ? null : state;
  if (state !== 'running' || waiting !== undefined) return `waiting`;
  return behind
    .map(({ table, offset, rowsWritten, phase }) => `${table} ${phase} ${offset} ${rowsWritten}`)
    .join('|');
}
