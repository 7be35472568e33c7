import { execFile } from 'node:child_process';
import { rm } from 'node:fs/promises';
import { promisify } from 'node:util';
import type { BackfillPlan, CaptureStatus } from '@brimful/model';
import { startPostgres } from '@brimful/testbed';
import { newestPostgres, sharedPostgres } from '@brimful/testbed/vitest';
import { describe, expect, test } from 'vitest';
import { KilledPipes } from './killed-pipes.ts';
import { orderRun, tell, untilRun, untilTakenBack } from './order-run.ts';
import { PipeBed } from './pipe-bed.ts';
import type { PipeProcess } from './pipe-process.ts';
import { SEED } from './seed.ts';
import { HARD_TABLES, Workload, fillSql } from './workload.ts';

const MINUTES = 60_000;

const PATIENCE = { timeout: MINUTES, interval: 100 };

/** A large value that is never null: a change of its row does not carry it. */
const STRICT = `
  CREATE TABLE strict (id int PRIMARY KEY, n int NOT NULL, big text NOT NULL);
  ALTER TABLE strict ALTER big SET STORAGE EXTERNAL;
  INSERT INTO strict SELECT i, 0, repeat(md5(i::text), 200) FROM generate_series(1, 100) i;`;

/** What no log will tell: rows that come, change, go, and change their keys. */
const HIDDEN = `
  INSERT INTO strict SELECT i, 0, repeat(md5(i::text), 250) FROM generate_series(101, 200) i;
  DELETE FROM strict WHERE id BETWEEN 1 AND 20;
  UPDATE strict SET id = id + 1000 WHERE id BETWEEN 21 AND 40;
  UPDATE strict SET big = repeat('changed', 900) WHERE id BETWEEN 41 AND 60;
  DELETE FROM appended; INSERT INTO appended SELECT now(), 'hidden', i FROM generate_series(1, 50) i;
  DELETE FROM full_keyless WHERE a < 10;
  TRUNCATE full_keyed;
  UPDATE toasted SET id = -id - 5000 WHERE id BETWEEN 1 AND 50`;

/** Rests on rows that nobody has seen, in the middle of everything. */
const AFTERWARDS = 'UPDATE strict SET n = n + 1; UPDATE strict SET id = -id WHERE id BETWEEN 101 AND 120';

const ALL = { mode: 'reset', task: 'shop/postgres', undo: '0' } as const;

/** Every place that is new on the way, and some that leave much half done. */
const PLACES = [
  'capture.wants-anew',
  'postgres.before-slot',
  'capture.before-begun-anew',
  'postgres.slot-forgotten',
  'chunk.appended:2',
  'backfill.before-complete:2',
  'run.before-verified',
  'swap.after-adopt',
  'run.before-swapped',
];

async function loseSlot(bed: PipeBed): Promise<void> {
  const slot = `FROM pg_replication_slots WHERE database = current_database()`;
  await expect.poll(() => bed.query(`SELECT active ${slot}`), PATIENCE).toEqual([{ active: false }]);
  await bed.query(`SELECT pg_drop_replication_slot(slot_name) ${slot}`);
}

async function untilLost(pipe: PipeProcess): Promise<CaptureStatus> {
  const { status } = await pipe.until(
    'the capture to stop',
    (report) => report.status.captures[0]?.state === 'failed',
    MINUTES,
  );
  return status.captures[0] as CaptureStatus;
}

async function planned(bed: PipeBed, draft: object): Promise<BackfillPlan['guards']> {
  const client = await bed.control();
  // The status that plans go by is written now and then.
  await expect.poll(async () => (await client.status()).captures[0]?.state, PATIENCE).toBe('failed');
  let guards: BackfillPlan['guards'] = [];
  const request = { ...ALL, ...draft, author: 'test', reason: 'a test' };
  await expect
    .poll(async () => {
      guards = (await client.backfills.plan(request)).guards;
      return guards.some(({ id }) => id === 'changes-lost');
    }, PATIENCE)
    .toBe(true);
  return guards;
}

/** With its owner: servers of root's tests run as somebody else. */
async function copied(from: string, to: string): Promise<void> {
  await promisify(execFile)('cp', ['-a', from, to]);
}

