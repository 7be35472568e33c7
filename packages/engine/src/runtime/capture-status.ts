import type {
  CaptureBindingStatus,
  CapturePhase,
  CaptureStatus,
  RegisteredSchema,
  RunProposal,
  SchemaStatus,
  SourceLoadStatus,
} from '@brimful/model';
import { compareSchemas, isWidening, schemaChangeText } from '@brimful/model';
import type { JournalState } from '@brimful/store';
import { journalId } from '../collection/journal-id.ts';
import { captureProposalOf, proposalOf } from '../backfill/propose.ts';
import type { CaptureTask } from '../capture/capture-task.ts';
import type { CapturedTable } from '../capture/captured-table.ts';

/** What a capture says about itself. `paused`: why its gate is closed. */
export function captureStatus(
  task: CaptureTask,
  journals: ReadonlyMap<string, JournalState>,
  paused: string | undefined,
  load: SourceLoadStatus | undefined,
  now: number,
): CaptureStatus {
  const bindings = [...task.resources.values()].map(({ current }) =>
    bindingStatus(current, task, journals, now),
  );
  const state = task.state === 'running' && paused !== undefined ? 'paused' : task.state;
  // A position is the place of a commit's last byte; the end of the log is one past it.
  const lag = task.sourceEnd - task.passed.position - 1n;
  return {
    name: task.spec.name,
    connector: task.spec.connector,
    state,
    sentence: sentence(task, bindings, paused),
    position: task.passed.position.toString(),
    lagBytes: task.state === 'running' ? Math.max(0, Number(lag)) : undefined,
    lagMilliseconds: lagMilliseconds(task, now),
    changes: bindings.reduce((sum, binding) => sum + binding.changes, 0),
    changesPerSecond: [...task.resources.values()].reduce(
      (sum, { current }) => sum + current.changesMeter.perSecond(now),
      0,
    ),
    load,
    retries: task.retries,
    lastProblem: task.lastProblem,
    problem: task.problem,
    proposal: task.state === 'failed' ? captureProposalOf(task.spec.name, task.problem) : undefined,
    bindings,
  };
}

function lagMilliseconds(task: CaptureTask, now: number): number | undefined {
  if (task.caughtUpAt === 0) return undefined;
  return task.passed.position + 1n >= task.sourceEnd ? 0 : now - task.caughtUpAt;
}

function sentence(
  task: CaptureTask,
  bindings: readonly CaptureBindingStatus[],
  paused: string | undefined,
): string {
  if (task.problem !== undefined && task.state !== 'running') return task.problem.message;
  if (paused !== undefined) return paused;
  if (task.state !== 'running') return task.state === 'starting' ? 'Connecting to the source' : 'Stopped';
  const backfilled = bindings.filter((binding) => binding.phase === 'streaming').length;
  const stopped = bindings.filter((binding) => binding.phase === 'failed' || binding.phase === 'gap').length;
  const suffix = stopped === 0 ? '' : `, ${stopped} stopped`;
  if (backfilled + stopped < bindings.length) {
    return `Backfilling (${backfilled} of ${bindings.length} bindings done${suffix}), streaming change events`;
  }
  return stopped === 0
    ? `Streaming change events (all ${bindings.length} bindings are backfilled)`
    : `Streaming change events (${backfilled} of ${bindings.length} bindings are backfilled${suffix})`;
}

