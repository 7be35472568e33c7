import type {
  MaterializationBindingStatus,
  MaterializationPhase,
  MaterializationStatus,
  TableGenerationsStatus,
} from '@brimful/model';
import type { JournalState } from '@brimful/store';
import type { TableFeed } from '../materialization/table-feed.ts';
import type { MaterializationTask } from '../materialization/materialization-task.ts';

export function materializationStatus(
  task: MaterializationTask,
  journals: ReadonlyMap<string, JournalState>,
  now: number,
): MaterializationStatus {
  const bindings = [...task.bindings.keys()].map((collection) =>
    bindingStatus(task, collection, journals, now),
  );
  const lags = bindings.flatMap(({ phase, lagMilliseconds }) =>
    phase === 'failed' || lagMilliseconds === undefined ? [] : [lagMilliseconds],
  );
  return {
    name: task.spec.name,
    connector: task.spec.connector,
    state: task.waiting === undefined || task.state !== 'running' ? task.state : 'waiting',
    sentence: sentence(task, bindings),
    waiting: task.waiting,
    lagMilliseconds: lags.length === 0 ? undefined : Math.max(...lags),
    rowsWritten: bindings.reduce((sum, binding) => sum + binding.rowsWritten, 0),
    rowsPerSecond: bindings.reduce((sum, binding) => sum + binding.rowsPerSecond, 0),
    batches: task.batches,
    lagBytes: bindings.reduce((sum, binding) => sum + (binding.lagBytes ?? 0), 0),
    retries: task.retries,
    lastProblem: task.lastProblem,
    problem: task.problem,
    bindings,
  };
}

function sentence(task: MaterializationTask, bindings: readonly MaterializationBindingStatus[]): string {
  if (task.problem !== undefined && task.state !== 'running') return task.problem.message;
  if (task.state !== 'running')
    return task.state === 'starting' ? 'Connecting to the destination' : 'Stopped';
  if (task.waiting !== undefined) return `Waiting: ${task.waiting}`;
  const live = bindings.filter((binding) => binding.phase === 'live').length;
  const failed = bindings.filter((binding) => binding.phase === 'failed').length;
  const suffix = failed === 0 ? '' : `, ${failed} stopped`;
  return live === bindings.length && live > 0
    ? `All ${live} tables are complete and follow`
    : `${live} of ${bindings.length} tables are complete and follow${suffix}`;
}

function bindingStatus(
  task: MaterializationTask,
  collection: string,
  journals: ReadonlyMap<string, JournalState>,
  now: number,
): MaterializationBindingStatus {
  const feed = task.feeds.get(collection);
  const problem = task.failed.get(collection);
  const applied = feed?.applied;
  const journal = feed === undefined ? undefined : journals.get(feed.source.journal);
  const next = journal?.next ?? applied?.offset ?? 0;
  const oldest = feed?.oldestPending;
  return {
    collection,
    table: task.bindings.get(collection)?.table ?? collection,
    phase: problem === undefined ? (feed?.phase ?? 'waiting') : ('failed' satisfies MaterializationPhase),
    offset: feed?.offset ?? 0,
    next,
    rowsWritten: applied?.rows ?? 0,
    bytesWritten: applied?.bytes ?? 0,
    rowsPerSecond: feed?.rowsMeter.perSecond(now) ?? 0,
    lagBytes: feed === undefined ? undefined : lagBytes(feed.offset, journal),
    batches: feed?.batches,
    generations: generations(task, feed, journals),
    // A table that is not complete has no lag: it has a first read.
    lagMilliseconds:
      applied?.phase !== 'live' ? undefined : oldest === undefined ? 0 : Math.max(0, now - oldest),
    problem,
  };
}

/** By the average of the entries that the journal holds: of one that was compacted, of those that are left. */
function lagBytes(offset: number, journal: JournalState | undefined): number | undefined {
  if (journal === undefined) return undefined;
  const { first, next, bytes } = journal;
  const behind = Math.max(0, next - Math.max(offset, first));
  return behind === 0 ? 0 : Math.round((bytes * behind) / Math.max(1, next - first));
}

function generations(
  task: MaterializationTask,
  feed: TableFeed | undefined,
  journals: ReadonlyMap<string, JournalState>,
): TableGenerationsStatus | undefined {
  if (feed === undefined) return undefined;
  const beside = [...task.beside.feeds()].filter(({ collection }) => collection === feed.collection);
  return {
    current: feed.handle.request.id.generation,
    collection: feed.source.generation,
    beside: beside.map((other) => {
      const next = journals.get(other.source.journal)?.next;
      return {
        generation: other.handle.request.id.generation,
        done: next === undefined || next === 0 ? undefined : Math.min(1, other.offset / next),
        phase: other.problem === undefined ? other.phase : 'failed',
      };
    }),
  };
}