/** `BRIMFUL_LONG=1`: on every server. */
const SERVERS = process.env['BRIMFUL_LONG'] === '1' ? sharedPostgres() : [newestPostgres()];

describe.each(SERVERS.map((server) => [server.majorVersion, server] as const))(
  'a slot that is gone, Postgres %i',
  (_, server) => {
    // Invariant 4, Invariant 7
    test(
      'one run reads all anew beside what is there, through kill -9 at any place, and nothing of the gap is left',
      { timeout: 10 * MINUTES },
      async () => {
        console.log(`seed ${SEED} (replay with BRIMFUL_SEED=${SEED})`);
        await using bed = await PipeBed.create(server, HARD_TABLES + STRICT + fillSql(600));
        const workload = new Workload(bed.source.url, SEED, { pauseMilliseconds: 20 });
        const killed = new KilledPipes(bed);
        try {
          {
            await using pipe = bed.start();
            await bed.arrived(pipe);
          }
          await loseSlot(bed);
          workload.start(2);
          await bed.query(HIDDEN);
          {
            await using pipe = bed.start();
            const lost = await untilLost(pipe);
            expect(lost.problem?.code).toBe('BRM-PG-SLOT-LOST');
            expect(lost.proposal?.command).toBe(
              'brimful backfill run shop/postgres --mode reset --reason "changes were lost"',
            );
            const level = async (draft: object): Promise<string | undefined> =>
              (await planned(bed, draft)).find(({ id }) => id === 'changes-lost')?.level;
            expect(await level({})).toBe('confirm');
            expect(await level({ bindings: ['shop/toasted'] })).toBe('block');
            expect(await level({ mode: 'incremental', undo: undefined })).toBe('block');
          }
          const before = await bed.copied('SELECT count(*)::int AS rows, sum(id)::int AS ids FROM strict');
          expect(before).toEqual([{ rows: 100, ids: 5050 }]);
          const changing = setInterval(() => void bed.query(AFTERWARDS).catch(() => undefined), 700);
          try {
            await killed.through(killed.ordered(ALL), PLACES, 'done');
          } finally {
            clearInterval(changing);
          }
          await workload.stop();
          await using pipe = bed.start();
          const differences = await bed.differences(pipe);
          expect(differences, differences.join('\n')).toEqual([]);
        } finally {
          await workload.stop();
        }
      },
    );
  },
);

