import { newestPostgres } from '@brimful/testbed/vitest';
import { openFileStore } from '@brimful/store-file';
import { describe, expect, test } from 'vitest';
import { orderRun, tell, untilRun } from './order-run.ts';
import { PipeBed } from './pipe-bed.ts';
import type { PipeProcess, PipeReport } from './pipe-process.ts';

const MINUTES = 60_000;

/** About 12 MB as decoded: not read within a moment at the rates below. */
const ORDERS = `
  CREATE TABLE orders (id bigint PRIMARY KEY, v text, n numeric);
  INSERT INTO orders SELECT i, repeat(md5(i::text), 10), i FROM generate_series(1, 30000) i;
  ANALYZE orders`;
const RESET = { mode: 'reset', task: 'shop/postgres', bindings: ['shop/orders'] };
/** Long enough that whoever still reads is seen reading. */
const A_WHILE_MILLISECONDS = 1_500;
const RATE_BYTES = 1_000_000;
/** What is saved up, and the chunks that are open; and how much larger than asked these may be. */
const AHEAD_SECONDS = 1.25;
const SLACK = 1.3;

const aWhile = () => new Promise((resolve) => setTimeout(resolve, A_WHILE_MILLISECONDS));

interface Look {
  /** By the pipe's own clock, so that a machine that stalls proves nothing. */
  readonly at: number;
  readonly bytes: number;
}

/** What has been read of the only table, again and again for so long. */
async function looksAt(pipe: PipeProcess, milliseconds: number): Promise<readonly Look[]> {
  const looks: Look[] = [];
  const read = ({ status }: PipeReport): boolean => {
    const [binding] = status.captures[0]?.bindings ?? [];
    if (binding?.phase === 'backfilling') looks.push({ at: status.at, bytes: binding.bytesRead });
    const [first, last] = [looks[0], looks.at(-1)];
    return first !== undefined && last !== undefined && last.at - first.at >= milliseconds;
  };
  await pipe.until('some seconds of reading', read, MINUTES);
  return looks;
}

/** Of every stretch between two looks: what was read, and what the rate allows. */
function* stretches(looks: readonly Look[], rate: number): Iterable<readonly [number, number]> {
  for (const [index, from] of looks.entries())
    for (const to of looks.slice(index + 1))
      yield [to.bytes - from.bytes, rate * ((to.at - from.at) / 1000 + AHEAD_SECONDS) * SLACK];
}

/** Tables of the destination that no reader asked for. */
async function besideTables(bed: PipeBed): Promise<readonly string[]> {
  const tables = await bed.copied<{ name: string }>(
    "SELECT relname AS name FROM pg_class WHERE relkind = 'r' AND relname LIKE '%(generation %' ORDER BY 1",
  );
  return tables.map(({ name }) => name);
}

/** What a stopped pipe keeps of its collections. */
async function keptJournals(
  bed: PipeBed,
): Promise<{ readonly journals: readonly string[]; readonly blobs: readonly string[] }> {
  await using store = await openFileStore(bed.options.dataDirectory);
  const blobs = await store.blobs.list('shop/orders/');
  const generations = blobs.map((path) => path.split('/').slice(0, 3).join('/'));
  return { journals: await store.journals.list('shop/orders/'), blobs: [...new Set(generations)] };
}

/** A write comes through, and the source keeps no log for us: the stream goes on, whatever becomes of the run. */
async function streams(bed: PipeBed, value: string): Promise<void> {
  await bed.query(`UPDATE orders SET v = '${value}' WHERE id = 1`);
  await expect
    .poll(async () => (await bed.copied<{ v: string }>('SELECT v FROM orders WHERE id = 1'))[0]?.v, {
      timeout: MINUTES,
    })
    .toBe(value);
  const [row] = await bed.query<{ lsn: string }>('SELECT pg_current_wal_insert_lsn()::text AS lsn');
  await expect
    .poll(
      async () =>
        (
          await bed.query<{ passed: boolean }>(
            `SELECT confirmed_flush_lsn >= '${row?.lsn}' AS passed FROM pg_replication_slots WHERE database = current_database()`,
          )
        )[0]?.passed,
      { timeout: MINUTES },
    )
    .toBe(true);
}

