import { createTestDatabase, sharedPostgres } from '@brimful/testbed/vitest';
import { setTimeout as sleep } from 'node:timers/promises';
import { describe, expect, test } from 'vitest';
import type { StreamPart } from '@brimful/connector';
import type { TestSession } from './testing/harness.ts';
import { TestSource } from './testing/harness.ts';

describe.for(sharedPostgres())('Postgres $majorVersion', (server) => {
  test('columns added, dropped and renamed while streaming keep their identity', async () => {
    await using database = await createTestDatabase(server);
    await using source = await TestSource.connect(database.url);
    await source.client.query('CREATE TABLE t (id int PRIMARY KEY, a text, b int)');
    await using session = await source.follow(['public.t']);
    await source.client.query("INSERT INTO t VALUES (1, 'x', 1)");
    await source.client.query("ALTER TABLE t ADD COLUMN c text DEFAULT 'it''s, {new}'");
    await source.client.query('INSERT INTO t VALUES (2, NULL, 2)');
    await source.client.query('ALTER TABLE t RENAME COLUMN a TO renamed');
    await source.client.query('ALTER TABLE t DROP COLUMN b');
    await source.client.query("INSERT INTO t VALUES (3, 'z', 'w')");
    await session.caughtUp();
    expect(session.changes('public.t')).toEqual(['insert 1|x|1', "insert 2|∅|2|it's, {new}", 'insert 3|z|w']);
    expect(session.shapes('public.t')).toEqual([
      'id integer, a text, b integer key id',
      'id integer, a text, b integer, c text key id',
      'id integer, renamed text, c text key id',
    ]);
    const numbers = schemas(session).map((schema) => schema.columns.map((column) => column.sourceId));
    expect(numbers).toEqual([
      [1, 2, 3],
      [1, 2, 3, 4],
      [1, 2, 4],
    ]);
    expect(schemas(session)[1]?.columns[3]?.initial).toBe("it's, {new}");
  });

  test('a backlog from before several ALTERs is read with the shapes it was written in', async () => {
    await using database = await createTestDatabase(server);
    await using source = await TestSource.connect(database.url);
    await source.client.query('CREATE TABLE t (id int PRIMARY KEY, a int, b int)');
    const first = await source.follow(['public.t']);
    await source.client.query('INSERT INTO t VALUES (0, 0, 0)');
    await first.caughtUp();
    const { resume } = first;
    await first[Symbol.asyncDispose]();
    await source.client.query('INSERT INTO t VALUES (1, 10, 100)');
    await source.client.query('ALTER TABLE t RENAME COLUMN a TO c; ALTER TABLE t ADD COLUMN a text');
    await source.client.query("INSERT INTO t VALUES (2, 20, 200, 'A')");
    await source.client.query('ALTER TABLE t DROP COLUMN b; ALTER TABLE t ALTER COLUMN c TYPE bigint');
    await source.client.query("INSERT INTO t VALUES (3, 30, 'B')");
    await using second = await source.follow(['public.t'], resume);
    await second.caughtUp();
    expect(second.changes('public.t').filter((change) => change !== 'stale')).toEqual([
      'insert 1|10|100',
      'insert 2|20|200|A',
      'insert 3|30|B',
    ]);
    expect(
      schemas(second).map((schema) => schema.columns.map((one) => `${one.sourceId}${one.name}`)),
    ).toEqual([
      ['1id', '2a', '3b'],
      ['1id', '2c', '3b', '4a'],
      ['1id', '2c', '4a'],
    ]);
  });

  test('a column dropped and added under the same name is another column', async () => {
    await using database = await createTestDatabase(server);
    await using source = await TestSource.connect(database.url);
    await source.client.query('CREATE TABLE t (id int PRIMARY KEY, a int)');
    await using session = await source.follow(['public.t']);
    await source.client.query('INSERT INTO t VALUES (1, 1)');
    await session.caughtUp();
    await source.client.query('ALTER TABLE t DROP COLUMN a, ADD COLUMN a int');
    await source.client.query('INSERT INTO t VALUES (2, 2)');
    await session.caughtUp();
    expect(schemas(session).map((schema) => schema.columns.map((column) => column.sourceId))).toEqual([
      [1, 2],
      [1, 3],
    ]);
  });

  test('an ALTER that computes values makes the table stale; one that widens does not', async () => {
    await using database = await createTestDatabase(server);
    await using source = await TestSource.connect(database.url);
    await source.client.query('CREATE TABLE t (id int PRIMARY KEY, a int)');
    await using session = await source.follow(['public.t']);
    await source.client.query('INSERT INTO t VALUES (1, 1)');
    await source.client.query('ALTER TABLE t ALTER COLUMN a TYPE bigint');
    await source.client.query('INSERT INTO t VALUES (2, 5000000000)');
    await session.caughtUp();
    expect(session.changes('public.t')).toEqual(['insert 1|1', 'insert 2|5000000000']);
    await source.client.query('ALTER TABLE t ADD COLUMN token uuid DEFAULT gen_random_uuid()');
    await source.client.query("INSERT INTO t VALUES (3, 3, '00000000-0000-0000-0000-000000000001')");
    await session.caughtUp();
    expect(session.changes('public.t').slice(2)).toEqual([
      'stale',
      'insert 3|3|00000000-0000-0000-0000-000000000001',
    ]);
    expect(problemOf(session, 'stale')?.code).toBe('BRM-PG-REWRITTEN');
  });

  test('NOT NULL is promised only as far as the rows keep it', async () => {
    await using database = await createTestDatabase(server);
    await using source = await TestSource.connect(database.url);
    await source.client.query('CREATE TABLE t (id int PRIMARY KEY, a int)');
    const first = await source.follow(['public.t']);
    await first.caughtUp();
    const resume = new Map([['public.t', { position: first.passed.toString() }]]);
    await first[Symbol.asyncDispose]();
    await source.client.query('INSERT INTO t VALUES (1, NULL)');
    await source.client.query('UPDATE t SET a = 1; ALTER TABLE t ALTER COLUMN a SET NOT NULL');
    await using second = await source.follow(['public.t'], resume);
    await second.caughtUp();
    expect(second.changes('public.t')).toEqual(['insert 1|∅', 'update 1|1']);
    expect(schemas(second).at(-1)?.columns[1]?.nullable).toBe(true);
    await source.client.query('ALTER TABLE t ALTER COLUMN a DROP NOT NULL; INSERT INTO t VALUES (2, NULL)');
    await second.caughtUp();
    expect(second.changes('public.t').at(-1)).toBe('insert 2|∅');
  });

  test('a key that is dropped while streaming stops the table, never the application', async () => {
    await using database = await createTestDatabase(server);
    await using source = await TestSource.connect(database.url);
    await source.client.query('CREATE TABLE t (id int PRIMARY KEY, a int); INSERT INTO t VALUES (1, 1)');
    await using session = await source.follow(['public.t']);
    await source.client.query('ALTER TABLE t DROP CONSTRAINT t_pkey');
    await session.until(() => session.changes('public.t').includes('failed'), 'the table to fail');
    await source.client.query('UPDATE t SET a = 2');
    await source.client.query('DELETE FROM t');
    expect(problemOf(session, 'failed')?.code).toBe('BRM-PG-KEY-LOST');
    const published = await source.client.query<{ pubname: string }>(
      "SELECT pubname FROM pg_publication_tables WHERE tablename = 't'",
    );
    expect(published.rows.map((row) => row.pubname.endsWith('_inserts'))).toEqual([true]);
  });

  test('a key that an insert-only table gets is news, and changes nothing until it is read again', async () => {
    await using database = await createTestDatabase(server);
    await using source = await TestSource.connect(database.url);
    await source.client.query('CREATE TABLE t (id int NOT NULL, a int); INSERT INTO t VALUES (1, 1)');
    await using session = await source.follow(['public.t']);
    await source.client.query('ALTER TABLE t ADD PRIMARY KEY (id)');
    await session.until(() => session.changes('public.t').includes('stale'), 'the news');
    expect(problemOf(session, 'stale')?.code).toBe('BRM-PG-KEY-ADDED');
    await source.client.query('INSERT INTO t VALUES (2, 2); UPDATE t SET a = 3 WHERE id = 2');
    await session.caughtUp();
    expect(session.shapes('public.t')).toEqual(['id integer, a integer key ']);
    expect(session.changes('public.t')).toEqual(['stale', 'insert 2|2']);
    expect((await session.session.plan('public.t')).divisible).toBe(false);
  });

  test('a key dropped while nobody looked: the table fails at the next start, the application no longer does', async () => {
    await using database = await createTestDatabase(server);
    await using source = await TestSource.connect(database.url);
    await source.client.query('CREATE TABLE t (id int PRIMARY KEY, a int); INSERT INTO t VALUES (1, 1)');
    const first = await source.follow(['public.t']);
    await first.caughtUp();
    await first[Symbol.asyncDispose]();
    await source.client.query('ALTER TABLE t DROP CONSTRAINT t_pkey');
    const resume = new Map([['public.t', { position: first.passed.toString() }]]);
    await using second = await source.follow(['public.t'], resume);
    await second.until(() => second.changes('public.t').includes('failed'), 'the table to fail');
    await source.client.query('UPDATE t SET a = 2');
    expect(problemOf(second, 'failed')?.code).toBe('BRM-PG-KEY-LOST');
  });

  test('another key is announced before the first change under it', async () => {
    await using database = await createTestDatabase(server);
    await using source = await TestSource.connect(database.url);
    await source.client.query('CREATE TABLE t (id int PRIMARY KEY, a int NOT NULL)');
    await using session = await source.follow(['public.t']);
    await source.client.query('INSERT INTO t VALUES (1, 10)');
    await source.client.query('ALTER TABLE t DROP CONSTRAINT t_pkey, ADD PRIMARY KEY (a)');
    await source.client.query('UPDATE t SET a = 11');
    await session.caughtUp();
    expect(session.shapes('public.t')).toEqual([
      'id integer, a integer key id',
      'id integer, a integer key a',
    ]);
    expect(session.changes('public.t')).toEqual(['insert 1|10', 'move 10→1|11']);
  });

  test('a table dropped, renamed, or made anew under its name is told as dropped, and can join again', async () => {
    await using database = await createTestDatabase(server);
    await using source = await TestSource.connect(database.url);
    await source.client.query(`
      CREATE TABLE gone (id int PRIMARY KEY); CREATE TABLE moved (id int PRIMARY KEY);
      CREATE TABLE anew (id int PRIMARY KEY)`);
    const all = ['public.gone', 'public.moved', 'public.anew'];
    await using session = await source.follow(all);
    for (const table of ['gone', 'moved', 'anew'])
      await source.client.query(`INSERT INTO ${table} VALUES (1)`);
    await source.client.query(`
      DROP TABLE gone; ALTER TABLE moved RENAME TO elsewhere;
      DROP TABLE anew; CREATE TABLE anew (other text PRIMARY KEY)`);
    await session.until(() => all.every((one) => session.changes(one).includes('dropped')), 'three drops');
    for (const one of all) expect(session.changes(one)).toEqual(['insert 1', 'dropped']);
    await session.session.leave(all);
    const [joined] = await session.session.join(['public.anew']);
    expect(joined?.schema.key).toEqual(['other']);
    await source.client.query("INSERT INTO anew VALUES ('x')");
    await session.caughtUp();
    expect(session.changes('public.anew')).toEqual(['insert 1', 'dropped', 'insert x']);
  });

  test('whenever tables are dropped, they are told as dropped and nothing else', async () => {
    await using database = await createTestDatabase(server);
    await using source = await TestSource.connect(database.url);
    const names = Array.from({ length: 150 }, (_, index) => `t${index}`);
    for (const name of names) await source.client.query(`CREATE TABLE ${name} (id int PRIMARY KEY)`);
    const resources = names.map((name) => `public.${name}`);
    await using session = await source.follow(resources);
    // Over several looks at the catalog, so that some fall into one.
    for (const name of names) {
      await source.client.query(`DROP TABLE ${name}`);
      await sleep(15);
    }
    await session.until(() => session.parts.length >= names.length, 'all drops');
    expect(new Set(resources.flatMap((one) => session.changes(one)))).toEqual(new Set(['dropped']));
  });

  test('a table made anew while nobody looked is dropped, not taken for the old one', async () => {
    await using database = await createTestDatabase(server);
    await using source = await TestSource.connect(database.url);
    await source.client.query('CREATE TABLE t (id int PRIMARY KEY)');
    const first = await source.follow(['public.t']);
    await source.client.query('INSERT INTO t VALUES (1)');
    await first.caughtUp();
    const { resume } = first;
    await first[Symbol.asyncDispose]();
    await source.client.query('DROP TABLE t; CREATE TABLE t (id int PRIMARY KEY); INSERT INTO t VALUES (7)');
    await using second = await source.follow(['public.t'], resume);
    await second.until(() => second.changes('public.t').length > 0, 'the drop');
    expect(second.changes('public.t')).toEqual(['dropped']);
  });
});

function schemas(session: TestSession): Extract<StreamPart, { kind: 'schema' }>['schema'][] {
  return session.parts.flatMap((part) => (part.kind === 'schema' ? [part.schema] : []));
}

function problemOf(
  session: TestSession,
  kind: 'stale' | 'failed',
): Extract<StreamPart, { kind: 'failed' }>['problem'] | undefined {
  return session.parts.flatMap((part) => (part.kind === kind ? [part.problem] : []))[0];
}
