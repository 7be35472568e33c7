import { randomBytes } from 'node:crypto';
import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { Client as Api, OPERATIONS } from '@brimful/api';
import type { Child, ChildExit } from '@brimful/testbed';
import { startChild } from '@brimful/testbed';
import type { TestDatabase } from '@brimful/testbed/vitest';
import { createTestDatabase } from '@brimful/testbed/vitest';
import { Client } from 'pg';
import { afterEach, beforeEach, expect, test } from 'vitest';

const MAIN = fileURLToPath(new URL('main.ts', import.meta.url));
const PATIENCE = { timeout: 90_000, interval: 500 };

let source: TestDatabase;
let target: TestDatabase;
let client: Client;
let directory: string;
/** Slots are the whole server's: each test has its own. */
let capture: string;

beforeEach(async () => {
  [source, target] = await Promise.all([createTestDatabase(), createTestDatabase()]);
  client = new Client({ connectionString: source.url });
  await client.connect();
  directory = mkdtempSync(join(tmpdir(), 'brimful-up-'));
  capture = `t${randomBytes(4).toString('hex')}/pg`;
  await client.query(`
    CREATE TABLE orders (id int PRIMARY KEY, note text, total numeric);
    INSERT INTO orders SELECT i, 'note ' || i, i / 7.0 FROM generate_series(1, 5000) i;
    CREATE TABLE log (at timestamptz, line text);
    INSERT INTO log SELECT now(), 'line ' || i FROM generate_series(1, 300) i`);
  const prefix = capture.split('/')[0];
  writeFileSync(
    join(directory, 'brimful.yaml'),
    `captures:
  ${capture}:
    connector: postgres
    config: { url: \${SOURCE_URL} }
    autoDiscover: { schemas: [public] }
materializations:
  ${prefix}/duck:
    connector: duckdb
    config: { path: w.duckdb, memoryLimit: 512MB }
    source: ${capture}
  ${prefix}/copy:
    connector: postgres
    config: { url: \${TARGET_URL} }
    source: ${capture}
`,
  );
});

afterEach(async () => {
  await client.end();
  await source[Symbol.asyncDispose]();
  await target[Symbol.asyncDispose]();
  rmSync(directory, { recursive: true, force: true });
});

function brimful(...words: readonly string[]): Child {
  return startChild({
    script: MAIN,
    arguments: words,
    cwd: directory,
    env: { SOURCE_URL: source.url, TARGET_URL: target.url },
  });
}

async function ended(...words: readonly string[]): Promise<ChildExit & { stdout: string; stderr: string }> {
  await using child = brimful(...words);
  const exit = await child.exited;
  return { ...exit, stdout: child.stdout(), stderr: child.stderr() };
}

/** What a destination answers, as JSON lines. */
async function rows(materialization: string, sql: string): Promise<unknown[]> {
  const { stdout, stderr, code } = await ended(
    '--json',
    'query',
    `${capture.split('/')[0]}/${materialization}`,
    sql,
  );
  if (code !== 0) return [stderr];
  return stdout
    .trim()
    .split('\n')
    .map((line): unknown => JSON.parse(line));
}

async function scalars(sql: string): Promise<unknown[]> {
  const { rows: found } = await client.query<Record<string, unknown>>(sql);
  return found.map((row) => Object.values(row)[0]);
}

const SUMS = 'SELECT count(*)::text AS n, sum(id)::text AS ids, max(note) AS note FROM orders';

