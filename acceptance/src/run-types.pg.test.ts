import { newestPostgres } from '@brimful/testbed/vitest';
import { describe, expect, test } from 'vitest';
import { orderRun, tell, untilRun } from './order-run.ts';
import { PipeBed } from './pipe-bed.ts';

const MINUTES = 60_000;

const ORDERS = `
  CREATE TABLE orders (id bigint PRIMARY KEY, n int, v text);
  INSERT INTO orders SELECT i, i, 'v' || i FROM generate_series(1, 5000) i;
  CREATE TABLE customers (id int PRIMARY KEY, name text);
  INSERT INTO customers SELECT i, 'c' || i FROM generate_series(1, 100) i;
  ANALYZE`;
const RESET = { mode: 'reset', task: 'shop/postgres', bindings: ['shop/orders'] };

async function typeOfN(bed: PipeBed): Promise<string | undefined> {
  const [row] = await bed.copied<{ type: string }>(
    "SELECT atttypid::regtype::text AS type FROM pg_attribute WHERE attrelid = 'orders'::regclass AND attname = 'n'",
  );
  return row?.type;
}

describe('a column whose type changes at the source', () => {
  // Invariant 6, Invariant 7, Invariant 8
  test(
    'leaves the live table as it was, says what to do, and comes with a reset that can be undone',
    { timeout: 5 * MINUTES },
    async () => {
      await using bed = await PipeBed.create(newestPostgres(), ORDERS);
      await using pipe = bed.start();
      await bed.arrived(pipe);
      const control = () => bed.control();
      const client = await control();
      await bed.query("ALTER TABLE orders ALTER n TYPE text USING 'no. ' || n");
      await bed.query("UPDATE orders SET v = 'after' WHERE id = 1");
      const stopped = await pipe.until(
        'the live table to stop',
        ({ status }) =>
          [...status.captures, ...status.materializations].some(({ bindings }) =>
            bindings.some(({ problem }) => problem !== undefined),
          ),
        MINUTES,
      );
      const problems = [...stopped.status.captures, ...stopped.status.materializations].flatMap(
        ({ bindings }) => bindings.flatMap(({ problem }) => problem ?? []),
      );
      for (const problem of problems)
        expect(`${problem.message} ${problem.remedy}`).toMatch(/\bn\b.*reset/is);
      // What readers have stays; other tables go on.
      expect(await typeOfN(bed)).toBe('integer');
      expect(await bed.copied('SELECT count(*)::int AS rows FROM orders WHERE n = id')).toEqual([
        { rows: 5000 },
      ]);
      await bed.query("UPDATE customers SET name = 'still followed' WHERE id = 7");
      await expect
        .poll(() => bed.copied('SELECT name FROM customers WHERE id = 7'), { timeout: MINUTES })
        .toEqual([{ name: 'still followed' }]);

      const { run } = await orderRun(client, { ...RESET, undo: '1h' });
      await untilRun(control, run.id, 'swapped');
      expect(await typeOfN(bed)).toBe('text');
      expect(await bed.copied("SELECT count(*)::int AS rows FROM orders WHERE n = 'no. ' || id")).toEqual([
        { rows: 5000 },
      ]);

      await tell(client, run.id, 'undo');
      await untilRun(control, run.id, 'undone');
      expect(await typeOfN(bed)).toBe('integer');
      expect(await bed.copied('SELECT count(*)::int AS rows FROM orders WHERE n = id')).toEqual([
        { rows: 5000 },
      ]);

      await tell(client, run.id, 'redo');
      await untilRun(control, run.id, 'swapped');
      await bed.query("UPDATE orders SET n = 'changed' WHERE id = 2");
      await expect
        .poll(() => bed.copied('SELECT n FROM orders WHERE id = 2'), { timeout: MINUTES })
        .toEqual([{ n: 'changed' }]);
      expect(await typeOfN(bed)).toBe('text');
      expect(await bed.differences(pipe)).toEqual([]);
    },
  );

  // Invariant 6. The collection has taken the new type already; its tables have not.
  test('is not merged in place into tables that cannot hold it', { timeout: 5 * MINUTES }, async () => {
    await using bed = await PipeBed.create(newestPostgres(), ORDERS);
    await using pipe = bed.start();
    await bed.arrived(pipe);
    await bed.query("ALTER TABLE orders ALTER n TYPE text USING 'no. ' || n");
    await bed.query("UPDATE orders SET v = 'after' WHERE id = 1");
    await pipe.until(
      'the live table to stop',
      ({ status }) =>
        status.materializations[0]?.bindings.some(({ problem }) => problem !== undefined) === true,
      MINUTES,
    );
    const client = await bed.control();
    const plan = await client.backfills.plan({
      ...RESET,
      mode: 'incremental',
      author: 'test',
      reason: 'a test',
    });
    const guard = plan.guards.find(({ id }) => id === 'type-mismatch');
    expect(guard).toMatchObject({ level: 'block' });
    expect(guard?.evidence).toMatch(/shop\/copy: orders: Column n .*integer.*text/);
    expect(guard?.evidence).toMatch(/shop\/lake: orders: column n .*INTEGER.*VARCHAR/);
    const reset = await client.backfills.plan({ ...RESET, author: 'test', reason: 'a test' });
    expect(reset.guards.filter(({ level }) => level === 'block')).toEqual([]);
    expect(reset.alternatives.join(' ')).not.toContain('--mode incremental');
  });
});
