import type { Connector } from '@brimful/connector';
import type { CaptureSpec, MaterializationSpec, Spec } from '@brimful/model';
import { Governor } from '../backfill/govern/governor.ts';
import { RunBook } from '../backfill/run-book.ts';
import { RunExecutor } from '../backfill/execute/run-executor.ts';
import { COMPARISON_LEASE_BYTES } from '../backfill/verify/comparison.ts';
import { CaptureTask } from '../capture/capture-task.ts';
import { compact } from '../collection/compaction.ts';
import { journalId } from '../collection/journal-id.ts';
import type { EngineContext } from '../context.ts';
import { ByteBudget } from '../flow/byte-budget.ts';
import { PauseGate, sleep } from '../flow/pause-gate.ts';
import { MaterializationTask } from '../materialization/materialization-task.ts';
import { retainedJournals } from '../runtime/retained-journals.ts';
import type { CompactionPolicy } from '../runtime/retention.ts';
import { Retention } from '../runtime/retention.ts';
import { Verifications } from '../runtime/verifications.ts';
import type { ApplyFault, MemoryDatabase } from './memory-destination.ts';
import { memoryConnector } from './memory-destination.ts';
import type { AppendFault, MemoryDisk } from './memory-store.ts';
import type { Scheduler } from './scheduler.ts';
import { SimulatedProcess } from './scheduler.ts';
import type { SimulatedDatabase } from './simulated-database.ts';
import type { SimulatedPace, SimulatedSession } from './simulated-source.ts';
import { simulatedConnector } from './simulated-source.ts';

export const CAPTURE: CaptureSpec = {
  name: 'shop/source',
  connector: 'simulated',
  config: {},
  bindings: [],
  autoDiscover: { prefix: 'shop', schemas: undefined, exclude: [] },
};

/** Everything a process of ours meets, and what outlives it. */
export interface SimulatedWorld {
  readonly scheduler: Scheduler;
  readonly source: SimulatedDatabase;
  readonly disk: MemoryDisk;
  /** By the name of the materialization. */
  readonly targets: ReadonlyMap<string, MemoryDatabase>;
  readonly pace: SimulatedPace;
  readonly retention: {
    readonly keepMilliseconds: number | undefined;
    readonly policy: CompactionPolicy;
    readonly everyMilliseconds: number;
  };
  readonly memoryBytes: number;
  appendFault(): AppendFault;
  applyFault(): ApplyFault;
  swapFault(): ApplyFault;
  /** A named point was reached, by a process that lives. */
  reached(point: string): void;
  count(what: string): void;
  /** What no schedule may bring about. */
  complain(message: string, fields: object): void;
}

export function specOf(materializations: Iterable<string>): Spec {
  return {
    captures: [CAPTURE],
    collections: [],
    materializations: [...materializations].map((name): MaterializationSpec => ({
      name,
      connector: name,
      config: {},
      source: CAPTURE.name,
      bindings: [],
      deletes: 'hard',
      adopt: false,
    })),
    limits: {
      diskFreeBytes: 0,
      diskUsedBytes: undefined,
      memoryBytes: 2 ** 30,
      retentionMilliseconds: undefined,
    },
  };
}

/** Connectors for those who plan: they look, and nothing of theirs takes time. */
export function lookingConnectors(world: SimulatedWorld): { load(name: string): Promise<Connector> } {
  const turn = (): Promise<void> => Promise.resolve();
  return {
    load: (name) => {
      const target = world.targets.get(name);
      const process = new SimulatedProcess(world.scheduler);
      const side =
        target === undefined
          ? { capture: sourceConnector(world, process) }
          : { destination: memoryConnector(target, { ...targetMeans(world, turn), lanes: 1 }) };
      return Promise.resolve({ name, ...side } as unknown as Connector);
    },
  };
}

function sourceConnector(
  world: SimulatedWorld,
  process: SimulatedProcess,
): ReturnType<typeof simulatedConnector> {
  return simulatedConnector(world.source, {
    process,
    random: world.scheduler.random,
    pace: world.pace,
    noted: () => {
      const note = world.disk.records.get(`captures/${CAPTURE.name}`)?.value;
      const { acknowledged } = JSON.parse(note ?? '{"acknowledged":null}') as { acknowledged: string | null };
      return BigInt(acknowledged ?? 0);
    },
  });
}

function targetMeans(
  world: SimulatedWorld,
  turn: () => Promise<void>,
): Parameters<typeof memoryConnector>[1] {
  const { random } = world.scheduler;
  return {
    turn,
    applyFault: () => world.applyFault(),
    swapFault: () => world.swapFault(),
    poison: () => undefined,
    random,
    lanes: 1 + random.below(3),
    gatherMilliseconds: random.pick([0, 0, 20]),
  };
}

