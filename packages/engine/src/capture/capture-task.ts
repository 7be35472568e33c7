import type {
  CaptureConnector,
  CaptureContext,
  CaptureSession,
  Position,
  Resource,
} from '@brimful/connector';
import type { CaptureSpec, PastProblem, ProblemRecord, TaskState } from '@brimful/model';
import { Problem, assert, batchBytes, isDiscovered, toProblem } from '@brimful/model';
import { CollectionWriter } from '../collection/collection-writer.ts';
import { collectionGenerations } from '../collection/generations.ts';
import type { EngineContext } from '../context.ts';
import { BackOff } from '../flow/back-off.ts';
import { Bell } from '../flow/bell.ts';
import type { PauseGate } from '../flow/pause-gate.ts';
import { sleep, untilAborted } from '../flow/pause-gate.ts';
import { Slots } from '../flow/slots.ts';
import { Watermark } from '../flow/watermark.ts';
import { CaptureMemory } from './capture-memory.ts';
import { CapturedResource, byResource } from './captured-resource.ts';
import { CapturedTable } from './captured-table.ts';
import type { CaptureCheckpoint, RereadRequest } from './checkpoint.ts';
import { failIfLeftOut, followedBy } from './followed.ts';
import { knownCollections } from './known-collections.ts';
import type { LiveSession } from './live-session.ts';
import { cutOffProblem, hasLostChanges } from './lost-changes.ts';
import type { ReadPace } from './read-chunk.ts';
import { FREE } from './read-chunk.ts';
import { ReadingTime, noteMeasuredRead } from './reading-time.ts';
import { backfillTable } from './table-backfill.ts';

/** How often new tables are looked for. */
const DISCOVERY_MILLISECONDS = 10_000;
/** The source is told what it may forget at most this often: each time costs a durable note of our own. */
const ACKNOWLEDGE_MILLISECONDS = 500;
/** Tables whose first read runs at once; their chunks share the session's readers. */
const TABLES_AT_ONCE = 4;

/**
 * Runs one capture for as long as its signal allows: sessions with the source one after another, each of which follows
 * the stream, reads new tables, and looks for more of them. One table's failure stops that table only. (Invariant 8)
 */
export class CaptureTask {
  readonly spec: CaptureSpec;
  /** By the source's name of the table. */
  readonly resources = new Map<string, CapturedResource>();
  /** Everything up to here is journaled. */
  readonly passed = new Watermark();
  state: TaskState = 'starting';
  problem: ProblemRecord | undefined;
  /** Sessions that were lost since the start, and why the newest was. */
  retries = 0;
  lastProblem: PastProblem | undefined;
  sourceEnd: Position = 0n;
  /** Milliseconds since 1970 when all that the source had was journaled. */
  caughtUpAt = 0;
  readonly #context: EngineContext;
  readonly #connector: CaptureConnector<unknown>;
  readonly #gate: PauseGate;
  readonly #memory: CaptureMemory;
  readonly #again = new Bell();
  #acknowledge: Position = 0n;
  #announced = new Set<string>();
  #live: LiveSession | undefined;
  readonly #readingTime = new ReadingTime();

  constructor(
    context: EngineContext,
    spec: CaptureSpec,
    connector: CaptureConnector<unknown>,
    gate: PauseGate,
  ) {
    this.#context = context;
    this.spec = spec;
    this.#connector = connector;
    this.#gate = gate;
    this.#memory = new CaptureMemory(context.store.registry, spec.name);
  }

  /** Called with the size of what the stream brought. */
  onStreamed: (bytes: number) => void = () => undefined;

  /** What holds back reading a table, besides the disk. */
  paceOf: (table: CapturedTable) => ReadPace = () => FREE;

  /** Called with the collection of every table that joins, also later. */
  onCollection: (collection: string) => void = () => undefined;

