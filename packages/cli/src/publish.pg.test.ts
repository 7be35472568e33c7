import { randomBytes } from 'node:crypto';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { Client as Api } from '@brimful/api';
import type { Child } from '@brimful/testbed';
import { startChild } from '@brimful/testbed';
import type { TestDatabase } from '@brimful/testbed/vitest';
import { createTestDatabase } from '@brimful/testbed/vitest';
import { Client } from 'pg';
import { afterEach, beforeEach, expect, test } from 'vitest';

const MAIN = fileURLToPath(new URL('main.ts', import.meta.url));
const PATIENCE = { timeout: 120_000, interval: 500 };

let source: TestDatabase;
let target: TestDatabase;
let client: Client;
let copy: Client;
let directory: string;
/** Slots are the whole server's: each test has its own. */
let prefix: string;

beforeEach(async () => {
  [source, target] = await Promise.all([createTestDatabase(), createTestDatabase()]);
  client = new Client({ connectionString: source.url });
  copy = new Client({ connectionString: target.url });
  await Promise.all([client.connect(), copy.connect()]);
  directory = mkdtempSync(join(tmpdir(), 'brimful-publish-'));
  prefix = `t${randomBytes(4).toString('hex')}`;
  await client.query(`
    CREATE TABLE orders (id int PRIMARY KEY, note text);
    INSERT INTO orders SELECT i, 'note ' || i FROM generate_series(1, 2000) i;
    CREATE TABLE lines (id int PRIMARY KEY, note text);
    INSERT INTO lines SELECT i, 'line ' || i FROM generate_series(1, 2000) i`);
  writeFileSync(catalogFile(), catalog(['orders']));
});

afterEach(async () => {
  await Promise.all([client.end(), copy.end()]);
  await source[Symbol.asyncDispose]();
  await target[Symbol.asyncDispose]();
  rmSync(directory, { recursive: true, force: true });
});

const catalogFile = (): string => join(directory, 'brimful.yaml');

function catalog(tables: readonly string[]): string {
  return `captures:
  ${prefix}/pg:
    connector: postgres
    config: { url: \${SOURCE_URL} }
    bindings:
${tables.map((table) => `      - { resource: public.${table} }`).join('\n')}
materializations:
  ${prefix}/copy:
    connector: postgres
    config: { url: \${TARGET_URL} }
    source: ${prefix}/pg
server: { port: 0 }
`;
}

function brimful(...words: readonly string[]): Child {
  return startChild({
    script: MAIN,
    arguments: words,
    cwd: directory,
    env: { SOURCE_URL: source.url, TARGET_URL: target.url },
  });
}

async function ended(...words: readonly string[]): Promise<{ code: number | null; said: string }> {
  await using child = brimful(...words);
  const { code } = await child.exited;
  return { code, said: child.stdout() + child.stderr() };
}

async function rows(of: Client, table: string): Promise<unknown> {
  const sql = `SELECT count(*)::int AS n, sum(id)::int AS ids, md5(string_agg(note, ',' ORDER BY id)) AS notes FROM ${table}`;
  return (await of.query(sql).catch(() => ({ rows: [] }))).rows[0];
}

/** Once the writer has ended. */
async function becomesEqual(table: string): Promise<void> {
  const wanted = await rows(client, table);
  await expect.poll(() => rows(copy, table), PATIENCE).toEqual(wanted);
}

/** Inserts, updates and deletes in both tables until stopped. */
function startWriter(): { stop(): Promise<void> } {
  let isRunning = true;
  const writing = (async () => {
    const writer = new Client({ connectionString: source.url });
    await writer.connect();
    for (let id = 10_000; isRunning; id += 1) {
      for (const table of ['orders', 'lines']) {
        await writer.query(
          `INSERT INTO ${table} VALUES (${id}, 'new ${id}'); UPDATE ${table} SET note = 'changed ${id}' WHERE id = ${id % 2000};
           DELETE FROM ${table} WHERE id = ${(id * 7) % 2000}`,
        );
      }
      await pause(10);
    }
    await writer.end();
  })();
  return {
    stop: async () => {
      isRunning = false;
      await writing;
    },
  };
}