async function rowsRead(bed: PipeBed, id: string): Promise<number> {
  const run = await (await bed.control()).backfills.run(id);
  return run.bindings.reduce((sum, binding) => sum + binding.rowsRead, 0);
}

describe('holding runs back', () => {
  test(
    'a paused run reads nothing while the stream goes on, and its log is acknowledged',
    { timeout: 5 * MINUTES },
    async () => {
      await using bed = await PipeBed.create(newestPostgres(), ORDERS);
      await using pipe = bed.start();
      await bed.arrived(pipe);
      const control = () => bed.control();
      const client = await control();
      const { run } = await orderRun(client, { ...RESET, rate: '1MB/s', undo: '0' });
      await untilRun(control, run.id, 'running', 'throttled');
      await tell(client, run.id, 'pause', { why: 'the sale begins' });
      expect(await client.backfills.run(run.id)).toMatchObject({
        state: 'paused',
        because: 'the sale begins',
      });
      await streams(bed, 'while it is paused');
      // What was read when it was paused is on record by now.
      await aWhile();
      const before = await rowsRead(bed, run.id);
      await aWhile();
      await streams(bed, 'and still');
      expect(await rowsRead(bed, run.id)).toBe(before);
      expect(before).toBeLessThan(30_000);
      expect((await client.backfills.run(run.id)).state).toBe('paused');
      // A pause survives the process.
      await pipe.kill();
      await using next = bed.start();
      await bed.arrived(next);
      expect((await (await control()).backfills.run(run.id)).state).toBe('paused');
      await tell(await control(), run.id, 'throttle', { throttle: { bytesPerSecond: null, readers: null } });
      await tell(await control(), run.id, 'resume');
      await untilRun(control, run.id, 'done');
      expect(await bed.differences(next)).toEqual([]);
    },
  );

  test('a rate of nothing reads nothing, until it is raised', { timeout: 5 * MINUTES }, async () => {
    await using bed = await PipeBed.create(newestPostgres(), ORDERS);
    await using pipe = bed.start();
    await bed.arrived(pipe);
    const control = () => bed.control();
    const client = await control();
    const { run } = await orderRun(client, { ...RESET, rate: '0', undo: '0' });
    await untilRun(control, run.id, 'throttled');
    await aWhile();
    await streams(bed, 'beside a read that stands still');
    expect(await rowsRead(bed, run.id)).toBe(0);
    await tell(client, run.id, 'throttle', { throttle: { bytesPerSecond: null, readers: null } });
    await untilRun(control, run.id, 'done');
    expect(await bed.differences(pipe)).toEqual([]);
  });

  test(
    'a rate holds over any stretch of time, and a lower one from the next chunk on',
    { timeout: 5 * MINUTES },
    async () => {
      await using bed = await PipeBed.create(newestPostgres(), ORDERS);
      await using pipe = bed.start();
      await bed.arrived(pipe);
      const control = () => bed.control();
      const client = await control();
      const order = { mode: 'incremental', task: 'shop/postgres', bindings: ['shop/orders'] };
      const { run } = await orderRun(client, { ...order, missingRows: 'keep', rate: '1MB/s' });
      const first = await looksAt(pipe, 4_000);
      expect(first.at(-1)?.bytes).toBeGreaterThan(0);
      for (const [bytes, allowed] of stretches(first, RATE_BYTES)) expect(bytes).toBeLessThan(allowed);
      const lower = RATE_BYTES / 4;
      await tell(client, run.id, 'throttle', { throttle: { bytesPerSecond: lower, readers: null } });
      const second = await looksAt(pipe, 5_000);
      // What is open is of the rate before.
      for (const [bytes, allowed] of stretches(second, lower))
        expect(bytes).toBeLessThan(allowed + RATE_BYTES * SLACK);
      await tell(client, run.id, 'throttle', { throttle: { bytesPerSecond: null, readers: null } });
      await untilRun(control, run.id, 'done');
      expect(await bed.differences(pipe)).toEqual([]);
    },
  );

  test('outside its window a run reads nothing', { timeout: 5 * MINUTES }, async () => {
    await using bed = await PipeBed.create(newestPostgres(), ORDERS);
    await using pipe = bed.start();
    await bed.arrived(pipe);
    const control = () => bed.control();
    const client = await control();
    // Opens once a year, in half a year.
    const month = ((new Date().getUTCMonth() + 6) % 12) + 1;
    const { run } = await orderRun(client, { ...RESET, windows: [`0 3 1 ${month} * 1h UTC`] });
    await untilRun(control, run.id, 'waiting');
    await aWhile();
    await streams(bed, 'while the window is closed');
    expect(await client.backfills.run(run.id)).toMatchObject({ state: 'waiting' });
    expect(await rowsRead(bed, run.id)).toBe(0);
    expect(await besideTables(bed)).toEqual([]);
    await tell(client, run.id, 'cancel');
    expect(await bed.differences(pipe)).toEqual([]);
  });

  // Invariant 7
  test(
    'a cancelled run leaves live tables as they were, and nothing of its own',
    { timeout: 5 * MINUTES },
    async () => {
      await using bed = await PipeBed.create(newestPostgres(), ORDERS);
      await using pipe = bed.start();
      await bed.arrived(pipe);
      const control = () => bed.control();
      const client = await control();
      const before = await bed.copied(
        "SELECT 'orders'::regclass::oid AS oid, count(*)::int AS n FROM orders",
      );
      const { run } = await orderRun(client, { ...RESET, rate: '1MB/s' });
      await untilRun(control, run.id, 'running', 'throttled');
      await expect.poll(() => besideTables(bed), { timeout: MINUTES }).toEqual(['orders (generation 2)']);
      await tell(client, run.id, 'cancel', { why: 'wrong table' });
      await expect
        .poll(async () => (await client.backfills.run(run.id)).report, { timeout: MINUTES })
        .not.toBeNull();
      expect(await client.backfills.run(run.id)).toMatchObject({
        state: 'cancelled',
        because: 'wrong table',
      });
      expect(await besideTables(bed)).toEqual([]);
      expect(
        await bed.copied("SELECT 'orders'::regclass::oid AS oid, count(*)::int AS n FROM orders"),
      ).toEqual(before);
      await streams(bed, 'after the cancel');
      expect(await bed.differences(pipe)).toEqual([]);
      expect(await keptJournals(bed)).toEqual({ journals: ['shop/orders/1/0'], blobs: ['shop/orders/1'] });
      // Its numbers are not given again.
      await using next = bed.start();
      await bed.arrived(next);
      const again = await orderRun(await control(), { ...RESET, undo: '0' });
      expect(again.plan.bindings[0]?.generation).toEqual({ from: 1, to: 3 });
      await untilRun(control, again.run.id, 'done');
      expect(await bed.differences(next)).toEqual([]);
    },
  );

  test('when the undo window ends, what was there before goes', { timeout: 5 * MINUTES }, async () => {
    await using bed = await PipeBed.create(newestPostgres(), ORDERS);
    await using pipe = bed.start();
    await bed.arrived(pipe);
    const control = () => bed.control();
    const client = await control();
    const { run } = await orderRun(client, { ...RESET, undo: '20s' });
    const swapped = await untilRun(control, run.id, 'swapped');
    expect(await besideTables(bed)).toEqual(['orders (generation 1)']);
    expect(swapped.undoUntil).not.toBeNull();
    const done = await untilRun(control, run.id, 'done');
    expect(done.undoUntil).toBeNull();
    await expect(tell(client, run.id, 'undo')).rejects.toMatchObject({ code: 'BRM-RUN-REFUSED' });
    expect(await besideTables(bed)).toEqual([]);
    expect(await bed.differences(pipe)).toEqual([]);
    expect(await keptJournals(bed)).toEqual({ journals: ['shop/orders/2/0'], blobs: ['shop/orders/2'] });
  });
});