test('copies, follows, survives kill -9, stops on a signal, and goes without a trace', async () => {
  expect(await ended('check')).toMatchObject({ code: 0, stderr: '' });
  await using first = brimful('up');
  await first.waitForOutput(/"phases":\{"live":2\}.*"phases":\{"live":2\}/, 90_000);
  const copied = [{ n: '5000', ids: '12502500', note: 'note 999' }];
  expect(await rows('duck', SUMS)).toEqual(copied);
  expect(await rows('copy', SUMS)).toEqual(copied);

  // Invariant 4
  await first.kill('SIGKILL');
  await client.query(`
    DELETE FROM orders WHERE id <= 10; UPDATE orders SET note = 'zz' WHERE id = 11;
    INSERT INTO orders VALUES (6000, 'new', NULL); INSERT INTO log VALUES (now(), 'after')`);
  await using again = brimful('up');
  const second = [{ n: '4991', ids: String(12_502_500 - 55 + 6000), note: 'zz' }];
  await expect.poll(() => rows('copy', SUMS), PATIENCE).toEqual(second);
  await expect.poll(() => rows('duck', SUMS), PATIENCE).toEqual(second);
  expect(await rows('copy', 'SELECT count(*)::text AS n FROM log')).toEqual([{ n: '301' }]);

  const status = await ended('status', '--json');
  expect(status.code).toBe(0);
  expect(JSON.parse(status.stdout)).toMatchObject({ running: true, captures: [{ name: capture }] });
  const refused = await ended('up');
  expect(refused).toMatchObject({ code: 1, stderr: expect.stringContaining('BRM-STORE-LOCKED') });
  const preview = await ended('preview', `${capture.split('/')[0]}/orders`, '-n', '1', '--json');
  expect(JSON.parse(preview.stdout)).toMatchObject({
    operation: 'insert',
    values: { id: '6000', total: null },
  });
  await askedOverHttp(/"url":"([^"]+)"/.exec(again.stdout())?.[1] ?? '');

  expect(await again.kill('SIGTERM')).toEqual({ code: 0, signal: null });
  // Invariant 10
  expect(first.stdout() + again.stdout()).not.toContain(new URL(source.url).password || 'no password here');

  expect(
    await scalars('SELECT slot_name FROM pg_replication_slots WHERE database = current_database()'),
  ).toHaveLength(1);
  expect(await ended('down', '--drop', '--drop-tables', '--yes')).toMatchObject({ code: 0 });
  expect(
    await scalars('SELECT slot_name FROM pg_replication_slots WHERE database = current_database()'),
  ).toEqual([]);
  expect(await scalars('SELECT pubname FROM pg_publication')).toEqual([]);
  expect(existsSync(join(directory, 'data'))).toBe(false);
  expect(await rows('copy', "SELECT count(*)::text AS n FROM pg_tables WHERE schemaname = 'public'")).toEqual(
    [{ n: '0' }],
  );
});

/** What a browser would be told about the same pipe. */
async function askedOverHttp(origin: string): Promise<void> {
  const [prefix] = capture.split('/');
  const api = new Api({ origin });
  expect(await api.call('getCapture', { path: { name: capture } })).toMatchObject({ state: 'running' });
  const path = { name: `${prefix}/orders` };
  const { collection, schema } = await api.call('getCollection', { path });
  expect(collection.readers.map(({ table }) => table)).toEqual(['orders', 'orders']);
  expect(schema?.columns.map(({ name }) => name)).toEqual(['id', 'note', 'total']);
  const newest = await api.call('previewCollection', { path, query: { limit: 12 } });
  expect(newest.rows.at(-1)).toMatchObject({ operation: 'insert', values: { id: '6000', total: null } });
  expect(newest.rows).toHaveLength(12);
  const before = await api.call('previewCollection', { path, query: { limit: 2, skip: 1 } });
  expect(before.rows).toEqual(newest.rows.slice(-3, -1));
  const far = await api.call('previewCollection', { path, query: { limit: 5, skip: 100 } });
  expect(far.rows.map(({ operation }) => operation)).toEqual(Array(5).fill('read'));
  const draft = { mode: 'incremental', task: capture, bindings: [path.name], reason: 'to see' };
  const plan = await api.call('planBackfill', { body: draft });
  expect(plan).toMatchObject({ request: { author: 'local' }, bindings: [{ collection: path.name }] });
  expect((await api.call('listPlans', {})).plans.map(({ id }) => id)).toEqual([plan.id]);
  const unread = api.call('applyPlan', { path: { id: plan.id } });
  await expect(unread).rejects.toMatchObject({ message: expect.stringContaining('whole-table') });
  const acknowledged = plan.guards.filter(({ level }) => level === 'confirm').map((guard) => guard.id);
  const { id } = await api.call('applyPlan', { path: { id: plan.id }, body: { acknowledged } });
  const state = async (): Promise<string> => (await api.call('getRun', { path: { id } })).state;
  await expect.poll(state, PATIENCE).toBe('done');
  expect(OPERATIONS.getRun.answer.parse(await api.call('getRun', { path: { id } }))).toMatchObject({ id });
  const began = await api.call('startVerification', { body: { target: path.name, level: 'full' } });
  const verified = () => api.call('getVerification', { path: { id: began.id } });
  await expect.poll(async () => (await verified()).state, PATIENCE).toBe('done');
  expect((await verified()).reports.map(({ verdict }) => verdict)).toEqual(expect.arrayContaining(['equal']));
}

test('a source that cannot be reached is said by check and waited for by up', async () => {
  writeFileSync(
    join(directory, 'brimful.yaml'),
    `captures:\n  ${capture}:\n    connector: postgres\n    config: { url: "postgres://me:s3cret@127.0.0.1:1/x" }\n`,
  );
  const checked = await ended('check');
  expect(checked.code).toBe(1);
  expect(checked.stdout).toContain('127.0.0.1:1');
  await using up = brimful('up');
  await up.waitForOutput(/127\.0\.0\.1:1/, 60_000);
  expect(await up.kill('SIGINT')).toEqual({ code: 0, signal: null });
  // Invariant 10
  expect(checked.stdout + up.stdout() + up.stderr()).not.toContain('s3cret');
});