/** One process of ours with everything in it, as the product runs it: what kills one part kills all. */
export class SimulatedPipe {
  readonly process: SimulatedProcess;
  readonly capture: CaptureTask;
  readonly materializations: readonly MaterializationTask[];
  readonly verifications: Verifications;
  readonly memories: readonly ByteBudget[];
  readonly #sessions: readonly SimulatedSession[];
  readonly #ended: Promise<unknown>;

  constructor(world: SimulatedWorld) {
    const process = new SimulatedProcess(world.scheduler);
    this.process = process;
    const base = contextOf(world, process);
    const memories = [200 * 1024 * 1024, world.memoryBytes, COMPARISON_LEASE_BYTES].map(
      (bytes) => new ByteBudget(bytes),
    ) as [ByteBudget, ByteBudget, ByteBudget];
    this.memories = memories;
    const context = { ...base, memory: memories[0] };
    const connector = sourceConnector(world, process);
    this.#sessions = connector.sessions;
    this.capture = new CaptureTask(context, CAPTURE, connector, new PauseGate());
    this.materializations = specOf(world.targets.keys()).materializations.map((spec) => {
      const target = world.targets.get(spec.name) as MemoryDatabase;
      const means = targetMeans(world, () => process.turn());
      return new MaterializationTask({ ...base, memory: memories[1] }, spec, memoryConnector(target, means));
    });
    this.capture.onCollection = (collection) => {
      for (const task of this.materializations) task.add(collection);
    };
    const governor = new Governor({ now: base.now, log: base.log });
    const tasks = {
      context,
      captures: [this.capture],
      materializations: this.materializations,
      governors: new Map([[CAPTURE.name, governor]]),
    };
    this.verifications = new Verifications({ ...tasks, memory: memories[2] });
    const executor = new RunExecutor({
      ...tasks,
      book: new RunBook(context.store.registry),
      compact: async (collection, generation, signal) => {
        const state = await context.store.journals.state(journalId(collection, generation));
        await compact(context, collection, generation, { asOf: state?.next ?? 0, signal });
      },
      verify: (subject, signal) => this.verifications.ofRun(subject, signal),
    });
    this.capture.paceOf = ({ writer: { collection, generation } }) =>
      governor.pace(executor.readerOf(collection, generation) ?? 'first reads');
    const { signal } = process.stop;
    this.#ended = Promise.all([
      this.capture.run(signal),
      ...this.materializations.map((task) => task.run(signal)),
      ...[executor.run(signal), governor.run(signal), retain(world, tasks, signal)].map((loop) =>
        untilStopped(loop, signal),
      ),
    ]).catch((thrown: unknown) => {
      if (!process.dead) world.complain(`a task threw ${String(thrown)}`, { error: thrown });
    });
  }

  /** kill -9: the source and the destinations end what it had open. */
  kill(): void {
    this.process.kill();
    for (const session of this.#sessions) session.lose();
  }

  loseSession(): void {
    this.#sessions.at(-1)?.lose();
  }

  /** Resolves when everything has ended in order. */
  async stop(): Promise<void> {
    this.process.stop.abort(new Error('stopped'));
    await this.#ended;
  }
}

function contextOf(world: SimulatedWorld, process: SimulatedProcess): Omit<EngineContext, 'memory'> {
  const turned = async (bytes: Uint8Array): Promise<Uint8Array> => {
    await process.turn();
    return bytes;
  };
  const now = (): number => world.scheduler.now;
  const count = (_: object, message: string): void => world.count(message);
  return {
    store: world.disk.open({ turn: () => process.turn(), now, appendFault: () => world.appendFault() }),
    log: {
      debug: () => undefined,
      info: count,
      warn: count,
      error: (fields, message) => {
        if (!process.dead && !process.stop.signal.aborted) world.complain(message, fields);
      },
    },
    now,
    reach: (point) => {
      if (!process.dead) world.reached(point);
    },
    compression: { compress: async (parts) => turned(Buffer.concat(parts)), decompress: turned },
  };
}

async function retain(
  { retention: { keepMilliseconds, policy, everyMilliseconds }, scheduler }: SimulatedWorld,
  tasks: Parameters<typeof retainedJournals>[0],
  signal: AbortSignal,
): Promise<void> {
  const retention = new Retention(tasks.context, keepMilliseconds, policy);
  for (;;) {
    await sleep(everyMilliseconds, signal);
    await retention.keep(retainedJournals(tasks), scheduler.now, signal);
  }
}

/** A loop that ends by being aborted has ended well. */
async function untilStopped(loop: Promise<unknown>, signal: AbortSignal): Promise<void> {
  try {
    await loop;
  } catch (thrown) {
    if (!signal.aborted) throw thrown;
  }
}