  /** Ends when the signal aborts, or with a problem that only an operator can mend; what a run can mend is waited for. */
  async run(signal: AbortSignal): Promise<void> {
    const backOff = new BackOff();
    while (!signal.aborted) {
      const again = this.#again.next;
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
            { capture: this.spec.name, problem: this.problem, error: thrown },
            problem.message,
          );
          if (!hasLostChanges(this.problem)) return;
          // Destinations keep what they have, and runs that go on, or are taken back, find it there.
          for (const known of await knownCollections(this.#context.store.registry, this.spec))
            this.onCollection(known);
          await untilAborted(again, signal).catch(() => undefined);
          continue;
        }
        this.retries += 1;
        this.lastProblem = { at: this.#context.now(), problem: this.problem };
        this.state = 'waiting';
        this.#context.log.warn({ capture: this.spec.name, problem: this.problem }, problem.message);
        await sleep(backOff.next(this.#context.now() - started), signal).catch(() => undefined);
      }
    }
    this.state = 'stopped';
  }

  async #runSession(outer: AbortSignal): Promise<void> {
    const ended = new AbortController();
    const signal = AbortSignal.any([outer, ended.signal]);
    await this.#memory.load();
    const session = await this.#connector.open(this.spec.config, this.#captureContext());
    const tasks: Promise<void>[] = [];
    const guard = (task: Promise<void>): void => {
      tasks.push(
        task.catch((thrown: unknown) => {
          ended.abort(thrown);
        }),
      );
    };
    try {
      const fresh = await this.#open(session, await session.discover(), false);
      if (this.#memory.wantsAnew) this.#context.reach('capture.before-begun-anew');
      await this.#memory.begunAnew();
      this.state = 'running';
      this.problem = undefined;
      guard(this.#followStream(session, signal));
      guard(this.#acknowledgeAlways(session, signal));
      guard(this.#backfillAll(session, fresh, signal));
      await Promise.race([...tasks, untilAborted(new Promise<never>(() => undefined), signal)]);
      if (ended.signal.aborted) throw ended.signal.reason;
    } finally {
      ended.abort(new Problem('BRM-CAPTURE-ENDED', 'the session has ended', { kind: 'retry' }));
      await Promise.allSettled(tasks);
      await this.#persistAcknowledged(session).catch(() => undefined);
      await session[Symbol.asyncDispose]();
      await Promise.allSettled([...this.resources.values()].map((one) => one[Symbol.asyncDispose]()));
      this.resources.clear();
    }
  }

  /**
   * Opens journals, joins tables to the stream, and tells which resources were joined. `anew`: a table that comes while we
   * run is another one than its journal knows, and is read again. Before it joins, so that its chunks see all it streams.
   */
  async #open(
    session: CaptureSession,
    resources: readonly Resource[],
    anew: boolean,
  ): Promise<readonly CapturedResource[]> {
    const wanted = this.#wanted(resources).filter(({ resource }) => !this.resources.has(resource.name));
    const opened = await Promise.all(
      wanted.map(({ resource, target }) => this.#openGenerations(resource, target, anew)),
    );
    const leftOut = new Set<string>();
    for (const resource of opened) {
      this.resources.set(resource.name, resource);
      this.onCollection(resource.collection);
      if (!anew && (await failIfLeftOut(resource, this.#memory.followed))) leftOut.add(resource.name);
    }
    if (opened.length === 0 && anew) return [];
    // Also when there are none, so that the source is told: before anything of them is journaled, and before anything is acknowledged that others would have needed.
    await this.#memory.follow(followedBy(this.resources.values()));
    const joined = await session.join(opened.map((resource) => resource.name));
    await Promise.all(
      joined.map(async ({ resource, schema, from }) => {
        for (const table of this.resources.get(resource)?.tables ?? []) {
          if (!table.isCutOff) await table.joined(schema, from);
          // A position from before it was away would pass over what a server that was restored meanwhile commits up to there.
          const wasAway = table.isCutOff ? this.#memory.wantsAnew : anew || leftOut.has(resource);
          if (wasAway) await table.beginAt({ position: from.toString() });
        }
      }),
    );
    return opened;
  }

  async #openGenerations(resource: Resource, target: string, anew: boolean): Promise<CapturedResource> {
    const { current, next, previous } = await collectionGenerations(
      this.#context.store.registry,
      target,
    ).read();
    const open = async (generation: number): Promise<CapturedTable> => {
      const writer = await CollectionWriter.open<CaptureCheckpoint>(this.#context, target, generation);
      const table = new CapturedTable(this.#context, resource, writer);
      const isKnown = writer.head.checkpoint !== undefined;
      if (isKnown && this.#memory.wantsAnew) await table.cutOff();
      else if (isKnown && anew) await table.beginAnew();
      return table;
    };
    const captured = new CapturedResource(this.#context, await open(current));
    for (const other of [next, previous]) {
      if (other === null) continue;
      const table = await open(other);
      // One that has not begun would begin where its siblings stood: its run brings it when the stream has begun.
      if (this.#memory.wantsAnew && !table.isCutOff) await table.writer[Symbol.asyncDispose]();
      else await captured.attach(table);
    }
    return captured;
  }

  /** Resources to capture and the collections they become. A resource that cannot be captured is reported once. */
  #wanted(
    resources: readonly Resource[],
  ): readonly { readonly resource: Resource; readonly target: string }[] {
    const { bindings, autoDiscover } = this.spec;
    const named = new Map(bindings.map((binding) => [binding.resource, binding.target]));
    const missing = bindings.filter(
      (binding) => !resources.some((resource) => resource.name === binding.resource),
    );
    for (const { resource } of missing)
      this.#announce(resource, `${this.spec.name}: the source has no ${resource}`);
    return resources.flatMap((resource) => {
      const target =
        named.get(resource.name) ??
        (autoDiscover !== undefined && isDiscovered(resource.name, autoDiscover)
          ? `${autoDiscover.prefix}/${resource.suggestedTarget}`
          : undefined);
      if (target === undefined) return [];
      if (resource.problem === undefined) return [{ resource, target }];
      this.#announce(resource.name, resource.problem.message);
      return [];
    });
  }

  #announce(resource: string, message: string): void {
    if (this.#announced.has(resource)) return;
    this.#announced.add(resource);
    this.#context.log.warn({ capture: this.spec.name, resource }, message);
  }

  async #followStream(session: CaptureSession, signal: AbortSignal): Promise<void> {
    const resume = new Map([...this.resources.values()].map((resource) => [resource.name, resource.resume]));
    for await (const slice of session.stream(resume, signal)) {
      await this.#gate.pass(signal);
      await Promise.all(
        [...byResource(slice.parts)].map(async ([resource, parts]) => {
          await this.resources.get(resource)?.follow(parts);
        }),
      );
      this.onStreamed(
        slice.parts.reduce((sum, part) => sum + (part.kind === 'rows' ? batchBytes(part.batch) : 0), 0),
      );
      // Invariant 1: only now is everything up to here durable.
      this.#acknowledge = slice.acknowledge;
      this.sourceEnd = slice.sourceEnd;
      if (slice.passed + 1n >= slice.sourceEnd) this.caughtUpAt = this.#context.now();
      this.passed.advance(slice.passed);
    }
    signal.throwIfAborted();
    throw new Problem('BRM-CAPTURE-STREAM-ENDED', 'the source ended the stream', { kind: 'retry' });
  }

  /** First reads, several tables at a time, and then the look for new tables. */
  async #backfillAll(
    session: CaptureSession,
    opened: readonly CapturedResource[],
    outer: AbortSignal,
  ): Promise<void> {
    const ended = new AbortController();
    const signal = AbortSignal.any([outer, ended.signal]);
    const readers = new Slots(session.readers);
    const tables = new Slots(TABLES_AT_ONCE);
    const running = new Map<CapturedTable, Promise<void>>();
    const failed = Promise.withResolvers<never>();
    const start = (table: CapturedTable): void => {
      if (table.isRead || running.has(table)) return;
      const task = this.#backfillOne(session, table, readers, tables, signal)
        .catch(failed.reject)
        .finally(() => running.delete(table));
      running.set(table, task);
    };
    const startAll = (resource: CapturedResource): void => resource.tables.forEach(start);
    opened.forEach(startAll);
    this.#live = { session, start, fail: failed.reject };
    try {
      for (;;) {
        await Promise.race([sleep(DISCOVERY_MILLISECONDS, signal), failed.promise]);
        const resources = await session.discover();
        for (const resource of this.resources.values())
          if (resource.current.dropped) await this.#forget(session, resource);
        (await this.#open(session, resources, true)).forEach(startAll);
      }
    } finally {
      this.#live = undefined;
      // The session ends for all of them: nobody waits for a long read first.
      ended.abort(new Problem('BRM-CAPTURE-ENDED', 'the session has ended', { kind: 'retry' }));
      await Promise.allSettled(running.values());
    }
  }

  async #backfillOne(
    session: CaptureSession,
    table: CapturedTable,
    readers: Slots,
    tables: Slots,
    signal: AbortSignal,
  ): Promise<void> {
    const release = await tables.take(signal);
    try {
      const means = {
        context: this.#context,
        session,
        passed: this.passed,
        readers,
        gate: this.#gate,
        pace: this.paceOf(table),
        carryFrom: () => this.#resourceOf(table).carryFrom(table),
      };
      await this.#measured(table, () => backfillTable(table, means, signal));
      this.#context.log.info(
        { capture: this.spec.name, resource: table.resource, rows: table.backfill.rows },
        'backfilled',
      );
    } catch (thrown) {
      signal.throwIfAborted();
      const problem = toProblem(thrown);
      if (problem.kind === 'retry') throw thrown;
      // Invariant 8: this table stops, the others go on.
      table.stop(problem.toJSON());
      this.#context.log.error(
        { capture: this.spec.name, resource: table.resource, problem: problem.toJSON() },
        problem.message,
      );
    } finally {
      release();
    }
  }

  /** How fast first reads are is what later plans go by; what a run reads goes at its own pace, and is measured by itself. */
  async #measured(table: CapturedTable, read: () => Promise<void>): Promise<void> {
    if (table.writer.generation > 1 || table.backfill.reread !== null || table.isRead) return read();
    const { store, now } = this.#context;
    const all = await this.#readingTime.during(table, now, read);
    if (all !== null) await noteMeasuredRead(store.registry, this.spec.name, all);
  }

  async #forget(session: CaptureSession, resource: CapturedResource): Promise<void> {
    this.resources.delete(resource.name);
    // First: another table of this name has not been followed.
    await this.#memory.follow(followedBy(this.resources.values()));
    await session.leave([resource.name]);
    await resource[Symbol.asyncDispose]();
  }

  /** The table a collection is made of; undefined while no session is open, or when it is not this capture's. */
  captured(collection: string): CapturedResource | undefined {
    return [...this.resources.values()].find((resource) => resource.collection === collection);
  }

  /**
   * Feeds and reads a further generation of a collection, which the registry knows already: after a crash the next session
   * does it by itself. Idempotent. Throws a `retry` problem while no session is open.
   */
  async addGeneration(collection: string, generation: number, carriesOver: boolean): Promise<void> {
    const { live, resource } = this.#reachable(collection);
    if (resource.current.writer.head.checkpoint === undefined)
      throw new Problem('BRM-RUN-READING', `${collection} is only being joined`, { kind: 'retry' });
    const known = resource.generation(generation);
    if (known !== undefined) {
      known.goOn();
      live.start(known);
      return;
    }
    await orEnd(live, async () => {
      const writer = await CollectionWriter.open<CaptureCheckpoint>(this.#context, collection, generation);
      const { name, estimate } = { name: resource.name, estimate: resource.current.estimate };
      const table = new CapturedTable(this.#context, { name, estimate }, writer);
      await resource.attach(table, carriesOver);
      await this.#revisit(live, resource, table);
    });
  }

  /** Reads a complete table again, within a run's scope, and merges in place. Idempotent for one run. Throws as above. */
  async reread(collection: string, request: RereadRequest): Promise<void> {
    const { live, resource } = this.#reachable(collection);
    const table = resource.current;
    const { reread } = table.backfill;
    const isKnown = reread?.run === request.run && reread.outcome !== 'cancelled';
    if (isKnown && table.isRead) return;
    if (table.isCutOff) throw cutOffProblem(collection);
    // Its first read, or that of a run that is being given up, comes to its end first.
    if (!isKnown && !table.isRead)
      throw new Problem('BRM-RUN-READING', `${collection} is still being read`, { kind: 'retry' });
    table.goOn();
    await orEnd(live, async () => {
      await table.reread(request);
      await this.#revisit(live, resource, table);
    });
  }

  /**
   * A run that reads all tables anew has the stream begin anew, where the one that was followed is lost: the next session
   * does it, and marks everything that was journaled as cut off. Durable on return; once for each run. (Handoff rule H15)
   */
  async beginAnew(run: string): Promise<void> {
    if (this.state !== 'failed' || !hasLostChanges(this.problem)) return;
    await this.#memory.load();
    if (this.#memory.hasBegunAnewFor(run)) return;
    await this.#memory.wantAnew(run);
    this.#acknowledge = 0n;
    this.sourceEnd = 0n;
    this.caughtUpAt = 0;
    this.passed.reset();
    this.state = 'starting';
    this.#context.reach('capture.wants-anew');
    this.#again.ring();
  }

  /** A run's read is given up; what it brought stays. Idempotent. Throws as above. */
  async cancelReread(collection: string, run: string): Promise<void> {
    const { live, resource } = this.#reachable(collection);
    await orEnd(live, () => resource.current.cancelReread(run));
  }

  /** The session that is open, for those who look at the source beside us. Throws as above. */
  session(collection: string): CaptureSession {
    return this.#reachable(collection).live.session;
  }

  /** What a table had been told to read is waited for with the session: changes, and reads that see them. */
  async #revisit(live: LiveSession, resource: CapturedResource, table: CapturedTable): Promise<void> {
    const purpose = table === resource.current ? 'merge' : 'begin';
    const { schema, from } = await live.session.revisit(resource.name, purpose);
    if (from !== undefined) {
      await resource.loseOthers(table);
      await table.beginAt({ position: from.toString() });
    }
    if (from !== undefined || table.writer.schema === undefined) await table.joined(schema, 0n);
    live.start(table);
  }

  #resourceOf(table: CapturedTable): CapturedResource {
    const resource = this.resources.get(table.resource);
    assert(resource !== undefined, 'a table that is read is of a resource');
    return resource;
  }

  #reachable(collection: string): { readonly live: LiveSession; readonly resource: CapturedResource } {
    const resource = this.captured(collection);
    const live = this.#live;
    if (live !== undefined && resource !== undefined) return { live, resource };
    throw new Problem('BRM-CAPTURE-AWAY', `${this.spec.name} is not connected to ${collection}'s table`, {
      kind: 'retry',
    });
  }

  async #acknowledgeAlways(session: CaptureSession, signal: AbortSignal): Promise<void> {
    for (;;) {
      await sleep(ACKNOWLEDGE_MILLISECONDS, signal);
      await this.#persistAcknowledged(session);
    }
  }

  /** Noted here before it is said there: a source that has forgotten more than our note has lost something. */
  async #persistAcknowledged(session: CaptureSession): Promise<void> {
    const acknowledge = this.#acknowledge;
    if (acknowledge <= (this.#memory.acknowledged ?? 0n)) return;
    await this.#memory.acknowledge(acknowledge);
    this.#context.reach('capture.before-acknowledge');
    session.acknowledge(acknowledge);
  }

  #captureContext(): CaptureContext {
    return {
      log: this.#context.log,
      now: () => this.#context.now(),
      reach: (point) => this.#context.reach(point),
      capture: this.spec.name,
      ...this.#memory.told,
      remember: (memory) => this.#memory.remember(memory),
    };
  }
}

/** A journal that did not take something takes nothing more, and the source may be lost: the session ends for all. */
async function orEnd(live: LiveSession, work: () => Promise<void>): Promise<void> {
  try {
    await work();
  } catch (thrown) {
    if (toProblem(thrown).kind === 'retry') live.fail(thrown);
    throw thrown;
  }
}
