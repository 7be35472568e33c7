import { newestPostgres } from '@brimful/testbed/vitest';
import { Client } from 'pg';
import { expect, test } from 'vitest';
import { orderRun, untilRun } from './order-run.ts';
import { PipeBed } from './pipe-bed.ts';

const MINUTES = 60_000;

const ORDERS = `
  CREATE TABLE orders (id bigint PRIMARY KEY, v text, n numeric);
  INSERT INTO orders SELECT i, 'v' || i, i / 3.0 FROM generate_series(1, 20000) i;
  ANALYZE orders`;

/** Changes the table without the stream being told: it is out of the publication meanwhile. */
async function unseen(bed: PipeBed, sql: string): Promise<void> {
  const publications = await bed.query<{ name: string }>(
    "SELECT pubname AS name FROM pg_publication_tables WHERE tablename = 'orders'",
  );
  for (const { name } of publications) await bed.query(`ALTER PUBLICATION "${name}" DROP TABLE orders`);
  await bed.query(sql);
  for (const { name } of publications) await bed.query(`ALTER PUBLICATION "${name}" ADD TABLE orders`);
}

async function inTarget<T>(bed: PipeBed, sql: string): Promise<T[]> {
  const client = new Client({ connectionString: bed.target.url });
  await client.connect();
  try {
    return (await client.query(sql)).rows as T[];
  } finally {
    await client.end();
  }
}

test('a reset can keep rows that the source no longer has', { timeout: 5 * MINUTES }, async () => {
  await using bed = await PipeBed.create(newestPostgres(), ORDERS);
  await using pipe = bed.start();
  await bed.arrived(pipe);
  await unseen(bed, 'DELETE FROM orders WHERE id <= 50');
  await bed.query('DELETE FROM orders WHERE id = 60');
  await bed.arrived(pipe);
  const control = () => bed.control();
  const { run } = await orderRun(await control(), {
    mode: 'reset',
    task: 'shop/postgres',
    missingRows: 'keep',
    undo: '0s',
  });
  await untilRun(control, run.id, 'done');
  expect(
    await inTarget(
      bed,
      'SELECT count(*)::int AS all, count(*) FILTER (WHERE id <= 60)::int AS few FROM orders',
    ),
  ).toEqual([{ all: 19_999, few: 59 }]);
});

test('a run can be about some columns', { timeout: 5 * MINUTES }, async () => {
  await using bed = await PipeBed.create(newestPostgres(), ORDERS);
  await using pipe = bed.start();
  await bed.arrived(pipe);
  await unseen(bed, "UPDATE orders SET n = -1, v = 'unseen' WHERE id <= 50");
  const control = () => bed.control();
  const { run } = await orderRun(await control(), {
    mode: 'incremental',
    task: 'shop/postgres',
    columns: ['n'],
  });
  await untilRun(control, run.id, 'done');
  expect(await inTarget(bed, 'SELECT v, n::text FROM orders WHERE id IN (50, 51) ORDER BY id')).toEqual([
    { v: 'v50', n: '-1' },
    { v: 'v51', n: '17.0000000000000000' },
  ]);
});
