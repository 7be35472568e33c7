import type {
  CaptureContext,
  CaptureSession,
  Position,
  Resume,
  ScanPlan,
  Snapshot,
  StreamPart,
  StreamSlice,
} from '@brimful/connector';
import type { Batch, Json, Range, Scope } from '@brimful/model';
import { Operation, isUnknown, operationAt, toProblem } from '@brimful/model';
import { Client } from 'pg';
import { setTimeout as sleep } from 'node:timers/promises';
import type { CaptureConfig } from '../../config.ts';
import { captureConfig } from '../../config.ts';
import { literal } from '../../types/literal.ts';
import { capture } from '../capture.ts';

const WAIT_MILLISECONDS = 20_000;
const OPERATIONS = Object.entries(Operation).map(([name]) => name);

/** A source under test: its config, what captures remember of it, and a client that plays the application. */
export class TestSource {
  readonly config: CaptureConfig;
  readonly client: Client;
  readonly name: string;
  readonly warnings: string[] = [];
  memory: Json | undefined;
  durable: Position | undefined;

  static async connect(url: string, options: Partial<CaptureConfig> = {}): Promise<TestSource> {
    const client = new Client({ connectionString: url });
    client.on('error', () => undefined);
    await client.connect();
    return new TestSource(captureConfig.parse({ url, ...options }), client, new URL(url).pathname.slice(1));
  }

  private constructor(config: CaptureConfig, client: Client, database: string) {
    this.config = config;
    this.client = client;
    this.name = `test/${database.replaceAll(/[^a-z0-9]/g, '')}`;
  }

  get context(): CaptureContext {
    return {
      log: {
        debug: () => undefined,
        info: () => undefined,
        warn: (_fields, message) => this.warnings.push(message),
        error: (_fields, message) => this.warnings.push(message),
      },
      now: () => Date.now(),
      reach: () => undefined,
      capture: this.name,
      ...(this.durable === undefined ? {} : { durable: this.durable }),
      ...(this.memory === undefined ? {} : { memory: this.memory }),
      remember: async (memory) => {
        this.memory = memory;
      },
    };
  }

  /** One value of one row. */
  async value(sql: string): Promise<string> {
    const { rows } = await this.client.query<Record<string, unknown>>(sql);
    return String(Object.values(rows[0] ?? {})[0]);
  }

  async open(): Promise<TestSession> {
    return new TestSession(this, await capture.open(this.config, this.context));
  }

  /** Opens, joins and follows in one go. */
  async follow(resources: readonly string[], resume?: ReadonlyMap<string, Resume>): Promise<TestSession> {
    const session = await this.open();
    await session.session.join(resources);
    session.stream(resume ?? new Map());
    return session;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.client.end();
  }
}

/** What a chunk brought. */
export interface ReadChunk {
  readonly rows: readonly string[];
  readonly snapshot: Snapshot;
  readonly passed: Position;
}

/** A session whose stream is taken in the background. */
export class TestSession {
  readonly session: CaptureSession;
  readonly parts: StreamPart[] = [];
  readonly slices: StreamSlice[] = [];
  /** As a journal would keep it. */
  readonly resume = new Map<string, Resume>();
  /** Acknowledges every slice as soon as it is taken. */
  acknowledges = false;
  passed: Position = 0n;
  failure: Error | undefined;
  readonly #source: TestSource;
  readonly #stop = new AbortController();
  #running: Promise<void> = Promise.resolve();

  constructor(source: TestSource, session: CaptureSession) {
    this.#source = source;
    this.session = session;
  }

