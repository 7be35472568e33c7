import { createTestDatabase, sharedPostgres } from '@brimful/testbed/vitest';
import { setTimeout as sleep } from 'node:timers/promises';
import { describe, expect, test } from 'vitest';
import { TestSource } from './testing/harness.ts';

const SCHEMA = `
  CREATE TABLE t (id int, v text, PRIMARY KEY (id)) PARTITION BY RANGE (id);
  CREATE TABLE t1 PARTITION OF t FOR VALUES FROM (0) TO (100);
  CREATE TABLE t2 (v text, id int NOT NULL);
  ALTER TABLE t ATTACH PARTITION t2 FOR VALUES FROM (100) TO (200);
  INSERT INTO t VALUES (1, 'one'), (101, 'two')`;
/** Longer than the watch over the catalog sleeps. */
const TWO_LOOKS_MILLISECONDS = 2_500;

describe.for(sharedPostgres())('Postgres $majorVersion', (server) => {
  test('leaves are their root: listed once, streamed under it, whatever the order of their columns', async () => {
    await using database = await createTestDatabase(server);
    await using source = await TestSource.connect(database.url);
    await source.client.query(SCHEMA);
    await using session = await source.open();
    expect((await session.session.discover()).map((resource) => resource.name)).toEqual(['public.t']);
    await session.session.join(['public.t']);
    session.stream(new Map());
    await source.client.query("UPDATE t SET v = 'x'; UPDATE t SET id = 102 WHERE id = 101");
    // A row that changes its partition is deleted there and inserted here.
    await source.client.query('UPDATE t SET id = 103 WHERE id = 1');
    await session.caughtUp();
    expect(session.changes('public.t')).toEqual([
      'update 1|x',
      'update 101|x',
      'move 101→102|x',
      'delete 1|∅',
      'insert 103|x',
    ]);
    expect((await session.readAll('public.t')).sort()).toEqual(['102|x', '103|x']);
  });

  test('a partition made while streaming is followed, and makes nothing stale', async () => {
    await using database = await createTestDatabase(server);
    await using source = await TestSource.connect(database.url);
    await source.client.query(SCHEMA);
    await using session = await source.follow(['public.t']);
    await source.client.query('CREATE TABLE t3 PARTITION OF t FOR VALUES FROM (200) TO (300)');
    await source.client.query("INSERT INTO t VALUES (201, 'new')");
    await sleep(TWO_LOOKS_MILLISECONDS);
    await session.caughtUp();
    expect(session.changes('public.t')).toEqual(['insert 201|new']);
  });

  test.for([
    [
      'attached with rows',
      "CREATE TABLE t3 (id int NOT NULL, v text); INSERT INTO t3 VALUES (201, 'x'); ALTER TABLE t ATTACH PARTITION t3 FOR VALUES FROM (200) TO (300)",
    ],
    ['detached', 'ALTER TABLE t DETACH PARTITION t1'],
    ['dropped', 'DROP TABLE t1'],
    ['truncated', 'TRUNCATE t1'],
  ] as const)('a partition that is %s makes the table stale, and its changes go on', async ([, sql]) => {
    await using database = await createTestDatabase(server);
    await using source = await TestSource.connect(database.url);
    await source.client.query(SCHEMA);
    await using session = await source.follow(['public.t']);
    await source.client.query("UPDATE t SET v = 'before' WHERE id = 101");
    // Each statement its own transaction, as an application would.
    for (const statement of sql.split('; ')) await source.client.query(statement);
    await session.until(() => session.changes('public.t').includes('stale'), 'the table to be stale');
    await source.client.query("UPDATE t SET v = 'after' WHERE id = 101");
    await session.caughtUp();
    expect(session.changes('public.t')).toEqual(['update 101|before', 'stale', 'update 101|after']);
    const part = session.parts.find((one) => one.kind === 'stale');
    expect(part?.kind === 'stale' && part.problem.code).toBe('BRM-PG-PARTITIONS');
  });

  test('a partition loaded and attached in one transaction makes the table stale', async () => {
    await using database = await createTestDatabase(server);
    await using source = await TestSource.connect(database.url);
    await source.client.query(SCHEMA);
    await using session = await source.follow(['public.t']);
    await source.client.query(`BEGIN; CREATE TABLE t3 (id int NOT NULL, v text);
      INSERT INTO t3 VALUES (201, 'x'); ALTER TABLE t ATTACH PARTITION t3 FOR VALUES FROM (200) TO (300); COMMIT`);
    await session.until(() => session.changes('public.t').includes('stale'), 'the table to be stale');
  });

  test('partitions that came or went while nobody looked are noticed at the next start', async () => {
    await using database = await createTestDatabase(server);
    await using source = await TestSource.connect(database.url);
    await source.client.query(SCHEMA);
    const first = await source.follow(['public.t']);
    await first.caughtUp();
    await first[Symbol.asyncDispose]();
    const resume = new Map([['public.t', { position: first.passed.toString() }]]);
    await source.client.query('DROP TABLE t1');
    await using second = await source.follow(['public.t'], resume);
    await second.until(() => second.changes('public.t').includes('stale'), 'the table to be stale');
  });

  test('TRUNCATE of the root empties the collection', async () => {
    await using database = await createTestDatabase(server);
    await using source = await TestSource.connect(database.url);
    await source.client.query(SCHEMA);
    await using session = await source.follow(['public.t']);
    await source.client.query('TRUNCATE t');
    await session.caughtUp();
    expect(session.changes('public.t')).toEqual(['truncate']);
  });

  test('one leaf without an identity makes the table insert-only instead of breaking the application', async () => {
    await using database = await createTestDatabase(server);
    await using source = await TestSource.connect(database.url);
    await source.client.query(SCHEMA);
    await source.client.query('ALTER TABLE t1 REPLICA IDENTITY NOTHING');
    await using session = await source.follow(['public.t']);
    await source.client.query("UPDATE t SET v = 'x'; INSERT INTO t VALUES (2, 'two')");
    await session.caughtUp();
    expect(session.changes('public.t')).toEqual(['insert 2|two']);
  });
});
