import { randomUUID } from 'node:crypto';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { ControlClient } from '@brimful/control';
import { compareTables, duckdbRows, postgresRows, tableShape } from '@brimful/demo/compare';
import type { SharedPostgres, TestDatabase } from '@brimful/testbed/vitest';
import { createTestDatabase } from '@brimful/testbed/vitest';
import { Client } from 'pg';
import type { PipeOptions } from './pipe-options.ts';
import { captureAll, materializeAll } from './pipe-options.ts';
import type { PipeReport } from './pipe-process.ts';
import { PipeProcess, hasPassed, isSettled } from './pipe-process.ts';

/** Generous: machines that run tests are slow and shared. Reaching it is a failure, never a measurement. */
const SETTLE_MILLISECONDS = 240_000;

/** A source with some tables, a Postgres and a DuckDB destination, and pipes between them, in processes of their own. */
export class PipeBed implements AsyncDisposable {
  readonly source: TestDatabase;
  readonly target: TestDatabase;
  readonly directory: string;
  readonly duckdb: string;
  readonly options: PipeOptions;
  #client: Client;

  private constructor(
    source: TestDatabase,
    target: TestDatabase,
    directory: string,
    client: Client,
    change: (options: PipeOptions) => Partial<PipeOptions>,
  ) {
    this.source = source;
    this.target = target;
    this.directory = directory;
    this.duckdb = join(directory, 'copy.duckdb');
    this.#client = client;
    const options: PipeOptions = {
      dataDirectory: join(directory, 'data'),
      // Slots belong to the whole server, which other tests share.
      captures: [captureAll('shop/postgres', source.url, { slot: `bed_${randomUUID().slice(0, 8)}` })],
      materializations: [
        materializeAll('shop/copy', 'postgres', { url: target.url }, 'shop/postgres'),
        materializeAll('shop/lake', 'duckdb', { path: this.duckdb }, 'shop/postgres'),
      ],
    };
    this.options = { ...options, ...change(options) };
  }

  static async create(
    server: SharedPostgres,
    sql: string,
    change: (options: PipeOptions) => Partial<PipeOptions> = () => ({}),
  ): Promise<PipeBed> {
    const source = await createTestDatabase(server);
    const target = await createTestDatabase(server);
    const directory = await mkdtemp(join(tmpdir(), 'brimful-pipe-'));
    const client = new Client({ connectionString: source.url });
    client.on('error', () => undefined);
    await client.connect();
    await client.query(sql);
    return new PipeBed(source, target, directory, client, change);
  }

  start(env: Readonly<Record<string, string>> = {}): PipeProcess {
    return new PipeProcess(this.options, env);
  }

  /** To steer the pipe that runs now. */
  async control(): Promise<ControlClient> {
    for (;;) {
      const client = await ControlClient.find(this.options.dataDirectory);
      if (client !== undefined) return client;
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
  }

  async query<T extends object>(sql: string): Promise<T[]> {
    return (await this.#client.query<T>(sql)).rows;
  }

  /** The source's server was away. */
  async reconnect(): Promise<void> {
    await this.#client.end().catch(() => undefined);
    this.#client = new Client({ connectionString: this.source.url });
    this.#client.on('error', () => undefined);
    await this.#client.connect();
  }

  /** Asks the Postgres destination, on a connection of its own. */
  async copied<T extends object>(sql: string): Promise<T[]> {
    const client = new Client({ connectionString: this.target.url });
    await client.connect();
    try {
      return (await client.query<T>(sql)).rows;
    } finally {
      await client.end();
    }
  }

  /** Waits until every table is complete and all that is committed now has arrived everywhere. */
  async arrived(pipe: PipeProcess): Promise<PipeReport> {
    await pipe.until('the first read', isSettled, SETTLE_MILLISECONDS);
    const [row] = await this.query<{ end: string }>(
      "SELECT pg_logical_emit_message(true, 'test', ''), (pg_current_wal_insert_lsn() - '0/0')::text AS end",
    );
    return pipe.until('the end of the log', hasPassed(BigInt(row?.end ?? 0)), SETTLE_MILLISECONDS);
  }

  /** Waits until all has arrived, stops the pipe, and tells where any destination differs from the source. */
  async differences(pipe: PipeProcess): Promise<string[]> {
    const { status } = await this.arrived(pipe);
    await pipe.stop();
    const found: string[] = [];
    for (const { name, bindings } of status.materializations) {
      for (const { collection, table } of bindings) {
        const resource = status.captures[0]?.bindings.find(
          (binding) => binding.collection === collection,
        )?.resource;
        const shape = await tableShape(this.source.url, nameOf(resource ?? ''));
        const copy =
          name === 'shop/lake'
            ? duckdbRows(this.duckdb, shape, table)
            : postgresRows(this.target.url, shape, table, 'public');
        const result = await compareTables(shape, postgresRows(this.source.url, shape), copy);
        if (!result.equal) found.push(`${name} ${table}: ${JSON.stringify(result, null, 1)}`);
      }
    }
    return found;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#client.end();
    await this.source[Symbol.asyncDispose]();
    await this.target[Symbol.asyncDispose]();
    await rm(this.directory, { recursive: true, force: true });
  }
}

/** `public."Größe, ""quoted"""` → `Größe, "quoted"`. */
function nameOf(resource: string): string {
  const quoted = resource.slice(resource.indexOf('.') + 1);
  return quoted.startsWith('"') ? quoted.slice(1, -1).replaceAll('""', '"') : quoted;
}
