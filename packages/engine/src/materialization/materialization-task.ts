import type { Destination, DestinationConnector, TableHandle, TablePair } from '@brimful/connector';
import type {
  MaterializationBindingSpec,
  MaterializationSpec,
  PastProblem,
  ProblemRecord,
  TaskState,
} from '@brimful/model';
import { Problem, defaultTable, toProblem } from '@brimful/model';
import { openBase } from '../collection/base.ts';
import { CollectionReader } from '../collection/collection-reader.ts';
import type { TableEdition } from '../collection/generations.ts';
import { tableGenerations } from '../collection/generations.ts';
import type { EngineContext } from '../context.ts';
import { BackOff } from '../flow/back-off.ts';
import { Bell } from '../flow/bell.ts';
import { sleep, untilAborted } from '../flow/pause-gate.ts';
import { BesideTables } from './beside-tables.ts';
import type { LivePair } from './bring-to-rest.ts';
import { bringToRest, untilAtRest } from './bring-to-rest.ts';
import type { TakenWork } from './table-feed.ts';
import type { TableCheckpoint } from './checkpoint.ts';
import { baseOf } from './checkpoint.ts';
import { TableFeed } from './table-feed.ts';

/** One transaction's data at most: long enough to amortise a commit, short enough to lose little. */
const TRANSACTION_BYTES = 16 * 1024 * 1024;
/** Tables with less than this share a transaction. */
const SHARED_TRANSACTION_BYTES = 2 * 1024 * 1024;
/** Nothing to do for so long: the destination may let go of its file. */
const IDLE_MILLISECONDS = 250;
/** How often a collection without a schema is looked at again, should a change of the registry be missed. */
const SCHEMA_POLL_MILLISECONDS = 1000;

/**
 * Runs one materialization: sessions with the destination one after another. While it is down, captures go on and the
 * journals grow; afterwards every table goes on from the checkpoint that the destination itself holds. (Invariants 2, 8)
 */
export class MaterializationTask {
  readonly spec: MaterializationSpec;
  /** Of the tables that readers see, by collection. */
  readonly feeds = new Map<string, TableFeed>();
  /** Of generations beside them: being built, or kept to go back to. */
  readonly beside = new BesideTables();
  /** Tables that stopped, by collection, until the next start: opened, so that they can be exchanged, and not written. (Invariant 8) */
  readonly failed = new Map<string, ProblemRecord>();
  readonly bindings = new Map<string, MaterializationBindingSpec>();
  state: TaskState = 'starting';
  problem: ProblemRecord | undefined;
  /** Sessions that were lost since the start, and why the newest was. */
  retries = 0;
  batches = 0;
  lastProblem: PastProblem | undefined;
  readonly #context: EngineContext;
  readonly #connector: DestinationConnector<unknown>;
  readonly #wake = new Bell();
  #destination: Destination | undefined;
  #added: (collection: string) => void = () => undefined;
  #build: (collection: string, edition: TableEdition) => void = () => undefined;

  constructor(context: EngineContext, spec: MaterializationSpec, connector: DestinationConnector<unknown>) {
    this.#context = context;
    this.spec = spec;
    this.#connector = connector;
    for (const binding of spec.bindings) this.bindings.set(binding.source, binding);
  }

  /** Why the destination cannot be written to just now. */
  get waiting(): string | undefined {
    return this.#destination?.waiting;
  }

  /** A collection of the capture this materialization follows. Known ones are ignored. */
  add(collection: string): void {
    if (this.bindings.has(collection)) return;
    const { deletes, adopt } = this.spec;
    this.bindings.set(collection, { source: collection, table: defaultTable(collection), deletes, adopt });
    this.#added(collection);
  }

