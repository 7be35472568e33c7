import { createTestDatabase, sharedPostgres } from '@brimful/testbed/vitest';
import { Client } from 'pg';
import { setTimeout as sleep } from 'node:timers/promises';
import { describe, expect, test } from 'vitest';
import { TestSource } from './testing/harness.ts';

describe.for(sharedPostgres())('Postgres $majorVersion', (server) => {
  // Invariant 5
  test('waits for the transactions that run, while the stream goes on, and holds up scans meanwhile', async () => {
    await using database = await createTestDatabase(server);
    await using source = await TestSource.connect(database.url);
    await source.client.query('CREATE TABLE t (id int PRIMARY KEY, v int); INSERT INTO t VALUES (1, 1)');
    await using session = await source.follow(['public.t']);
    const other = new Client({ connectionString: database.url });
    await other.connect();
    try {
      await other.query('BEGIN; UPDATE t SET v = 2 WHERE id = 1');
      let done = false;
      const revisit = session.session.revisit('public.t', 'begin').then((answer) => {
        done = true;
        return answer;
      });
      // Not until the transaction has ended, though the stream passes by.
      await source.client.query('INSERT INTO t VALUES (2, 2)');
      await session.caughtUp();
      expect(session.changes('public.t')).toEqual(['insert 2|2']);
      await sleep(300);
      let planned = false;
      const plan = session.session.plan('public.t').then((made) => {
        planned = true;
        return made;
      });
      await sleep(200);
      expect([done, planned]).toEqual([false, false]);
      await other.query('COMMIT');
      const answer = await revisit;
      expect(answer.from).toBeUndefined();
      expect(answer.schema.key).toEqual(['id']);
      await plan;
      expect((await session.readAll('public.t')).sort()).toEqual(['1|2', '2|2']);
    } finally {
      await other.end();
    }
  });

  test('needs nobody to take the stream', async () => {
    await using database = await createTestDatabase(server);
    await using source = await TestSource.connect(database.url);
    await source.client.query('CREATE TABLE t (id int PRIMARY KEY)');
    await using session = await source.open();
    await session.session.join(['public.t']);
    const answer = await session.session.revisit('public.t', 'begin');
    expect(answer.from).toBeUndefined();
  });

  test('ends with the session', async () => {
    await using database = await createTestDatabase(server);
    await using source = await TestSource.connect(database.url);
    await source.client.query('CREATE TABLE t (id int PRIMARY KEY)');
    const session = await source.follow(['public.t']);
    await source.client.query('BEGIN; INSERT INTO t VALUES (1)');
    const revisit = session.session.revisit('public.t', 'begin');
    revisit.catch(() => undefined);
    // Long enough for the pauses to have grown.
    await sleep(2_500);
    const started = performance.now();
    await session[Symbol.asyncDispose]();
    await expect(revisit).rejects.toMatchObject({ code: 'BRM-PG-CONNECTION', kind: 'retry' });
    expect(performance.now() - started).toBeLessThan(1_000);
    await source.client.query('ROLLBACK');
  });

  test('a table that lost its key and got another is joined anew', async () => {
    await using database = await createTestDatabase(server);
    await using source = await TestSource.connect(database.url);
    await source.client.query(
      'CREATE TABLE t (id int PRIMARY KEY, code text NOT NULL); INSERT INTO t VALUES (1, $$a$$)',
    );
    await using session = await source.follow(['public.t']);
    await source.client.query('ALTER TABLE t DROP CONSTRAINT t_pkey');
    await session.until(() => session.changes('public.t').includes('failed'), 'the table to fail');
    await expect(session.session.plan('public.t')).rejects.toMatchObject({ code: 'BRM-PG-NOT-JOINED' });
    await source.client.query('ALTER TABLE t ADD PRIMARY KEY (code)');
    const answer = await session.session.revisit('public.t', 'begin');
    expect(answer.schema.key).toEqual(['code']);
    expect(typeof answer.from).toBe('bigint');
    await source.client.query("UPDATE t SET code = 'b'");
    await session.caughtUp();
    expect(session.changes('public.t').slice(1)).toEqual(['move a→1|b']);
    expect(await session.readAll('public.t')).toEqual(['1|b']);
  });

  test('a table that was made anew, unpublished or given its first key is joined anew', async () => {
    await using database = await createTestDatabase(server);
    await using source = await TestSource.connect(database.url);
    await source.client.query(`
      CREATE TABLE anew (id int PRIMARY KEY); CREATE TABLE silent (id int PRIMARY KEY); CREATE TABLE bare (id int NOT NULL)`);
    const all = ['public.anew', 'public.silent', 'public.bare'];
    await using session = await source.follow(all);
    const publication = await source.value("SELECT pubname FROM pg_publication WHERE pubname !~ 'inserts$'");
    await source.client.query(`DROP TABLE anew; CREATE TABLE anew (name text PRIMARY KEY);
      ALTER PUBLICATION ${publication} DROP TABLE silent; ALTER TABLE bare ADD PRIMARY KEY (id)`);
    for (const resource of all) {
      const answer = await session.session.revisit(resource, 'begin');
      expect(typeof answer.from).toBe('bigint');
      expect(answer.schema.key).toEqual([resource === 'public.anew' ? 'name' : 'id']);
    }
    const before = session.parts.length;
    await source.client
      .query(`INSERT INTO anew VALUES ('x'); INSERT INTO silent VALUES (1); INSERT INTO bare VALUES (1);
      UPDATE bare SET id = 2`);
    await session.caughtUp();
    const changes = session.parts.slice(before).filter((part) => part.kind === 'rows');
    expect(changes.map((part) => part.resource).sort()).toEqual([...all].sort());
    expect(session.changes('public.bare')).toEqual(['insert 1', 'move 1→2']);
  });

  test('a table that is gone is a problem that says so', async () => {
    await using database = await createTestDatabase(server);
    await using source = await TestSource.connect(database.url);
    await source.client.query('CREATE TABLE t (id int PRIMARY KEY)');
    await using session = await source.follow(['public.t']);
    await source.client.query('DROP TABLE t');
    await expect(session.session.revisit('public.t', 'begin')).rejects.toMatchObject({
      code: 'BRM-PG-NO-TABLE',
    });
  });

  test('what made the table stale before is in the read: no news of it comes later', async () => {
    await using database = await createTestDatabase(server);
    await using source = await TestSource.connect(database.url);
    await source.client.query(`
      CREATE TABLE t (id int PRIMARY KEY, v text); INSERT INTO t VALUES (1, '1');
      CREATE TABLE p (id int PRIMARY KEY) PARTITION BY RANGE (id);
      CREATE TABLE p1 PARTITION OF p FOR VALUES FROM (0) TO (10);
      CREATE TABLE p2 (id int PRIMARY KEY); INSERT INTO p2 VALUES (11)`);
    const first = await source.follow(['public.t', 'public.p']);
    await source.client.query('INSERT INTO t VALUES (2, $$2$$)');
    await first.caughtUp();
    await source.client.query(`
      ALTER TABLE t ALTER COLUMN v TYPE int USING v::int * 10;
      ALTER TABLE p ATTACH PARTITION p2 FOR VALUES FROM (10) TO (20)`);
    for (const resource of ['public.t', 'public.p']) {
      expect((await first.session.revisit(resource, 'begin')).from).toBeUndefined();
    }
    const before = first.parts.length;
    await source.client.query('UPDATE t SET v = v + 1; INSERT INTO p VALUES (12)');
    await first.caughtUp();
    await sleep(1_500);
    await first.caughtUp();
    const kinds = first.parts.slice(before).map((part) => `${part.resource} ${part.kind}`);
    expect(new Set(kinds)).toEqual(
      new Set(['public.t schema', 'public.t rows', 'public.p schema', 'public.p rows']),
    );
    // A rewrite after the read began is news.
    await source.client.query(
      'ALTER TABLE t ALTER COLUMN v TYPE text USING v::text || $$!$$; UPDATE t SET v = v',
    );
    await first.until(() => first.changes('public.t').includes('stale'), 'the news');
    const { resume } = first;
    await first[Symbol.asyncDispose]();
    // Nor at the next start.
    await using second = await source.follow(['public.p'], resume);
    await second.caughtUp();
    expect(second.changes('public.p')).not.toContain('stale');
  });
});