test('tables come and go while a writer runs, in one process; what is broken is refused, and a revert mends it', async () => {
  await using pipe = brimful('up');
  await pipe.waitForOutput(/"url":"([^"]+)"/, 90_000);
  const api = new Api({ origin: /"url":"([^"]+)"/.exec(pipe.stdout())?.[1] ?? '' });
  await expect.poll(() => rows(copy, 'orders'), PATIENCE).toMatchObject({ n: 2000 });
  const { pid } = await api.call('getStatus', {});
  const writer = startWriter();

  const { text, revision } = await api.call('getCatalog', {});
  expect(text).toBe(catalog(['orders']));
  const more = await api.call('planPublication', {
    body: { text: catalog(['orders', 'lines']), base: revision, reason: 'lines, too' },
  });
  expect(more).toMatchObject({ problems: [], blocked: [] });
  expect(more.changes[0]).toMatchObject({ subject: 'public.lines', consequence: 'first read' });
  const applied = await api.call('applyPublication', { path: { id: more.id } });
  expect(applied).toMatchObject({ number: 2, state: 'applied', origin: 'browser', why: 'lines, too' });
  expect(readFileSync(catalogFile(), 'utf8')).toBe(catalog(['orders', 'lines']));
  await expect
    .poll(async () => Number(((await rows(copy, 'lines')) as { n?: number } | undefined)?.n ?? 0), PATIENCE)
    .toBeGreaterThan(1000);
  await writer.stop();
  await becomesEqual('orders');
  await becomesEqual('lines');
  expect(await api.call('getStatus', {})).toMatchObject({ pid });

  // A source that is not there is found out before anything stops.
  const wrong = `${catalog(['orders', 'lines'])}`.replace(
    'config: { url: ${SOURCE_URL} }',
    'config: { url: "postgres://nobody:wrong-pw@127.0.0.1:1/x" }',
  );
  const broken = await api.call('planPublication', { body: { text: wrong } });
  expect(broken.blocked.join()).toContain(`${prefix}/pg: connection`);
  expect(JSON.stringify(broken)).not.toContain('wrong-pw');
  await expect(api.call('applyPublication', { path: { id: broken.id } })).rejects.toMatchObject({
    code: 'BRM-CATALOG-BLOCKED',
  });
  expect(readFileSync(catalogFile(), 'utf8')).toBe(catalog(['orders', 'lines']));

  const less = await api.call('planPublication', { body: { text: catalog(['orders']) } });
  await api.call('applyPublication', { path: { id: less.id } });
  const kept = await rows(copy, 'lines');
  await client.query("INSERT INTO lines VALUES (99999, 'unseen'); INSERT INTO orders VALUES (99999, 'seen')");
  await becomesEqual('orders');
  expect(await rows(copy, 'lines')).toEqual(kept);

  const back = await api.call('revertPublication', { path: { number: 3 }, body: {} });
  expect(back.changes[0]).toMatchObject({ subject: 'public.lines', consequence: 'backfill' });
  await api.call('applyPublication', { path: { id: back.id } });
  const phase = async (): Promise<string | undefined> =>
    (await api.call('getStatus', {})).captures[0]?.bindings.find(
      ({ resource }) => resource === 'public.lines',
    )?.phase;
  // Never as if nothing had been missed.
  await expect.poll(phase, PATIENCE).toBe('gap');
  const reset = await ended(
    'backfill',
    'run',
    `${prefix}/pg`,
    '--binding',
    `${prefix}/lines`,
    '--mode',
    'reset',
    '--reason',
    'back',
    '--yes',
    '--acknowledge',
    'whole-table',
    '--no-watch',
  );
  expect(reset).toMatchObject({ code: 0 });
  await becomesEqual('lines');

  // The same from the file.
  expect((await ended('plan')).code).toBe(0);
  writeFileSync(catalogFile(), catalog(['orders']));
  expect(await ended('plan')).toMatchObject({
    code: 8,
    said: expect.stringContaining('public.lines is not captured'),
  });
  expect(await ended('apply', '--yes', '--reason', 'tidy')).toMatchObject({
    code: 0,
    said: expect.stringContaining('Publication 5 is applied: what runs has followed.'),
  });
  expect((await ended('plan')).code).toBe(0);
  expect((await ended('publications', 'list')).said).toContain('lines, too');
  expect(await pipe.kill('SIGTERM')).toEqual({ code: 0, signal: null });
}, 400_000);