  async run(signal: AbortSignal): Promise<void> {
    const backOff = new BackOff();
    while (!signal.aborted) {
      const started = this.#context.now();
      try {
        await this.#runSession(signal);
      } catch (thrown) {
        if (signal.aborted) break;
        const problem = toProblem(thrown);
        this.problem = problem.toJSON();
        if (problem.kind !== 'retry') {
          this.state = 'failed';
          this.#context.log.error(
            { materialization: this.spec.name, problem: this.problem, error: thrown },
            problem.message,
          );
          return;
        }
        this.retries += 1;
        this.lastProblem = { at: this.#context.now(), problem: this.problem };
        this.state = 'waiting';
        this.#context.log.warn({ materialization: this.spec.name, problem: this.problem }, problem.message);
        await sleep(backOff.next(this.#context.now() - started), signal).catch(() => undefined);
      }
    }
    this.state = 'stopped';
  }

  async #runSession(outer: AbortSignal): Promise<void> {
    const ended = new AbortController();
    const signal = AbortSignal.any([outer, ended.signal]);
    const destination = await this.#connector.open(this.spec.config, this.#context);
    const tasks = new Set<Promise<void>>();
    const guard = (task: Promise<void>): void => {
      const guarded = task
        .catch((thrown: unknown) => ended.abort(thrown))
        .finally(() => tasks.delete(guarded));
      tasks.add(guarded);
    };
    try {
      this.#destination = destination;
      this.state = 'running';
      this.problem = undefined;
      this.#added = (collection) => guard(this.#followAll(destination, collection, signal));
      this.#build = (collection, edition) =>
        guard(this.#followBeside(destination, collection, edition, signal));
      for (const collection of this.bindings.keys()) this.#added(collection);
      for (let lane = 0; lane < destination.lanes; lane += 1)
        guard(this.#runLane(destination, lane === 0, signal));
      await untilAborted(new Promise<never>(() => undefined), signal);
    } catch (thrown) {
      throw ended.signal.aborted ? ended.signal.reason : thrown;
    } finally {
      this.#added = () => undefined;
      this.#build = () => undefined;
      this.#destination = undefined;
      ended.abort(new Problem('BRM-MATERIALIZATION-ENDED', 'the session has ended', { kind: 'retry' }));
      await Promise.allSettled(tasks);
      for (const feed of this.#allFeeds()) feed.close();
      this.feeds.clear();
      this.beside.clear();
      await destination[Symbol.asyncDispose]();
    }
  }

  *#allFeeds(): Iterable<TableFeed> {
    yield* this.feeds.values();
    yield* this.beside.feeds();
  }

  /** Every generation of a collection's table. */
  async #followAll(destination: Destination, collection: string, signal: AbortSignal): Promise<void> {
    const { current, next, previous } = await this.#generations(collection).read();
    for (const edition of [next, previous]) if (edition !== null) this.#build(collection, edition);
    await this.#follow(destination, collection, current, signal);
  }

  #generations(collection: string): ReturnType<typeof tableGenerations> {
    const binding = this.bindings.get(collection) as MaterializationBindingSpec;
    return tableGenerations(this.#context.store.registry, this.spec.name, binding.table);
  }

  /** Opens the table that readers see, and reads its journal. A problem of its own stops it alone. */
  async #follow(
    destination: Destination,
    collection: string,
    edition: TableEdition,
    signal: AbortSignal,
  ): Promise<void> {
    const stopped = this.failed.get(collection);
    try {
      const feed = await this.#open(destination, collection, edition, signal);
      if (stopped !== undefined) feed.stop(stopped);
      this.feeds.set(collection, feed);
      await this.#noteWhatIsLive(collection);
      await feed.read(signal);
    } catch (thrown) {
      signal.throwIfAborted();
      const problem = toProblem(thrown);
      if (problem.kind === 'retry') throw thrown;
      const isBeside = this.beside.get(collection, edition.generation) !== undefined;
      this.#fail(collection, isBeside ? edition.generation : undefined, problem);
    }
  }

  async #followBeside(
    destination: Destination,
    collection: string,
    edition: TableEdition,
    signal: AbortSignal,
  ): Promise<void> {
    const { generation } = edition;
    if (!this.beside.begin(collection, generation)) return;
    const stopped = this.beside.problem(collection, generation);
    try {
      const feed = await this.#open(destination, collection, edition, signal);
      if (stopped !== undefined) feed.stop(stopped);
      this.beside.set(collection, generation, feed);
      await this.#noteWhatIsLive(collection);
      const { current, next, previous } = await this.#generations(collection).read();
      const isNoted = [current, next, previous].some((known) => known?.generation === generation);
      if (!isNoted) return await this.dropEdition(collection, generation, false, signal);
      await feed.read(signal);
    } catch (thrown) {
      signal.throwIfAborted();
      const problem = toProblem(thrown);
      if (problem.kind === 'retry') throw thrown;
      const isLive = this.feeds.get(collection)?.handle.request.id.generation === generation;
      this.#fail(collection, isLive ? undefined : generation, problem);
    }
  }

