import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { PostgresServer } from '@brimful/testbed';
import { startPostgres } from '@brimful/testbed';
import { Client } from 'pg';

/** Two servers of Debian's Postgres, as an application's database and a warehouse would be, and a scratch directory. */
export interface Bench extends AsyncDisposable {
  readonly source: PostgresServer;
  readonly target: PostgresServer;
  readonly directory: string;
  /** `psql` and `pg_recvlogical` of the same version. */
  readonly bin: string;
}

/** Room to work, durable as a default installation is. */
const SETTINGS = {
  shared_buffers: '1GB',
  max_wal_size: '8GB',
  checkpoint_timeout: '30min',
  maintenance_work_mem: '256MB',
  fsync: 'on',
  synchronous_commit: 'on',
  max_wal_senders: '10',
  max_replication_slots: '10',
};

export async function startBench(): Promise<Bench> {
  const directory = await mkdtemp(join(tmpdir(), 'brimful-bench-'));
  const source = await startPostgres({ version: 'debian', settings: SETTINGS });
  const target = await startPostgres({ version: 'debian', settings: SETTINGS });
  return {
    source,
    target,
    directory,
    bin: source.binDirectory,
    async [Symbol.asyncDispose]() {
      await source[Symbol.asyncDispose]();
      await target[Symbol.asyncDispose]();
      await rm(directory, { recursive: true, force: true });
    },
  };
}

export async function sql<T extends object>(url: string, text: string): Promise<T[]> {
  const client = new Client({ connectionString: url });
  await client.connect();
  try {
    const result = await client.query<T>(text);
    // Several statements give several results; the last one counts.
    return (Array.isArray(result) ? (result.at(-1) as typeof result) : result).rows;
  } finally {
    await client.end();
  }
}
