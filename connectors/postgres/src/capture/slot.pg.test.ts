import { findDebianPostgres, startFaultProxy, startPostgres } from '@brimful/testbed';
import type { PostgresServer } from '@brimful/testbed';
import { Problem } from '@brimful/model';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { capture } from './capture.ts';
import { installCertificate, TEST_CERTIFICATE } from './testing/certificate.ts';
import { lsn, TestSource, waitUntil } from './testing/harness.ts';

const versions = findDebianPostgres() === undefined ? ['embedded'] : ['embedded', 'debian'];
const PASSWORD = 'p@ss w0rd';

describe.for(versions as ('embedded' | 'debian')[])('a Postgres of its own (%s)', (version) => {
  let server: PostgresServer;
  let url: string;
  let databases = 0;

  beforeAll(async () => {
    server = await startPostgres({ version, password: PASSWORD });
  });

  afterAll(async () => {
    await server[Symbol.asyncDispose]();
  });

  beforeEach(async () => {
    databases += 1;
    url = await server.createDatabase(`db${databases}`);
  });

  const start = async (options: Parameters<typeof TestSource.connect>[1] = {}): Promise<TestSource> => {
    const source = await TestSource.connect(url, options);
    await source.client.query('CREATE TABLE t (id int PRIMARY KEY, v text)');
    return source;
  };

  // Invariants 1 and 4
  test('a restart goes on behind what was acknowledged, and delivers the rest once', async () => {
    await using source = await start();
    const first = await source.follow(['public.t']);
    first.acknowledges = true;
    await source.client.query("INSERT INTO t VALUES (1, 'a')");
    await first.caughtUp();
    const { resume } = first;
    await first[Symbol.asyncDispose]();
    await source.client.query("INSERT INTO t VALUES (2, 'b')");
    await using second = await source.follow(['public.t'], resume);
    await source.client.query("INSERT INTO t VALUES (3, 'c')");
    await second.caughtUp();
    expect(second.changes('public.t')).toEqual(['insert 2|b', 'insert 3|c']);
  });

  // Invariant 4: what was acknowledged meanwhile is gone from the source.
  test('a table that was left out for a while has lost changes, and says so; in a later join it begins', async () => {
    await using source = await start();
    await source.client.query('CREATE TABLE other (id int PRIMARY KEY, v text)');
    const first = await source.follow(['public.t', 'public.other']);
    first.acknowledges = true;
    await source.client.query("INSERT INTO t VALUES (0, 'seen')");
    await first.caughtUp();
    const { resume } = first;
    await first[Symbol.asyncDispose]();
    const without = await source.follow(['public.other'], resume);
    without.acknowledges = true;
    await source.client.query("INSERT INTO t VALUES (1, 'unseen')");
    await without.caughtUp();
    await without[Symbol.asyncDispose]();
    const published = 'SELECT count(*) FROM pg_publication_tables WHERE tablename = ';
    expect(await source.value(`${published}'t'`)).toBe('0');
    const back = await source.follow(['public.other', 'public.t'], resume);
    await back.until(() => back.changes('public.t').includes('failed'), 'the table to fail');
    const told = back.parts.find((part) => part.kind === 'failed');
    expect(told).toMatchObject({ resource: 'public.t', problem: { code: 'BRM-PG-NOT-PUBLISHED' } });
    await back[Symbol.asyncDispose]();
    await using later = await source.follow(['public.other']);
    await later.session.join(['public.t']);
    await source.client.query("INSERT INTO t VALUES (2, 'seen')");
    await later.caughtUp();
    expect(later.changes('public.t')).toEqual(['insert 2|seen']);
  });

  test('what was delivered but never acknowledged comes again, and the journal’s word leaves it out', async () => {
    await using source = await start();
    const first = await source.follow(['public.t']);
    await source.client.query("INSERT INTO t VALUES (1, 'a')");
    await first.caughtUp();
    const { resume } = first;
    await first[Symbol.asyncDispose]();
    const again = await source.follow(['public.t'], new Map([['public.t', { position: '0' }]]));
    await again.caughtUp();
    expect(again.changes('public.t')).toEqual(['insert 1|a']);
    await again[Symbol.asyncDispose]();
    await using third = await source.follow(['public.t'], resume);
    await third.caughtUp();
    expect(third.changes('public.t')).toEqual([]);
  });

  test('a commit record that starts right where the last one ended is not taken for passed', async () => {
    await using source = await start();
    const first = await source.follow(['public.t']);
    await first.caughtUp();
    await source.client.query("BEGIN; INSERT INTO t VALUES (1, 'prepared'); PREPARE TRANSACTION 'next'");
    await source.client.query("INSERT INTO t VALUES (2, 'before')");
    await first.until(() => first.changes('public.t').length === 1, 'the insert');
    const resume = new Map(first.resume);
    await source.client.query("COMMIT PREPARED 'next'");
    await first[Symbol.asyncDispose]();
    await using second = await source.follow(['public.t'], resume);
    await second.caughtUp();
    expect(second.changes('public.t')).toEqual(['insert 1|prepared']);
  });

  test('a commit is decoded before it is visible: the snapshot decides, not the position', async () => {
    await using source = await start();
    await using session = await source.follow(['public.t']);
    const plan = await session.session.plan('public.t');
    await source.client.query("INSERT INTO t VALUES (1, 'seen')");
    const later = await session.session.plan('public.t');
    await source.client.query("ALTER SYSTEM SET synchronous_standby_names = 'ghost'");
    await source.client.query('SELECT pg_reload_conf()');
    await using writer = await TestSource.connect(url);
    await waitUntil(
      async () => (await writer.value('SHOW synchronous_standby_names')) === 'ghost',
      'the setting',
    );
    const pid = await writer.value('SELECT pg_backend_pid()');
    const commit = writer.client.query("INSERT INTO t VALUES (2, 'hidden')");
    try {
      await session.until(() => session.changes('public.t').includes('insert 2|hidden'), 'the commit');
      const [hidden] = session.parts
        .flatMap((part) => (part.kind === 'rows' ? [part.batch.changes?.transactions.at(-1) as bigint] : []))
        .slice(-1);
      const chunk = await session.read('public.t', later, session.session.next(later, later.total));
      expect(chunk.rows).toEqual(['1|seen']);
      expect(chunk.snapshot.sees(hidden as bigint)).toBe(false);
      // Its commit lies before the end of the log that the chunk saw: positions would have said it is in.
      expect(session.passed).toBeGreaterThan(0n);
      expect(chunk.passed).toBeGreaterThanOrEqual(BigInt(session.resume.get('public.t')?.position ?? 0));
    } finally {
      await source.client.query('ALTER SYSTEM RESET synchronous_standby_names');
      await source.client.query('SELECT pg_reload_conf()');
      await source.client.query('SELECT pg_cancel_backend($1)', [pid]);
      await commit;
    }
    const after = await session.read('public.t', later, session.session.next(later, later.total));
    expect(after.rows).toEqual(['1|seen', '2|hidden']);
    expect(plan.total).toEqual([]);
  });

  test('a shape is decoded before it is visible: the catalog is asked once it can know', async () => {
    await using source = await start();
    await using session = await source.follow(['public.t']);
    await session.caughtUp();
    await source.client.query("ALTER SYSTEM SET synchronous_standby_names = 'ghost'");
    await source.client.query('SELECT pg_reload_conf()');
    await using writer = await TestSource.connect(url);
    await waitUntil(
      async () => (await writer.value('SHOW synchronous_standby_names')) === 'ghost',
      'the setting',
    );
    const pid = await writer.value('SELECT pg_backend_pid()');
    const commit = writer.client.query(
      "BEGIN; ALTER TABLE t ADD COLUMN more int DEFAULT 5; INSERT INTO t VALUES (1, 'new', 7); COMMIT",
    );
    // It has been decoded by now, or is about to be.
    await waitUntil(
      async () =>
        (await source.value(`SELECT wait_event FROM pg_stat_activity WHERE pid = ${String(pid)}`)) ===
        'SyncRep',
      'the commit',
    );
    await session.session.nudge();
    await sleep(300);
    expect(session.parts.filter(({ kind }) => kind === 'failed')).toEqual([]);
    await source.client.query('ALTER SYSTEM RESET synchronous_standby_names');
    await source.client.query('SELECT pg_reload_conf()');
    await source.client.query('SELECT pg_cancel_backend($1)', [pid]);
    await commit;
    await session.caughtUp();
    expect(session.changes('public.t')).toEqual(['insert 1|new|7']);
  });

  test('scans wait for transactions that ran when the table joined, prepared ones too, and say for whom', async () => {
    await using source = await start({ joinTimeoutSeconds: 0.2 });
    await using writer = await TestSource.connect(url);
    // The slot first: creating it would wait, too.
    await using session = await source.open();
    await writer.client.query("BEGIN; INSERT INTO t VALUES (1, 'early'); PREPARE TRANSACTION 'p1'");
    await writer.client.query("BEGIN; INSERT INTO t VALUES (2, 'early')");
    // Another database's transaction is nobody's business here.
    await using stranger = await TestSource.connect(server.url());
    await stranger.client.query('BEGIN; SELECT pg_current_xact_id()');
    await session.session.join(['public.t']);
    session.stream(new Map());
    let planned = false;
    const plan = session.session.plan('public.t').finally(() => {
      planned = true;
    });
    await writer.client.query("INSERT INTO t VALUES (3, 'late')");
    await waitUntil(() => source.warnings.length > 0, 'a warning');
    expect(source.warnings[0]).toContain("prepared transaction 'p1'");
    expect(source.warnings[0]).toContain('idle in transaction');
    await writer.client.query('COMMIT');
    await sleep(300);
    expect(planned).toBe(false);
    await writer.client.query("COMMIT PREPARED 'p1'");
    const range = session.session.next(await plan, (await plan).total);
    expect((await session.read('public.t', await plan, range)).rows.toSorted()).toEqual([
      '1|early',
      '2|early',
      '3|late',
    ]);
  });

  test('creating the slot waits for older transactions, and names them when it takes too long', async () => {
    await using source = await start({ joinTimeoutSeconds: 1 });
    await using writer = await TestSource.connect(url);
    await writer.client.query("BEGIN; INSERT INTO t VALUES (1, 'x')");
    const pid = await writer.value('SELECT pg_backend_pid()');
    const refused = await source.open().catch((error: unknown) => error);
    expect(refused).toMatchObject({ code: 'BRM-PG-SLOT-BLOCKED', kind: 'retry' });
    expect((refused as Problem).message).toContain(`pid ${pid} (user postgres`);
    await writer.client.query('COMMIT');
    await using session = await source.follow(['public.t']);
    await session.caughtUp();
  });

  // Invariant 4
  test('a slot that was dropped, or dropped and made again, or that others read, is never taken for ours', async () => {
    await using source = await start();
    const first = await source.follow(['public.t']);
    first.acknowledges = true;
    await source.client.query("INSERT INTO t VALUES (1, 'a')");
    await first.caughtUp();
    await first[Symbol.asyncDispose]();
    const slot = await source.value(
      `SELECT slot_name FROM pg_replication_slots WHERE database = current_database()`,
    );
    await waitUntil(async () => (await source.value(activeSql(slot))) === 'false', 'the slot to be free');
    await source.client.query("INSERT INTO t VALUES (2, 'b')");
    await source.client.query('SELECT pg_replication_slot_advance($1, pg_current_wal_lsn())', [slot]);
    await expect(source.open()).rejects.toMatchObject({ code: 'BRM-PG-SLOT-RECREATED', kind: 'operator' });
    await source.client.query('SELECT pg_drop_replication_slot($1)', [slot]);
    await expect(source.open()).rejects.toMatchObject({ code: 'BRM-PG-SLOT-LOST', kind: 'operator' });
    await source.client.query("SELECT pg_create_logical_replication_slot($1, 'pgoutput')", [slot]);
    await expect(source.open()).rejects.toMatchObject({ code: 'BRM-PG-SLOT-RECREATED' });
    // After `down --drop` it starts anew.
    await capture.drop(source.config, source.context);
    source.memory = undefined;
    source.durable = undefined;
    await using session = await source.follow(['public.t']);
    await session.caughtUp();
  });

  test('a slot that is there although we know nothing of it is refused, unless the user named it', async () => {
    await using source = await start();
    const slot = `brimful_${source.name.replace('/', '_')}`;
    await source.client.query("SELECT pg_create_logical_replication_slot($1, 'pgoutput')", [slot]);
    await expect(source.open()).rejects.toMatchObject({ code: 'BRM-PG-SLOT-EXISTS' });
    await using named = await TestSource.connect(url, { slot });
    await using session = await named.follow(['public.t']);
    await source.client.query("INSERT INTO t VALUES (1, 'a')");
    await session.caughtUp();
    expect(session.changes('public.t')).toEqual(['insert 1|a']);
  });

  test('a process that died over creating the slot finds it as its own', async () => {
    await using source = await start();
    const dying = { ...source.context, reach: (point: string) => void point };
    let died = false;
    dying.remember = async (memory) => {
      if (died) throw new Error('killed');
      died = true;
      source.memory = memory;
    };
    await expect(capture.open(source.config, dying)).rejects.toThrow('killed');
    expect(
      await source.value('SELECT count(*) FROM pg_replication_slots WHERE database = current_database()'),
    ).toBe('1');
    await using session = await source.follow(['public.t']);
    await session.caughtUp();
  });

  test('a server behind what was taken, another timeline, another server: stop', async () => {
    await using source = await start();
    const first = await source.open();
    await first[Symbol.asyncDispose]();
    const ahead = (await lsn(source.client)) + 1_000_000_000n;
    source.durable = ahead;
    await expect(source.open()).rejects.toMatchObject({ code: 'BRM-PG-SERVER-BEHIND', kind: 'operator' });
    source.durable = undefined;
    const memory = source.memory as Record<string, string>;
    source.memory = { ...memory, timeline: 2 };
    await expect(source.open()).rejects.toMatchObject({ code: 'BRM-PG-SERVER-RESTORED', kind: 'operator' });
    for (const change of [{ systemId: '1' }, { database: 'other' }]) {
      source.memory = { ...memory, ...change };
      await expect(source.open()).rejects.toMatchObject({ code: 'BRM-PG-SERVER-CHANGED', kind: 'operator' });
    }
  });

  test('a publication that was dropped meanwhile is a gap', async () => {
    await using source = await start();
    const first = await source.follow(['public.t']);
    await first.caughtUp();
    const running = first.failed();
    const name = `brimful_${source.name.replace('/', '_')}`;
    await source.client.query(`DROP PUBLICATION ${name}`);
    await source.client.query("INSERT INTO t VALUES (1, 'a')");
    // Server 18 streams on and warns only in its log; the watch sees that the table is not published.
    await Promise.race([
      running,
      first
        .until(() => first.changes('public.t').includes('failed'), 'the table to fail')
        .catch(() => undefined),
    ]);
    await first[Symbol.asyncDispose]();
    running.catch(() => undefined);
    await expect(source.open()).rejects.toMatchObject({ code: 'BRM-PG-PUBLICATION-LOST' });
  });

  test('a dead predecessor’s walsender is waited for; a living one is named', async () => {
    await using source = await start({ joinTimeoutSeconds: 2 });
    await using proxy = await startFaultProxy({ port: server.port });
    await using silent = await TestSource.connect(proxy.url(url), { joinTimeoutSeconds: 2 });
    const first = await silent.follow(['public.t']);
    await first.caughtUp();
    // The network goes silent: the server does not know that the client is gone.
    proxy.hold();
    source.memory = silent.memory;
    await using second = await source.follow(['public.t']);
    const failure = (await second.failed()) as Problem;
    expect(failure).toMatchObject({ code: 'BRM-PG-SLOT-ACTIVE', kind: 'retry' });
    expect(failure.message).toContain(`'brimful ${source.name} stream'`);
    await using third = await source.open();
    await third.session.join(['public.t']);
    third.stream(new Map());
    await sleep(200);
    // Dead at last; also the connection of the test's own client.
    proxy.cut();
    await third.caughtUp();
    await first[Symbol.asyncDispose]().catch(() => undefined);
  });

  test('a lost connection and a server restart are problems to retry, and nothing is lost over them', async () => {
    await using source = await start();
    const first = await source.follow(['public.t']);
    await source.client.query("INSERT INTO t VALUES (1, 'a')");
    await first.caughtUp();
    await server.crash();
    expect(await first.failed()).toMatchObject({ code: 'BRM-PG-CONNECTION', kind: 'retry' });
    await expect(source.open()).rejects.toMatchObject({ code: 'BRM-PG-UNREACHABLE', kind: 'retry' });
    const { resume } = first;
    await first[Symbol.asyncDispose]();
    await server.start();
    await using again = await TestSource.connect(url);
    again.memory = source.memory;
    await again.client.query("INSERT INTO t VALUES (2, 'b')");
    await using second = await again.follow(['public.t'], resume);
    await second.caughtUp();
    expect(second.changes('public.t')).toEqual(['insert 2|b']);
  });

  // Invariant 10
  test('a wrong password, database, host or right says what to do, and never the password', async () => {
    await using source = await start();
    const tell = async (change: Partial<typeof source.config>, first = true): Promise<Problem> => {
      const context = { ...source.context, ...(first ? {} : { memory: {} }) };
      const thrown: unknown = await capture
        .open({ ...source.config, ...change }, context)
        .catch((error: unknown) => error);
      expect(thrown).toBeInstanceOf(Problem);
      expect(JSON.stringify(thrown) + String((thrown as Error).stack)).not.toContain('s3cret');
      return thrown as Problem;
    };
    expect(await tell({ password: 's3cret' })).toMatchObject({
      code: 'BRM-PG-AUTHENTICATION',
      kind: 'operator',
    });
    expect(await tell({ database: 'nowhere' })).toMatchObject({ code: 'BRM-PG-DATABASE', kind: 'operator' });
    expect(await tell({ host: 'no-such-host.invalid' })).toMatchObject({
      code: 'BRM-PG-UNREACHABLE',
      kind: 'operator',
    });
    expect(await tell({ port: 1 })).toMatchObject({ code: 'BRM-PG-UNREACHABLE', kind: 'operator' });
    expect(await tell({ port: 1 }, false)).toMatchObject({ kind: 'retry' });
    expect(await tell({ url: 's3cret', host: '127.0.0.1' })).toMatchObject({ code: 'BRM-PG-CONFIG' });
    await source.client.query(`CREATE ROLE reader${databases} LOGIN PASSWORD 's3cret'`);
    const reader = await tell({ user: `reader${databases}`, password: 's3cret' });
    expect(reader.kind).toBe('operator');
    expect(reader.code).toMatch(/BRM-PG-(AUTHENTICATION|PRIVILEGE)/);
  });

  test('over TLS all is the same, and a certificate that does not fit is told as such', async () => {
    const tls = await startPostgres({ version, password: PASSWORD });
    try {
      installCertificate(tls.dataDirectory);
      await using plain = await TestSource.connect(tls.url());
      const refused = await capture
        .open({ ...plain.config, ssl: 'require' }, plain.context)
        .catch((error: unknown) => error);
      expect(refused).toMatchObject({ code: 'BRM-PG-TLS', kind: 'operator' });
      await plain.client.query('ALTER SYSTEM SET ssl = on');
      await plain.client.query('SELECT pg_reload_conf()');
      await waitUntil(async () => (await plain.value('SHOW ssl')) === 'on', 'TLS');
      await plain.client.query('CREATE TABLE t (id int PRIMARY KEY, v text)');
      await plain.client.query("INSERT INTO t SELECT i, repeat('x', 500) FROM generate_series(1, 20000) i");
      const unknown = capture.open({ ...plain.config, ssl: 'verify-full' }, plain.context);
      await expect(unknown).rejects.toMatchObject({ code: 'BRM-PG-TLS' });
      await using source = await TestSource.connect(tls.url(), {
        ssl: 'verify-full',
        sslRootCertificate: TEST_CERTIFICATE,
      });
      await using session = await source.follow(['public.t']);
      const ours = `SELECT bool_and(ssl) FROM pg_stat_ssl JOIN pg_stat_activity USING (pid) WHERE application_name LIKE 'brimful%'`;
      expect(await plain.value(ours)).toBe('true');
      await plain.client.query('UPDATE t SET id = -id WHERE id <= 100');
      await session.caughtUp();
      expect(session.changes('public.t')).toHaveLength(100);
      expect(await session.readAll('public.t')).toHaveLength(20_000);
    } finally {
      await tls[Symbol.asyncDispose]();
    }
  });

  test('drop removes slot and publications, also under a running stream, and a second time does nothing', async () => {
    await using source = await start();
    const session = await source.follow(['public.t']);
    await session.caughtUp();
    await capture.drop(source.config, source.context);
    expect(await session.failed()).toMatchObject({ kind: 'retry' });
    await session[Symbol.asyncDispose]();
    const left = `SELECT (SELECT count(*) FROM pg_publication) + (SELECT count(*) FROM pg_replication_slots WHERE database = current_database())`;
    expect(await source.value(left)).toBe('0');
    await capture.drop(source.config, source.context);
    expect(source.memory).toBe(null);
  });

  test('the slot moves on a quiet database while another one writes', async () => {
    await using source = await start();
    await using session = await source.follow(['public.t']);
    session.acknowledges = true;
    await session.caughtUp();
    const other = await server.createDatabase(`noise${databases}`);
    await using noise = await TestSource.connect(other);
    await noise.client.query('CREATE TABLE n AS SELECT i, md5(i::text) FROM generate_series(1, 20000) i');
    const end = await lsn(noise.client);
    await waitUntil(async () => {
      const confirmed = await source.value(
        `SELECT confirmed_flush_lsn - '0/0' FROM pg_replication_slots WHERE database = current_database()`,
      );
      return BigInt(confirmed) >= end;
    }, 'the slot to move');
  });
});

function activeSql(slot: string): string {
  return `SELECT active FROM pg_replication_slots WHERE slot_name = '${slot}'`;
}
