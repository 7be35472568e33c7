import type { Run } from '@brimful/model';
import { toProblem } from '@brimful/model';
import type { Entry } from '@brimful/store';
import { isOver } from '../backfill/run-state.ts';
import { journalId } from '../collection/journal-id.ts';
import type { TableGenerations } from '../collection/generations.ts';
import { MemoryDatabase } from './memory-destination.ts';
import { MemoryDisk } from './memory-store.ts';
import { leftovers } from './run-leftovers.ts';
import { differenceOf } from './row-difference.ts';
import { Scheduler } from './scheduler.ts';
import { mended, sourceRows, targetRows, textsOf } from './hidden-scope.ts';
import type { SimulatedTable } from './simulated-database.ts';
import { SimulatedDatabase } from './simulated-database.ts';
import { pipeState } from './pipe-state.ts';
import { SimulatedPeople, collectionOf, requestFor } from './simulated-people.ts';
import type { SimulatedWorld } from './simulated-pipe.ts';
import { CAPTURE, SimulatedPipe } from './simulated-pipe.ts';
import { SimulatedReader } from './simulated-reader.ts';
import { Workload, addTables, fill } from './simulated-workload.ts';

/** Steps after which what has not come to rest hangs. */
const STEP_LIMIT = 60_000;
/** How often it is looked whether all is at rest. */
const LOOK_STEPS = 25;
const WORKLOAD_STEP_LIMIT = 400_000;
/** Longer than any undo window. */
const LONG_MILLISECONDS = 2 * 3_600_000;

/** How things go wrong in one simulation: chances a step, or each time. */
interface Mishaps {
  readonly pipe: number;
  readonly session: number;
  readonly append: number;
  readonly apply: number;
  readonly swap: number;
  /** At each named point that comes about seldom, and at each other. */
  readonly rarePoint: number;
  readonly point: number;
  /** A transaction that no log tells of. */
  readonly hidden: number;
}

const AWAY = 'away';
/** Points that are reached all the time. */
const COMMON = /^(?:journal|segment|chunk|materialization|capture)\./u;

/**
 * One seed: a source under change, a pipe that is killed, destinations with readers, and people who order backfill runs of
 * all kinds and change their minds about them, until all comes to rest: then every generation that readers have, or could go
 * back to, equals the source, and nothing is left of what is over.
 */
export class RunSimulation {
  readonly scheduler: Scheduler;
  readonly world: SimulatedWorld;
  readonly people: SimulatedPeople;
  /** What no schedule may bring about. */
  readonly problems: string[] = [];
  /** How often what happened: a simulation that never does a thing tests nothing. */
  readonly counts = new Map<string, number>();
  readonly #mishaps: Mishaps;
  readonly #workload: Workload;
  readonly #readers: readonly SimulatedReader[];
  readonly #impatience: number;
  /** Tables that were changed while nobody looked. */
  readonly #hidden = new Set<string>();
  #pipe: SimulatedPipe | undefined;
  #isDying = false;
  #isWorking = true;
  /** The source is at rest, and nothing goes wrong any more. */
  #isCalm = false;

