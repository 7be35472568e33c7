import { randomBytes } from 'node:crypto';

import { Client, escapeIdentifier } from 'pg';
import { inject } from 'vitest';

/** One of the running servers that all `*.pg.test.ts` files share. Never stop it or change its settings. */
export interface SharedPostgres {
  readonly majorVersion: number;
  /** The superuser's connection string for the database `postgres`. */
  readonly url: string;
  readonly binDirectory: string;
}

/** A database of one test's own. Disposing drops it, with its replication slots and whoever is connected. */
export interface TestDatabase {
  readonly name: string;
  readonly url: string;
  [Symbol.asyncDispose](): Promise<void>;
}

/** Every shared server, newest first. Use with `describe.for(sharedPostgres())('Postgres $majorVersion', ...)`. */
export function sharedPostgres(): readonly SharedPostgres[] {
  return inject('postgresServers');
}

/** The newest shared server, for tests that need only one. */
export function newestPostgres(): SharedPostgres {
  const [newest] = sharedPostgres();
  if (newest === undefined) throw new Error('No shared Postgres: only files named *.pg.test.ts have them.');
  return newest;
}

export async function createTestDatabase(server: SharedPostgres = newestPostgres()): Promise<TestDatabase> {
  const name = `test_${randomBytes(6).toString('hex')}`;
  await onServer(server, async (client) => {
    await client.query(`CREATE DATABASE ${escapeIdentifier(name)}`);
  });
  const url = new URL(server.url);
  url.pathname = `/${name}`;
  return {
    name,
    url: url.href,
    [Symbol.asyncDispose]: async () => onServer(server, async (client) => dropDatabase(client, name)),
  };
}

async function dropDatabase(client: Client, name: string): Promise<void> {
  const slots = 'FROM pg_replication_slots WHERE database = $1';
  await client.query(`SELECT pg_terminate_backend(active_pid, 5000) ${slots} AND active`, [name]);
  await client.query(`SELECT pg_drop_replication_slot(slot_name) ${slots}`, [name]);
  await client.query(`DROP DATABASE IF EXISTS ${escapeIdentifier(name)} WITH (FORCE)`);
}

async function onServer(server: SharedPostgres, work: (client: Client) => Promise<void>): Promise<void> {
  const client = new Client({ connectionString: server.url });
  await client.connect();
  try {
    await work(client);
  } finally {
    await client.end();
  }
}
