import type { Connector, Logger } from '@brimful/connector';
import type { RuntimeStatus, Spec } from '@brimful/model';
import { Problem } from '@brimful/model';
import type { JournalState, Store } from '@brimful/store';
import { CaptureTask } from '../capture/capture-task.ts';
import { journalId } from '../collection/journal-id.ts';
import type { EngineContext } from '../context.ts';
import { ByteBudget } from '../flow/byte-budget.ts';
import { PauseGate, sleep } from '../flow/pause-gate.ts';
import { MaterializationTask } from '../materialization/materialization-task.ts';
import { captureStatus } from './capture-status.ts';
import { DiskGuard } from './disk-guard.ts';
import { materializationStatus } from './materialization-status.ts';
import { RETENTION_LOOK_MILLISECONDS, Retention } from './retention.ts';
import { zstd } from './zstd.ts';

export interface RuntimeOptions {
  readonly spec: Spec;
  readonly connectors: { load(name: string): Promise<Connector> };
  /** Stays the caller's: dispose of it after `stop`. */
  readonly store: Store;
  readonly log: Logger;
  readonly now: () => number;
  readonly reach: (point: string) => void;
}

export interface Runtime {
  /** Cheap; call it as often as a screen is drawn. */
  status(): RuntimeStatus;
  /** Ends every task in order; what is under way is finished or given up whole. Idempotent. */
  stop(): Promise<void>;
  /** Resolves when everything has stopped. Rejects with a problem that concerns the whole runtime, never one task. */
  readonly finished: Promise<void>;
}

/** Of the memory limit. What is read ahead is copied once more on its way out, so it counts double. */
const MATERIALIZATION_SHARE = 0.25;

/** How often journals are measured for the status. */
const MEASURE_MILLISECONDS = 500;

/** Runs every capture and materialization of a spec in this process. */
export async function startRuntime(options: RuntimeOptions): Promise<Runtime> {
  const { spec, store, log, now, reach } = options;
  const stop = new AbortController();
  const gate = new PauseGate();
  // A budget each: a destination that is down must not starve the captures.
  const sharing = (share: number): EngineContext => ({
    store,
    log,
    now,
    reach,
    compression: zstd,
    memory: new ByteBudget(spec.limits.memoryBytes * share),
  });
  const captureContext = sharing(1 - MATERIALIZATION_SHARE);
  const materializationContext = sharing(MATERIALIZATION_SHARE);
  const materializations = await Promise.all(
    spec.materializations.map(async (materialization) => {
      const { destination } = await options.connectors.load(materialization.connector);
      if (destination === undefined)
        throw cannot(materialization.name, materialization.connector, 'be written to');
      return {
        task: new MaterializationTask(materializationContext, materialization, destination),
        spec: materialization,
      };
    }),
  );
  const captures = await Promise.all(
    spec.captures.map(async (capture) => {
      const connector = await options.connectors.load(capture.connector);
      if (connector.capture === undefined) throw cannot(capture.name, capture.connector, 'be captured');
      const task = new CaptureTask(captureContext, capture, connector.capture, gate);
      task.onCollection = (collection) => {
        for (const other of materializations)
          if (other.spec.source === capture.name) other.task.add(collection);
      };
      return task;
    }),
  );
  const guard = new DiskGuard(store, spec.limits, gate);
  const journals = new Map<string, JournalState>();
  const startedAt = now();
  const tasks = materializations.map(({ task }) => task);
  const finished = Promise.all([
    ...captures.map((task) => task.run(stop.signal)),
    ...tasks.map((task) => task.run(stop.signal)),
    untilStopped(guard.run(stop.signal), stop.signal),
    untilStopped(measure(store, captures, tasks, journals, stop.signal), stop.signal),
    untilStopped(retain(options, tasks, stop.signal), stop.signal),
  ]).then(() => undefined);
  finished.catch(() => stop.abort());
  return {
    status: () => {
      const measured = withHeads(journals, captures);
      return {
        at: now(),
        startedAt,
        pid: process.pid,
        captures: captures.map((task) => captureStatus(task, measured, gate.reason, now())),
        materializations: tasks.map((task) => materializationStatus(task, measured, now())),
        disk: guard.status,
      };
    },
    stop: async () => {
      stop.abort(new Problem('BRM-STOPPED', 'stopped', { kind: 'retry' }));
      await finished.catch(() => undefined);
    },
    finished,
  };
}

function cannot(name: string, connector: string, what: string): Problem {
  return new Problem('BRM-CONFIG-CONNECTOR', `${name}: with the connector ${connector} nothing can ${what}`, {
    remedy: 'Use another connector; docs/connectors.md says what each can do.',
    at: { name, connector },
  });
}

/** Sizes may be half a second old; ends are as of now, so that "caught up" means just that. */
function withHeads(
  journals: ReadonlyMap<string, JournalState>,
  captures: readonly CaptureTask[],
): ReadonlyMap<string, JournalState> {
  const measured = new Map(journals);
  for (const task of captures) {
    for (const { current } of task.resources.values()) {
      const { writer } = current;
      const known = journals.get(writer.collection) ?? { first: 0, next: 0, bytes: 0 };
      measured.set(writer.collection, { ...known, next: writer.head.next });
    }
  }
  return measured;
}

async function measure(
  store: Store,
  captures: readonly CaptureTask[],
  materializations: readonly MaterializationTask[],
  journals: Map<string, JournalState>,
  signal: AbortSignal,
): Promise<void> {
  for (;;) {
    const collections = new Set<string>();
    for (const task of captures)
      for (const resource of task.resources.values()) collections.add(resource.collection);
    for (const task of materializations)
      for (const collection of task.bindings.keys()) collections.add(collection);
    for (const collection of collections) {
      const state = await store.journals.state(journalId(collection, 1));
      if (state !== undefined) journals.set(collection, state);
    }
    await sleep(MEASURE_MILLISECONDS, signal);
  }
}

async function retain(
  options: RuntimeOptions,
  tasks: readonly MaterializationTask[],
  signal: AbortSignal,
): Promise<void> {
  const { retentionMilliseconds } = options.spec.limits;
  if (retentionMilliseconds === undefined) return;
  const retention = new Retention(options.store, retentionMilliseconds);
  for (;;) {
    await sleep(Math.min(RETENTION_LOOK_MILLISECONDS, Math.max(1000, retentionMilliseconds)), signal);
    await retention.look(tasks, options.now());
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
