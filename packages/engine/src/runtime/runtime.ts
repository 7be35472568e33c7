import type { Connector, Logger } from '@brimful/connector';
import type { RuntimeStatus, Spec } from '@brimful/model';
import { Problem } from '@brimful/model';
import type { JournalId, JournalState, Store } from '@brimful/store';
import { RunExecutor } from '../backfill/execute/run-executor.ts';
import { COMPARISON_LEASE_BYTES } from '../backfill/verify/comparison.ts';
import type { Verification } from '../backfill/verify/plan-repairs.ts';
import { RunBook } from '../backfill/run-book.ts';
import { compact } from '../collection/compaction.ts';
import { journalId } from '../collection/journal-id.ts';
import { ByteBudget } from '../flow/byte-budget.ts';
import { PauseGate, sleep } from '../flow/pause-gate.ts';
import { captureStatus } from './capture-status.ts';
import { DiskGuard } from './disk-guard.ts';
import { materializationStatus } from './materialization-status.ts';
import { retainedJournals } from './retained-journals.ts';
import { RETENTION_LOOK_MILLISECONDS, Retention } from './retention.ts';
import type { Tasks } from './tasks.ts';
import { makeTasks } from './tasks.ts';
import type { OnVerifyProgress, VerifyRequest } from './verifications.ts';
import { Verifications } from './verifications.ts';
import { tuneCollector } from './collector.ts';
import { zstd } from './zstd.ts';

export interface RuntimeOptions {
  readonly spec: Spec;
  readonly connectors: { load(name: string): Promise<Connector> };
  /** Stays the caller's: dispose of it after `stop`. */
  readonly store: Store;
  readonly log: Logger;
  readonly now: () => number;
  readonly reach: (point: string) => void;
  /** Default true. False reads sources as fast as they give, whatever it does to them: to measure what governing costs. */
  readonly governed?: boolean;
}

export interface Runtime {
  /** Cheap; call it as often as a screen is drawn. */
  status(): RuntimeStatus;
  /** Compares what runs here, beside everything else. See `Verifications.verify`. */
  verify(
    request: VerifyRequest,
    signal: AbortSignal,
    onProgress?: OnVerifyProgress,
  ): Promise<readonly Verification[]>;
  /** Ends every task in order; what is under way is finished or given up whole. Idempotent. */
  stop(): Promise<void>;
  /** Resolves when everything has stopped. Rejects with a problem that concerns the whole runtime, never one task. */
  readonly finished: Promise<void>;
}

/** How often journals are measured for the status. */
const MEASURE_MILLISECONDS = 500;
/** How often the stream's lag is told to the governors. */
const LAG_MILLISECONDS = 1000;

/** Runs every capture and materialization of a spec in this process, and every backfill run that is not over. */
export async function startRuntime(options: RuntimeOptions): Promise<Runtime> {
  tuneCollector();
  const { spec, store, log, now, reach } = options;
  const stop = new AbortController();
  const gate = new PauseGate();
  const context = { store, log, now, reach, compression: zstd };
  const governed = options.governed ?? true;
  const tasks = await makeTasks({ spec, connectors: options.connectors, context, gate, governed });
  const { captures, materializations, governors } = tasks;
  const verifications = new Verifications({
    ...tasks,
    memory: new ByteBudget(COMPARISON_LEASE_BYTES),
  });
  const executor = executorOf(tasks, verifications);
  for (const task of captures) {
    const governor = governors.get(task.spec.name);
    task.onStreamed = (bytes) => governor?.noteStreamed(bytes);
    task.paceOf = ({ writer }) => {
      const run = executor.readerOf(writer.collection, writer.generation);
      return governor?.pace(run ?? 'first reads') ?? FREE;
    };
  }
  const guard = new DiskGuard(store, spec.limits, gate);
  const journals = new Map<JournalId, JournalState>();
  const startedAt = now();
  const loops = [
    guard.run(stop.signal),
    executor.run(stop.signal),
    measure(store, tasks, journals, stop.signal),
    tellLag(tasks, now, stop.signal),
    retain(options, tasks, stop.signal),
    ...[...governors.values()].map((governor) => governor.run(stop.signal)),
  ];
  const finished = Promise.all([
    ...[...captures, ...materializations].map((task) => task.run(stop.signal)),
    ...loops.map((loop) => untilStopped(loop, stop.signal)),
  ]).then(() => undefined);
  finished.catch(() => stop.abort());
  return {
    status: () => {
      const measured = withHeads(journals, tasks);
      return {
        at: now(),
        startedAt,
        pid: process.pid,
        captures: captures.map((task) => captureStatus(task, measured, gate.reason, now())),
        materializations: materializations.map((task) => materializationStatus(task, measured, now())),
        disk: guard.status,
      };
    },
    verify: async (request, signal, onProgress) => {
      const ended = AbortSignal.any([signal, stop.signal]);
      return verifications.verify(request, ended, onProgress);
    },
    stop: async () => {
      stop.abort(new Problem('BRM-STOPPED', 'stopped', { kind: 'retry' }));
      await finished.catch(() => undefined);
    },
    finished,
  };
}

