import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { Client as Api } from '@brimful/api';
import { compareTables, duckdbRows, postgresRows, tableShape } from '@brimful/demo/compare';
import type { LiveWriter } from '@brimful/demo/shop';
import { fillShop, shopSize, startWriter, TABLES } from '@brimful/demo/shop';
import type { Run } from '@brimful/model';
import type { Child } from '@brimful/testbed';
import { startChild } from '@brimful/testbed';
import type { SharedPostgres, TestDatabase } from '@brimful/testbed/vitest';
import { createTestDatabase } from '@brimful/testbed/vitest';
import type { Browser, Page } from '@brimful/web/testing';
import { Client } from 'pg';

const MAIN = fileURLToPath(new URL('../../packages/cli/src/main.ts', import.meta.url));
/** Generous, as everywhere: reaching it is a failure, never a measurement. */
const PATIENCE_MILLISECONDS = 120_000;
const LOOK_MILLISECONDS = 100;
const TRANSACTIONS_PER_SECOND = 40;

const CONFIG = `captures:
  shop/postgres:
    connector: postgres
    config: { url: \${SOURCE_URL} }
    autoDiscover: { schemas: [public] }
materializations:
  shop/warehouse:
    connector: duckdb
    config: { path: warehouse.duckdb, memoryLimit: 512MB }
    source: shop/postgres
  shop/replica:
    connector: postgres
    config: { url: \${TARGET_URL} }
    source: shop/postgres
`;

/**
 * A person's machine: the shop's database with customers in it, `brimful up` in a process of its own, two destinations, and
 * a browser that shows its pages.
 */
export class BrowserBed implements AsyncDisposable {
  readonly source: TestDatabase;
  readonly page: Page;
  readonly #target: TestDatabase;
  readonly #directory: string;
  readonly #orders: number;
  /** What the browser complained about. */
  readonly complaints: string[] = [];
  #child: Child | undefined;
  #writer: LiveWriter | undefined;
  #port = 0;

  private constructor(
    page: Page,
    [source, target]: readonly [TestDatabase, TestDatabase],
    directory: string,
    orders: number,
  ) {
    this.page = page;
    this.source = source;
    this.#target = target;
    this.#directory = directory;
    this.#orders = orders;
    page.setDefaultTimeout(PATIENCE_MILLISECONDS);
    page.on('pageerror', ({ message }) => this.complaints.push(message));
  }

  /** Nothing runs yet but the database, filled. */
  static async create(server: SharedPostgres, browser: Browser, orders: number): Promise<BrowserBed> {
    const source = await createTestDatabase(server);
    const target = await createTestDatabase(server);
    const directory = await mkdtemp(join(tmpdir(), 'brimful-browser-'));
    await writeFile(join(directory, 'brimful.yaml'), CONFIG);
    await fillShop(source.url, shopSize(orders));
    const page = await browser.newPage({ viewport: { width: 1280, height: 900 }, reducedMotion: 'reduce' });
    const bed = new BrowserBed(page, [source, target], directory, orders);
    await bed.query('CREATE INDEX ON orders (placed_at)');
    return bed;
  }

  get origin(): string {
    return `http://127.0.0.1:${this.#port}`;
  }

  /** Starts `brimful up`; again where it was before, so that an open page finds it. */
  async up(): Promise<void> {
    const child = startChild({
      script: MAIN,
      arguments: ['up', '--port', String(this.#port)],
      cwd: this.#directory,
      env: { SOURCE_URL: this.source.url, TARGET_URL: this.#target.url },
    });
    this.#child = child;
    const [, port = ''] = await child.waitForOutput(
      /"url":"http:\/\/127\.0\.0\.1:(\d+)"/,
      PATIENCE_MILLISECONDS,
    );
    this.#port = Number(port);
  }

  /** SIGKILL: as a crash. SIGTERM: as somebody who stops it. */
  async down(signal: 'SIGKILL' | 'SIGTERM'): Promise<void> {
    await this.#child?.kill(signal);
  }

  /** Customers change the shop until `differences`. */
  async write(): Promise<void> {
    this.#writer = await startWriter(this.source.url, shopSize(this.#orders), TRANSACTIONS_PER_SECOND);
  }

  async query<T extends object>(sql: string): Promise<T[]> {
    return rowsOf<T>(this.source.url, sql);
  }

  /** Of the Postgres destination. */
  async copied<T extends object>(sql: string): Promise<T[]> {
    return rowsOf<T>(this.#target.url, sql);
  }

  /** What the page's address names. */
  run(): Promise<Run> {
    const id = new URL(this.page.url()).pathname.split('/').at(-1) ?? '';
    return new Api({ origin: this.origin }).call('getRun', { path: { id } });
  }

  /** All that is committed now has arrived everywhere. */
  async arrived(): Promise<void> {
    const [row] = await this.query<{ end: string }>(
      "SELECT pg_logical_emit_message(true, 'test', ''), (pg_current_wal_insert_lsn() - '0/0')::text AS end",
    );
    const end = BigInt(row?.end ?? 0);
    const api = new Api({ origin: this.origin });
    const deadline = Date.now() + PATIENCE_MILLISECONDS;
    for (;;) {
      const { captures, materializations } = await api.call('getStatus', {});
      const journaled = captures.every(({ position }) => BigInt(position ?? 0) >= end);
      const ends = new Map(
        captures.flatMap(({ bindings }) =>
          bindings.map(({ collection, journal }) => [collection, journal.next] as const),
        ),
      );
      const written = materializations.every(({ bindings }) =>
        bindings.every(({ collection, offset }) => offset >= (ends.get(collection) ?? 0)),
      );
      if (journaled && written) return;
      if (Date.now() > deadline)
        throw new Error(`not all has arrived:\n${JSON.stringify({ captures, materializations }, null, 1)}`);
      await new Promise((resolve) => setTimeout(resolve, LOOK_MILLISECONDS));
    }
  }

  /** Stops the customers, waits until all has arrived, stops the pipe, and tells where any destination differs from the source. */
  async differences(): Promise<string[]> {
    await this.#writer?.stop();
    await this.arrived();
    await this.down('SIGTERM');
    const found: string[] = [];
    for (const table of TABLES) {
      const shape = await tableShape(this.source.url, table);
      const copies = [
        duckdbRows(join(this.#directory, 'warehouse.duckdb'), shape),
        postgresRows(this.#target.url, shape),
      ];
      for (const copy of copies) {
        const result = await compareTables(shape, postgresRows(this.source.url, shape), copy);
        if (!result.equal) found.push(`${table}: ${JSON.stringify(result, null, 1)}`);
      }
    }
    return found;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.page.close();
    await this.#writer?.stop();
    await this.down('SIGKILL');
    await this.source[Symbol.asyncDispose]();
    await this.#target[Symbol.asyncDispose]();
    await rm(this.#directory, { recursive: true, force: true });
  }
}

async function rowsOf<T extends object>(url: string, sql: string): Promise<T[]> {
  const client = new Client({ connectionString: url });
  await client.connect();
  try {
    return (await client.query<T>(sql)).rows;
  } finally {
    await client.end();
  }
}
