import type {
  CaptureConnector,
  CaptureContext,
  CaptureSession,
  Chunk,
  Estimate,
  Position,
  Resource,
  Resume,
  ScanPlan,
  StreamSlice,
} from '@brimful/connector';
import type { Batch, Column, Range, Schema, Scope } from '@brimful/model';
import { BatchBuilder, Problem, assert } from '@brimful/model';
import { appendValue, valueAt } from '@brimful/model/testing';
import { untilAborted } from '../flow/pause-gate.ts';
import { surveyOf } from './plan-facts-fixture.ts';
import type { SeededRandom, SimulatedProcess } from './scheduler.ts';
import type { Row, SimulatedDatabase, SimulatedTable, Transaction } from './simulated-database.ts';
import { keyText, schemaOf } from './simulated-database.ts';
import { isRead, nextRange, readPlan } from './simulated-scope.ts';
import { SimulatedStream } from './simulated-stream.ts';

/** How slow a source is, in turns that pass for nothing. */
export interface SimulatedPace {
  /** Most, before each batch of a read. */
  readonly read: number;
  /** Most, before each slice of the stream. */
  readonly stream: number;
}

/** What a `SimulatedSession` needs of the simulation. */
export interface SimulatedMeans {
  readonly process: SimulatedProcess;
  readonly random: SeededRandom;
  readonly pace: SimulatedPace;
  /** Up to where the store holds a note that the source may be told to forget. */
  noted(): Position;
}

const ESTIMATE: Estimate = { rows: 0, bytes: 0, quality: 'unknown' };

/** The capture connector of a `SimulatedDatabase`, as one process uses it. */
export function simulatedConnector(
  database: SimulatedDatabase,
  means: SimulatedMeans,
): CaptureConnector<unknown> & { readonly sessions: SimulatedSession[] } {
  const sessions: SimulatedSession[] = [];
  return {
    sessions,
    check: async () => [],
    discover: async () => resources(database),
    open: async (_, context) => {
      await means.process.turn();
      checkNothingLost(database, context);
      const session = new SimulatedSession(database, means);
      sessions.push(session);
      return session;
    },
    drop: async () => undefined,
    survey: async (_, requests) =>
      requests.map(({ resource }) => {
        const table = database.tables.find(({ name }) => name === resource);
        assert(table !== undefined, `${resource} exists`);
        const rows = { value: database.rows(table, database.snapshot()).length, quality: 'exact' } as const;
        const bytes = { value: rows.value * 100, quality: 'statistics' } as const;
        return surveyOf({
          resource,
          schema: schemaOf(table),
          rows,
          tableRows: rows,
          bytes,
          tableBytes: bytes,
        });
      }),
    probe: async () => ({ take: () => [], [Symbol.asyncDispose]: async () => undefined }),
  };
}

/** Invariant 1: the source was never told to forget what was not durable. */
function checkNothingLost(database: SimulatedDatabase, { durable }: CaptureContext): void {
  assert(durable === undefined || database.acknowledged <= durable, 'the source forgot what was not durable');
}

function resources(database: SimulatedDatabase): Resource[] {
  return database.tables.map((table) => ({
    name: table.name,
    schema: schemaOf(table),
    estimate: ESTIMATE,
    suggestedTarget: table.name.slice('public.'.length),
  }));
}

/** Throws a `retry` problem from whatever is awaited once it is lost. */
export class SimulatedSession implements CaptureSession {
  readonly readers: number;
  readonly #database: SimulatedDatabase;
  readonly #process: SimulatedProcess;
  readonly #random: SeededRandom;
  readonly #pace: SimulatedPace;
  readonly #noted: () => Position;
  readonly #openChunks = new Set<SimulatedChunk>();
  /** By table: the transactions that ran when it joined. Reads wait until they have ended. */
  readonly #running = new Map<SimulatedTable, readonly Transaction[]>();
  #lost = false;

  constructor(database: SimulatedDatabase, means: SimulatedMeans) {
    const { process, random, pace } = means;
    this.#noted = () => means.noted();
    this.#pace = pace;
    this.#database = database;
    this.#process = process;
    this.#random = random;
    this.readers = 1 + random.below(4);
  }