const FREE = {
  reader: () => Promise.resolve(() => undefined),
  take: () => Promise.resolve(),
  chunkBytes: () => Infinity,
};

function executorOf(tasks: Tasks, verifications: Verifications): RunExecutor {
  const { context } = tasks;
  return new RunExecutor({
    ...tasks,
    book: new RunBook(context.store.registry),
    compact: async (collection, generation, signal) => {
      const state = await context.store.journals.state(journalId(collection, generation));
      await compact(context, collection, generation, { asOf: state?.next ?? 0, signal });
    },
    verify: (subject, signal) => verifications.ofRun(subject, signal),
  });
}

/** Sizes may be half a second old; ends are as of now, so that "caught up" means just that. */
function withHeads(
  journals: ReadonlyMap<JournalId, JournalState>,
  { captures }: Tasks,
): ReadonlyMap<JournalId, JournalState> {
  const measured = new Map(journals);
  for (const task of captures) {
    for (const { tables } of task.resources.values()) {
      for (const { writer } of tables) {
        const id = journalId(writer.collection, writer.generation);
        const known = journals.get(id) ?? { first: 0, next: 0, bytes: 0 };
        measured.set(id, { ...known, next: writer.head.next });
      }
    }
  }
  return measured;
}

async function measure(
  store: Store,
  { captures, materializations }: Tasks,
  journals: Map<JournalId, JournalState>,
  signal: AbortSignal,
): Promise<void> {
  for (;;) {
    const ids = new Set<JournalId>();
    for (const task of captures)
      for (const { tables } of task.resources.values())
        for (const { writer } of tables) ids.add(journalId(writer.collection, writer.generation));
    for (const task of materializations)
      for (const { source } of task.feeds.values()) ids.add(source.journal);
    for (const id of ids) {
      const state = await store.journals.state(id);
      if (state !== undefined) journals.set(id, state);
    }
    await sleep(MEASURE_MILLISECONDS, signal);
  }
}

/** Reading gives way to a stream that falls behind. */
async function tellLag(
  { captures, governors }: Tasks,
  now: () => number,
  signal: AbortSignal,
): Promise<void> {
  for (;;) {
    for (const task of captures) {
      if (task.state !== 'running' || task.caughtUpAt === 0) continue;
      const isBehind = task.passed.position + 1n < task.sourceEnd;
      governors.get(task.spec.name)?.noteLag(isBehind ? now() - task.caughtUpAt : 0);
    }
    await sleep(LAG_MILLISECONDS, signal);
  }
}

/** Compacts and forgets history, now and then. */
async function retain(options: RuntimeOptions, tasks: Tasks, signal: AbortSignal): Promise<void> {
  const { retentionMilliseconds } = options.spec.limits;
  const retention = new Retention(tasks.context, retentionMilliseconds);
  const pause = Math.max(1000, retentionMilliseconds ?? RETENTION_LOOK_MILLISECONDS);
  for (;;) {
    await sleep(Math.min(RETENTION_LOOK_MILLISECONDS, pause), signal);
    await retention.keep(retainedJournals(tasks), options.now(), signal);
  }
}

/** A loop that ends by being aborted has ended well. */
async function untilStopped(loop: Promise<void>, signal: AbortSignal): Promise<void> {
  try {
    await loop;
  } catch (thrown) {
    if (!signal.aborted) throw thrown;
  }
}
