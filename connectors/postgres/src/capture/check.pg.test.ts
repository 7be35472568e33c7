import type { Finding } from '@brimful/connector';
import { createTestDatabase, sharedPostgres } from '@brimful/testbed/vitest';
import { startPostgres } from '@brimful/testbed';
import { describe, expect, test } from 'vitest';
import { captureConfig } from '../config.ts';
import { capture } from './capture.ts';
import { TestSource } from './testing/harness.ts';

describe.for(sharedPostgres())('Postgres $majorVersion', (server) => {
  test('every remedy, run as it is printed, mends its finding', async () => {
    await using database = await createTestDatabase(server);
    await using source = await TestSource.connect(database.url);
    const role = `reader ${database.name}`;
    await source.client.query(`
      CREATE ROLE "${role}" LOGIN; CREATE ROLE "app of ${database.name}";
      CREATE SCHEMA "Private";
      CREATE TABLE fine (id int PRIMARY KEY);
      CREATE TABLE "Private".hidden (id int PRIMARY KEY);
      CREATE TABLE guarded (id int PRIMARY KEY);
      ALTER TABLE guarded ENABLE ROW LEVEL SECURITY;
      CREATE UNLOGGED TABLE fleeting (id int PRIMARY KEY);
      CREATE TABLE keyless (a int);
      CREATE TABLE owned (id int PRIMARY KEY); ALTER TABLE owned OWNER TO "app of ${database.name}";
      GRANT SELECT ON fine, guarded, owned, fleeting, keyless TO "${role}";
      ALTER TABLE fine OWNER TO "${role}"; ALTER TABLE keyless OWNER TO "${role}"`);
    const config = { ...source.config, user: role };
    const context = { ...source.context };
    const check = (): Promise<readonly Finding[]> => capture.check(config, context);
    const before = problems(await check());
    expect(before.map((finding) => finding.subject)).toEqual([
      'replication role',
      'publication',
      '"Private".hidden',
      'public.fleeting',
      'public.guarded',
      'public.owned',
    ]);
    for (let round = 0; round < 4; round += 1) {
      for (const finding of problems(await check())) {
        await source.client.query(finding.remedy as string);
      }
    }
    expect(problems(await check())).toEqual([]);
    const warned = (await check()).find((finding) => finding.subject === 'public.keyless');
    expect(warned?.level).toBe('warning');
    await source.client.query(warned?.remedy?.replace(/^.*(ALTER TABLE)/, '$1') as string);
    const whole = (await check()).find((finding) => finding.subject === 'public.keyless');
    expect(whole?.message).toContain('no key');
    const session = await capture.open(config, context);
    const tables = (await session.discover()).filter((resource) => resource.problem === undefined);
    expect(tables.map((table) => table.name)).toEqual([
      '"Private".hidden',
      'public.fine',
      'public.fleeting',
      'public.guarded',
      'public.keyless',
      'public.owned',
    ]);
    await session.join(tables.map((table) => table.name));
    await session[Symbol.asyncDispose]();
    await capture.drop(config, context);
    await source.client.query(`REASSIGN OWNED BY "${role}" TO postgres; DROP OWNED BY "${role}"`);
    await source.client.query(
      `DROP ROLE "${role}"; DROP OWNED BY "app of ${database.name}"; DROP ROLE "app of ${database.name}"`,
    );
  });

  test('slots left over and long transactions are told, with who and how much', async () => {
    await using database = await createTestDatabase(server);
    await using source = await TestSource.connect(database.url);
    await source.client.query("SELECT pg_create_logical_replication_slot('left_' || $1, 'pgoutput')", [
      database.name,
    ]);
    await source.client.query(
      "CREATE TABLE t (id int); BEGIN; INSERT INTO t VALUES (1); PREPARE TRANSACTION 'old one'",
    );
    const findings = await capture.check(source.config, source.context);
    await source.client.query("ROLLBACK PREPARED 'old one'");
    const left = findings.find((finding) => finding.subject === `slot left_${database.name}`);
    expect(left).toMatchObject({ level: 'warning' });
    expect(left?.message).toMatch(/holds back \d+ (bytes|kB|MB) of log/);
    expect(findings.find((finding) => finding.subject === 'long transactions')?.message).toContain(
      "'old one'",
    );
    await source.client.query(left?.remedy?.replace(/^.*: /, '') as string);
  });

  test('row-level security that would hide rows is refused, not followed half', async () => {
    await using database = await createTestDatabase(server);
    await using source = await TestSource.connect(database.url);
    const role = `owner_${database.name}`;
    await source.client.query(`
      CREATE ROLE ${role} LOGIN REPLICATION;
      GRANT CREATE ON DATABASE ${database.name} TO ${role};
      CREATE TABLE t (id int PRIMARY KEY); ALTER TABLE t OWNER TO ${role};
      INSERT INTO t VALUES (1)`);
    const config = { ...source.config, user: role };
    const session = await capture.open(config, source.context);
    const [joined] = await session.join(['public.t']);
    expect(joined?.resource).toBe('public.t');
    const plan = await session.plan('public.t');
    // Switched on between plan and scan, for the owner as well.
    await source.client.query(
      'ALTER TABLE t ENABLE ROW LEVEL SECURITY; ALTER TABLE t FORCE ROW LEVEL SECURITY',
    );
    const scan = session.scan('public.t', plan, session.next(plan, plan.total), new AbortController().signal);
    await expect(scan).rejects.toMatchObject({ kind: 'operator' });
    expect((await session.discover())[0]?.problem?.code).toBe('BRM-PG-ROW-SECURITY');
    await session[Symbol.asyncDispose]();
    await capture.drop(config, source.context);
    await source.client.query(
      `REASSIGN OWNED BY ${role} TO postgres; DROP OWNED BY ${role}; DROP ROLE ${role}`,
    );
  });
});

test('a server without wal_level logical, and with all slots taken', async () => {
  await using server = await startPostgres({
    settings: { wal_level: 'replica', max_replication_slots: '0', max_slot_wal_keep_size: '-1' },
  });
  await using source = await TestSource.connect(server.url());
  const findings = await capture.check(source.config, source.context);
  expect(findings.find((finding) => finding.subject === 'wal_level')).toMatchObject({
    level: 'error',
    remedy: "ALTER SYSTEM SET wal_level = 'logical'; and restart the server.",
  });
  expect(findings.find((finding) => finding.subject === 'max_replication_slots')?.level).toBe('error');
  expect(findings.find((finding) => finding.subject === 'max_slot_wal_keep_size')?.level).toBe('warning');
  await expect(source.open()).rejects.toMatchObject({ code: 'BRM-PG-WAL-LEVEL', kind: 'operator' });
});

test('a server that cannot be reached is one finding, not an exception', async () => {
  const config = captureConfig.parse({ url: 'postgres://nobody:s3cret@127.0.0.1:1/none' });
  const source = { capture: 'x/y', log: { debug() {}, info() {}, warn() {}, error() {} }, now: Date.now };
  const findings = await capture.check(config, { ...source, reach() {}, remember: async () => undefined });
  expect(findings).toMatchObject([{ level: 'error', subject: 'connection' }]);
  expect(JSON.stringify(findings)).not.toContain('s3cret');
});

function problems(findings: readonly Finding[]): readonly Finding[] {
  return findings.filter((finding) => finding.level === 'error');
}
