import { createTestDatabase, sharedPostgres } from '@brimful/testbed/vitest';
import { describe, expect, test } from 'vitest';
import { TestSource } from './testing/harness.ts';

describe.for(sharedPostgres())('Postgres $majorVersion', (server) => {
  test('every kind of change arrives in commit order', async () => {
    await using database = await createTestDatabase(server);
    await using source = await TestSource.connect(database.url);
    await source.client.query('CREATE TABLE t (id int PRIMARY KEY, name text, price numeric)');
    await using session = await source.follow(['public.t']);
    await source.client.query("INSERT INTO t VALUES (1, 'one', 1.50), (2, NULL, 'NaN')");
    await source.client.query("UPDATE t SET name = 'uno' WHERE id = 1");
    await source.client.query('UPDATE t SET id = 3 WHERE id = 2');
    await source.client.query('DELETE FROM t WHERE id = 1');
    await source.client.query('TRUNCATE t');
    await source.client.query("INSERT INTO t VALUES (9, '', 0)");
    await session.caughtUp();
    expect(session.changes('public.t')).toEqual([
      'insert 1|one|1.50',
      'insert 2|∅|NaN',
      'update 1|uno|1.50',
      'move 2→3|∅|NaN',
      'delete 1|∅|∅',
      'truncate',
      'insert 9||0',
    ]);
  });

  test('an untouched TOASTed value is left out, also when the key changes; FULL brings it', async () => {
    await using database = await createTestDatabase(server);
    await using source = await TestSource.connect(database.url);
    await source.client.query(`
      CREATE TABLE t (id int PRIMARY KEY, big text, n int);
      ALTER TABLE t ALTER COLUMN big SET STORAGE EXTERNAL;
      CREATE TABLE f (LIKE t INCLUDING ALL);
      ALTER TABLE f REPLICA IDENTITY FULL;
      INSERT INTO t VALUES (1, repeat('x', 5000), 0);
      INSERT INTO f VALUES (1, repeat('y', 5000), 0)`);
    await using session = await source.follow(['public.t', 'public.f']);
    for (const table of ['t', 'f']) {
      await source.client.query(`UPDATE ${table} SET n = 1`);
      await source.client.query(`UPDATE ${table} SET id = 2`);
      await source.client.query(`DELETE FROM ${table}`);
    }
    await session.caughtUp();
    expect(session.changes('public.t')).toEqual(['update 1|?|1', 'move 1→2|?|1', 'delete 2|∅|∅']);
    const big = 'y'.repeat(5000);
    expect(session.changes('public.f')).toEqual([`update 1|${big}|1`, `move 1→2|${big}|1`, 'delete 2|∅|∅']);
  });

  test('tables without a key: whole rows under FULL, inserts only without, and no UPDATE of the application fails', async () => {
    await using database = await createTestDatabase(server);
    await using source = await TestSource.connect(database.url);
    await source.client.query(`
      CREATE TABLE full_rows (a int, b text);
      ALTER TABLE full_rows REPLICA IDENTITY FULL;
      CREATE TABLE bare (a int, b text)`);
    await using session = await source.follow(['public.full_rows', 'public.bare']);
    for (const table of ['full_rows', 'bare']) {
      await source.client.query(`INSERT INTO ${table} VALUES (1, 'x'), (1, 'x')`);
      await source.client.query(`UPDATE ${table} SET b = 'y' WHERE ctid = '(0,1)'`);
      await source.client.query(`DELETE FROM ${table} WHERE b = 'x'`);
      await source.client.query(`TRUNCATE ${table}`);
    }
    await session.caughtUp();
    expect(session.changes('public.full_rows')).toEqual([
      'insert 1|x',
      'insert 1|x',
      'delete 1|x',
      'insert 1|y',
      'delete 1|x',
      'truncate',
    ]);
    expect(session.changes('public.bare')).toEqual(['insert 1|x', 'insert 1|x', 'truncate']);
  });

  test('the key is the replica identity: an index that is not the primary key, in its own order', async () => {
    await using database = await createTestDatabase(server);
    await using source = await TestSource.connect(database.url);
    await source.client.query(`
      CREATE TABLE t (id int PRIMARY KEY, a int NOT NULL, b text NOT NULL, c int);
      CREATE UNIQUE INDEX other ON t (b, a);
      ALTER TABLE t REPLICA IDENTITY USING INDEX other`);
    await using session = await source.follow(['public.t']);
    await source.client.query("INSERT INTO t VALUES (1, 10, 'x', 5)");
    await source.client.query('UPDATE t SET id = 2');
    await source.client.query("UPDATE t SET b = 'z'");
    await source.client.query('DELETE FROM t');
    await session.caughtUp();
    expect(session.shapes('public.t')).toEqual(['id integer, a integer, b text, c integer key b, a']);
    expect(session.changes('public.t')).toEqual([
      'insert 1|10|x|5',
      'update 2|10|x|5',
      'move x,10→2|10|z|5',
      'delete ∅|10|z|∅',
    ]);
  });

  test('dropped columns are gone, generated ones come where the server publishes them, to scans and stream alike', async () => {
    await using database = await createTestDatabase(server);
    await using source = await TestSource.connect(database.url);
    await source.client.query(`
      CREATE TABLE t (gone int, id int PRIMARY KEY, double int GENERATED ALWAYS AS (id * 2) STORED, name text);
      ALTER TABLE t DROP COLUMN gone;
      INSERT INTO t (id, name) VALUES (1, 'one')`);
    await using session = await source.follow(['public.t']);
    await source.client.query("INSERT INTO t (id, name) VALUES (2, 'two')");
    await session.caughtUp();
    const published = server.majorVersion >= 18;
    expect(session.changes('public.t')).toEqual([published ? 'insert 2|4|two' : 'insert 2|two']);
    expect((await session.readAll('public.t')).sort()).toEqual(
      published ? ['1|2|one', '2|4|two'] : ['1|one', '2|two'],
    );
  });

  test('names with quotes, capitals, spaces and other scripts', async () => {
    await using database = await createTestDatabase(server);
    await using source = await TestSource.connect(database.url);
    await source.client.query(`
      CREATE SCHEMA "Größe ""x""";
      CREATE TABLE "Größe ""x"""."Zahl.en 数" ("id ""a""" int PRIMARY KEY, "select" text, "données" int);
      INSERT INTO "Größe ""x"""."Zahl.en 数" VALUES (1, 'eins', 1)`);
    await using session = await source.open();
    const [found] = await session.session.discover();
    expect(found?.name).toBe('"Größe ""x"""."Zahl.en 数"');
    const resource = found?.name as string;
    await session.session.join([resource]);
    session.stream(new Map());
    await source.client.query(`UPDATE "Größe ""x"""."Zahl.en 数" SET "select" = 'zwei', "id ""a""" = 2`);
    await session.caughtUp();
    expect(session.changes(resource)).toEqual(['move 1→2|zwei|1']);
    expect(await session.readAll(resource)).toEqual(['2|zwei|1']);
  });

  test('subtransactions and prepared transactions carry the transaction that snapshots list', async () => {
    await using database = await createTestDatabase(server);
    await using source = await TestSource.connect(database.url);
    await source.client.query('CREATE TABLE t (id int PRIMARY KEY)');
    await using session = await source.follow(['public.t']);
    const plan = await session.session.plan('public.t');
    await source.client.query('BEGIN');
    await source.client.query('INSERT INTO t VALUES (1)');
    await source.client.query('SAVEPOINT a; INSERT INTO t VALUES (2); SAVEPOINT b; INSERT INTO t VALUES (3)');
    await source.client.query('ROLLBACK TO b; INSERT INTO t VALUES (4)');
    const top = BigInt(await source.value('SELECT pg_current_xact_id()'));
    await source.client.query('COMMIT');
    await source.client.query('BEGIN; INSERT INTO t VALUES (5)');
    const prepared = BigInt(await source.value('SELECT pg_current_xact_id()'));
    await source.client.query("PREPARE TRANSACTION 'later'");
    const before = await session.read('public.t', plan, {
      from: '0'.repeat(16),
      to: `${'0'.repeat(7)}1${'0'.repeat(8)}`,
    });
    await source.client.query("COMMIT PREPARED 'later'");
    await session.caughtUp();
    expect(before.snapshot.sees(top)).toBe(true);
    expect(before.snapshot.sees(prepared)).toBe(false);
    expect(session.changes('public.t')).toEqual([1, 2, 4, 5].map((id) => `insert ${id}`));
    const transactions = session.parts.flatMap((part) =>
      part.kind === 'rows' ? [...(part.batch.changes?.transactions ?? [])] : [],
    );
    expect(transactions).toEqual([top, top, top, prepared]);
  });

  // Invariants 6 and 8
  test('a table that can no longer be followed stops alone', async () => {
    await using database = await createTestDatabase(server);
    await using source = await TestSource.connect(database.url);
    await source.client.query(`
      CREATE TABLE good (id int PRIMARY KEY, v int);
      CREATE TABLE bad (id int PRIMARY KEY, v int)`);
    await using session = await source.follow(['public.good', 'public.bad']);
    await source.client.query('INSERT INTO bad VALUES (1, 1), (2, 2)');
    await source.client.query('INSERT INTO good VALUES (1, 1)');
    await session.caughtUp();
    await source.client.query('ALTER TABLE bad REPLICA IDENTITY NOTHING');
    await source.client.query('INSERT INTO bad VALUES (3, 3)');
    await source.client.query('INSERT INTO good VALUES (2, 2)');
    await session.until(() => session.changes('public.bad').includes('failed'), 'the table to fail');
    await session.caughtUp();
    expect(session.changes('public.good')).toEqual(['insert 1|1', 'insert 2|2']);
    expect(session.changes('public.bad')).toEqual(['insert 1|1', 'insert 2|2', 'failed']);
  });
});
