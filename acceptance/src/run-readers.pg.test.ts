import { newestPostgres } from '@brimful/testbed/vitest';
import { Client } from 'pg';
import { describe, expect, test } from 'vitest';
import { orderRun, tell, untilRun } from './order-run.ts';
import { PipeBed } from './pipe-bed.ts';
import { TableReaders, holdTable } from './table-readers.ts';

const MINUTES = 60_000;
const HOLD_MILLISECONDS = 5_000;
const ROWS = 20_000;
const CUSTOMERS = 500;

const SOURCE = `
  CREATE TABLE orders (id bigint PRIMARY KEY, customer int NOT NULL, fixed int NOT NULL, v text);
  INSERT INTO orders SELECT i, 1 + i % ${CUSTOMERS}, 7, 'v' || i FROM generate_series(1, ${ROWS}) i;
  CREATE TABLE customers (id int PRIMARY KEY, name text);
  INSERT INTO customers SELECT i, 'c' || i FROM generate_series(1, ${CUSTOMERS}) i;
  ANALYZE orders, customers`;

/** What a user has made of the destination's tables. */
const OWN = `
  CREATE INDEX orders_customer ON orders (customer) WHERE fixed > 0;
  CREATE UNIQUE INDEX orders_pair ON orders (customer, id);
  COMMENT ON TABLE orders IS 'what people ordered';
  COMMENT ON COLUMN orders.v IS 'in their words';
  GRANT SELECT ON orders TO PUBLIC;
  CREATE VIEW wide AS SELECT o.id, o.fixed, c.name FROM orders o JOIN customers c ON c.id = o.customer;
  COMMENT ON VIEW wide IS 'for the report';
  GRANT SELECT ON wide TO PUBLIC;
  CREATE VIEW summed AS SELECT count(*) AS rows, sum(fixed) AS sum FROM wide`;

const VISIBLE = `
  SELECT 'index ' || indexdef AS what FROM pg_indexes WHERE schemaname = 'public' AND tablename IN ('orders', 'customers')
  UNION ALL SELECT 'key ' || conname || pg_get_constraintdef(oid) FROM pg_constraint WHERE conrelid IN ('orders'::regclass, 'customers'::regclass) AND contype = 'p'
  UNION ALL SELECT c.relname || ' ' || c.relkind::text || ' ' || COALESCE(c.relacl::text, '') || ' ' || COALESCE(pg_get_viewdef(CASE WHEN relkind = 'v' THEN c.oid END), '')
    FROM pg_class c WHERE c.relnamespace = 'public'::regnamespace AND c.relname IN ('orders', 'wide', 'summed')
  UNION ALL SELECT 'comment ' || obj_description('orders'::regclass) UNION ALL SELECT 'comment ' || obj_description('wide'::regclass)
  UNION ALL SELECT 'column ' || attname || ' ' || atttypid::regtype || COALESCE(col_description(attrelid, attnum), '')
    FROM pg_attribute WHERE attrelid = 'orders'::regclass AND attnum > 0 AND NOT attisdropped
  ORDER BY 1`;

const COUNTED = JSON.stringify([{ rows: `${ROWS}`, sum: `${7 * ROWS}` }]);
const EVERY_ROW = 'SELECT count(*) AS rows, sum(fixed) AS sum FROM orders';
const QUESTIONS = [
  { sql: EVERY_ROW, answer: COUNTED },
  { sql: `${EVERY_ROW} WHERE id IS NOT NULL`, answer: COUNTED, name: 'prepared' },
  { sql: 'SELECT * FROM summed', answer: COUNTED },
  { sql: 'SELECT count(*)::int AS n FROM customers', answer: JSON.stringify([{ n: CUSTOMERS }]) },
  {
    sql: 'SELECT * FROM customers WHERE id = 7',
    answer: JSON.stringify([{ id: 7, name: 'c7' }]),
    name: 'every column',
  },
];

/** Rows change and move all the time; how many there are, and their sum, never. */
async function write(url: string, signal: AbortSignal): Promise<void> {
  const client = new Client({ connectionString: url });
  await client.connect();
  try {
    for (let round = 1; !signal.aborted; round += 1) {
      const id = (round * 7919) % ROWS;
      await client.query(`UPDATE orders SET v = 'round ${round}' WHERE abs(id) BETWEEN ${id} AND ${id + 50}`);
      await client.query(`UPDATE orders SET id = -id WHERE id IN (${id + 1}, -${id + 2})`);
    }
  } finally {
    await client.end();
  }
}

describe('readers of a Postgres destination', () => {
  // Invariant 7
  test(
    'see every row, all the time, through a reset, its undo and its redo',
    { timeout: 5 * MINUTES },
    async () => {
      await using bed = await PipeBed.create(newestPostgres(), SOURCE);
      await using pipe = bed.start();
      await bed.arrived(pipe);
      await bed.copied(OWN);
      const visible = await bed.copied(VISIBLE);
      const control = () => bed.control();
      const client = await control();
      const readers = new TableReaders(bed.target.url, QUESTIONS);
      const stop = new AbortController();
      const writers = [write(bed.source.url, stop.signal)];
      readers.start();
      try {
        const { run } = await orderRun(client, { mode: 'reset', task: 'shop/postgres', undo: '1h' });
        await untilRun(control, run.id, 'swapped');
        expect(await bed.copied(VISIBLE)).toEqual(visible);
        const stalls = [readers.takeLongestMilliseconds()];
        for (const [verb, state] of [
          ['undo', 'undone'],
          ['redo', 'swapped'],
        ] as const) {
          const held = await holdTable(bed.target.url, EVERY_ROW);
          await tell(client, run.id, verb);
          await new Promise((resolve) => setTimeout(resolve, HOLD_MILLISECONDS));
          expect((await client.backfills.run(run.id)).intent, 'it waits for the reader').toBe(verb);
          await held[Symbol.asyncDispose]();
          await untilRun(control, run.id, state);
          expect(await bed.copied(VISIBLE)).toEqual(visible);
          stalls.push(readers.takeLongestMilliseconds());
        }
        console.log(
          `${readers.answers} answers; longest (reset, undo and redo behind a reader of 5 s): ${stalls.map((ms) => `${ms.toFixed(0)} ms`).join(', ')}`,
        );
      } finally {
        stop.abort();
        await Promise.all([...writers, readers.stop()]);
      }
      expect(readers.wrong).toEqual([]);
      expect(readers.answers).toBeGreaterThan(100);
      expect(await bed.differences(pipe)).toEqual([]);
    },
  );
});