  constructor(seed: number) {
    this.scheduler = new Scheduler(seed);
    const { random } = this.scheduler;
    const wild = random.chance(0.75);
    const rate = (most: number): number => (wild && random.chance(0.6) ? random.next() * most : 0);
    this.#mishaps = {
      pipe: rate(0.002),
      session: rate(0.003),
      append: rate(0.01),
      apply: rate(0.02),
      swap: rate(0.5),
      rarePoint: rate(0.05),
      point: rate(0.002),
      hidden: random.chance(0.3) ? random.next() * 0.005 : 0,
    };
    this.#impatience = random.pick([0.003, 0.01, 0.03]);
    const source = new SimulatedDatabase(random);
    addTables(source);
    this.world = this.#makeWorld(source);
    this.#readers = [...this.world.targets].map(
      ([name, target]) =>
        new SimulatedReader(source, target, (text) => this.problems.push(`${name}: ${text}`)),
    );
    fill(source, random, random.pick([0, 6, 20]));
    this.people = new SimulatedPeople(this.world, random.pick([2, 4, 8]));
    this.#workload = new Workload(source, this.scheduler, {
      operations: random.pick([20, 150, 500]),
      tableShare: random.pick([0.01, 0.02, 0.08]),
      activity: random.pick([0.02, 0.1, 0.3]),
      visibility: random.pick([0.02, 0.1, 0.5]),
      truncates: random.chance(0.3),
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
    const workload = this.#workload.run();
    workload.catch((thrown: unknown) => this.problems.push(String(thrown)));
    this.#pipe = new SimulatedPipe(this.world);
    await this.#until(
      () => this.#workload.done && this.people.left === 0,
      WORKLOAD_STEP_LIMIT,
      'the workload',
      'act',
    );
    this.#isCalm = true;
    await this.#until(() => this.#isAtRest(), STEP_LIMIT, 'rest', 'settle');
    if (this.#hidden.size > 0) await this.#mend();
    await this.#compare('at rest');
    for (const table of this.world.source.tables)
      if (table.identity === 'key' && this.scheduler.random.chance(0.5)) await this.#mendUnseen(table);
    for (let left = this.scheduler.random.below(4); left > 0; left -= 1) await this.#runDisturbed();
    this.scheduler.now += LONG_MILLISECONDS;
    await this.#until(
      () => this.#isAtRest() && this.#areAllOver(),
      STEP_LIMIT,
      'the end of all runs',
      'settle',
    );
    await this.#compare('in the end');
    const isClean = (): boolean => this.#leftovers().length === 0;
    const looked = this.scheduler.now + 10 * this.world.retention.everyMilliseconds;
    await this.#until(() => isClean() || this.scheduler.now > looked, STEP_LIMIT, 'cleaning up', 'settle');
    for (const left of this.#leftovers()) this.problems.push(`left behind: ${left}`);
    await this.#stop();
    this.#fail();
  }

  /** After an append whose outcome is unknown, blobs stay until the next start: the journal may mention them. */
  #leftovers(): readonly string[] {
    const mayLeave = this.counts.has('append refused') || this.counts.has('append lost');
    return [...leftovers(this.world)].filter((left) => !mayLeave || !left.startsWith('blob '));
  }

  /** Goes on until it is so; people act now and then between two steps. */
  async #until(isSo: () => boolean, limit: number, what: string, people: 'act' | 'settle'): Promise<void> {
    const { random } = this.scheduler;
    const end = this.scheduler.steps + limit;
    for (;;) {
      let wantsAct = false;
      await this.scheduler.run(
        () => {
          this.#mishap();
          for (const reader of this.#readers) reader.look();
          wantsAct = random.chance(people === 'act' ? this.#impatience : 0.005);
          if (wantsAct || this.problems.length > 0) return true;
          return this.scheduler.steps % LOOK_STEPS === 0 && isSo();
        },
        end - this.scheduler.steps,
        () => `${what}: ${this.#state()}`,
      );
      this.#fail();
      if (isSo()) return;
      if (wantsAct) await (people === 'act' ? this.people.act() : this.people.settle());
    }
  }

  #makeWorld(source: SimulatedDatabase): SimulatedWorld {
    const { random } = this.scheduler;
    const names = random.chance(0.5) ? ['copy'] : ['copy', 'mirror'];
    return {
      scheduler: this.scheduler,
      source,
      disk: new MemoryDisk(),
      targets: new Map(names.map((name) => [name, new MemoryDatabase()])),
      pace: { read: random.pick([0, 5, 30]), stream: random.pick([0, 5, 40]) },
      retention: {
        keepMilliseconds: random.pick([undefined, 0, 1000]),
        policy: { leastBytes: random.pick([1, 500, 5000]), factor: random.pick([0, 1, 2]) },
        everyMilliseconds: random.pick([50, 500, 5000]),
      },
      memoryBytes: random.pick([20_000, 1_000_000]),
      appendFault: () => this.#fault(this.#mishaps.append, 'append'),
      applyFault: () => this.#fault(this.#mishaps.apply, 'apply'),
      swapFault: () => this.#fault(this.#mishaps.swap, 'swap'),
      reached: (point) => {
        const chance = COMMON.test(point) ? this.#mishaps.point : this.#mishaps.rarePoint;
        if (this.#isCalm || !random.chance(chance)) return;
        this.#count(`killed at ${point}`);
        this.#isDying = true;
        this.#pipe?.kill();
      },
      count: (what) => this.#count(what),
      complain: (message, fields) => {
        if (!this.#isExpected(fields)) this.problems.push(`${message} ${detail(fields)}`);
      },
    };
  }

  /** Runs may stop because of what cannot be compared, or of what really differs. */
  #isExpected(fields: object): boolean {
    const { problem } = fields as { problem?: { code?: string; message?: string } };
    if ((problem as { kind?: string } | undefined)?.kind === 'retry') return true;
    // The table got another column since the run was planned.
    if (problem?.code === 'BRM-RUN-DRIFT') return true;
    if (problem?.code !== 'BRM-RUN-DIVERGENT') return false;
    return this.#hidden.size > 0 || problem.message?.includes('are inconclusive') === true;
  }

  #mishap(): void {
    const { random } = this.scheduler;
    if (this.#isDying) {
      this.#isDying = false;
      this.#pipe = new SimulatedPipe(this.world);
    }
    if (this.#isCalm) return;
    if (random.chance(this.#mishaps.pipe)) {
      this.#count('killed');
      this.#pipe?.kill();
      this.#pipe = new SimulatedPipe(this.world);
    } else if (random.chance(this.#mishaps.session)) {
      this.#count('session lost');
      this.#pipe?.loseSession();
    } else if (random.chance(this.#mishaps.hidden) && this.#isNobodyReading()) {
      this.#count('hidden writes');
      for (const name of this.#workload.actHidden()) this.#hidden.add(name);
    }
  }

  #fault(chance: number, what: string): 'none' | 'refused' | 'lost' {
    if (this.#isCalm || !this.scheduler.random.chance(chance)) return 'none';
    const fault = this.scheduler.random.pick(['refused', 'lost'] as const);
    this.#count(`${what} ${fault}`);
    return fault;
  }

  /** All that is hidden comes to light. */
  async #mend(): Promise<void> {
    const tables = this.world.source.tables.filter(({ name }) => this.#hidden.has(name));
    for (const table of tables) {
      const mode = table.identity === 'key' ? 'incremental' : 'reset';
      const run = await this.people.order(requestFor(mode, [collectionOf(table)]));
      if (run === undefined) this.problems.push(`the run that mends ${table.name} is refused`);
      await this.#until(() => this.#isAtRest(), STEP_LIMIT, `the mending of ${table.name}`, 'settle');
    }
  }

  /** Changes at the source that nobody saw: verification finds them, a run over a part mends just that, one over all the rest. */
  async #mendUnseen(table: SimulatedTable): Promise<void> {
    const { source, targets } = this.world;
    const { random } = this.scheduler;
    const [target] = targets.values() as Iterable<MemoryDatabase>;
    const before = targetRows(target as MemoryDatabase, table);
    for (let left = 1 + random.below(3); left > 0; left -= 1) this.#workload.actHidden(table);
    this.#hidden.add(table.name);
    const now = sourceRows(source, table);
    const differs = textsOf(before).join('\n') !== textsOf(now).join('\n');
    const found = await this.#verdict(table);
    if (found !== (differs ? 'divergent' : 'equal'))
      this.problems.push(`${table.name} ${differs ? 'differs' : 'is equal'} and was found ${found}`);
    const scope = this.people.anyScope(table);
    const missingRows = random.pick(['remove', 'keep'] as const);
    this.#count(`mended unseen changes: ${scope.kind}, ${missingRows}`);
    const collections = [collectionOf(table)];
    await this.people.order({ ...requestFor('incremental', collections), scope, missingRows });
    await this.#until(() => this.#isAtRest(), STEP_LIMIT, 'the mending of a part', 'settle');
    const expected = textsOf(mended(table, scope, missingRows, before, now));
    for (const one of targets.values()) {
      const actual = textsOf(targetRows(one, table));
      if (actual.join('\n') !== expected.join('\n'))
        this.problems.push(
          `${JSON.stringify(scope)} of ${table.name}, ${missingRows}: expected\n  ${expected.join('\n  ')}\nfound\n  ${actual.join('\n  ')}\nbefore\n  ${textsOf(before).join('\n  ')}\nsource\n  ${textsOf(now).join('\n  ')}`,
        );
    }
    await this.people.order(requestFor('incremental', collections));
    await this.#until(() => this.#isAtRest(), STEP_LIMIT, 'the mending of all', 'settle');
    const after = await this.#verdict(table);
    if (after !== 'equal') this.problems.push(`${table.name} was mended and is found ${after}`);
    this.#fail();
  }

  /** A run at work, to its end and perhaps back, while its source goes on changing, some of it unseen just before. */
  async #runDisturbed(): Promise<void> {
    const { random } = this.scheduler;
    const keyed = this.world.source.tables.filter(({ identity }) => identity === 'key');
    const table = random.chance(0.5) ? random.pick(keyed) : undefined;
    if (table !== undefined) {
      for (let left = 1 + random.below(4); left > 0; left -= 1) this.#workload.actHidden(table);
      this.#hidden.add(table.name);
    }
    const request =
      table === undefined ? this.people.anyRequest() : requestFor('incremental', [collectionOf(table)]);
    const run = await this.people.order(request);
    if (run === undefined) {
      if (table !== undefined) this.problems.push(`the run that mends ${table.name} is refused`);
      return;
    }
    this.#count(`disturbed: ${request.mode}${table === undefined ? '' : ', unseen changes'}`);
    // What was unseen, and what is seen of the same rows while they are looked up, meet most often alone.
    await this.#disturb(table === undefined ? this.world.source.tables : [table]);
    const now = this.#runs().find(({ id }) => id === run.id);
    if (now?.state === 'swapped' && random.chance(0.5)) {
      await this.people.backfills.order(run.id, { verb: 'undo', who: 'ada', why: null });
      this.#count('disturbed: undo');
      await this.#disturb(this.world.source.tables);
    }
    await this.#compare('after a disturbed run');
  }

  /** The source changes for as long as a run is at work. Then all comes to rest. */
  async #disturb(tables: readonly SimulatedTable[]): Promise<void> {
    const { random } = this.scheduler;
    this.#isWorking = true;
    const workload = new Workload(this.world.source, this.scheduler, {
      operations: random.pick([50, 300, 1000]),
      tableShare: random.pick([0, 0.02]),
      activity: random.pick([0.01, 0.03, 0.1, 0.5]),
      visibility: random.pick([0.1, 0.5]),
      truncates: false,
      rewrites: random.chance(0.5),
      newColumns: false,
      isWanted: () => this.#isOneWorking(),
      tables,
    });
    workload.run().catch((thrown: unknown) => this.problems.push(String(thrown)));
    await this.#until(() => workload.done, WORKLOAD_STEP_LIMIT, 'a disturbed run', 'settle');
    await this.#until(() => this.#isAtRest(), STEP_LIMIT, 'rest after a disturbed run', 'settle');
  }

  /** Looked at now and then only: it is asked all the time. */
  #isOneWorking(): boolean {
    if (this.scheduler.steps % LOOK_STEPS === 0) this.#isWorking = !this.#runs().every(isRunAtRest);
    return this.#isWorking;
  }

  /** Of the comparison of a table with its collection. */
  async #verdict(table: SimulatedTable): Promise<string> {
    const { verifications, process } = this.#pipe as SimulatedPipe;
    let verdict: string | undefined;
    const request = { target: CAPTURE.name, bindings: [collectionOf(table)], level: 'full' } as const;
    verifications.verify(request, process.stop.signal).then(
      ([verification]) => (verdict = verification?.report.verdict ?? 'nothing'),
      (thrown: unknown) => (verdict = toProblem(thrown).kind === 'retry' ? AWAY : String(thrown)),
    );
    await this.#until(() => verdict !== undefined, STEP_LIMIT, 'a verification', 'settle');
    if (verdict !== AWAY) return verdict ?? 'nothing';
    // The pipe has only just been started again.
    await this.#until(() => this.#isAtRest(), STEP_LIMIT, 'a pipe to verify with', 'settle');
    return this.#verdict(table);
  }

  #runs(): Run[] {
    return [...this.world.disk.records]
      .filter(([key]) => key.startsWith('runs/'))
      .map(([, { value }]) => JSON.parse(value) as Run);
  }

  #isAtRest(): boolean {
    return this.#runs().every(isRunAtRest) && this.#hasCaptured() && this.#hasArrived();
  }

  #areAllOver(): boolean {
    return this.#runs().every(
      ({ state, undoUntil }) => isOver(state) || (state === 'undone' && undoUntil === null),
    );
  }

  /** What changes unseen while a table is read, no read can put right. */
  #isNobodyReading(): boolean {
    const { capture } = this.#pipe as SimulatedPipe;
    const tables = [...capture.resources.values()].flatMap((resource) => resource.tables);
    const isRead = tables.every(({ isRead: read }) => read);
    return (
      isRead && capture.resources.size === this.world.source.tables.length && this.#runs().every(isRunAtRest)
    );
  }

  #hasCaptured(): boolean {
    const { capture } = this.#pipe as SimulatedPipe;
    const { source } = this.world;
    const tables = [...capture.resources.values()].flatMap((resource) => resource.tables);
    return (
      capture.resources.size === source.tables.length &&
      tables.every(({ backfill }) => backfill.phase === 'complete') &&
      capture.passed.position >= (source.log.at(-1)?.commit ?? 0n)
    );
  }

  #hasArrived(): boolean {
    return [...this.world.targets].every(([name, target]) =>
      this.world.source.tables.every((table) => {
        const short = table.name.slice('public.'.length);
        const editions = this.#editions(name, short);
        return [editions.current, editions.next, editions.previous].every((edition) => {
          if (edition === null) return true;
          const place = target.nameOf({
            materialization: name,
            table: short,
            generation: edition.generation,
          });
          const journal = this.world.disk.journals.get(
            journalId(`shop/${short}`, edition.collectionGeneration),
          );
          const checkpoint = place === undefined ? undefined : target.tables.get(place)?.checkpoint;
          if (checkpoint === undefined || journal === undefined) return false;
          const { phase, offset } = JSON.parse(checkpoint) as { phase: string; offset: number };
          return (
            phase === 'live' && journal.entries.slice(Math.max(0, offset - journal.first)).every(meansNothing)
          );
        });
      }),
    );
  }

  #editions(materialization: string, table: string): TableGenerations {
    const record = this.world.disk.records.get(`tables/${materialization}/${table}`)?.value;
    const first = { generation: 1, collectionGeneration: 1 };
    if (record === undefined) return { current: first, next: null, previous: null, latest: 1 };
    return JSON.parse(record) as TableGenerations;
  }

  /** What readers have, and what they could go back to. */
  async #compare(when: string): Promise<void> {
    for (const [name, target] of this.world.targets) {
      for (const table of this.world.source.tables) {
        const short = table.name.slice('public.'.length);
        const { current, previous } = this.#editions(name, short);
        const id = { materialization: name, table: short, generation: current.generation };
        if (target.nameOf(id) !== short) this.problems.push(`${when}: ${short} is not what the note says`);
        const live = differenceOf(this.world.source, table, target, short);
        if (live !== undefined) this.problems.push(`${when}, ${name}, ${short}: ${live}`);
        if (previous === null || this.#hidden.has(table.name)) continue;
        const place = target.nameOf({ ...id, generation: previous.generation });
        const kept =
          place === undefined ? 'is not there' : differenceOf(this.world.source, table, target, place);
        if (kept !== undefined) this.problems.push(`${when}, ${name}, ${short} of before: ${kept}`);
        this.#count('compared a previous generation');
      }
    }
    this.#fail();
  }

  async #stop(): Promise<void> {
    let isEnded = false;
    const pipe = this.#pipe as SimulatedPipe;
    void pipe.stop().then(() => (isEnded = true));
    await this.scheduler.run(
      () => isEnded || this.problems.length > 0,
      STEP_LIMIT,
      () => 'the end of the pipe',
    );
    // Invariant 9: whatever happened, all memory was given back.
    for (const { takenBytes } of pipe.memories)
      if (takenBytes !== 0) this.problems.push(`${takenBytes} bytes are still taken`);
  }

  #fail(): void {
    if (this.problems.length > 0) throw new Error(`${this.problems.join('\n')}\n  ${this.#state()}`);
  }

  #count(what: string): void {
    this.counts.set(what, (this.counts.get(what) ?? 0) + 1);
  }

  #state(): string {
    return pipeState(this.world, this.#pipe, this.#runs(), this.counts);
  }
}

/** To a table: its checkpoint moves on with what comes next. */
function meansNothing({ kind, meta }: Entry): boolean {
  return kind === 'schema' || (kind === 'rows' && meta.rows === 0);
}

function isRunAtRest({ state, intent, undoUntil, startedAt, report }: Run): boolean {
  if (state === 'cancelled') return startedAt === null || report !== null;
  if (isOver(state)) return true;
  if (state === 'undone') return intent === null;
  return state === 'swapped' && intent === null && undoUntil !== null;
}

function detail(fields: object): string {
  const { error, ...rest } = fields as { error?: unknown };
  return `${JSON.stringify(rest)} ${error instanceof Error ? error.stack : ''}`;
}
