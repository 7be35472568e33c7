import { chmodSync, existsSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';

import { Client } from 'pg';
import { describe, expect, test } from 'vitest';

import { startChild } from './child.ts';
import { findDebianPostgres } from './postgres-binaries.ts';
import { startPostgres } from './postgres.ts';
import { createTestDatabase, sharedPostgres } from './shared-postgres.ts';

async function ask(url: string, sql: string): Promise<unknown[]> {
  const client = new Client({ connectionString: url });
  // A server that is told to stop ends its clients; only a query's failure matters here.
  client.on('error', () => {});
  await client.connect();
  try {
    const { rows } = await client.query<unknown[]>({ text: sql, rowMode: 'array' });
    return rows.flat();
  } finally {
    await client.end();
  }
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
}

async function eventually(holds: () => boolean): Promise<boolean> {
  for (let tries = 0; tries < 200; tries += 1) {
    if (holds()) return true;
    await sleep(50);
  }
  return false;
}

describe.for(['embedded', 'debian'] as const)('a %s server', (version) => {
  const missing = version === 'debian' && findDebianPostgres() === undefined;

  test.skipIf(missing)('starts, keeps data over restart and crash, and leaves nothing behind', async () => {
    const server = await startPostgres({ version, settings: { work_mem: '7MB' } });
    const { pid, dataDirectory } = server;
    try {
      const url = await server.createDatabase('Shop "ü"');
      await ask(url, 'CREATE TABLE t AS SELECT 1 AS n');
      expect(await ask(url, 'SHOW wal_level')).toEqual(['logical']);
      expect(await ask(url, 'SHOW work_mem')).toEqual(['7MB']);
      expect(await ask(url, 'SHOW fsync')).toEqual(['on']);

      await server.restart();
      expect(server.pid).not.toBe(pid);
      expect(await ask(url, 'SELECT n FROM t')).toEqual([1]);

      await ask(url, 'INSERT INTO t VALUES (2)');
      await server.crash();
      expect(server.running).toBe(false);
      await expect(ask(url, 'SELECT 1')).rejects.toThrow('ECONNREFUSED');
      await server.start();
      expect(server.log()).toContain('automatic recovery in progress');
      expect(await ask(url, 'SELECT n FROM t ORDER BY n')).toEqual([1, 2]);
    } finally {
      await server[Symbol.asyncDispose]();
    }
    expect(isAlive(pid)).toBe(false);
    expect(existsSync(dataDirectory)).toBe(false);
  });
});

test('a given data directory outlives its server and is used again', async () => {
  const directory = mkdtempSync(join(tmpdir(), 'brimful-kept-'));
  chmodSync(directory, 0o755);
  const dataDirectory = join(directory, 'data');
  try {
    const options = { dataDirectory, password: "p'w d" };
    {
      await using server = await startPostgres(options);
      await ask(server.url(), 'CREATE TABLE kept AS SELECT 42 AS n');
      const wrong = server.url().replace(/:[^:@]*@/, ':wrong@');
      await expect(ask(wrong, 'SELECT 1')).rejects.toThrow('password authentication failed');
    }
    await using server = await startPostgres(options);
    expect(await ask(server.url(), 'SELECT n FROM kept')).toEqual([42]);
  } finally {
    rmSync(directory, { recursive: true, force: true });
  }
});

test('a server that cannot start says why', async () => {
  await expect(startPostgres({ settings: { shared_buffers: 'many' } })).rejects.toThrow('shared_buffers');
});

test('a server ends when its owner is killed', async () => {
  const owner = startChild({ script: join(import.meta.dirname, 'testing', 'own-a-server.ts') });
  const [, pid, dataDirectory] = await owner.waitForOutput(/pid (\d+) in (\S+)/, 60_000);
  expect(isAlive(Number(pid))).toBe(true);
  await owner.kill('SIGKILL');
  expect(await eventually(() => !isAlive(Number(pid)))).toBe(true);
  expect(await eventually(() => !existsSync(String(dataDirectory)))).toBe(true);
});

describe.for(sharedPostgres())('the shared Postgres $majorVersion', (server) => {
  test('gives each test a database that goes away with its slots', async () => {
    const database = await createTestDatabase(server);
    expect(await ask(database.url, 'SELECT current_database()')).toEqual([database.name]);
    await ask(database.url, `SELECT pg_create_logical_replication_slot('${database.name}', 'pgoutput')`);
    await database[Symbol.asyncDispose]();
    const left = `SELECT count(*)::int FROM pg_database WHERE datname = '${database.name}'`;
    expect(await ask(server.url, left)).toEqual([0]);
  });
});
