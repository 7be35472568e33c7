import type { ScanPlan, Snapshot } from '@brimful/connector';
import type { Range, Scope } from '@brimful/model';
import { createTestDatabase, sharedPostgres } from '@brimful/testbed/vitest';
import { Client } from 'pg';
import { describe, expect, test } from 'vitest';
import { TestSource } from './testing/harness.ts';
import type { TestSession } from './testing/harness.ts';
import type { StretchesDetail } from './scoped-plan.ts';
import { scopedDetail } from './scoped-plan.ts';

const NEVER = new AbortController().signal;
const BERLIN = 'Europe/Berlin';

const time = (column: string, from: string | null, to: string | null): Scope => ({
  kind: 'time',
  column,
  from,
  to,
  zone: BERLIN,
});

describe.for(sharedPostgres())('Postgres $majorVersion', (server) => {
  test('a key range is read along its index in pieces, each exactly what its snapshot shows, while rows come and go', async () => {
    await using database = await createTestDatabase(server);
    await using source = await TestSource.connect(database.url);
    await source.client.query(`
      CREATE TABLE t (id int PRIMARY KEY, v int NOT NULL, filler text);
      CREATE TABLE log (place bigserial, xid xid8 DEFAULT pg_current_xact_id(), id int, v int);
      CREATE FUNCTION note() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
        IF TG_OP <> 'INSERT' THEN INSERT INTO log (id) VALUES (OLD.id); END IF;
        IF TG_OP <> 'DELETE' THEN INSERT INTO log (id, v) VALUES (NEW.id, NEW.v); END IF;
        RETURN NULL; END $$;
      INSERT INTO t SELECT i, 0, repeat('x', 300) FROM generate_series(1, 60000) i;
      INSERT INTO log (id, v) SELECT id, v FROM t;
      CREATE TRIGGER note AFTER INSERT OR UPDATE OR DELETE ON t FOR EACH ROW EXECUTE FUNCTION note();
      ANALYZE t`);
    await using session = await source.follow(['public.t']);
    const writer = new Client({ connectionString: database.url });
    await writer.connect();
    let writing = true;
    const writes = (async (): Promise<void> => {
      for (let round = 1; writing; round += 1) {
        await writer.query('UPDATE t SET v = $1 WHERE id % 97 = $2', [round, round % 97]);
        await writer.query('DELETE FROM t WHERE id % 89 = $1', [round % 89]);
        await writer.query('UPDATE t SET id = id + 100000 WHERE id % 83 = $1 AND id < 100000', [round % 83]);
        await writer.query(
          'INSERT INTO t SELECT $1 * 89 + i * 89, 7 FROM generate_series(1, 20) i ON CONFLICT DO NOTHING',
          [round % 89],
        );
      }
    })();
    try {
      const scope: Scope = { kind: 'key', from: ['1000'], to: ['9000'] };
      const plan = await session.session.plan('public.t', scope);
      const detail = scopedDetail(plan) as StretchesDetail;
      expect(detail.kind).toBe('stretches');
      expect(JSON.stringify(plan).length).toBeLessThan(256 * 1024);
      const chunks: {
        readonly from: number;
        readonly to: number;
        rows: readonly string[];
        snapshot: Snapshot;
      }[] = [];
      await eachPiece(plan, 3, async (range, from, to) => {
        const { rows, snapshot } = await session.read('public.t', plan, range);
        chunks.push({
          from: Number(detail.points[from]?.[0]),
          to: Number(detail.points[to]?.[0]),
          rows: rows.map((row) => row.split('|').slice(0, 2).join('|')),
          snapshot,
        });
      });
      writing = false;
      await writes;
      expect(chunks.length).toBeGreaterThan(1);
      expect([chunks[0]?.from, chunks.at(-1)?.to]).toEqual([1000, 9000]);
      const log = await source.client.query<{ xid: string; id: number; v: number | null }>(
        'SELECT xid::text, id, v FROM log ORDER BY place',
      );
      for (const [index, chunk] of chunks.entries()) {
        expect(chunk.from).toBe(index === 0 ? 1000 : chunks[index - 1]?.to);
        const state = new Map<number, number>();
        for (const { xid, id, v } of log.rows) {
          if (!chunk.snapshot.sees(BigInt(xid))) continue;
          if (v === null) state.delete(id);
          else state.set(id, v);
        }
        const expected = [...state].filter(([id]) => id >= chunk.from && id < chunk.to);
        expect([...chunk.rows].sort()).toEqual(expected.map(([id, v]) => `${id}|${v}`).sort());
      }
    } finally {
      writing = false;
      await writes;
      await writer.end();
    }
  });

  test('every kind of column bounds exactly what SQL says, however it is cut', async () => {
    await using database = await createTestDatabase(server);
    await using source = await TestSource.connect(database.url);
    await source.client.query(`
      CREATE TYPE mood AS ENUM ('sad', 'ok', 'happy');
      CREATE DOMAIN positive AS int CHECK (VALUE > 0);
      CREATE TABLE t (id bigint PRIMARY KEY, at timestamptz, local timestamp(3), day date, filler text);
      INSERT INTO t SELECT i, CASE WHEN i % 10 > 0 THEN '2026-01-01Z'::timestamptz + i * interval '3 minutes' END,
        '2026-01-01'::timestamp + i * interval '3 minutes', '2026-01-01'::date + i / 480, repeat('x', 200)
        FROM generate_series(1, 40000) i;
      INSERT INTO t (id, at) VALUES (0, 'infinity'), (-1, '-infinity'), (-2, '0044-03-15 BC');
      CREATE INDEX ON t (at); CREATE INDEX ON t (day);
      CREATE TABLE u (id uuid PRIMARY KEY, filler text);
      INSERT INTO u SELECT md5(i::text)::uuid, repeat('x', 300) FROM generate_series(1, 20000) i;
      CREATE TABLE s (name text COLLATE "C", mood mood, n positive, PRIMARY KEY (name, mood, n));
      INSERT INTO s SELECT 'k' || i % 300 || E'''"\\\\é,', (ARRAY['sad', 'ok', 'happy'])[1 + i % 3]::mood, i FROM generate_series(1, 30000) i;
      ANALYZE`);
    await using session = await source.follow(['public.t', 'public.u', 'public.s']);
    const same = async (table: string, scope: Scope, where: string): Promise<number> => {
      const rows = await session.readAll(`public.${table}`, scope);
      const key = scope.kind === 'time' || table !== 's' ? 'id::text' : "format('%s|%s|%s', name, mood, n)";
      const { rows: found } = await source.client.query<{ key: string }>(
        `SELECT ${key} AS key FROM ${table} WHERE ${where}`,
      );
      const keys = rows.map((row) => (table === 's' ? row : (row.split('|')[0] as string)));
      expect(keys.sort(), where).toEqual(found.map((row) => row.key).sort());
      return rows.length;
    };
    const january = time('at', '2026-01-10T00:00:00Z', '2026-01-20T12:30:00.5Z');
    expect(await same('t', january, "at >= '2026-01-10Z' AND at < '2026-01-20 12:30:00.5Z'")).toBeGreaterThan(
      4000,
    );
    await same('t', time('at', null, '2026-01-02T00:00:00+01:00'), "at < '2026-01-01 23:00Z'");
    await same('t', time('at', '2026-03-20T00:00:00Z', null), "at >= '2026-03-20Z'");
    await same('t', time('at', null, null), 'at IS NOT NULL');
    await same('t', time('local', '2026-01-10T00:00:00', '2026-01-10T00:00:00.001'), "local = '2026-01-10'");
    await same(
      't',
      time('local', '2026-01-10T00:00:00.0005', '2026-01-10T00:03:00.0005'),
      "local = '2026-01-10 00:03'",
    );
    await same('t', time('day', '2026-02-01', '2026-02-03'), "day IN ('2026-02-01', '2026-02-02')");
    await same('t', { kind: 'key', from: ['-1'], to: ['12345'] }, 'id >= -1 AND id < 12345');
    await same(
      'u',
      { kind: 'key', from: ['3'.repeat(32)], to: ['4'.repeat(32)] },
      `id >= '${'3'.repeat(32)}' AND id < '${'4'.repeat(32)}'`,
    );
    await same('u', { kind: 'key', from: null, to: null }, 'true');
    const name = (index: number): string => `k${index}'"\\é,`;
    const sql = (index: number): string => `E'k${index}''"\\\\é,'`;
    const keys: readonly (readonly [Scope, string])[] = [
      [{ kind: 'key', from: [name(10)], to: [name(12)] }, `name >= ${sql(10)} AND name < ${sql(12)}`],
      [
        { kind: 'key', from: [name(7), 'ok'], to: [name(7), 'happy', '20000'] },
        `(name, mood) >= (${sql(7)}, 'ok') AND (name, mood, n) < (${sql(7)}, 'happy', 20000)`,
      ],
      [
        { kind: 'key', from: [name(7), 'ok', '500'], to: [name(8)] },
        `(name, mood, n) >= (${sql(7)}, 'ok', 500) AND name < ${sql(8)}`,
      ],
      [{ kind: 'key', from: [name(5), 'sad', '0'], to: [name(5), 'sad', '-7'] }, 'false'],
    ];
    for (const [scope, where] of keys.slice(0, 3)) expect(await same('s', scope, where)).toBeGreaterThan(0);
    // Ends before it begins, though no domain has the values: they are bounds, not rows.
    await expect(session.session.plan('public.s', keys[3]?.[0])).rejects.toMatchObject({
      code: 'BRM-SCOPE-VALUE',
    });
  });

  test('a bound that no index serves reads the table once, page by page, and only partitions that can have rows', async () => {
    await using database = await createTestDatabase(server);
    await using source = await TestSource.connect(database.url);
    await source.client.query(`
      CREATE TABLE t (id int, day date, at timestamptz, filler text, PRIMARY KEY (id, day)) PARTITION BY RANGE (day);
      CREATE TABLE t1 PARTITION OF t FOR VALUES FROM ('2026-01-01') TO ('2026-02-01');
      CREATE TABLE t2 PARTITION OF t FOR VALUES FROM ('2026-02-01') TO ('2026-03-01');
      CREATE TABLE t3 (filler text, gone int, at timestamptz, day date NOT NULL, id int NOT NULL);
      ALTER TABLE t3 DROP COLUMN gone;
      ALTER TABLE t ATTACH PARTITION t3 FOR VALUES FROM ('2026-03-01') TO ('2026-04-01');
      INSERT INTO t SELECT i, '2026-01-01'::date + i % 90, '2026-01-01Z'::timestamptz + i * interval '1 minute', repeat('x', 300)
        FROM generate_series(0, 29999) i;
      ANALYZE t1, t2, t3`);
    await using session = await source.follow(['public.t']);
    const ids = async (where: string): Promise<string[]> => {
      const { rows } = await source.client.query<{ id: number }>(`SELECT id FROM t WHERE ${where}`);
      return rows.map((row) => String(row.id)).sort();
    };
    const read = async (scope: Scope): Promise<string[]> =>
      (await session.readAll('public.t', scope)).map((row) => row.split('|')[0] as string).sort();
    // Backends hand in what they counted when they next end a transaction.
    await pagesRead(source);
    const before = await pagesRead(source);
    const scope = time('at', '2026-01-05T00:00:00Z', '2026-01-12T00:00:00Z');
    const plan = await session.session.plan('public.t', scope);
    expect(scopedDetail(plan)).toMatchObject({ kind: 'pages' });
    const found: string[] = [];
    await eachPiece(
      plan,
      undefined,
      async (range) => {
        const { rows } = await session.read('public.t', plan, range);
        found.push(...rows.map((row) => row.split('|')[0] as string));
      },
      session,
    );
    const after = await pagesRead(source);
    const pages = Number(
      await source.value("SELECT sum(pg_relation_size(c)) / 8192 FROM unnest('{t1,t2,t3}'::regclass[]) c"),
    );
    expect(after - before).toBeLessThan(pages * 1.2);
    expect(found.sort()).toEqual(await ids("at >= '2026-01-05Z' AND at < '2026-01-12Z'"));
    const february = time('day', '2026-02-01', '2026-03-01');
    const detail = scopedDetail(await session.session.plan('public.t', february));
    expect(detail?.kind === 'pages' && detail.leaves.length).toBe(1);
    expect(await read(february)).toEqual(await ids("day >= '2026-02-01' AND day < '2026-03-01'"));
    const few: Scope = { kind: 'key', from: ['100'], to: ['110', '2026-01-05'] };
    expect(await read(few)).toEqual(await ids("id >= 100 AND (id, day) < (110, '2026-01-05')"));
    expect((await session.session.plan('public.t', time('day', '2030-01-01', null))).total).toEqual([]);
  });

  test('page plans of a scope start over when the table is rewritten; stretches go on, unless it is another table', async () => {
    await using database = await createTestDatabase(server);
    await using source = await TestSource.connect(database.url);
    await source.client.query(`
      CREATE TABLE t (id int PRIMARY KEY, at timestamptz, filler text);
      INSERT INTO t SELECT i, '2026-01-01Z'::timestamptz + i * interval '1 minute', repeat('x', 300) FROM generate_series(1, 20000) i;
      CREATE TABLE p (id int, v int, PRIMARY KEY (id)) PARTITION BY RANGE (id);
      CREATE TABLE p1 PARTITION OF p FOR VALUES FROM (0) TO (10); INSERT INTO p VALUES (1, 1);
      ANALYZE`);
    await using session = await source.follow(['public.t', 'public.p']);
    const paged = await session.session.plan('public.t', time('at', '2026-01-02T00:00:00Z', null));
    const stretched = await session.session.plan('public.t', { kind: 'key', from: ['10'], to: ['500'] });
    expect([scopedDetail(paged)?.kind, scopedDetail(stretched)?.kind]).toEqual(['pages', 'stretches']);
    await source.client.query(
      'ALTER TABLE t RENAME COLUMN id TO number; ALTER TABLE t RENAME COLUMN at TO moment',
    );
    const whole = paged.total[0] as Range;
    expect((await session.read('public.t', paged, whole)).rows).toHaveLength(20000 - 1439);
    await source.client.query('VACUUM FULL t');
    await expect(session.session.scan('public.t', paged, whole, NEVER)).rejects.toMatchObject({
      code: 'BRM-SCAN-MOVED',
    });
    expect((await session.read('public.t', stretched, stretched.total[0] as Range)).rows).toHaveLength(490);
    await source.client.query('ALTER TABLE t ALTER COLUMN number TYPE bigint');
    await expect(
      session.session.scan('public.t', stretched, stretched.total[0] as Range, NEVER),
    ).rejects.toMatchObject({
      code: 'BRM-SCAN-MOVED',
    });
    const leaf = await session.session.plan('public.p', { kind: 'key', from: ['1'], to: ['5'] });
    await source.client.query('ALTER TABLE p DETACH PARTITION p1');
    await expect(session.session.scan('public.p', leaf, leaf.total[0] as Range, NEVER)).rejects.toMatchObject(
      {
        code: 'BRM-SCAN-MOVED',
      },
    );
  });

  test('single keys are read in groups, each once, with commas, quotes and other spellings', async () => {
    await using database = await createTestDatabase(server);
    await using source = await TestSource.connect(database.url);
    await source.client.query(`
      CREATE TABLE t (name text, n numeric, tags text[], PRIMARY KEY (tags, name, n));
      INSERT INTO t VALUES ('a,b', 1.0, '{}'), (E'it''s "x"\\\\', 2, '{"a,b"}'), ('', 'NaN', '{NULL}'), ('ü{}', 3, '{a}');
      CREATE TABLE many (id int PRIMARY KEY); INSERT INTO many SELECT generate_series(1, 30000)`);
    await using session = await source.follow(['public.t', 'public.many']);
    const rows = await session.readAll('public.t', {
      kind: 'keys',
      keys: [
        ['{}', 'a,b', '1'],
        ['{}', 'a,b', '1'],
        ['{"a,b"}', `it's "x"\\`, '2'],
        ['{NULL}', '', 'NaN'],
        ['{a}', 'nobody', '3'],
      ],
    });
    expect(rows.sort()).toEqual(['a,b|1.0|{}', `it's "x"\\|2|{"a,b"}`, '|NaN|{NULL}'].sort());
    const keys = Array.from({ length: 25000 }, (_, index) => [String(index * 2)]);
    const plan = await session.session.plan('public.many', { kind: 'keys', keys });
    let pieces = 0;
    const found: number[] = [];
    await eachPiece(
      plan,
      undefined,
      async (range) => {
        pieces += 1;
        found.push(...(await session.read('public.many', plan, range)).rows.map(Number));
      },
      session,
    );
    expect(pieces).toBe(3);
    expect(found.sort((a, b) => a - b)).toEqual(Array.from({ length: 15000 }, (_, index) => index * 2 + 2));
    expect((await session.session.plan('public.many', { kind: 'keys', keys: [] })).total).toEqual([]);
  });

  test('a day in a zone with daylight saving is 23 or 25 hours of instants', async () => {
    await using database = await createTestDatabase(server);
    await using source = await TestSource.connect(database.url);
    await source.client.query(`
      ALTER DATABASE ${database.name} SET timezone = 'America/New_York';
      CREATE TABLE t (id int PRIMARY KEY, at timestamptz);
      INSERT INTO t SELECT i, '2026-03-28 00:00Z'::timestamptz + i * interval '1 hour' FROM generate_series(0, 6000) i`);
    await using session = await source.follow(['public.t']);
    // 29 March and 25 October 2026 in Berlin, half-open.
    const spring = time('at', '2026-03-28T23:00:00Z', '2026-03-29T22:00:00Z');
    const autumn = time('at', '2026-10-24T22:00:00Z', '2026-10-25T23:00:00Z');
    expect(await session.readAll('public.t', spring)).toHaveLength(23);
    expect(await session.readAll('public.t', autumn)).toHaveLength(25);
  });

  test('what cannot be a bound is refused with what to write instead', async () => {
    await using database = await createTestDatabase(server);
    await using source = await TestSource.connect(database.url);
    await source.client.query(`
      CREATE TABLE t (id int PRIMARY KEY, at timestamptz, local timestamp, day date, name text);
      CREATE TABLE bare (at timestamptz)`);
    await using session = await source.follow(['public.t', 'public.bare']);
    const codes: readonly (readonly [Scope, string])[] = [
      [time('nowhere', null, null), 'BRM-SCOPE-COLUMN'],
      [time('name', null, null), 'BRM-SCOPE-COLUMN'],
      [time('at', '2026-01-01T00:00:00', null), 'BRM-SCOPE-VALUE'],
      [time('at', 'now', null), 'BRM-SCOPE-VALUE'],
      [time('at', '2026-02-30T00:00:00Z', null), 'BRM-SCOPE-VALUE'],
      [time('local', '2026-01-01T00:00:00+02:00', null), 'BRM-SCOPE-VALUE'],
      [time('local', '2026-01-01T00:00:00.0000001', null), 'BRM-SCOPE-VALUE'],
      [time('day', '2026-01-01T12:00', null), 'BRM-SCOPE-VALUE'],
      [time('day', '2026-02-01', '2026-01-01'), 'BRM-SCOPE-VALUE'],
      [{ kind: 'key', from: ['x'], to: null }, 'BRM-SCOPE-VALUE'],
      [{ kind: 'key', from: ['99999999999'], to: null }, 'BRM-SCOPE-VALUE'],
      [{ kind: 'key', from: ['1', '2'], to: null }, 'BRM-SCOPE-VALUE'],
      [{ kind: 'keys', keys: [['1'], ['1', '2']] }, 'BRM-SCOPE-VALUE'],
      [{ kind: 'keys', keys: [['1'], ["'; DROP TABLE t; --"]] }, 'BRM-SCOPE-VALUE'],
      [{ kind: 'keys', keys: Array.from({ length: 100_001 }, () => ['1']) }, 'BRM-SCOPE-KEYS'],
    ];
    for (const [scope, code] of codes) {
      const plan = session.session.plan('public.t', scope);
      const what = JSON.stringify(scope).slice(0, 100);
      await expect(plan, what).rejects.toMatchObject({
        code,
        remedy: expect.stringMatching(/\w{5}/) as string,
      });
    }
    expect((await session.session.plan('public.t', time('day', '2026-01-01', '2026-01-01'))).total).toEqual(
      [],
    );
    await expect(session.session.plan('public.bare', time('at', null, null))).rejects.toMatchObject({
      code: 'BRM-SCOPE-NO-KEY',
    });
  });
});

/** Goes through a plan's ranges: in pieces of so many units, or as the session cuts them. */
async function eachPiece(
  plan: ScanPlan,
  units: number | undefined,
  read: (range: Range, from: number, to: number) => Promise<void>,
  session?: TestSession,
): Promise<void> {
  const text = (unit: number): string => unit.toString(16).padStart(8, '0');
  let [front] = plan.total;
  while (front !== undefined) {
    const start = Number.parseInt(front.from as string, 16);
    const last = Number.parseInt(front.to as string, 16);
    const range =
      units === undefined
        ? (session as TestSession).session.next(plan, [front])
        : { from: front.from, to: text(Math.min(last, start + units)) };
    await read(range, start, Number.parseInt(range.to as string, 16));
    front = range.to === front.to ? undefined : { from: range.to, to: front.to };
  }
}

/** Heap pages that sequential and page scans touched so far. */
async function pagesRead(source: TestSource): Promise<number> {
  await new Promise((resolve) => setTimeout(resolve, 1_500));
  return Number(
    await source.value(
      "SELECT sum(heap_blks_read + heap_blks_hit) FROM pg_statio_user_tables WHERE relname ~ '^t\\d'",
    ),
  );
}
