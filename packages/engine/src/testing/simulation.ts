import type { CaptureSpec, MaterializationSpec } from '@brimful/model';
import { CaptureTask } from '../capture/capture-task.ts';
import type { EngineContext } from '../context.ts';
import { ByteBudget } from '../flow/byte-budget.ts';
import { PauseGate } from '../flow/pause-gate.ts';
import { journalId } from '../collection/journal-id.ts';
import { MaterializationTask } from '../materialization/materialization-task.ts';
import { MemoryDatabase, memoryConnector, rowText } from './memory-destination.ts';
import { MemoryDisk } from './memory-store.ts';
import { Scheduler, SimulatedProcess } from './scheduler.ts';
import { SimulatedDatabase, schemaOf } from './simulated-database.ts';
import type { SimulatedPace } from './simulated-source.ts';
import { simulatedConnector } from './simulated-source.ts';
import { Workload, addTables, fill } from './simulated-workload.ts';

const CAPTURE: CaptureSpec = {
  name: 'shop/source',
  connector: 'simulated',
  config: {},
  bindings: [],
  autoDiscover: { prefix: 'shop', schemas: undefined, exclude: [] },
};

function materializationSpec(name: string): MaterializationSpec {
  return {
    name,
    connector: 'memory',
    config: {},
    source: CAPTURE.name,
    bindings: [],
    deletes: 'hard',
    adopt: false,
  };
}

const SILENT = {
  debug: () => undefined,
  info: () => undefined,
  warn: () => undefined,
  error: () => undefined,
};

/** Steps after which a run that has not come to rest hangs. */
const STEP_LIMIT = 20_000;
/** A slow workload beside lively tasks has its turn seldom. */
const WORKLOAD_STEP_LIMIT = 200_000;

interface RunningCapture {
  readonly process: SimulatedProcess;
  readonly task: CaptureTask;
  readonly connector: ReturnType<typeof simulatedConnector>;
  readonly memory: ByteBudget;
  readonly ended: Promise<void>;
}

interface RunningMaterialization {
  readonly process: SimulatedProcess;
  readonly task: MaterializationTask;
  readonly memory: ByteBudget;
  readonly ended: Promise<void>;
}

/** How things go wrong in one simulation: chances a step. */
interface Mishaps {
  readonly capture: number;
  readonly session: number;
  readonly append: number;
  readonly materialization: number;
  readonly apply: number;
}

/**
 * One seed: a source under change, a capture and a materialization over one store, with lost sessions, crashes and
 * failures, until the source comes to rest and everything has arrived.
 */
export class Simulation {
  readonly scheduler: Scheduler;
  readonly source: SimulatedDatabase;
  readonly disk = new MemoryDisk();
  readonly target = new MemoryDatabase();
  readonly #mishaps: Mishaps;
  readonly #pace: SimulatedPace;
  readonly #workload: Workload;
  /** Errors that no schedule may bring about. */
  readonly problems: string[] = [];
  /** How often what happened: a simulation that never does a thing tests nothing. */
  readonly counts = new Map<string, number>();
  #capture: RunningCapture | undefined;
  #materialization: RunningMaterialization | undefined;

