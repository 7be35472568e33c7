import type { RuntimeStatus } from '@brimful/model';
import { newestPostgres } from '@brimful/testbed/vitest';
import { describe, expect, test } from 'vitest';
import { orderRun, untilRun } from './order-run.ts';
import { PipeBed } from './pipe-bed.ts';

const MINUTES = 60_000;
const PATIENCE = { timeout: MINUTES, interval: 200 };

const ORDERS = `
  CREATE TABLE orders (id bigint PRIMARY KEY, v text, stars smallint);
  INSERT INTO orders SELECT i, 'v' || i, i % 5 FROM generate_series(1, 5000) i;
  ANALYZE orders`;

function orders({
  captures,
}: RuntimeStatus): RuntimeStatus['captures'][number]['bindings'][number] | undefined {
  return captures[0]?.bindings.find(({ collection }) => collection === 'shop/orders');
}

describe('what no stream can tell is offered as a run on just that', () => {
  test.each([
    [
      'a new column whose old rows hold values',
      'ALTER TABLE orders ADD COLUMN lucky double precision DEFAULT random()',
      '--mode incremental --columns lucky --reason "rewritten at the source"',
      '{"mode":"incremental","columns":["lucky"]}',
    ],
    [
      'a column that was computed anew, and holds what it held',
      'ALTER TABLE orders ALTER COLUMN stars TYPE numeric(8,1) USING stars * 2',
      '--mode incremental --columns stars --reason "rewritten at the source"',
      '{"mode":"incremental","columns":["stars"]}',
    ],
    [
      'a column that is too narrow now for what it was',
      'ALTER TABLE orders ALTER COLUMN stars TYPE numeric(3,1) USING stars * 2',
      '--mode reset --reason "another type at the source"',
      '{"mode":"reset","undo":"0"}',
    ],
  ])('%s', { timeout: 5 * MINUTES }, async (_name, alter, flags, draft) => {
    await using bed = await PipeBed.create(newestPostgres(), ORDERS);
    await using pipe = bed.start();
    await bed.arrived(pipe);
    const control = await bed.control();
    expect(orders(await control.status())?.proposal).toBeUndefined();
    await bed.query(`${alter}; UPDATE orders SET v = 'so that the log tells' WHERE id = 1`);
    await expect
      .poll(async () => orders(await control.status())?.proposal?.command, PATIENCE)
      .toBe(`brimful backfill run shop/postgres --binding shop/orders ${flags}`);
    const { run } = await orderRun(control, {
      task: 'shop/postgres',
      bindings: ['shop/orders'],
      ...(JSON.parse(draft) as { mode: string }),
    });
    await untilRun(() => bed.control(), run.id, 'done');
    expect(orders(await control.status())).toMatchObject({ phase: 'streaming' });
    expect(orders(await control.status())?.proposal).toBeUndefined();
    expect(await bed.differences(pipe)).toEqual([]);
  });

  test(
    'a table that has lost changes is offered a run that reads all of it',
    { timeout: 5 * MINUTES },
    async () => {
      await using bed = await PipeBed.create(newestPostgres(), ORDERS);
      await using pipe = bed.start();
      await bed.arrived(pipe);
      const control = await bed.control();
      await bed.query(
        'ALTER TABLE orders DROP CONSTRAINT orders_pkey; INSERT INTO orders VALUES (9999, NULL)',
      );
      await expect
        .poll(async () => orders(await control.status())?.proposal?.command, PATIENCE)
        .toBe(
          'brimful backfill run shop/postgres --binding shop/orders --mode reset --reason "changes were lost"',
        );
      await bed.query('ALTER TABLE orders ADD PRIMARY KEY (id)');
      const { run } = await orderRun(control, {
        mode: 'reset',
        task: 'shop/postgres',
        bindings: ['shop/orders'],
        undo: '0',
      });
      await untilRun(() => bed.control(), run.id, 'done');
      expect(orders(await control.status())?.proposal).toBeUndefined();
      expect(await bed.differences(pipe)).toEqual([]);
    },
  );
});
