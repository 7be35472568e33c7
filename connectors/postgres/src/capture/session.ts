import type {
  CaptureContext,
  CaptureSession,
  Chunk,
  Position,
  Resource,
  Resume,
  ScanPlan,
  StreamSlice,
} from '@brimful/connector';
import type { Column, ProblemRecord, Range, Schema, Scope } from '@brimful/model';
import { Problem } from '@brimful/model';
import type { CaptureConfig } from '../config.ts';
import { SessionPool } from '../wire/session-pool.ts';
import { Catalog } from './catalog.ts';
import type { ChangeStream } from './change-stream.ts';
import { discoverTables } from './discover.ts';
import { Heartbeat } from './heartbeat.ts';
import { JoinedTable } from './joined-table.ts';
import { JoinedTables } from './joined-tables.ts';
import type { Joint } from './joiner.ts';
import { Joiner } from './joiner.ts';
import type { FollowedTable, Memory } from './memory.ts';
import { memoryToJson } from './memory.ts';
import type { Source } from './open-source.ts';
import { openSource } from './open-source.ts';
import { endOfLog } from './slot.ts';
import type { PublicationKind } from './publications.ts';
import { leavesOf, partitionChange, partitionProblem } from './partition-change.ts';
import { publishedKinds, unpublish } from './published.ts';
import { keyProblem } from './relations.ts';
import { Scanner } from './scanner.ts';
import type { OpenedStream } from './start-stream.ts';
import { startStream } from './start-stream.ts';
import { problemWith } from './table-problem.ts';
import { schemaOf } from './table-schema.ts';
import type { Table } from './table.ts';

/** What a table that cannot be followed is told as, once the stream runs. */
export type Absence =
  | { readonly kind: 'dropped' }
  | { readonly kind: 'failed'; readonly problem: ProblemRecord };

/** A live session with one Postgres database: one walsender, some readers, a few connections for the catalog. */
export class PostgresSession implements CaptureSession {
  readonly readers: number;
  readonly #config: CaptureConfig;
  readonly #context: CaptureContext;
  readonly #source: Source;
  readonly #catalog = new Catalog();
  readonly #tables = new JoinedTables();
  readonly #absent = new Map<string, Absence>();
  /** Tables whose partitions came or went while nobody looked. */
  readonly #repartitioned = new Map<JoinedTable, string>();
  readonly #settling = new Map<string, Promise<void>>();
  /** Tables of the first join go on where they were; those of later ones begin. */
  #hasJoined = false;
  readonly #joiner: Joiner;
  readonly #scanner: Scanner;
  readonly #heartbeat: Heartbeat;
  readonly #readerPool: SessionPool;
  #memory: Memory;
  #stream: ChangeStream | undefined;
  #opened: OpenedStream | undefined;
  #acknowledged: Position | undefined;

  static async open(config: CaptureConfig, context: CaptureContext): Promise<PostgresSession> {
    return new PostgresSession(config, context, await openSource(config, context));
  }