function bindingStatus(
  table: CapturedTable,
  task: CaptureTask,
  journals: ReadonlyMap<string, JournalState>,
  now: number,
): CaptureBindingStatus {
  const { backfill } = table;
  const estimate = backfill.plan?.estimate ?? table.estimate;
  const rowsPerSecond = table.rowsMeter.perSecond(now);
  const rowsRead = backfill.rows + table.openRows;
  const done = backfill.phase === 'complete';
  const rowsLeft = Math.max(0, estimate.rows - rowsRead);
  const phase = phaseOf(table, task);
  return {
    resource: table.resource,
    collection: table.writer.collection,
    phase,
    rowsRead,
    rowsEstimated: done ? backfill.rows : Math.max(estimate.rows, rowsRead),
    bytesRead: backfill.bytes + table.openBytes,
    bytesEstimated: done ? backfill.bytes : Math.max(estimate.bytes, backfill.bytes + table.openBytes),
    estimateQuality: done ? 'exact' : estimate.quality,
    rowsPerSecond: done ? 0 : rowsPerSecond,
    bytesPerSecond: done ? 0 : table.bytesMeter.perSecond(now),
    etaSeconds: phase === 'backfilling' && rowsPerSecond > 0 ? rowsLeft / rowsPerSecond : undefined,
    changes: table.changesMeter.total,
    journal: journals.get(journalId(table.writer.collection, table.writer.generation)) ?? {
      first: 0,
      next: table.writer.head.next,
      bytes: 0,
    },
    cursor: cursor(table),
    retries: table.attempt,
    schema: schemaStatus(table.writer.shapes),
    problem: table.problem,
    proposal: proposal(table, task),
  };
}

const PLACE_CHARACTERS = 40;

/** Progress is a set of ranges: how many are left, and where the first of them begins. */
function cursor({ backfill, remaining }: CapturedTable): string | undefined {
  if (backfill.phase !== 'scanning' || backfill.plan === null) return undefined;
  const [first] = remaining;
  if (first === undefined) return 'read to the end';
  // Places are the connector's own: pages, or keys in an encoding that orders as they do.
  const place = first.from === null ? 'the beginning' : JSON.stringify(first.from).slice(1, -1);
  const from = place.length > PLACE_CHARACTERS ? `${place.slice(0, PLACE_CHARACTERS)}…` : place;
  return remaining.length === 1 ? `from ${from}` : `from ${from}, in ${remaining.length} parts`;
}

/** Shapes seldom change, and a status is made several times a second: by the newest shape. */
const described = new WeakMap<RegisteredSchema, SchemaStatus>();

function schemaStatus(shapes: readonly RegisteredSchema[]): SchemaStatus | undefined {
  const now = shapes.at(-1);
  if (now === undefined) return undefined;
  const known = described.get(now);
  if (known !== undefined) return known;
  const before = shapes.at(-2);
  const changes = before === undefined ? [] : compareSchemas(before, now);
  const { version, registeredAt } = now;
  const change = {
    sentence: changes.map((each) => schemaChangeText(each)).join(', '),
    isWidening: changes.every((each) => isWidening(each)),
  };
  const status = { version, registeredAt, ...(before === undefined ? {} : { change }) };
  described.set(now, status);
  return status;
}

function proposal(table: CapturedTable, task: CaptureTask): RunProposal | undefined {
  const { problem, backfill, stopped } = table;
  if (problem === undefined || table.dropped) return undefined;
  const { phase } = backfill;
  const tables = task.resources.get(table.resource)?.tables ?? [];
  // A reset builds the next one, or has been undone and can be redone.
  const isReplaced = tables.some(({ writer }) => writer.generation > table.writer.generation);
  return proposalOf({
    capture: task.spec.name,
    collection: table.writer.collection,
    isGap: phase === 'gap',
    isStale: phase === 'complete' && !stopped,
    isRead: backfill.reread?.outcome === 'reading' || isReplaced,
    problem,
    shapes: table.writer.shapes,
  });
}

function phaseOf(table: CapturedTable, task: CaptureTask): CapturePhase {
  if (table.dropped) return 'dropped';
  if (table.backfill.phase === 'gap') return 'gap';
  if (table.problem !== undefined && table.backfill.phase !== 'complete') return 'failed';
  if (task.state === 'starting') return 'joining';
  const phases = {
    waiting: 'waiting',
    scanning: 'backfilling',
    filling: 'filling',
    complete: 'streaming',
  } as const;
  return phases[table.backfill.phase];
}