  async #open(
    destination: Destination,
    collection: string,
    edition: TableEdition,
    signal: AbortSignal,
  ): Promise<TableFeed> {
    const reader = new CollectionReader(this.#context, collection, edition.collectionGeneration);
    const binding = this.bindings.get(collection) as MaterializationBindingSpec;
    this.#assertAlone(binding, collection);
    let schema = await reader.currentSchema();
    while (schema === undefined) {
      await sleep(SCHEMA_POLL_MILLISECONDS / 4, signal);
      schema = await reader.currentSchema();
    }
    const handle = await destination.open({
      id: { materialization: this.spec.name, table: binding.table, generation: edition.generation },
      collection,
      schema,
      deletes: binding.deletes,
      adopt: binding.adopt,
    });
    const means = {
      memory: this.#context.memory,
      now: () => this.#context.now(),
      notify: () => this.#wake.ring(),
      base: beginsInBase(handle)
        ? await openBase(this.#context, collection, edition.collectionGeneration)
        : undefined,
    };
    return new TableFeed(collection, handle, reader, means);
  }

  #assertAlone(binding: MaterializationBindingSpec, collection: string): void {
    const clash = [...this.bindings.values()].find(
      (other) => other.table === binding.table && other.source !== collection,
    );
    if (clash === undefined) return;
    throw new Problem(
      'BRM-TABLE-TWICE',
      `${clash.source} and ${collection} both go to the table ${binding.table}`,
      {
        remedy: `give one of them another name: materializations.${this.spec.name}.bindings: [{source: ${collection}, table: …}]`,
        at: { materialization: this.spec.name, table: binding.table },
      },
    );
  }

  /**
   * Builds a further generation of a table, which the registry knows already: after a crash the next session does it by
   * itself. Idempotent; one that had stopped is tried again. Throws a `retry` problem until the collection is known.
   */
  addEdition(collection: string, edition: TableEdition): void {
    if (!this.bindings.has(collection)) throw this.#away();
    if (this.beside.problem(collection, edition.generation) !== undefined)
      this.beside.delete(collection, edition.generation);
    this.#build(collection, edition);
  }

  /** Of all generations of a collection's table that are open. */
  feedsOf(collection: string): readonly TableFeed[] {
    return [...this.#allFeeds()].filter((feed) => feed.collection === collection);
  }

  /** The feed of one generation of a collection's table; undefined while it is not open. */
  edition(collection: string, generation: number): TableFeed | undefined {
    const live = this.feeds.get(collection);
    return live?.handle.request.id.generation === generation ? live : this.beside.get(collection, generation);
  }

  /** Why a generation has stopped. */
  problemOf(collection: string, generation: number): ProblemRecord | undefined {
    const live = this.feeds.get(collection);
    return live?.handle.request.id.generation === generation
      ? this.failed.get(collection)
      : this.beside.problem(collection, generation);
  }

  /**
   * Exchanges tables that readers see with the generations given, all in one transaction of the destination, while neither
   * is written to. Idempotent: what has been exchanged is only noted. Throws a `retry` problem when the destination is away.
   */
  async swap(
    swaps: readonly { readonly collection: string; readonly to: number }[],
    signal: AbortSignal,
  ): Promise<{ readonly longestWaitMilliseconds: number }> {
    const destination = this.destination;
    const pairs = swaps.flatMap(({ collection, to }) => {
      const live = this.feeds.get(collection);
      const next = this.edition(collection, to);
      if (live === undefined || next === undefined) throw this.#away();
      return live === next ? [] : [{ collection, live, next }];
    });
    const feeds = pairs.flatMap(({ live, next }) => [live, next]);
    try {
      await bringToRest(pairs, this.#context.store.journals, signal);
      const handles = pairs.map(({ live, next }): TablePair => ({ live: live.handle, next: next.handle }));
      const { longestWaitMilliseconds } = await destination.swap(handles, signal);
      this.#context.reach('swap.before-note');
      for (const pair of pairs) await this.#noteSwap(pair);
      return { longestWaitMilliseconds };
    } finally {
      for (const feed of feeds) feed.held = false;
      this.#wake.ring();
    }
  }

  async #noteSwap({ collection, live, next }: LivePair): Promise<void> {
    const { generation } = next.handle.request.id;
    await this.#generations(collection).change((now) => {
      const other = [now.next, now.previous].find((edition) => edition?.generation === generation);
      if (other === undefined || other === null) return now;
      return { ...now, current: other, previous: now.current, next: now.next === other ? null : now.next };
    });
    this.feeds.set(collection, next);
    this.beside.exchange(live, next, this.failed);
  }

  /** A crash came between an exchange and its note: what the destination says is so. */
  async #noteWhatIsLive(collection: string): Promise<void> {
    const live = this.feeds.get(collection);
    if (live === undefined || live.handle.place === 'live') return;
    const next = this.beside.live(collection);
    if (next !== undefined) await this.#noteSwap({ collection, live, next });
  }

  /**
   * Removes a generation that readers do not see. Idempotent. Throws a `retry` problem until it is known which one that is.
   * (Invariant 7) `noted`: whether a note still mentions it.
   */
  async dropEdition(
    collection: string,
    generation: number,
    noted: boolean,
    signal: AbortSignal,
  ): Promise<void> {
    const destination = this.destination;
    const binding = this.bindings.get(collection);
    const feed = this.beside.get(collection, generation);
    const isExpected = noted || this.beside.has(collection, generation);
    const isOpening = isExpected && this.beside.problem(collection, generation) === undefined;
    if (binding === undefined || (feed === undefined && isOpening)) throw this.#away();
    if (feed?.handle.place === 'live') throw this.#away();
    feed?.close();
    if (feed !== undefined) await untilAtRest([feed], signal);
    await destination.drop({ materialization: this.spec.name, table: binding.table, generation });
    // A session that began meanwhile has opened it again.
    if (this.beside.get(collection, generation) !== feed) throw this.#away();
    this.beside.delete(collection, generation);
  }

  /** The open destination, for those who read tables beside us. Throws a `retry` problem while it is away. */
  get destination(): Destination {
    if (this.#destination === undefined) throw this.#away();
    return this.#destination;
  }

  #away(): Problem {
    return new Problem('BRM-MATERIALIZATION-AWAY', `${this.spec.name} is not connected to its destination`, {
      kind: 'retry',
    });
  }

  /** Takes what is ready and applies it, one transaction after another. The first lane also tells the destination to rest. */
  async #runLane(destination: Destination, first: boolean, signal: AbortSignal): Promise<void> {
    for (;;) {
      const woken = this.#wake.next;
      const taken = this.#take(destination);
      if (taken.length > 0) {
        await this.#apply(destination, taken, signal);
        continue;
      }
      const gathered = this.#untilGathered(destination);
      const timeout = gathered ?? IDLE_MILLISECONDS;
      const isWoken = await Promise.race([
        untilAborted(woken, signal).then(() => true),
        sleep(timeout, signal).then(() => false),
      ]);
      if (isWoken || gathered !== undefined || !first || this.#isBusy()) continue;
      await destination.idle();
      await untilAborted(woken, signal);
    }
  }

  #isBusy(): boolean {
    for (const feed of this.#allFeeds()) if (feed.ready || feed.busy) return true;
    return false;
  }

  /** Milliseconds until what is pending has been gathered for long enough; undefined when nothing is pending. */
  #untilGathered(destination: Destination): number | undefined {
    if (destination.gatherMilliseconds === 0) return undefined;
    const since = [...this.#allFeeds()]
      .filter((feed) => feed.ready)
      .map((feed) => feed.pendingSince ?? Infinity);
    if (since.length === 0) return undefined;
    return Math.max(1, Math.min(...since) + destination.gatherMilliseconds - this.#context.now());
  }

  /** Work for one transaction: of one table with much to do, or of several with little. */
  #take(destination: Destination): readonly TakenWork[] {
    const ready = [...this.#allFeeds()].filter((feed) => feed.ready);
    if (ready.length === 0) return [];
    const bytes = ready.reduce((sum, feed) => sum + feed.pendingBytes, 0);
    const wait = this.#untilGathered(destination);
    if (wait !== undefined && wait > 1 && bytes < SHARED_TRANSACTION_BYTES) return [];
    const taken: TakenWork[] = [];
    let sum = 0;
    for (const feed of ready.toSorted((a, b) => (a.pendingSince ?? 0) - (b.pendingSince ?? 0))) {
      const joins = !feed.nextAlone && sum + feed.pendingBytes <= SHARED_TRANSACTION_BYTES;
      if (taken.length > 0 && !joins) continue;
      const work = this.#takeFrom(feed, taken.length === 0 ? TRANSACTION_BYTES : SHARED_TRANSACTION_BYTES);
      if (work === undefined) continue;
      taken.push(work);
      sum += work.bytes;
      if (work.alone || sum > SHARED_TRANSACTION_BYTES) break;
    }
    return taken;
  }

  /** Invariant 8: changes that cannot be folded stop their table alone. */
  #takeFrom(feed: TableFeed, limitBytes: number): TakenWork | undefined {
    try {
      return feed.takeWork(limitBytes);
    } catch (thrown) {
      this.#failFeed(feed, toProblem(thrown));
      return undefined;
    }
  }

  async #apply(destination: Destination, taken: readonly TakenWork[], signal: AbortSignal): Promise<void> {
    this.#context.reach('materialization.before-apply');
    try {
      await destination.apply(
        taken.map(({ work }) => work),
        signal,
      );
    } catch (thrown) {
      const problem = toProblem(thrown);
      const [only] = taken;
      if (problem.kind === 'retry' || signal.aborted || only === undefined) {
        for (const work of taken) work.done(false);
        throw thrown;
      }
      if (taken.length === 1) {
        this.#failFeed(only.feed, problem);
        only.done(false);
        return;
      }
      // Whose data it was shows when each table's work stands alone.
      const left = [...taken];
      try {
        for (let work = left.shift(); work !== undefined; work = left.shift())
          await this.#apply(destination, [work], signal);
      } finally {
        for (const work of left) work.done(false);
      }
      return;
    }
    this.#context.reach('materialization.after-apply');
    this.batches += 1;
    for (const work of taken) work.done(true);
    // What arrived meanwhile, or waited for a busy table, may be anybody's now.
    this.#wake.ring();
  }

  #failFeed(feed: TableFeed, problem: Problem): void {
    const isLive = this.feeds.get(feed.collection) === feed;
    this.#fail(feed.collection, isLive ? undefined : feed.handle.request.id.generation, problem);
  }

  /** Invariant 8: this table stops with its reason; the others go on. `beside`: a generation that readers do not see. */
  #fail(collection: string, beside: number | undefined, problem: Problem): void {
    const record = problem.toJSON();
    const feed = beside === undefined ? this.feeds.get(collection) : this.beside.get(collection, beside);
    if (beside === undefined) this.failed.set(collection, record);
    else this.beside.fail(collection, beside, record);
    feed?.stop(record);
    this.#context.log.error(
      { materialization: this.spec.name, collection, generation: beside, problem: record },
      problem.message,
    );
  }
}

/** A new table is loaded from what compaction made of the history, where there is such a base. */
function beginsInBase({ checkpoint }: TableHandle): boolean {
  return checkpoint === undefined || baseOf(checkpoint as unknown as TableCheckpoint) !== undefined;
}