  constructor(seed: number) {
    this.scheduler = new Scheduler(seed);
    const { random } = this.scheduler;
    this.source = new SimulatedDatabase(random);
    addTables(this.source);
    fill(this.source, random, random.pick([0, 6, 20]));
    const wild = random.chance(0.7);
    const rate = (most: number): number => (wild && random.chance(0.6) ? random.next() * most : 0);
    this.#mishaps = {
      capture: rate(0.004),
      session: rate(0.006),
      append: rate(0.03),
      materialization: rate(0.004),
      apply: rate(0.05),
    };
    this.#pace = { read: random.pick([0, 5, 30]), stream: random.pick([0, 5, 40]) };
    this.#workload = new Workload(this.source, this.scheduler, {
      operations: random.pick([20, 60, 150, 300]),
      tableShare: random.pick([0.02, 0.05, 0.15]),
      activity: random.pick([0.1, 0.3, 0.8]),
      visibility: random.pick([0.02, 0.1, 0.5]),
      truncates: random.chance(0.5),
      rewrites: random.chance(0.4),
      newColumns: random.chance(0.5),
    });
  }

  /** Runs to rest. Throws what is wrong. */
  async run(): Promise<void> {
    const restore = this.scheduler.install();
    try {
      await this.#run();
    } finally {
      restore();
    }
  }

  async #run(): Promise<void> {
    const { random } = this.scheduler;
    const starts = random.pick([0, 50, 500]);
    const workload = this.#workload.run();
    workload.catch((thrown: unknown) => this.problems.push(String(thrown)));
    this.#capture = this.#startCapture();
    this.#materialization = random.chance(0.8) ? undefined : this.#startMaterialization(this.target);
    await this.scheduler.run(
      () => {
        this.#mishap();
        if (this.#materialization === undefined && this.scheduler.steps >= starts)
          this.#materialization = this.#startMaterialization(this.target);
        return this.#workload.done || this.problems.length > 0;
      },
      WORKLOAD_STEP_LIMIT,
      () => 'the workload',
    );
    this.#fail();
    await this.scheduler.run(
      () => {
        this.#materialization ??= this.#startMaterialization(this.target);
        return this.problems.length > 0 || (this.#hasCaptured() && this.#hasArrived(this.target));
      },
      STEP_LIMIT,
      () => this.#state(),
    );
    this.#fail();
    this.compare(this.target, 'the materialization beside the changes');
    // Invariant 4: whoever comes late reads the same from the same journals.
    const late = new MemoryDatabase();
    const second = this.#startMaterialization(late);
    await this.scheduler.run(
      () => this.problems.length > 0 || this.#hasArrived(late),
      STEP_LIMIT,
      () => `the late one: ${this.#state()}`,
    );
    this.#fail();
    this.compare(late, 'the materialization that came late');
    await this.#stop(second);
    await this.#stop(this.#materialization);
    await this.#stop(this.#capture);
    this.#fail();
  }

  compare(target: MemoryDatabase, which: string): void {
    for (const table of this.source.tables) {
      const expected = this.source
        .rows(table, this.source.snapshot())
        .map(({ row }) => rowText(row))
        .sort();
      const name = table.name.slice('public.'.length);
      const actual = target.rows(name, schemaOf(table));
      if (expected.join('\n') === actual.join('\n')) continue;
      throw new Error(
        `${which}, ${name}:\nmissing\n  ${without(expected, actual)}\ntoo much\n  ${without(actual, expected)}`,
      );
    }
  }

  #fail(): void {
    if (this.problems.length > 0) throw new Error(this.problems.join('\n'));
  }

  #count(what: string): void {
    this.counts.set(what, (this.counts.get(what) ?? 0) + 1);
  }

  #mishap(): void {
    const { random } = this.scheduler;
    if (random.chance(this.#mishaps.capture)) {
      this.#count('capture killed');
      this.#capture?.process.kill();
      for (const session of this.#capture?.connector.sessions ?? []) session.lose();
      this.#capture = this.#startCapture();
    } else if (random.chance(this.#mishaps.session)) {
      this.#count('session lost');
      this.#capture?.connector.sessions.at(-1)?.lose();
    } else if (this.#materialization !== undefined && random.chance(this.#mishaps.materialization)) {
      this.#count('materialization killed');
      this.#materialization.process.kill();
      this.#materialization = this.#startMaterialization(this.target);
    }
  }

  #fault(chance: number, what: string): 'none' | 'refused' | 'lost' {
    if (this.#workload.done || !this.scheduler.random.chance(chance)) return 'none';
    const fault = this.scheduler.random.pick(['refused', 'lost'] as const);
    this.#count(`${what} ${fault}`);
    return fault;
  }

  #context(process: SimulatedProcess, memory: ByteBudget): EngineContext {
    const turned = async (bytes: Uint8Array): Promise<Uint8Array> => {
      await process.turn();
      return bytes;
    };
    return {
      store: this.disk.open(
        {
          turn: () => process.turn(),
          now: () => this.scheduler.now,
          appendFault: () => this.#fault(this.#mishaps.append, 'append'),
        },
        // Only a capture has blobs that no entry claims yet.
        process !== this.#materialization?.process && this.#capture?.process.dead !== false,
      ),
      log: {
        ...SILENT,
        info: (_, message) => this.#count(message),
        error: (fields, message) => {
          if (!process.dead) this.problems.push(`${message} ${detail(fields)}`);
        },
      },
      now: () => this.scheduler.now,
      reach: () => undefined,
      compression: { compress: async (parts) => turned(Buffer.concat(parts)), decompress: turned },
      memory,
    };
  }

  #startCapture(): RunningCapture {
    const process = new SimulatedProcess(this.scheduler);
    const connector = simulatedConnector(this.source, {
      process,
      random: this.scheduler.random,
      pace: this.#pace,
      noted: () => this.#noted(),
    });
    const memory = new ByteBudget(200 * 1024 * 1024);
    const task = new CaptureTask(this.#context(process, memory), CAPTURE, connector, new PauseGate());
    return { process, task, connector, memory, ended: task.run(process.stop.signal) };
  }

  #startMaterialization(target: MemoryDatabase): RunningMaterialization {
    const { random } = this.scheduler;
    const process = new SimulatedProcess(this.scheduler);
    const connector = memoryConnector(target, {
      turn: () => process.turn(),
      applyFault: () => this.#fault(this.#mishaps.apply, 'apply'),
      poison: () => undefined,
      random,
      lanes: 1 + random.below(3),
      gatherMilliseconds: random.pick([0, 0, 20]),
    });
    const memory = new ByteBudget(random.pick([2000, 1_000_000]));
    const task = new MaterializationTask(
      this.#context(process, memory),
      materializationSpec('copy'),
      connector,
    );
    for (const { name } of this.source.tables) task.add(`shop/${name.slice('public.'.length)}`);
    return { process, task, memory, ended: task.run(process.stop.signal) };
  }

  /** How much the capture's durable note lets the source forget. */
  #noted(): bigint {
    const note = this.disk.records.get(`captures/${CAPTURE.name}`)?.value;
    const { acknowledged } = JSON.parse(note ?? '{"acknowledged":null}') as { acknowledged: string | null };
    return BigInt(acknowledged ?? 0);
  }

  #hasCaptured(): boolean {
    const { task } = this.#capture as RunningCapture;
    const tables = [...task.resources.values()].map(({ current }) => current);
    return (
      tables.length === this.source.tables.length &&
      tables.every(({ backfill }) => backfill.phase === 'complete') &&
      task.passed.position >= (this.source.log.at(-1)?.commit ?? 0n)
    );
  }

  #hasArrived(target: MemoryDatabase): boolean {
    return this.source.tables.every(({ name }) => {
      const collection = name.slice('public.'.length);
      const journal = this.disk.journals.get(journalId(`shop/${collection}`, 1));
      const table = target.tables.get(collection);
      if (journal === undefined || table?.checkpoint === undefined) return false;
      const { phase, offset } = JSON.parse(table.checkpoint) as { phase: string; offset: number };
      return phase === 'live' && journal.entries.slice(offset).every(({ kind }) => kind === 'schema');
    });
  }

  async #stop(running: RunningCapture | RunningMaterialization | undefined): Promise<void> {
    if (running === undefined) return;
    running.process.stop.abort(new Error('stopped'));
    let isEnded = false;
    running.ended.then(
      () => (isEnded = true),
      (thrown: unknown) => this.problems.push(`a task threw ${String(thrown)}`),
    );
    await this.scheduler.run(
      () => isEnded || this.problems.length > 0,
      STEP_LIMIT,
      () => 'the end of a task',
    );
    // Invariant 9: whatever happened, all memory was given back.
    if (running.memory.takenBytes !== 0)
      this.problems.push(`${running.memory.takenBytes} bytes are still taken`);
  }

  #state(): string {
    const capture = this.#capture?.task;
    const materialization = this.#materialization?.task;
    const tables = [...(capture?.resources.values() ?? [])].map(
      ({ current: { resource, backfill, problem } }) =>
        `${resource} ${backfill.phase} ${JSON.stringify(backfill.done)} of ${JSON.stringify(backfill.plan?.total)} ${JSON.stringify(problem)}`,
    );
    const feeds = [...(materialization?.feeds.values() ?? [])].map(
      ({ collection, applied, busy, ready }) =>
        `${collection} ${JSON.stringify(applied)} busy ${busy} ready ${ready} of ${this.disk.journals.get(journalId(collection, 1))?.entries.length}`,
    );
    return [
      `capture ${capture?.state} ${JSON.stringify(capture?.problem)} at ${capture?.passed.position} of ${this.source.position}`,
      ...tables,
      `materialization ${materialization?.state} ${JSON.stringify(materialization?.problem)}`,
      ...feeds,
      `schemas ${this.source.tables.map((table) => schemaOf(table).columns.length).join()}`,
    ].join('\n  ');
  }
}

function without(from: readonly string[], removed: readonly string[]): string {
  const left = [...removed];
  return from
    .filter((text) => {
      const place = left.indexOf(text);
      if (place !== -1) left.splice(place, 1);
      return place === -1;
    })
    .join('\n  ');
}

function detail(fields: object): string {
  const { error, problem } = fields as { error?: unknown; problem?: unknown };
  return `${JSON.stringify(problem)} ${error instanceof Error ? error.stack : ''}`;
}