  /** The connection breaks: the server ends what the session had open. */
  lose(): void {
    this.#lost = true;
    for (const chunk of this.#openChunks) chunk.release();
    this.#database.changed.ring();
  }

  async turn(): Promise<void> {
    await this.#process.turn();
    if (this.#lost) throw new Problem('BRM-SIM-LOST', 'the connection was lost', { kind: 'retry' });
  }

  /** Lets others go on, up to so many times. */
  async linger(most: number): Promise<void> {
    for (let turns = this.#random.below(most + 1); turns > 0; turns -= 1) await this.turn();
  }

  async *stream(resume: ReadonlyMap<string, Resume>, signal: AbortSignal): AsyncIterable<StreamSlice> {
    await this.turn();
    const stream = new SimulatedStream(this.#database, this.#random, resume);
    while (!signal.aborted) {
      await this.linger(this.#pace.stream);
      const changed = this.#database.changed.next;
      const slice = stream.next();
      if (slice === undefined) await untilAborted(changed, signal).catch(() => undefined);
      else yield slice;
      await this.turn();
    }
  }

  acknowledge(position: Position): void {
    if (this.#lost || this.#process.dead) return;
    assert(position <= this.#noted(), 'it is noted before it is said');
    if (position > this.#database.acknowledged) this.#database.acknowledged = position;
  }

  async join(
    names: readonly string[],
  ): Promise<readonly { readonly resource: string; readonly schema: Schema; readonly from: Position }[]> {
    await this.turn();
    const tables = names.map((name) => this.#table(name));
    // Whatever commits up to here is by a transaction that is waited for.
    const from = this.#database.position;
    for (const table of tables) table.published ??= from;
    const running = [...this.#database.open];
    for (const table of tables) this.#running.set(table, running);
    const joined = [];
    for (const table of tables) {
      if (this.#random.chance(0.5)) await this.#settled(table);
      await this.#until(() => table.exclusive === undefined);
      joined.push({ resource: table.name, schema: { ...schemaOf(table), version: 3 }, from });
    }
    await this.turn();
    return joined;
  }

  async leave(): Promise<void> {
    await this.turn();
  }

  async revisit(name: string): Promise<{ readonly schema: Schema; readonly from: undefined }> {
    await this.turn();
    const table = this.#table(name);
    this.#running.set(table, [...this.#database.open]);
    if (this.#random.chance(0.5)) await this.#settled(table);
    await this.#until(() => table.exclusive === undefined);
    return { schema: { ...schemaOf(table), version: 3 }, from: undefined };
  }

  async plan(resource: string, scope?: Scope): Promise<ScanPlan> {
    await this.turn();
    await this.linger(this.#pace.read);
    const table = this.#table(resource);
    await this.#until(() => table.exclusive === undefined);
    return readPlan(table, scope, this.#random);
  }

  next(plan: ScanPlan, remaining: readonly Range[]): Range {
    return nextRange(plan, remaining, this.#random);
  }

  async scan(resource: string, plan: ScanPlan, range: Range): Promise<Chunk> {
    const table = this.#table(resource);
    await this.turn();
    await this.#settled(table);
    // The lock comes before the snapshot.
    await this.#until(() => table.exclusive === undefined);
    if (plan.fingerprint !== '' && String(table.storage) !== plan.fingerprint)
      throw new Problem('BRM-SCAN-MOVED', `${resource} was rewritten`);
    return this.#chunk(table, isRead(table, plan, range));
  }

  async scanKeys(resource: string, keys: readonly Column[], rows: number): Promise<Chunk> {
    const table = this.#table(resource);
    await this.turn();
    await this.#settled(table);
    await this.linger(this.#pace.read);
    await this.#until(() => table.exclusive === undefined);
    const wanted = new Set(
      Array.from({ length: rows }, (_, row) =>
        JSON.stringify(keys.map((column) => valueAt(column, row)).map((value) => textOf(value))),
      ),
    );
    return this.#chunk(table, ({ row }) => wanted.has(keyText(schemaOf(table), row)));
  }

  async nudge(): Promise<void> {
    await this.turn();
    this.#database.advance();
  }

  async discover(): Promise<readonly Resource[]> {
    await this.turn();
    return resources(this.#database);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.lose();
  }

  #chunk(
    table: SimulatedTable,
    matches: (found: { readonly row: Row; readonly page: number }) => boolean,
  ): Chunk {
    const chunk = new SimulatedChunk(this, this.#database, table, matches, {
      size: 1 + this.#random.below(4),
      turns: this.#pace.read,
    });
    this.#openChunks.add(chunk);
    return chunk;
  }

  #table(name: string): SimulatedTable {
    const table = this.#database.tables.find((candidate) => candidate.name === name);
    assert(table !== undefined, `${name} exists`);
    return table;
  }

  #settled(table: SimulatedTable): Promise<void> {
    return this.#until(() => (this.#running.get(table) ?? []).every(({ ended }) => ended));
  }

  async #until(isSo: () => boolean): Promise<void> {
    while (!isSo()) {
      await this.#database.changed.next;
      await this.turn();
    }
  }
}

class SimulatedChunk implements Chunk {
  readonly batches: AsyncIterable<Batch>;
  readonly #session: SimulatedSession;
  readonly #database: SimulatedDatabase;
  readonly #table: SimulatedTable;
  readonly #snapshot: ReturnType<SimulatedDatabase['snapshot']>;
  #released = false;

  constructor(
    session: SimulatedSession,
    database: SimulatedDatabase,
    table: SimulatedTable,
    matches: (found: { readonly row: Row; readonly page: number }) => boolean,
    batch: { readonly size: number; readonly turns: number },
  ) {
    this.#session = session;
    this.#database = database;
    this.#table = table;
    table.readers += 1;
    this.#snapshot = database.snapshot();
    const rows = database.rows(table, this.#snapshot).filter(matches);
    this.batches = this.#read(schemaOf(table), rows, batch);
  }

  async *#read(
    schema: Schema,
    rows: readonly { readonly row: Row }[],
    { size, turns }: { readonly size: number; readonly turns: number },
  ): AsyncGenerator<Batch, void, undefined> {
    await this.#session.linger(turns);
    for (let start = 0; start < rows.length; start += size) {
      await this.#session.linger(turns);
      await this.#session.turn();
      const builder = new BatchBuilder({ ...schema, version: 5 });
      for (const { row } of rows.slice(start, start + size)) {
        builder.columns.forEach((column, index) => appendValue(column, row[index] ?? null));
        builder.endRow();
      }
      yield builder.finish();
    }
  }

  async finish(): Promise<Awaited<ReturnType<Chunk['finish']>>> {
    await this.#session.turn();
    this.release();
    return { snapshot: this.#snapshot, passed: this.#database.position };
  }

  release(): void {
    if (!this.#released) this.#table.readers -= 1;
    this.#released = true;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.release();
  }
}

function textOf(value: unknown): unknown {
  return typeof value === 'bigint' ? `${value}n` : value;
}
