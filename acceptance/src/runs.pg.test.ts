import { newestPostgres } from '@brimful/testbed/vitest';
import { describe, expect, test } from 'vitest';
import { orderRun, tell, untilRun } from './order-run.ts';
import { PipeBed } from './pipe-bed.ts';

const MINUTES = 60_000;

const ORDERS = `
  CREATE TABLE orders (id bigint PRIMARY KEY, v text, n numeric, at timestamptz NOT NULL);
  INSERT INTO orders SELECT i, 'v' || i, i / 3.0, '2026-01-01'::timestamptz + i * interval '1 minute' FROM generate_series(1, 50000) i;
  CREATE INDEX ON orders (at);
  CREATE TABLE customers (id int PRIMARY KEY, name text);
  INSERT INTO customers SELECT i, 'c' || i FROM generate_series(1, 500) i;
  ANALYZE orders, customers`;

describe('backfill runs', () => {
  test('a materialization run rebuilds tables from their collections', { timeout: 5 * MINUTES }, async () => {
    await using bed = await PipeBed.create(newestPostgres(), ORDERS);
    await using pipe = bed.start();
    await bed.arrived(pipe);
    const control = () => bed.control();
    const client = await control();
    const { run } = await orderRun(client, { mode: 'materialization', task: 'shop/copy', undo: '1m' });
    const swapped = await untilRun(control, run.id, 'swapped');
    expect(swapped.bindings.map(({ verifications }) => verifications.map(({ verdict }) => verdict))).toEqual([
      ['equal'],
      ['equal'],
    ]);
    await bed.query("UPDATE orders SET v = 'later' WHERE id < 100; DELETE FROM customers WHERE id = 7");
    await bed.arrived(pipe);
    await tell(client, run.id, 'undo');
    await untilRun(control, run.id, 'undone');
    expect(await bed.differences(pipe)).toEqual([]);
  });

  test(
    'a reset reads the source anew, with its types, and can be taken back',
    { timeout: 5 * MINUTES },
    async () => {
      await using bed = await PipeBed.create(newestPostgres(), ORDERS);
      await using pipe = bed.start();
      await bed.arrived(pipe);
      const control = () => bed.control();
      const client = await control();
      const { run, plan } = await orderRun(client, {
        mode: 'reset',
        task: 'shop/postgres',
        bindings: ['shop/orders'],
        undo: '1m',
      });
      expect(plan.bindings[0]?.tables.map(({ materialization }) => materialization)).toEqual([
        'shop/copy',
        'shop/lake',
      ]);
      await untilRun(control, run.id, 'swapped');
      await bed.query("UPDATE orders SET v = 'later' WHERE id < 100");
      await bed.arrived(pipe);
      await tell(client, run.id, 'undo');
      await untilRun(control, run.id, 'undone');
      await bed.query("UPDATE orders SET v = 'after the undo' WHERE id BETWEEN 50 AND 150");
      await bed.arrived(pipe);
      await tell(client, run.id, 'redo');
      await untilRun(control, run.id, 'swapped');
      expect(await bed.differences(pipe)).toEqual([]);
    },
  );

  test('an incremental run within a range of time merges in place', { timeout: 5 * MINUTES }, async () => {
    await using bed = await PipeBed.create(newestPostgres(), ORDERS);
    await using pipe = bed.start();
    await bed.arrived(pipe);
    const control = () => bed.control();
    const client = await control();
    const { run } = await orderRun(client, {
      mode: 'incremental',
      task: 'shop/postgres',
      bindings: ['shop/orders'],
      time: 'at',
      from: '2026-01-05',
      to: '2026-01-10',
      zone: 'Europe/Berlin',
    });
    const done = await untilRun(control, run.id, 'done');
    expect(done.bindings[0]?.rowsRead).toBe(5 * 24 * 60);
    expect(done.bindings[0]?.deleted).toBe(0);
    expect(await bed.differences(pipe)).toEqual([]);
  });
});