  stream(resume: ReadonlyMap<string, Resume>): void {
    for (const [resource, place] of resume) this.resume.set(resource, place);
    this.#running = this.#take(resume).catch((error: unknown) => {
      this.failure = toProblem(error);
    });
  }

  async #take(resume: ReadonlyMap<string, Resume>): Promise<void> {
    for await (const slice of this.session.stream(resume, this.#stop.signal)) {
      this.slices.push(slice);
      this.parts.push(...slice.parts);
      for (const part of slice.parts) if ('resume' in part) this.resume.set(part.resource, part.resume);
      this.passed = slice.passed;
      if (!this.acknowledges) continue;
      this.#source.durable = slice.acknowledge;
      this.session.acknowledge(slice.acknowledge);
    }
  }

  /** Waits until everything that was committed before the call has been delivered. */
  async caughtUp(): Promise<void> {
    const end = await lsn(this.#source.client);
    await this.session.nudge();
    await this.until(() => this.passed >= end, 'the stream to catch up');
  }

  async until(isSo: () => boolean, what: string): Promise<void> {
    await waitUntil(() => {
      if (this.failure !== undefined) throw this.failure;
      return isSo();
    }, what);
  }

  /** Waits for the stream to fail, and tells how. */
  async failed(): Promise<Error | undefined> {
    await waitUntil(() => this.failure !== undefined, 'the stream to fail');
    return this.failure;
  }

  /** All changes of a table so far, one text each. */
  changes(resource: string): string[] {
    return this.parts.flatMap((part) => {
      if (part.resource !== resource) return [];
      if (part.kind === 'rows') return describeRows(part.batch);
      return part.kind === 'schema' ? [] : [part.kind];
    });
  }

  /** Shapes announced for a table so far: names and types. */
  shapes(resource: string): string[] {
    return this.parts.flatMap((part) => {
      if (part.resource !== resource || part.kind !== 'schema') return [];
      const columns = part.schema.columns.map((column) => `${column.name} ${column.sourceType}`);
      return [`${columns.join(', ')} key ${part.schema.key.join(', ')}`];
    });
  }

  /** Reads the whole table, or what is in scope, chunk by chunk. */
  async readAll(resource: string, scope?: Scope): Promise<string[]> {
    // A plan is kept as JSON over restarts.
    const plan = JSON.parse(JSON.stringify(await this.session.plan(resource, scope))) as ScanPlan;
    const rows: string[] = [];
    let remaining: readonly Range[] = plan.total;
    while (remaining.length > 0) {
      const range = this.session.next(plan, remaining);
      const chunk = await this.read(resource, plan, range);
      // Not by spreading: a chunk may have more rows than a call takes arguments.
      for (const row of chunk.rows) rows.push(row);
      const end = remaining[0]?.to ?? null;
      remaining = range.to === end ? [] : [{ from: range.to, to: end }];
    }
    return rows;
  }

  async read(
    resource: string,
    plan: Parameters<CaptureSession['scan']>[1],
    range: Range,
  ): Promise<ReadChunk> {
    await using chunk = await this.session.scan(resource, plan, range, this.#stop.signal);
    const rows: string[] = [];
    for await (const batch of chunk.batches) rows.push(...describeRows(batch));
    return { rows, ...(await chunk.finish()) };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#stop.abort();
    await this.#running;
    await this.session[Symbol.asyncDispose]();
  }
}

export async function lsn(client: Client): Promise<Position> {
  const { rows } = await client.query<{ position: string }>(
    "SELECT (pg_current_wal_insert_lsn() - '0/0')::text AS position",
  );
  return BigInt(rows[0]?.position as string);
}

export async function waitUntil(isSo: () => boolean | Promise<boolean>, what: string): Promise<void> {
  const until = Date.now() + WAIT_MILLISECONDS;
  while (!(await isSo())) {
    if (Date.now() > until) throw new Error(`waited ${WAIT_MILLISECONDS} ms for ${what}`);
    await sleep(5);
  }
}

/** `insert 1|one|∅`, `update 1|?`, `move 1→2|one`: ∅ is null, ? left out. Scanned rows have no operation in front. */
export function describeRows(batch: Batch): string[] {
  return Array.from({ length: batch.rows }, (_, row) => {
    const values = batch.columns.map((column) =>
      isUnknown(column, row) ? '?' : (literal(column, row) ?? '∅'),
    );
    if (batch.changes === undefined) return values.join('|');
    const operation = OPERATIONS[operationAt(batch, row)] as string;
    const old = batch.changes.oldKey?.map((column) => literal(column, row) ?? '∅').join(',');
    return operation === 'move' ? `move ${old}→${values.join('|')}` : `${operation} ${values.join('|')}`;
  });
}
