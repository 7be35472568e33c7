import type { ProbeReading, SourceProbe } from '@brimful/connector';
import type { PostgresServer } from '@brimful/testbed';
import { startPostgres } from '@brimful/testbed';
import { Client } from 'pg';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { capture } from './capture.ts';
import { TestSource, waitUntil } from './testing/harness.ts';

let server: PostgresServer;
let databases = 0;

beforeAll(async () => {
  server = await startPostgres({ settings: { max_slot_wal_keep_size: '64MB' } });
});

afterAll(async () => {
  await server[Symbol.asyncDispose]();
});

async function connect(): Promise<TestSource> {
  databases += 1;
  return TestSource.connect(await server.createDatabase(`db${databases}`));
}

test('measures several times a second and now and then the source’s health, whatever our own thread does', async () => {
  await using source = await connect();
  await source.client.query('CREATE TABLE t (id int PRIMARY KEY)');
  await using session = await source.follow(['public.t']);
  await session.caughtUp();
  await using probe = await capture.probe(source.config, source.context);
  await gather(probe, (readings) => readings.some(({ health }) => health !== null));
  // Nothing is measured by our event loop: while it hangs, readings are taken all the same.
  const until = performance.now() + 1_500;
  while (performance.now() < until);
  await sleep(50);
  const readings = probe.take();
  expect(readings.length).toBeGreaterThan(4);
  expect(
    Math.max(...readings.map(({ lookUpMilliseconds }) => lookUpMilliseconds ?? Number.NaN)),
  ).toBeLessThan(100);
  expect(readings.every(({ at }, index) => index === 0 || at >= (readings[index - 1]?.at ?? 0))).toBe(true);
  const [first] = (await gather(probe, (found) => found.some(({ health }) => health !== null))).filter(
    ({ health }) => health !== null,
  );
  expect(first?.health).toMatchObject({
    position: expect.stringMatching(/^\d+$/) as string,
    retainedBytes: expect.any(Number) as number,
    replicaLagBytes: null,
    replicaLagMilliseconds: null,
    activeSessions: 0,
    processors: null,
    blockedByUs: 0,
  });
  expect(first?.health?.headroomBytes).toBeGreaterThan(32 * 1024 * 1024);
});

test('tells whom we block, who is at work, and how old the oldest snapshot is', async () => {
  await using source = await connect();
  await source.client.query('CREATE TABLE t (id int PRIMARY KEY); CREATE TABLE other (id int)');
  await using probe = await capture.probe(source.config, source.context);
  const ours = new Client({ connectionString: source.config.url, application_name: 'brimful test reader' });
  const blocked = new Client({ connectionString: source.config.url });
  await ours.connect();
  await blocked.connect();
  try {
    await ours.query('BEGIN ISOLATION LEVEL REPEATABLE READ; SELECT count(*) FROM t');
    for (let index = 0; index < 20; index += 1) await source.client.query('INSERT INTO other VALUES (1)');
    const waiting = blocked.query('TRUNCATE t');
    const readings = await gather(probe, (found) => found.some(({ health }) => health?.blockedByUs === 1));
    const health = readings.map((reading) => reading.health).find((one) => one?.blockedByUs === 1);
    expect(health?.activeSessions).toBe(1);
    expect(health?.oldestSnapshotAge).toBeGreaterThanOrEqual(20);
    await ours.query('ROLLBACK');
    await waiting;
  } finally {
    await ours.end();
    await blocked.end();
  }
});

test('whoever was at work a moment ago still counts as company, is forgotten soon, and we never count', async () => {
  await using source = await connect();
  const ours = new Client({ connectionString: source.config.url, application_name: 'brimful test reader' });
  await ours.connect();
  try {
    await using probe = await capture.probe(source.config, source.context);
    await source.client.query('SELECT 1');
    const company = (recent: (sessions: number) => boolean) =>
      gather(probe, (found) =>
        found.some(
          ({ health }) => typeof health?.recentSessions === 'number' && recent(health.recentSessions),
        ),
      );
    await company((sessions) => sessions >= 1);
    await ours.query('BEGIN; SELECT 1');
    await company((sessions) => sessions === 0);
    await source.client.query('SELECT 1');
    await company((sessions) => sessions === 1);
  } finally {
    await ours.end();
  }
});

test('a server that goes away reads as null, and is measured again when it is back', async () => {
  await using source = await connect();
  await using probe = await capture.probe(source.config, source.context);
  await gather(probe, (readings) => readings.some(isMeasured));
  await server.restart();
  await gather(probe, (readings) => {
    const lost = readings.findIndex((reading) => !isMeasured(reading));
    return lost !== -1 && readings.slice(lost).some(isMeasured);
  });
});

test('closing ends thread and connection within a second, also while the server hangs', async () => {
  await using source = await connect();
  const count = "SELECT count(*) FROM pg_stat_activity WHERE application_name LIKE 'brimful % probe'";
  for (const paused of [false, true]) {
    const probe = await capture.probe(source.config, source.context);
    await gather(probe, (readings) => readings.some(isMeasured));
    expect(await source.value(count)).toBe('1');
    const pid = Number(
      await source.value("SELECT pid FROM pg_stat_activity WHERE application_name LIKE 'brimful % probe'"),
    );
    if (paused) {
      process.kill(pid, 'SIGSTOP');
      await sleep(500);
    }
    const started = performance.now();
    await probe[Symbol.asyncDispose]();
    expect(performance.now() - started).toBeLessThan(1_000);
    if (paused) process.kill(pid, 'SIGCONT');
    await waitUntil(async () => (await source.value(count)) === '0', 'the connection to end');
    expect(probe.take().length).toBeLessThan(20);
  }
});

function isMeasured({ lookUpMilliseconds }: ProbeReading): boolean {
  return lookUpMilliseconds !== null;
}

async function gather(
  probe: SourceProbe,
  isEnough: (readings: readonly ProbeReading[]) => boolean,
): Promise<readonly ProbeReading[]> {
  const readings: ProbeReading[] = [];
  await waitUntil(() => {
    readings.push(...probe.take());
    return isEnough(readings);
  }, 'readings');
  return readings;
}
