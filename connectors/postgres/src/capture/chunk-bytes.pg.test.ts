import type { Range } from '@brimful/model';
import { batchBytes, rangeSet } from '@brimful/model';
import { createTestDatabase, sharedPostgres } from '@brimful/testbed/vitest';
import { describe, expect, test } from 'vitest';
import { TestSource } from './testing/harness.ts';

const NEVER = new AbortController().signal;
const WISHED_BYTES = 256 * 1024;
/** A chunk is cut by what earlier ones measured: its own pages may be fuller than theirs. */
const FACTOR = 4;

interface Shape {
  readonly what: string;
  readonly sql: string;
  readonly rows: number;
}

const SHAPES: readonly Shape[] = [
  {
    what: 'narrow rows, whose decoded form is larger than their pages',
    sql: 'CREATE TABLE t (id int PRIMARY KEY, b bool); INSERT INTO t SELECT i, true FROM generate_series(1, 60000) i',
    rows: 60_000,
  },
  {
    what: 'TOASTed values behind short rows',
    sql: `CREATE TABLE t (id int PRIMARY KEY, doc text); ALTER TABLE t ALTER COLUMN doc SET STORAGE EXTERNAL;
      INSERT INTO t SELECT i, 'short' FROM generate_series(1, 20000) i;
      INSERT INTO t SELECT i, repeat('x', 20000) FROM generate_series(20001, 20400) i`,
    rows: 20_400,
  },
  {
    what: 'a long stretch of dead pages, then full ones',
    sql: `CREATE TABLE t (id int PRIMARY KEY, pad text) WITH (autovacuum_enabled = off);
      INSERT INTO t SELECT i, repeat('x', 1000) FROM generate_series(1, 12000) i;
      DELETE FROM t WHERE id <= 8000`,
    rows: 4_000,
  },
  {
    what: 'partitions of different width, never analyzed',
    sql: `CREATE TABLE t (id int PRIMARY KEY, pad text) PARTITION BY RANGE (id);
      CREATE TABLE t1 PARTITION OF t FOR VALUES FROM (0) TO (20000);
      CREATE TABLE t2 PARTITION OF t FOR VALUES FROM (20000) TO (40000);
      INSERT INTO t SELECT i, CASE WHEN i < 20000 THEN 'x' ELSE repeat('x', 500) END FROM generate_series(1, 25000) i`,
    rows: 25_000,
  },
];

describe.for(sharedPostgres())('Postgres $majorVersion', (server) => {
  test.for(SHAPES)('a wished size holds chunk by chunk, and costs no row: $what', async ({ sql, rows }) => {
    await using database = await createTestDatabase(server);
    await using source = await TestSource.connect(database.url);
    await source.client.query(sql);
    await using session = await source.follow(['public.t']);
    const plan = await session.session.plan('public.t');
    const chunks: number[] = [];
    let read = 0;
    for (let remaining: readonly Range[] = plan.total; remaining.length > 0;) {
      const range = session.session.next(plan, remaining, WISHED_BYTES);
      await using chunk = await session.session.scan('public.t', plan, range, NEVER);
      let bytes = 0;
      for await (const batch of chunk.batches) {
        bytes += batchBytes(batch);
        read += batch.rows;
      }
      await chunk.finish();
      chunks.push(bytes);
      remaining = rangeSet.subtract(remaining, [range]);
    }
    expect(read).toBe(rows);
    // Where much fuller pages begin, one chunk is larger: the next ones know.
    expect(chunks.filter((bytes) => bytes > FACTOR * WISHED_BYTES).length).toBeLessThanOrEqual(1);
    expect(chunks.length).toBeGreaterThan(3);
    // Without a wish, nothing is cut smaller than before.
    expect(rangeSet.subtract(plan.total, [session.session.next(plan, plan.total)])).toEqual([]);
  });
});
