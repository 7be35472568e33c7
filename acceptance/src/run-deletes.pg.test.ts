import { newestPostgres } from '@brimful/testbed/vitest';
import { describe, expect, test } from 'vitest';
import { orderRun, tell, untilRun } from './order-run.ts';
import { PipeBed } from './pipe-bed.ts';
import type { PipeProcess } from './pipe-process.ts';

const MINUTES = 60_000;
const NEVER = new AbortController().signal;

const ORDERS = `
  CREATE TABLE orders (id bigint PRIMARY KEY, v text, at timestamptz NOT NULL);
  INSERT INTO orders SELECT i, 'v' || i, '2026-01-01Z'::timestamptz + i * interval '1 minute' FROM generate_series(1, 20000) i;
  CREATE INDEX ON orders (at);
  ANALYZE orders`;

/** In the first of January's days; in its second week; and one that leaves its day for another year. */
const DELETED_EARLY = 'DELETE FROM orders WHERE id BETWEEN 1000 AND 1009';
const DELETED_LATE = 'DELETE FROM orders WHERE id BETWEEN 15000 AND 15009';
const CHANGED = "UPDATE orders SET v = 'missed' WHERE id BETWEEN 1100 AND 1104";
const MOVED = "UPDATE orders SET at = '2027-03-01Z' WHERE id = 1200";
const EARLY = { time: 'at', from: '2026-01-01', to: '2026-01-03', zone: 'UTC' };
const MERGE = { mode: 'incremental', task: 'shop/postgres', bindings: ['shop/orders'] };

/** Changes that the source's log says nothing about to us: its publication leaves them out while no pipe is looking. */
async function missed(bed: PipeBed, pipe: PipeProcess, ...changes: readonly string[]): Promise<PipeProcess> {
  await bed.arrived(pipe);
  await pipe.stop();
  const publications = await bed.query<{ name: string; publish: string }>(
    `SELECT quote_ident(pubname) AS name, concat_ws(', ', CASE WHEN pubinsert THEN 'insert' END, CASE WHEN pubupdate THEN 'update' END,
       CASE WHEN pubdelete THEN 'delete' END, CASE WHEN pubtruncate THEN 'truncate' END) AS publish FROM pg_publication`,
  );
  for (const { name } of publications) await bed.query(`ALTER PUBLICATION ${name} SET (publish = '')`);
  for (const change of changes) await bed.query(change);
  for (const { name, publish } of publications)
    await bed.query(`ALTER PUBLICATION ${name} SET (publish = '${publish}')`);
  const next = bed.start();
  await bed.arrived(next);
  return next;
}

async function verify(bed: PipeBed, target: string) {
  const client = await bed.control();
  return client.verify({ target, bindings: ['shop/orders'], level: 'full' }, NEVER, () => undefined);
}

const count = async (bed: PipeBed, where: string): Promise<number> =>
  (await bed.copied<{ n: number }>(`SELECT count(*)::int AS n FROM orders WHERE ${where}`))[0]?.n ?? -1;

describe('changes that nobody saw', () => {
  test(
    'verify finds them, and incremental runs mend what is in their scope',
    { timeout: 5 * MINUTES },
    async () => {
      await using bed = await PipeBed.create(newestPostgres(), ORDERS);
      await using first = bed.start();
      await using pipe = await missed(bed, first, DELETED_EARLY, DELETED_LATE, CHANGED, MOVED);
      const control = () => bed.control();
      const client = await control();

      const [found] = await verify(bed, 'shop/orders');
      expect(found).toMatchObject({ verdict: 'divergent', onlyLeft: 0, onlyRight: 20, different: 6 });
      expect(found?.byColumn).toMatchObject({ v: 5, at: 1 });
      expect(found?.sampleKeys.flat()).toEqual(expect.arrayContaining(['1000', '1100', '1200']));
      const copies = await verify(bed, 'shop/copy');
      expect(
        copies.map(({ verdict }) => verdict),
        'the copies are what the collection is',
      ).toEqual(['equal']);

      // Kept by option: what changed is merged, nothing is removed.
      const keep = await orderRun(client, { ...MERGE, ...EARLY, missingRows: 'keep' });
      expect((await untilRun(control, keep.run.id, 'done')).bindings[0]).toMatchObject({ deleted: 0 });
      expect(await count(bed, 'id BETWEEN 1000 AND 1009')).toBe(10);
      expect(await count(bed, "v = 'missed'")).toBe(5);

      // What is missing in the range goes; what had moved out of it stays, with what it is now; what is outside is untouched.
      const early = await orderRun(client, { ...MERGE, ...EARLY });
      expect((await untilRun(control, early.run.id, 'done')).bindings[0]).toMatchObject({ deleted: 10 });
      expect(await count(bed, 'id BETWEEN 1000 AND 1009')).toBe(0);
      expect(await count(bed, "id = 1200 AND at = '2027-03-01Z'")).toBe(1);
      expect(await count(bed, 'id BETWEEN 15000 AND 15009')).toBe(10);
      const [less] = await verify(bed, 'shop/orders');
      expect(less).toMatchObject({ verdict: 'divergent', onlyRight: 10, different: 0 });

      const whole = await orderRun(client, MERGE);
      expect((await untilRun(control, whole.run.id, 'done')).bindings[0]).toMatchObject({ deleted: 10 });
      const [last] = await verify(bed, 'shop/orders');
      expect(last?.verdict).toBe('equal');
      expect(await bed.differences(pipe)).toEqual([]);
    },
  );

  test('a repair reads just the rows that a verification names', { timeout: 5 * MINUTES }, async () => {
    await using bed = await PipeBed.create(newestPostgres(), ORDERS);
    await using first = bed.start();
    await using pipe = await missed(bed, first, 'DELETE FROM orders WHERE id IN (5, 7000)', MOVED);
    const control = () => bed.control();
    const client = await control();
    const [found] = await verify(bed, 'shop/orders');
    const keys = (found?.sampleKeys ?? []).map((key) => key.join(',')).sort();
    expect(keys).toEqual(['1200', '5', '7000']);
    const { run } = await orderRun(client, { ...MERGE, mode: 'repair', keys });
    const done = await untilRun(control, run.id, 'done');
    expect(done.bindings[0]).toMatchObject({ deleted: 2, rowsRead: 1 });
    expect(await bed.differences(pipe)).toEqual([]);
  });

  test(
    'more deletes than expected stop the run, and nothing is deleted',
    { timeout: 5 * MINUTES },
    async () => {
      await using bed = await PipeBed.create(newestPostgres(), ORDERS);
      await using first = bed.start();
      await using pipe = await missed(bed, first, 'DELETE FROM orders WHERE id <= 3000');
      const control = () => bed.control();
      const client = await control();
      const { run } = await orderRun(client, MERGE);
      await expect(untilRun(control, run.id, 'done')).rejects.toThrow('BRM-RUN-DELETES');
      expect(await client.backfills.run(run.id)).toMatchObject({ state: 'failed' });
      expect(await count(bed, 'id <= 3000')).toBe(3000);
      // It holds the table until somebody decides.
      const refused = await client.backfills.plan({ ...MERGE, author: 'test', reason: 'a test' });
      expect(refused.guards.filter(({ level }) => level === 'block').map(({ id }) => id)).toEqual([
        'one-rebuild',
      ]);
      await tell(client, run.id, 'cancel');
      const more = await orderRun(client, { ...MERGE, deleteLimit: '20%' });
      expect((await untilRun(control, more.run.id, 'done')).bindings[0]).toMatchObject({ deleted: 3000 });
      expect(await bed.differences(pipe)).toEqual([]);
    },
  );
});
