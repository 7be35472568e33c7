import type { Scope } from '@brimful/model';
import { WHOLE_TABLE, batchBytes, rangeSet } from '@brimful/model';
import { createTestDatabase, newestPostgres } from '@brimful/testbed/vitest';
import { describe, expect, test } from 'vitest';
import { capture } from './capture.ts';
import { TestSource } from './testing/harness.ts';

const NEVER = new AbortController().signal;

interface Shape {
  readonly what: string;
  readonly sql: string;
  readonly scope?: Scope;
}

const PLAIN = `CREATE TABLE t (id bigint PRIMARY KEY, v text, n numeric(12,2), at timestamptz);
  INSERT INTO t SELECT i, 'value ' || i, i / 100.0, '2026-01-01'::timestamptz + i * interval '1 minute' FROM generate_series(1, 60000) i;
  CREATE INDEX ON t (at); ANALYZE t`;

const time = (from: string, to: string): Scope => ({ kind: 'time', column: 'at', from, to, zone: 'UTC' });

const SHAPES: readonly Shape[] = [
  { what: 'plain, analyzed', sql: PLAIN },
  {
    what: 'narrow',
    sql: 'CREATE TABLE t (id int PRIMARY KEY, b bool); INSERT INTO t SELECT i, true FROM generate_series(1, 100000) i; ANALYZE t',
  },
  {
    what: 'wide, never analyzed',
    sql: `CREATE TABLE t (id int PRIMARY KEY, ${Array.from({ length: 60 }, (_, at) => `c${at} text`).join(', ')}) WITH (autovacuum_enabled = off);
      INSERT INTO t SELECT i, ${Array.from({ length: 60 }, (_, at) => `'column ${at}'`).join(', ')} FROM generate_series(1, 10000) i`,
  },
  {
    what: 'toasted and compressed',
    sql: `CREATE TABLE t (id int PRIMARY KEY, doc text); INSERT INTO t SELECT i, repeat(md5(i::text), 300) FROM generate_series(1, 3000) i; ANALYZE t`,
  },
  {
    what: 'toasted, not compressible',
    sql: `CREATE TABLE t (id int PRIMARY KEY, doc text); INSERT INTO t SELECT i, (SELECT string_agg(md5(random()::text), '') FROM generate_series(1, 150) WHERE i > 0) FROM generate_series(1, 3000) i; ANALYZE t`,
  },
  {
    what: 'compressed in line',
    sql: `CREATE TABLE t (id int PRIMARY KEY, doc text); INSERT INTO t SELECT i, repeat('brimful', 800) || i FROM generate_series(1, 10000) i; ANALYZE t`,
  },
  {
    what: 'bloated',
    sql: `CREATE TABLE t (id int PRIMARY KEY, v text) WITH (autovacuum_enabled = off); INSERT INTO t SELECT i, repeat('x', 200) FROM generate_series(1, 60000) i;
      DELETE FROM t WHERE id % 10 <> 0; VACUUM (ANALYZE, TRUNCATE off) t`,
  },
  {
    what: 'bloated since it was analyzed',
    sql: `CREATE TABLE t (id int PRIMARY KEY, v text) WITH (autovacuum_enabled = off); INSERT INTO t SELECT i, repeat('x', 200) FROM generate_series(1, 60000) i; ANALYZE t;
      DELETE FROM t WHERE id % 2 <> 0`,
  },
  {
    what: 'grown since it was analyzed',
    sql: `CREATE TABLE t (id int PRIMARY KEY, v text) WITH (autovacuum_enabled = off); INSERT INTO t SELECT i, repeat('x', 200) FROM generate_series(1, 20000) i; ANALYZE t;
      INSERT INTO t SELECT i, repeat('x', 200) FROM generate_series(20001, 60000) i`,
  },
  {
    what: 'never analyzed, in two widths',
    sql: `CREATE TABLE t (id int PRIMARY KEY, v text) WITH (autovacuum_enabled = off); INSERT INTO t SELECT i, repeat('x', CASE WHEN i < 30000 THEN 10 ELSE 300 END) FROM generate_series(1, 60000) i`,
  },
  {
    what: 'partitioned, one never analyzed',
    sql: `CREATE TABLE t (id int PRIMARY KEY, v text) PARTITION BY RANGE (id);
      CREATE TABLE t1 PARTITION OF t FOR VALUES FROM (0) TO (30000) WITH (autovacuum_enabled = off); CREATE TABLE t2 PARTITION OF t FOR VALUES FROM (30000) TO (100000) WITH (autovacuum_enabled = off);
      INSERT INTO t SELECT i, repeat('x', 50) FROM generate_series(1, 60000) i; ANALYZE t1`,
  },
  { what: 'bounded by time', sql: PLAIN, scope: time('2026-01-05T00:00:00Z', '2026-01-15T00:00:00Z') },
  { what: 'bounded by key', sql: PLAIN, scope: { kind: 'key', from: ['1000'], to: ['31000'] } },
  {
    what: 'keys',
    sql: PLAIN,
    scope: { kind: 'keys', keys: Array.from({ length: 500 }, (_, at) => [String(at * 100 + 1)]) },
  },
  {
    what: 'keys, of which most are gone',
    sql: PLAIN,
    scope: { kind: 'keys', keys: Array.from({ length: 500 }, (_, at) => [String(at * 1000 + 1)]) },
  },
  {
    what: 'bounded by time, never analyzed',
    sql: PLAIN.replace('; ANALYZE t', '; ALTER TABLE t SET (autovacuum_enabled = off)'),
    scope: time('2026-01-05T00:00:00Z', '2026-01-15T00:00:00Z'),
  },
];

describe('rows within a tenth, bytes within a fifth of what is read', () => {
  test.for(SHAPES)('$what', async ({ sql, scope = WHOLE_TABLE }) => {
    await using database = await createTestDatabase(newestPostgres());
    await using source = await TestSource.connect(database.url);
    // A VACUUM stands alone; what has changed is to be counted before we look.
    for (const statement of sql.split(';')) await source.client.query(statement);
    await source.client.query('SELECT pg_stat_force_next_flush()');
    const [survey] = await capture.survey(source.config, [{ resource: 'public.t', scope }], source.context);
    await using session = await source.follow(['public.t']);
    const plan = await session.session.plan('public.t', scope);
    let rows = 0;
    let bytes = 0;
    for (let remaining = plan.total; remaining.length > 0;) {
      const range = session.session.next(plan, remaining);
      await using chunk = await session.session.scan('public.t', plan, range, NEVER);
      for await (const batch of chunk.batches) {
        rows += batch.rows;
        bytes += batchBytes(batch);
      }
      await chunk.finish();
      remaining = rangeSet.subtract(remaining, [range]);
    }
    expect(survey?.problem).toBeNull();
    expect(rows).toBeGreaterThan(0);
    expect(
      Math.abs((survey?.rows.value ?? 0) / rows - 1),
      `${survey?.rows.value} rows, not ${rows}`,
    ).toBeLessThan(0.1);
    expect(
      Math.abs((survey?.bytes.value ?? 0) / bytes - 1),
      `${survey?.bytes.value} bytes, not ${bytes}`,
    ).toBeLessThan(0.2);
  });
});
