import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createTestDatabase, sharedPostgres } from '@brimful/testbed/vitest';
import { Client } from 'pg';
import { describe, expect, test } from 'vitest';
import { differences } from './compare-tables.ts';
import { captureAll, materializeAll } from './pipe-options.ts';
import { PipeProcess, hasPassed, isSettled, tablePairs } from './pipe-process.ts';
import { HARD_TABLES, HARD_TABLE_COUNT, Workload, fillSql, randomOf } from './workload.ts';

/** Longer by a flag: `BRIMFUL_ROUNDS=50 npm test -- acceptance`. */
const ROUNDS = Number(process.env['BRIMFUL_ROUNDS'] ?? 3);
const SEED = Number(process.env['BRIMFUL_SEED'] ?? Date.now() % 1_000_000);
const SETTLE_MILLISECONDS = 120_000;

async function run(url: string, sql: string): Promise<Client> {
  const client = new Client({ connectionString: url });
  await client.connect();
  await client.query(sql);
  return client;
}

async function endOfLog(client: Client): Promise<bigint> {
  const { rows } = await client.query<{ end: string }>(
    `SELECT pg_logical_emit_message(true, 'test', ''), (pg_current_wal_insert_lsn() - '0/0')::text AS end`,
  );
  return BigInt((rows[0] as { end: string }).end);
}

describe.each(sharedPostgres().map((server) => [server.majorVersion, server] as const))(
  'Postgres %i',
  (_, server) => {
    test(
      'a live database arrives whole through crashes (Invariants 4, 5)',
      { timeout: 600_000 },
      async () => {
        await using source = await createTestDatabase(server);
        await using target = await createTestDatabase(server);
        const directory = await mkdtemp(join(tmpdir(), 'brimful-oracle-'));
        const client = await run(source.url, HARD_TABLES + fillSql(3000));
        console.log(`seed ${SEED} (replay with BRIMFUL_SEED=${SEED})`);
        const random = randomOf(SEED);
        const workload = new Workload(source.url, SEED);
        const options = {
          dataDirectory: join(directory, 'data'),
          captures: [captureAll('shop/postgres', source.url)],
          materializations: [materializeAll('shop/copy', 'postgres', { url: target.url }, 'shop/postgres')],
        };
        try {
          workload.start();
          for (let round = 0; round < ROUNDS; round += 1) {
            await using pipe = new PipeProcess(options);
            await new Promise((resolve) => setTimeout(resolve, 500 + random() * 3000));
            await pipe.kill();
          }
          await using pipe = new PipeProcess(options);
          await pipe.until('the first read', isSettled, SETTLE_MILLISECONDS);
          await workload.stop();
          const report = await pipe.until(
            'the end of the log',
            hasPassed(await endOfLog(client)),
            SETTLE_MILLISECONDS,
          );
          const pairs = tablePairs(report);
          expect(pairs).toHaveLength(HARD_TABLE_COUNT);
          expect(await differences(source.url, target.url, pairs)).toEqual([]);
          await pipe.stop();
        } finally {
          await workload.stop();
          await client.end();
          await rm(directory, { recursive: true, force: true });
        }
      },
    );
  },
);