  private constructor(config: CaptureConfig, context: CaptureContext, source: Source) {
    const { control, endpoint, publications } = source;
    this.#config = config;
    this.#context = context;
    this.#source = source;
    this.#memory = source.memory;
    this.readers = config.readers;
    const now = (): number => context.now();
    this.#heartbeat = new Heartbeat(control);
    this.#joiner = new Joiner({
      pool: control,
      publications,
      log: context.log,
      now,
      patienceMilliseconds: config.joinTimeoutSeconds * 1000,
    });
    // The role may have a limit for transactions (since server 17); a scan is one transaction.
    const settings: Record<string, string> = source.version >= 170_000 ? { transaction_timeout: '0' } : {};
    const reader = { purpose: `${context.capture} reader`, settings };
    this.#readerPool = new SessionPool(endpoint, reader, config.readers);
    this.#scanner = new Scanner({
      readers: this.#readerPool,
      control,
      catalog: this.#catalog,
      tables: this.#tables,
      generatedToo: publications.generatedToo,
      lockMilliseconds: config.lockTimeoutSeconds * 1000,
      now,
      settled: async (table) => this.#settling.get(table.resource),
    });
  }

  async *stream(resume: ReadonlyMap<string, Resume>, signal: AbortSignal): AsyncIterable<StreamSlice> {
    if (this.#stream !== undefined) throw new Problem('BRM-BUG', 'a session streams once', { kind: 'bug' });
    for (const [resource, place] of resume) this.#tables.get(resource)?.resumeFrom(place);
    const opened = await startStream({
      source: this.#source,
      context: this.#context,
      catalog: this.#catalog,
      tables: this.#tables,
      joiner: this.#joiner,
      heartbeat: this.#heartbeat,
      remember: async (table) => this.#remember(new Map([[table.resource, followed(table)]])),
      patienceMilliseconds: this.#config.joinTimeoutSeconds * 1000,
    });
    this.#opened = opened;
    this.#stream = opened.stream;
    if (this.#acknowledged !== undefined) opened.stream.acknowledge(this.#acknowledged);
    for (const resource of resume.keys()) {
      if (this.#tables.get(resource) === undefined) {
        opened.buffer.absent(resource, this.#absent.get(resource) ?? { kind: 'dropped' });
      }
    }
    for (const [table, change] of this.#repartitioned) {
      if (table.ended) continue;
      opened.buffer.stale(table, partitionProblem(table.resource, change).toJSON());
      opened.watch.noteOnceDurable(table);
    }
    try {
      yield* opened.stream.slices(signal);
    } finally {
      opened.close();
    }
  }

  acknowledge(position: Position): void {
    this.#acknowledged = position;
    this.#stream?.acknowledge(position);
  }

  async join(
    resources: readonly string[],
  ): Promise<readonly { readonly resource: string; readonly schema: Schema; readonly from: Position }[]> {
    const { control, publications } = this.#source;
    // First what is published: a table that goes meanwhile is gone, not unpublished.
    const published = await control.use((session) => publishedKinds(session, publications));
    const { found, asOf } = await control.use(async (session) => {
      const end = await endOfLog(session);
      return { found: await this.#catalog.tablesByName(session, resources), asOf: end };
    });
    const isFirst = !this.#hasJoined;
    if (isFirst) await this.#takeOutOthers(resources, published);
    const { joining, bereft } = this.#select(resources, found, published);
    const joint = await this.#joiner.publish([...joining.values(), ...bereft], published);
    const from = joint.position - 1n;
    const joined = [...joining].map(([resource, table]) => {
      const schema = schemaOf(table, publications.generatedToo);
      return new JoinedTable(resource, table, schema, asOf, from);
    });
    const settled = this.#settle(joint);
    for (const table of joined) {
      const before = isFirst ? this.#memory.tables.get(table.resource)?.leaves : undefined;
      const change = before === undefined ? undefined : partitionChange(before, table.table);
      if (change !== undefined) this.#repartitioned.set(table, change);
      this.#absent.delete(table.resource);
      this.#settling.set(table.resource, settled);
      this.#tables.add(table);
    }
    this.#hasJoined = true;
    this.#opened?.relations.joined();
    const news = joined.filter((table) => !this.#repartitioned.has(table));
    await this.#remember(new Map(news.map((table) => [table.resource, followed(table)])));
    return joined.map(({ resource, schema }) => ({ resource, schema, from }));
  }

  async leave(resources: readonly string[]): Promise<void> {
    const leaving = resources.flatMap((resource) => this.#tables.get(resource) ?? []);
    for (const table of leaving) {
      this.#opened?.buffer.leave(table);
      this.#tables.remove(table.resource);
      this.#settling.delete(table.resource);
      this.#repartitioned.delete(table);
    }
    const forgotten = new Map<string, FollowedTable | undefined>(
      resources.map((resource) => [resource, undefined]),
    );
    for (const resource of resources) this.#absent.delete(resource);
    const { control, publications } = this.#source;
    const oids = leaving.map((table) => table.oid);
    await control.use((session) => unpublish(session, publications, this.#joiner, oids));
    await this.#remember(forgotten);
  }

  async revisit(
    resource: string,
    purpose: 'look' | 'merge' | 'begin',
  ): Promise<{ readonly schema: Schema; readonly from: Position | undefined }> {
    const { control, publications } = this.#source;
    if (purpose === 'look') {
      const settled = this.#settle(await this.#joiner.joint());
      this.#settling.set(resource, settled);
      await settled;
      return { schema: this.#scanner.schema(resource), from: undefined };
    }
    const published = await control.use((session) => publishedKinds(session, publications));
    const at = await control.use(endOfLog);
    const found = await control.use((session) => this.#catalog.tablesByName(session, [resource]));
    const now = found.get(resource);
    const table = this.#tables.get(resource);
    if (table === undefined || now === undefined || !isFollowed(table, now, published)) {
      if (purpose === 'merge' && table?.ended === false && table.oid === now?.oid) throw keyChanged(resource);
      return this.#joinAnew(resource);
    }
    table.table = now;
    table.leaves = leavesOf(now);
    table.reread = { at, schema: schemaOf(now, publications.generatedToo, table.loosened) };
    this.#repartitioned.delete(table);
    this.#opened?.buffer.fresh(table);
    this.#opened?.watch.fresh(table);
    const settled = this.#settle(await this.#joiner.joint());
    this.#settling.set(resource, settled);
    await this.#remember(new Map([[resource, followed(table)]]));
    await settled;
    return { schema: this.#scanner.schema(resource), from: undefined };
  }

  async plan(resource: string, scope?: Scope): Promise<ScanPlan> {
    return this.#scanner.plan(resource, scope);
  }

  next(plan: ScanPlan, remaining: readonly Range[], atMostBytes?: number): Range {
    return this.#scanner.next(plan, remaining, atMostBytes);
  }

  async scan(resource: string, plan: ScanPlan, range: Range, signal: AbortSignal): Promise<Chunk> {
    return this.#scanner.scan(resource, plan, range, signal);
  }

  async scanKeys(
    resource: string,
    keys: readonly Column[],
    rows: number,
    signal: AbortSignal,
  ): Promise<Chunk> {
    return this.#scanner.scanKeys(resource, keys, rows, signal);
  }

  async nudge(): Promise<void> {
    await this.#heartbeat.beat();
  }

  async discover(): Promise<readonly Resource[]> {
    const { control, endpoint, publications } = this.#source;
    return control.use((session) =>
      discoverTables(session, this.#catalog, {
        schemas: this.#config.schemas,
        role: endpoint.user,
        generatedToo: publications.generatedToo,
      }),
    );
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#joiner.close();
    this.#opened?.close();
    this.#source.sender.close();
    this.#readerPool.close();
    this.#source.control.close();
  }

  /** As if it had never been in the stream. */
  async #joinAnew(
    resource: string,
  ): Promise<{ readonly schema: Schema; readonly from: Position | undefined }> {
    await this.leave([resource]);
    const [joined] = await this.join([resource]);
    if (joined === undefined) throw absenceProblem(resource, this.#absent.get(resource));
    await this.#settling.get(resource);
    return { schema: joined.schema, from: joined.from };
  }

  /**
   * Tables that earlier sessions followed and nobody asks for any more leave the publications, and stay in memory: whoever
   * asks for them again is told that changes were lost meanwhile. (Invariant 4)
   */
  async #takeOutOthers(
    resources: readonly string[],
    published: ReadonlyMap<number, readonly PublicationKind[]>,
  ): Promise<void> {
    const wanted = new Set(resources);
    const left = [...this.#memory.tables].filter(
      ([resource, { oid }]) => !wanted.has(resource) && published.has(oid),
    );
    if (left.length === 0) return;
    const { control, publications } = this.#source;
    const oids = left.map(([, { oid }]) => oid);
    await control.use((session) => unpublish(session, publications, this.#joiner, oids));
  }

  #settle(joint: Joint): Promise<void> {
    const settled = this.#joiner.settle(joint);
    // Whoever scans sees the failure.
    settled.catch(() => undefined);
    return settled;
  }

  /** Tables to join, as they are to be published, and tables that lost their key and whose updates must not fail. */
  #select(
    resources: readonly string[],
    found: ReadonlyMap<string, Table>,
    published: ReadonlyMap<number, readonly PublicationKind[]>,
  ): { readonly joining: ReadonlyMap<string, Table>; readonly bereft: readonly Table[] } {
    const joining = new Map<string, Table>();
    const bereft: Table[] = [];
    for (const resource of resources) {
      const table = found.get(resource);
      const absence = this.#absence(resource, table, published);
      if (absence !== undefined) this.#absent.set(resource, absence);
      if (table === undefined) continue;
      const now = published.get(table.oid) ?? [];
      if (absence !== undefined) {
        if (now.includes('changes') && table.identity.publication === 'inserts') bereft.push(table);
        continue;
      }
      // Its journal lacks earlier updates: a key it got since counts once it is read again.
      const stays = this.#memory.tables.has(resource) && now.includes('inserts');
      joining.set(resource, stays ? { ...table, identity: { key: [], publication: 'inserts' } } : table);
    }
    return { joining, bereft };
  }

  /** Why a table that is asked for cannot be (or no longer is) followed. */
  #absence(
    resource: string,
    table: Table | undefined,
    published: ReadonlyMap<number, readonly PublicationKind[]>,
  ): Absence | undefined {
    if (table === undefined) return { kind: 'dropped' };
    const refused = problemWith(table, this.#source.endpoint.user);
    if (refused?.refused === true) return { kind: 'failed', problem: refused.problem };
    const known = this.#memory.tables.get(resource)?.oid;
    // What joins later is read anew, whatever was known of it.
    if (known === undefined || this.#hasJoined) return undefined;
    // Another table under the old one's name: what the journal holds is not of this one.
    if (known !== table.oid) return { kind: 'dropped' };
    const now = published.get(table.oid);
    if (now?.includes('changes') === true && table.identity.publication === 'inserts') {
      return { kind: 'failed', problem: keyProblem(resource).toJSON() };
    }
    if (now !== undefined) return undefined;
    const problem = new Problem(
      'BRM-PG-NOT-PUBLISHED',
      `${resource} was taken out of this capture's publication: changes made since are not in the stream.`,
      { remedy: `Reset its collection to read ${resource} again.`, at: { table: resource } },
    );
    return { kind: 'failed', problem: problem.toJSON() };
  }

  async #remember(changed: ReadonlyMap<string, FollowedTable | undefined>): Promise<void> {
    const tables = new Map(this.#memory.tables);
    for (const [resource, table] of changed) {
      if (table === undefined) tables.delete(resource);
      else tables.set(resource, table);
    }
    const before = JSON.stringify(memoryToJson(this.#memory));
    this.#memory = { ...this.#memory, tables };
    const note = memoryToJson(this.#memory);
    if (JSON.stringify(note) !== before) await this.#context.remember(note);
  }
}

/** Whether the stream brings all of the table's changes, under the key that it has. */
function keyChanged(resource: string): Problem {
  return new Problem(
    'BRM-PG-KEY-CHANGED',
    `${resource} has another key than the collection it is to be merged into.`,
    {
      remedy: 'Order a reset of its collection.',
      at: { table: resource },
    },
  );
}

function isFollowed(
  table: JoinedTable,
  now: Table,
  published: ReadonlyMap<number, readonly PublicationKind[]>,
): boolean {
  if (table.ended || table.oid !== now.oid || table.publication !== now.identity.publication) return false;
  if (published.get(now.oid)?.includes(table.publication) !== true) return false;
  const key = table.schema.key.map(
    (name) => table.schema.columns.find((column) => column.name === name)?.sourceId,
  );
  const current = now.identity.key.map(
    (name) => now.attributes.find((attribute) => !attribute.dropped && attribute.name === name)?.number,
  );
  return key.length === current.length && key.every((number) => current.includes(number));
}

function absenceProblem(resource: string, absence: Absence | undefined): Problem {
  if (absence?.kind === 'failed') {
    const { code, message, kind, remedy, at } = absence.problem;
    return new Problem(code, message, remedy === null ? { kind, at } : { kind, at, remedy });
  }
  return new Problem('BRM-PG-NO-TABLE', `There is no table ${resource} at the source.`, {
    remedy: 'Correct its name in the binding, or remove the binding.',
    at: { table: resource },
  });
}

function followed(table: JoinedTable): FollowedTable {
  return { oid: table.oid, leaves: table.leaves };
}
