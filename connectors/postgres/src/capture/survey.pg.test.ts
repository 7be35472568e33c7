import type { Survey } from '@brimful/connector';
import type { Guard, Scope } from '@brimful/model';
import { createTestDatabase, sharedPostgres } from '@brimful/testbed/vitest';
import { Client } from 'pg';
import { describe, expect, test } from 'vitest';
import { captureConfig } from '../config.ts';
import { capture } from './capture.ts';
import { TestSource, waitUntil } from './testing/harness.ts';

const time = (column: string, from: string | null, to: string | null, zone = 'UTC'): Scope => ({
  kind: 'time',
  column,
  from,
  to,
  zone,
});
const ALL: Scope = { kind: 'all' };

describe.for(sharedPostgres())('Postgres $majorVersion', (server) => {
  test('on analysed statistics, rows are within a tenth and bytes within a fifth; nothing is written', async () => {
    await using database = await createTestDatabase(server);
    await using source = await TestSource.connect(database.url);
    await source.client.query(`
      CREATE TABLE orders (id bigint PRIMARY KEY, created_at timestamptz NOT NULL, placed timestamptz, note text, amount numeric(12,2));
      INSERT INTO orders SELECT i, '2026-01-01Z'::timestamptz + (i ^ 1.2) * interval '1 second',
        '2026-01-01Z'::timestamptz + i * interval '30 seconds', repeat('x', i % 200), i / 100.0 FROM generate_series(1, 200000) i;
      CREATE INDEX orders_created_at_idx ON orders (created_at);
      CREATE TABLE parts (id int, day date, PRIMARY KEY (id, day)) PARTITION BY RANGE (day);
      CREATE TABLE parts1 PARTITION OF parts FOR VALUES FROM ('2026-01-01') TO ('2026-02-01');
      CREATE TABLE parts2 PARTITION OF parts FOR VALUES FROM ('2026-02-01') TO ('2026-03-01');
      INSERT INTO parts SELECT i, '2026-01-01'::date + i % 59 FROM generate_series(1, 50000) i`);
    await source.client.query('VACUUM ANALYZE orders');
    await source.client.query('VACUUM ANALYZE parts');
    // A vacuum of its own would count as ours.
    const before = await written(source);
    const scopes: readonly (readonly [string, Scope, string])[] = [
      ['orders', ALL, 'true'],
      [
        'orders',
        time('created_at', '2026-01-10T00:00:00Z', '2026-01-20T00:00:00Z'),
        "created_at >= '2026-01-10Z' AND created_at < '2026-01-20Z'",
      ],
      ['orders', time('created_at', '2026-01-20T00:00:00Z', null), "created_at >= '2026-01-20Z'"],
      [
        'orders',
        time('placed', '2026-01-10T00:00:00Z', '2026-02-01T00:00:00Z'),
        "placed >= '2026-01-10Z' AND placed < '2026-02-01Z'",
      ],
      ['orders', { kind: 'key', from: ['20000'], to: ['90000'] }, 'id >= 20000 AND id < 90000'],
      ['parts', ALL, 'true'],
      [
        'parts',
        { kind: 'key', from: ['100', '2026-01-05'], to: ['20000', '2026-01-05'] },
        'id >= 100 AND id < 20000',
      ],
      ['parts', time('day', '2026-02-01', '2026-03-01'), "day >= '2026-02-01'"],
    ];
    const surveys = await capture.survey(
      source.config,
      scopes.map(([table, scope]) => ({ resource: `public.${table}`, scope })),
      source.context,
    );
    for (const [index, [table, scope, where]] of scopes.entries()) {
      const survey = surveys[index] as Survey;
      const what = JSON.stringify(scope);
      expect(survey.problem, what).toBeNull();
      const exact = Number(await source.value(`SELECT count(*) FROM ${table} WHERE ${where}`));
      expect(Math.abs(survey.rows.value / exact - 1), what).toBeLessThan(0.1);
      expect(survey.rows.quality).toBe('statistics');
      expect(Math.abs((survey.statisticsAt ?? 0) - Date.now())).toBeLessThan(120_000);
    }
    const [whole, january, , placed, range] = surveys as [Survey, Survey, Survey, Survey, Survey];
    const decoded = 8 + 8 + 8 + (4 + 99.5) + (4 + 7);
    expect(Math.abs(whole.bytes.value / (200_000 * decoded) - 1)).toBeLessThan(0.2);
    expect([whole.isServed, january.isServed, placed.isServed, range.isServed]).toEqual([
      true,
      true,
      false,
      true,
    ]);
    expect(january.readShape).toBe('index orders_created_at_idx');
    expect(placed.readShape).toBe('pages in order, filtered by placed');
    const heap = Number(await source.value("SELECT pg_relation_size('orders')"));
    expect(placed.bytesRead).toBeGreaterThanOrEqual(heap);
    expect(january.bytesRead).toBeLessThan(heap);
    expect(whole.firstRow).toMatchObject({ id: '1', amount: '0.01' });
    expect(whole.lastRow).toMatchObject({ id: '200000' });
    const first = await source.value(
      "SELECT min(created_at) AT TIME ZONE 'UTC' || '+00' FROM orders WHERE created_at >= '2026-01-10Z'",
    );
    expect(january.firstRow?.['created_at']).toBe(first);
    expect([placed.firstRow, placed.lastRow]).toEqual([null, null]);
    expect(surveys.at(-1)?.isServed).toBe(true);
    expect(surveys.at(-1)?.readShape).toBe('pages in order of 1 of 2 partitions, filtered by day');
    expect(await written(source)).toEqual(before);
    const left = "SELECT count(*) FROM pg_stat_activity WHERE application_name LIKE 'brimful % survey'";
    await waitUntil(async () => (await source.value(left)) === '0', 'the survey to hang up');
  });

  test('guards: unserved, future, empty, extremes, old and missing statistics, each with what was looked at', async () => {
    await using database = await createTestDatabase(server);
    await using source = await TestSource.connect(database.url);
    await source.client.query(`
      CREATE TABLE t (id int PRIMARY KEY, at timestamptz, local timestamp, day date, n numeric, note text);
      INSERT INTO t SELECT i, '2026-01-01Z'::timestamptz + i * interval '1 minute', '2026-01-01', '2026-01-01', i, repeat('é', 300)
        FROM generate_series(1, 5000) i;
      CREATE INDEX ON t (at);
      INSERT INTO t VALUES (0, 'infinity', '12026-01-01', '0044-03-15 BC', 'NaN');
      CREATE INDEX ON t (n); CREATE INDEX ON t (local);
      ANALYZE t;
      CREATE TABLE raw (id float8 PRIMARY KEY, filler text);
      INSERT INTO raw SELECT i, repeat('x', 500) FROM generate_series(1, 20000) i`);
    const survey = async (table: string, scope: Scope): Promise<Survey> => {
      const [one] = await capture.survey(
        source.config,
        [{ resource: `public.${table}`, scope }],
        source.context,
      );
      return one as Survey;
    };
    const guard = (found: Survey, id: string): Guard | undefined => found.guards.find((one) => one.id === id);
    const served = await survey('t', time('at', '2026-01-01T00:00:00Z', '2026-01-02T00:00:00Z'));
    expect(guard(served, 'scope-unserved')?.level).toBe('ok');
    expect(guard(served, 'scope-future')?.level).toBe('ok');
    expect(guard(served, 'scope-empty')).toBeUndefined();
    expect(served.firstRow?.['note']).toBe('é'.repeat(200));
    const unserved = await survey('t', time('day', '2026-01-01', '2026-01-02'));
    expect(guard(unserved, 'scope-unserved')).toMatchObject({
      level: 'confirm',
      evidence: expect.stringMatching(/Seq Scan on public\.t/) as string,
      remedy: expect.stringContaining('CREATE INDEX') as string,
    });
    const past = await survey('t', time('at', '2020-01-01T00:00:00Z', '2020-02-01T00:00:00Z'));
    expect(guard(past, 'scope-empty')?.message).toBe('No row is in scope.');
    expect(guard(await survey('t', time('at', '2999-01-01T00:00:00Z', null)), 'scope-future')?.level).toBe(
      'block',
    );
    expect(guard(await survey('t', time('at', null, '2999-01-01T00:00:00Z')), 'scope-future')?.level).toBe(
      'warn',
    );
    // Now is tomorrow morning already where the day begins first.
    const soon = new Date(Date.now() + 6 * 3_600_000).toISOString().slice(0, 19);
    expect(guard(await survey('t', time('local', soon, null)), 'scope-future')?.level).toBe('block');
    expect(
      guard(await survey('t', time('local', soon, null, 'Pacific/Kiritimati')), 'scope-future')?.level,
    ).toBe('ok');
    expect((await survey('t', time('at', null, null, 'Mars/Olympus'))).problem?.code).toBe('BRM-SCOPE-ZONE');
    expect((await survey('t', time('nowhere', null, null))).problem?.code).toBe('BRM-SCOPE-COLUMN');
    expect((await survey('nowhere', ALL)).problem?.code).toBe('BRM-PG-NO-TABLE');
    const extremes = served.guards.filter((one) => one.id === 'extremes');
    expect(extremes.map((one) => [one.level, one.subject.split('.').at(-1)])).toEqual(
      expect.arrayContaining([
        ['warn', 'at'],
        ['warn', 'local'],
        ['warn', 'n'],
      ]) as string[][],
    );
    expect(extremes.find((one) => one.subject.endsWith('.n'))?.evidence).toContain('NaN (index)');
    expect(served.extremes).toEqual(
      expect.arrayContaining([
        { column: 'at', value: 'infinity' },
        { column: 'n', value: 'NaN' },
      ]) as unknown,
    );
    expect(guard(served, 'statistics-old')?.level).toBe('ok');
    await source.client.query('DELETE FROM t WHERE id > 3000');
    await waitUntil(
      async () => guard(await survey('t', ALL), 'statistics-old')?.level === 'warn',
      'the deletes to be counted',
    );
    const raw = await survey('raw', { kind: 'key', from: null, to: ['5000.5'] });
    expect(guard(raw, 'statistics-missing')?.level ?? guard(raw, 'statistics-old')?.level).toBeDefined();
    expect(guard(raw, 'float-key')?.level).toBe('warn');
    expect(Math.abs(raw.tableRows.value / 20_000 - 1)).toBeLessThan(0.1);
    expect(guard(served, 'rows-hidden')?.level).toBe('ok');
    await source.client.query(`
      CREATE ROLE ${database.name}_reader LOGIN; GRANT SELECT ON t TO ${database.name}_reader;
      ALTER TABLE t ENABLE ROW LEVEL SECURITY`);
    const url = new URL(database.url);
    url.username = `${database.name}_reader`;
    try {
      const [hidden] = await capture.survey(
        captureConfig.parse({ url: url.href }),
        [{ resource: 'public.t', scope: ALL }],
        source.context,
      );
      expect(hidden?.problem).toBeNull();
      expect(guard(hidden as Survey, 'rows-hidden')).toMatchObject({ level: 'block' });
      // What it may not see, it does not claim to know.
      expect(hidden?.source).toMatchObject({ activeSessions: null, oldestSnapshotAge: null });
    } finally {
      await source.client.query(`DROP OWNED BY ${database.name}_reader; DROP ROLE ${database.name}_reader`);
    }
  });

  test('a locked table is an answer with a problem, soon, and the others are surveyed', async () => {
    await using database = await createTestDatabase(server);
    await using source = await TestSource.connect(database.url);
    await source.client.query(`
      CREATE TABLE locked (id int PRIMARY KEY); INSERT INTO locked SELECT generate_series(1, 100); ANALYZE locked;
      CREATE TABLE t (id int PRIMARY KEY); INSERT INTO t VALUES (1)`);
    const holder = new Client({ connectionString: database.url });
    await holder.connect();
    try {
      await holder.query('BEGIN; LOCK TABLE locked IN ACCESS EXCLUSIVE MODE');
      const requests = ['locked', 't'].map((table) => ({ resource: `public.${table}`, scope: ALL }));
      const started = performance.now();
      const [locked, free] = await capture.survey(source.config, requests, source.context);
      expect(performance.now() - started).toBeLessThan(5_000);
      expect(locked?.problem?.code).toBe('BRM-PG-LOCKED');
      expect(free).toMatchObject({ problem: null, rows: { value: 1, quality: 'sampled' } });
      expect(free?.source.position).toMatch(/^\d+$/);
    } finally {
      await holder.end();
    }
  });
});

/** Everything that a write to this database would change. */
async function written(source: TestSource): Promise<readonly unknown[]> {
  const { rows } = await source.client.query(
    `SELECT (SELECT json_agg(json_build_array(oid, relname, relfilenode, reltuples, relhasindex) ORDER BY oid) FROM pg_class)::text,
       (SELECT count(*) FROM pg_statistic), (SELECT count(*) FROM pg_publication), (SELECT count(*) FROM pg_replication_slots
         WHERE database = current_database()),
       (SELECT json_agg(json_build_array(relid, n_tup_ins, n_tup_upd, n_tup_del) ORDER BY relid) FROM pg_stat_user_tables)::text`,
  );
  return rows;
}