describe('a stream that is lost', () => {
  // Invariant 7
  test(
    'leaves what there is alone until a run takes its place: cancelled, it stays marked table by table',
    { timeout: 5 * MINUTES },
    async () => {
      await using bed = await PipeBed.create(newestPostgres(), STRICT);
      const control = () => bed.control();
      await using first = bed.start();
      await bed.arrived(first);
      // Neither a run that was going on, nor taking it back, needs the stream.
      const { run: earlier } = await orderRun(await control(), { ...ALL, undo: '1h' });
      await untilRun(control, earlier.id, 'swapped');
      const throttle = { throttle: { bytesPerSecond: 0, readers: null } };
      await first.kill();
      await loseSlot(bed);
      await bed.query('DELETE FROM strict WHERE id <= 50; INSERT INTO strict SELECT 500, 1, $$new$$');
      await using pipe = bed.start();
      await untilLost(pipe);
      await planned(bed, {});
      const { run } = await orderRun(await control(), ALL);
      await tell(await control(), run.id, 'throttle', throttle);
      const marked = await pipe.until(
        'the tables to be marked',
        ({ status }) => status.captures[0]?.bindings.some(({ phase }) => phase === 'gap') === true,
        MINUTES,
      );
      expect(marked.status.captures[0]?.bindings[0]?.problem?.code).toBe('BRM-CAPTURE-CUT-OFF');
      await tell(await control(), run.id, 'cancel');
      await untilTakenBack(control, run.id);
      await bed.query('UPDATE strict SET n = n + 1');
      // What streams now rests on rows that were never seen: readers keep what was whole.
      expect(await bed.copied('SELECT count(*)::int AS rows, max(n) AS n FROM strict')).toEqual([
        { rows: 100, n: 0 },
      ]);
      const proposed = await pipe.until(
        'a proposal',
        ({ status }) => status.captures[0]?.bindings[0]?.proposal !== undefined,
        MINUTES,
      );
      expect(proposed.status.captures[0]?.bindings[0]?.proposal?.command).toContain(
        '--binding shop/strict --mode reset',
      );
      await pipe.kill();
      await using again = bed.start();
      await again.until('the capture', ({ status }) => status.captures[0]?.state === 'running', MINUTES);
      const { run: mending } = await orderRun(await control(), { ...ALL, bindings: ['shop/strict'] });
      await untilRun(control, mending.id, 'done');
      expect(await bed.differences(again)).toEqual([]);
    },
  );

  test('was invalidated by the server, which kept no more of its log', { timeout: 5 * MINUTES }, async () => {
    await using server = await startPostgres({ version: 'embedded' });
    const { majorVersion, binDirectory } = server;
    await using bed = await PipeBed.create({ majorVersion, binDirectory, url: server.url() }, STRICT);
    const control = () => bed.control();
    await using first = bed.start();
    await bed.arrived(first);
    await first.kill();
    await bed.query("ALTER SYSTEM SET max_slot_wal_keep_size = '1MB'");
    await bed.query('SELECT pg_reload_conf()');
    const [size] = await bed.query<{ bytes: number }>(
      "SELECT setting::int AS bytes FROM pg_settings WHERE name = 'wal_segment_size'",
    );
    expect(size?.bytes).toBeGreaterThan(0);
    await expect
      .poll(async () => {
        await bed.query('INSERT INTO strict SELECT max(id) + 1, 0, repeat($$x$$, 100000) FROM strict');
        await bed.query('SELECT pg_switch_wal()');
        await bed.query('CHECKPOINT');
        return bed.query('SELECT wal_status FROM pg_replication_slots WHERE database = current_database()');
      }, PATIENCE)
      .toEqual([{ wal_status: 'lost' }]);
    await bed.query('ALTER SYSTEM RESET max_slot_wal_keep_size');
    await bed.query('SELECT pg_reload_conf()');
    await bed.query('DELETE FROM strict WHERE id < 10');
    await using pipe = bed.start();
    expect((await untilLost(pipe)).problem?.code).toBe('BRM-PG-SLOT-LOST');
    await planned(bed, {});
    const { run } = await orderRun(await control(), ALL);
    await untilRun(control, run.id, 'done');
    await bed.query('UPDATE strict SET n = 7');
    expect(await bed.differences(pipe)).toEqual([]);
  });

  test(
    'is ahead of a server that was restored: positions begin again below',
    { timeout: 5 * MINUTES },
    async () => {
      await using server = await startPostgres({ version: 'embedded' });
      const { majorVersion, binDirectory, dataDirectory } = server;
      await using bed = await PipeBed.create(
        { majorVersion, binDirectory, url: server.url() },
        STRICT,
        ({ materializations }) => ({
          // The other one is on the server that is restored.
          materializations: materializations.filter(({ connector }) => connector === 'duckdb'),
        }),
      );
      const backup = `${dataDirectory}-backup`;
      const control = () => bed.control();
      await using pipe = bed.start();
      await bed.arrived(pipe);
      await server.stop();
      await copied(dataDirectory, backup);
      await server.start();
      await bed.reconnect();
      await bed.query('UPDATE strict SET n = 1; DELETE FROM strict WHERE id <= 30');
      await bed.query(
        'INSERT INTO strict SELECT i, 2, repeat($$lost$$, 5000) FROM generate_series(900, 999) i',
      );
      await bed.arrived(pipe);
      // The same pipe lives through it all: what it knows of positions is of the other life.
      await server.stop();
      await rm(dataDirectory, { recursive: true });
      await copied(backup, dataDirectory);
      await server.start();
      await bed.reconnect();
      try {
        expect((await untilLost(pipe)).problem?.code).toBe('BRM-PG-SERVER-BEHIND');
        await bed.query('UPDATE strict SET n = 3 WHERE id <= 5');
        await planned(bed, {});
        const { run } = await orderRun(await control(), ALL);
        await untilRun(control, run.id, 'done');
        await bed.query('UPDATE strict SET n = 4 WHERE id = 1; DELETE FROM strict WHERE id = 2');
        expect(await bed.differences(pipe)).toEqual([]);
      } finally {
        await rm(backup, { recursive: true, force: true });
      }
    },
  );
});
