import type { Column } from '@brimful/model';
import { ColumnBuilder } from '@brimful/model';
import { createTestDatabase, sharedPostgres } from '@brimful/testbed/vitest';
import { Client } from 'pg';
import { describe, expect, test } from 'vitest';
import { describeRows, TestSource, waitUntil } from './testing/harness.ts';

const NEVER = new AbortController().signal;

describe.for(sharedPostgres())('Postgres $majorVersion', (server) => {
  for (const [what, sql] of [
    ['TRUNCATE', 'TRUNCATE t'],
    ['VACUUM FULL', 'VACUUM FULL t'],
    ['a rewriting ALTER', 'ALTER TABLE t ALTER COLUMN v TYPE bigint'],
  ] as const) {
    test(`${what} between plan and scan starts the table over, never reads less`, async () => {
      await using database = await createTestDatabase(server);
      await using source = await TestSource.connect(database.url);
      await source.client.query('CREATE TABLE t (id int PRIMARY KEY, v int)');
      await source.client.query('INSERT INTO t SELECT i, i FROM generate_series(1, 1000) i');
      await using session = await source.follow(['public.t']);
      const plan = await session.session.plan('public.t');
      const range = session.session.next(plan, plan.total);
      await source.client.query(sql);
      const scan = session.session.scan('public.t', plan, range, NEVER);
      await expect(scan).rejects.toMatchObject({ code: 'BRM-SCAN-MOVED' });
      expect(await session.readAll('public.t')).toHaveLength(what === 'TRUNCATE' ? 0 : 1000);
    });
  }

  test('the lock comes before the snapshot: a TRUNCATE that was waited for is seen as one', async () => {
    await using database = await createTestDatabase(server);
    await using source = await TestSource.connect(database.url, { lockTimeoutSeconds: 30 });
    await source.client.query('CREATE TABLE t (id int PRIMARY KEY)');
    await source.client.query('INSERT INTO t SELECT generate_series(1, 100)');
    await using session = await source.follow(['public.t']);
    const plan = await session.session.plan('public.t');
    await source.client.query('BEGIN; TRUNCATE t; INSERT INTO t VALUES (7)');
    const scan = session.session.scan('public.t', plan, session.session.next(plan, plan.total), NEVER);
    scan.catch(() => undefined);
    await waitForLockQueue(database.url, source.client);
    await source.client.query('COMMIT');
    // A snapshot from before the COMMIT would have returned no row at all.
    await expect(scan).rejects.toMatchObject({ code: 'BRM-SCAN-MOVED' });
    expect(await session.readAll('public.t')).toEqual(['7']);
  });

  test('a table that stays locked is a problem that names who holds it, and holds up nobody behind', async () => {
    await using database = await createTestDatabase(server);
    await using source = await TestSource.connect(database.url, { lockTimeoutSeconds: 0.02 });
    await source.client.query('CREATE TABLE t (id int PRIMARY KEY); INSERT INTO t VALUES (1)');
    await using session = await source.follow(['public.t']);
    const plan = await session.session.plan('public.t');
    await source.client.query('BEGIN; LOCK TABLE t IN ACCESS EXCLUSIVE MODE');
    const pid = await source.value('SELECT pg_backend_pid()');
    const scan = session.session.scan('public.t', plan, session.session.next(plan, plan.total), NEVER);
    await expect(scan).rejects.toMatchObject({
      code: 'BRM-PG-LOCKED',
      kind: 'retry',
      message: expect.stringContaining(`pid ${pid} (user postgres`) as string,
    });
    // Others can still be listed and read.
    expect(await session.session.discover()).toHaveLength(1);
    await source.client.query('COMMIT');
    expect(await session.readAll('public.t')).toEqual(['1']);
  });

  test('ranges cover every row once, whatever the size of a chunk', async () => {
    await using database = await createTestDatabase(server);
    await using source = await TestSource.connect(database.url);
    await source.client.query(`
      CREATE TABLE t (id int, filler text, PRIMARY KEY (id)) PARTITION BY RANGE (id);
      CREATE TABLE t1 PARTITION OF t FOR VALUES FROM (0) TO (5000);
      CREATE TABLE t2 PARTITION OF t FOR VALUES FROM (5000) TO (5001);
      CREATE TABLE t3 (filler text, gone int, id int NOT NULL);
      ALTER TABLE t3 DROP COLUMN gone;
      ALTER TABLE t ATTACH PARTITION t3 FOR VALUES FROM (6000) TO (9000);
      INSERT INTO t SELECT i, repeat('x', 500) FROM generate_series(1, 4000) i;
      INSERT INTO t SELECT i, repeat('y', 500) FROM generate_series(6000, 8000) i`);
    await using session = await source.follow(['public.t']);
    const plan = await session.session.plan('public.t');
    const ids: number[] = [];
    const chunks: number[] = [];
    let [front] = plan.total;
    while (front !== undefined) {
      const range = session.session.next(plan, [front]);
      const { rows } = await session.read('public.t', plan, range);
      ids.push(...rows.map((row) => Number(row.split('|')[0])));
      chunks.push(rows.length);
      front = range.to === front.to ? undefined : { from: range.to, to: front.to };
    }
    expect(ids.sort((a, b) => a - b)).toEqual([
      ...Array.from({ length: 4000 }, (_, index) => index + 1),
      ...Array.from({ length: 2001 }, (_, index) => index + 6000),
    ]);
    // Pieces of other sizes, as after a restart: by hand, page by page.
    const pages = Number(await source.value("SELECT pg_relation_size('t1') / 8192"));
    const point = (leaf: number, page: number): string =>
      leaf.toString(16).padStart(8, '0') + page.toString(16).padStart(8, '0');
    let rows = 0;
    for (let page = 0; page < pages; page += 7) {
      const piece = { from: point(0, page), to: point(0, Math.min(page + 7, pages)) };
      rows += (await session.read('public.t', plan, piece)).rows.length;
    }
    expect(rows).toBe(4000);
  });

  test('rows beyond the planned pages are the stream’s', async () => {
    await using database = await createTestDatabase(server);
    await using source = await TestSource.connect(database.url);
    await source.client.query('CREATE TABLE t (id int PRIMARY KEY, filler text)');
    await source.client.query('ALTER TABLE t ALTER COLUMN filler SET STORAGE PLAIN');
    await source.client.query("INSERT INTO t SELECT i, repeat('x', 3000) FROM generate_series(1, 10) i");
    await using session = await source.follow(['public.t']);
    const plan = await session.session.plan('public.t');
    await source.client.query("INSERT INTO t SELECT i, repeat('x', 3000) FROM generate_series(11, 30) i");
    await source.client.query("UPDATE t SET filler = repeat('y', 3000) WHERE id = 3");
    const { rows } = await session.read('public.t', plan, session.session.next(plan, plan.total));
    await session.caughtUp();
    const read = new Set(rows.map((row) => row.split('|')[0]));
    const streamed = new Set(session.changes('public.t').map((row) => row.split(/[ |]/)[1]));
    // Row 3 moved out of the planned pages while nobody had read it: only the stream has it.
    expect(read.has('3')).toBe(false);
    expect(streamed.has('3')).toBe(true);
    expect(new Set([...read, ...streamed]).size).toBe(30);
  });

  test('a table without a key is read in one piece, all partitions in one snapshot', async () => {
    await using database = await createTestDatabase(server);
    await using source = await TestSource.connect(database.url);
    await source.client.query(`
      CREATE TABLE t (a int, b text) PARTITION BY LIST (a);
      CREATE TABLE t1 PARTITION OF t FOR VALUES IN (1);
      CREATE TABLE t2 PARTITION OF t FOR VALUES IN (2);
      INSERT INTO t SELECT 1, 'x' FROM generate_series(1, 500)`);
    await using session = await source.follow(['public.t']);
    const plan = await session.session.plan('public.t');
    expect(plan.divisible).toBe(false);
    // The second leaf was empty when planned: what it got since is in the snapshot and must be read with it.
    await source.client.query("INSERT INTO t VALUES (2, 'y')");
    const whole = session.session.next(plan, plan.total);
    expect(whole).toEqual(plan.total[0]);
    expect((await session.read('public.t', plan, whole)).rows).toHaveLength(501);
    await source.client.query(
      "CREATE TABLE t3 PARTITION OF t FOR VALUES IN (3); INSERT INTO t VALUES (3, 'z')",
    );
    await expect(session.session.scan('public.t', plan, whole, NEVER)).rejects.toMatchObject({
      code: 'BRM-SCAN-MOVED',
    });
    expect(await session.readAll('public.t')).toHaveLength(502);
  });

  test('rows are looked up by keys of several columns and awkward values; missing ones stay away', async () => {
    await using database = await createTestDatabase(server);
    await using source = await TestSource.connect(database.url);
    await source.client.query(`
      CREATE DOMAIN code AS varchar(20);
      CREATE TABLE t (k0 code, n numeric, at timestamptz, v int, PRIMARY KEY (n, k0, at));
      INSERT INTO t VALUES ('it''s {a,"b"}\\', 1.10, 'infinity', 1), (E'ü\n', 'NaN', '0044-03-15 00:00+00 BC', 2), ('x', 3, 'now', 3)`);
    await using session = await source.follow(['public.t']);
    const microseconds =
      "SELECT (extract(epoch FROM '0044-03-15 00:00+00 BC'::timestamptz) * 1000000)::bigint";
    const beforeChrist = BigInt(await source.value(microseconds));
    const keys = [
      column('decimal', ['1.1', 'NaN', '1.1', '99']),
      column('text', ['it\'s {a,"b"}\\', 'ü\n', 'it\'s {a,"b"}\\', 'none']),
      timestamps([2n ** 63n - 1n, beforeChrist, 2n ** 63n - 1n, 0n]),
    ];
    await using chunk = await session.session.scanKeys('public.t', keys, 4, NEVER);
    const rows: string[] = [];
    for await (const batch of chunk.batches) rows.push(...describeRows(batch));
    await chunk.finish();
    expect(rows.map((row) => row.split('|').at(-1) as string).sort()).toEqual(['1', '2']);
  });

  test('a chunk that is given up frees its reader, and an abort ends a waiting scan', async () => {
    await using database = await createTestDatabase(server);
    await using source = await TestSource.connect(database.url, { readers: 1 });
    await source.client.query('CREATE TABLE t (id int PRIMARY KEY, filler text)');
    await source.client.query("INSERT INTO t SELECT i, repeat('x', 1000) FROM generate_series(1, 20000) i");
    await using session = await source.follow(['public.t']);
    const plan = await session.session.plan('public.t');
    const range = session.session.next(plan, plan.total);
    for (let round = 0; round < 3; round += 1) {
      await using chunk = await session.session.scan('public.t', plan, range, NEVER);
      for await (const batch of chunk.batches) {
        expect(batch.rows).toBeGreaterThan(0);
        break;
      }
    }
    await source.client.query('BEGIN; LOCK TABLE t IN ACCESS EXCLUSIVE MODE');
    const stop = new AbortController();
    const waiting = session.session.scan('public.t', plan, range, stop.signal);
    setTimeout(() => stop.abort(), 50);
    await expect(waiting).rejects.toMatchObject({ name: 'AbortError' });
    await source.client.query('ROLLBACK');
    expect(await session.readAll('public.t')).toHaveLength(20000);
    const readers = "SELECT count(*) FROM pg_stat_activity WHERE application_name LIKE 'brimful % reader'";
    await waitUntil(async () => Number(await source.value(readers)) <= 1, 'readers to end');
  });

  test('a scan meets a shape that its picture of the table does not have yet', async () => {
    await using database = await createTestDatabase(server);
    await using source = await TestSource.connect(database.url);
    await source.client.query("CREATE TABLE t (id int PRIMARY KEY, a text); INSERT INTO t VALUES (1, 'x')");
    await using session = await source.follow(['public.t']);
    const plan = await session.session.plan('public.t');
    const range = session.session.next(plan, plan.total);
    await source.client.query('ALTER TABLE t ADD COLUMN b int DEFAULT 5');
    expect((await session.read('public.t', plan, range)).rows).toEqual(['1|x|5']);
    await source.client.query('ALTER TABLE t DROP COLUMN a');
    expect((await session.read('public.t', plan, range)).rows).toEqual(['1|5']);
  });
});

function column(kind: 'text' | 'decimal', values: readonly string[]): Column {
  const builder = new ColumnBuilder({ kind });
  for (const value of values) builder.appendBytes(new TextEncoder().encode(value));
  return builder.finish();
}

function timestamps(values: readonly bigint[]): Column {
  const builder = new ColumnBuilder({ kind: 'timestamp', zoned: true });
  for (const value of values) {
    builder.reserveRow();
    builder.view.setBigInt64(builder.rows * 8, value, true);
    builder.commitFixed();
  }
  return builder.finish();
}

/** Until somebody waits for a lock that `holder` has. */
async function waitForLockQueue(url: string, holder: Client): Promise<void> {
  const { rows } = await holder.query<{ pid: number }>('SELECT pg_backend_pid() AS pid');
  const observer = new Client({ connectionString: url });
  await observer.connect();
  try {
    await waitUntil(async () => {
      const found = await observer.query(
        'SELECT FROM pg_stat_activity WHERE $1 = ANY (pg_blocking_pids(pid))',
        [rows[0]?.pid],
      );
      return found.rowCount !== 0;
    }, 'the scan to queue');
  } finally {
    await observer.end();
  }
}
