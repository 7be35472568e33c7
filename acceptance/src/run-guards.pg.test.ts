import type { ControlClient } from '@brimful/control';
import type { RunDraft } from '@brimful/engine';
import type { BackfillPlan } from '@brimful/model';
import { newestPostgres } from '@brimful/testbed/vitest';
import { describe, expect, test } from 'vitest';
import { orderRun, tell, untilRun } from './order-run.ts';
import { PipeBed } from './pipe-bed.ts';

const MINUTES = 60_000;

const TABLES = `
  CREATE TABLE orders (id bigint PRIMARY KEY, n int, at timestamptz NOT NULL, seen timestamptz);
  INSERT INTO orders SELECT i, i, '2026-01-01Z'::timestamptz + i * interval '1 minute', now() FROM generate_series(1, 5000) i;
  CREATE INDEX ON orders (at);
  CREATE TABLE customers (id int PRIMARY KEY, name text);
  INSERT INTO customers SELECT i, 'c' || i FROM generate_series(1, 500) i;
  CREATE TABLE keyless (a int, b text);
  INSERT INTO keyless SELECT i, 'k' FROM generate_series(1, 50) i;
  ANALYZE`;

const RESET = { mode: 'reset', task: 'shop/postgres', bindings: ['shop/orders'] };
const MERGE = { mode: 'incremental', task: 'shop/postgres', bindings: ['shop/orders'] };

function planned(client: ControlClient, draft: Omit<RunDraft, 'author' | 'reason'>): Promise<BackfillPlan> {
  return client.backfills.plan({ ...draft, author: 'test', reason: 'a test' });
}

function guard(plan: BackfillPlan, id: string) {
  return plan.guards.find((one) => one.id === id);
}

function blocking(plan: BackfillPlan): readonly string[] {
  return [...new Set(plan.guards.filter(({ level }) => level === 'block').map(({ id }) => id))];
}

/** What it is refused with, with everything acknowledged that can be. */
async function refusal(
  client: ControlClient,
  plan: BackfillPlan,
  acknowledged?: readonly string[],
): Promise<string> {
  const all = plan.guards.map(({ id }) => id);
  return client.backfills.apply(plan.id, { who: 'test', acknowledged: acknowledged ?? all }).then(
    ({ id }) => `it became ${id}`,
    (error: Error & { code?: string }) => `${error.code}: ${error.message}`,
  );
}

describe('guards of runs, on real servers', () => {
  test(
    'what a range, a destination or another run stands against is said in the plan',
    { timeout: 5 * MINUTES },
    async () => {
      await using bed = await PipeBed.create(newestPostgres(), TABLES);
      await using pipe = bed.start();
      await bed.arrived(pipe);
      const client = await bed.control();

      const unserved = await planned(client, { ...MERGE, time: 'seen', from: '2026-01-01', zone: 'UTC' });
      expect(guard(unserved, 'scope-unserved')).toMatchObject({ level: 'confirm' });
      expect(await refusal(client, unserved, [])).toMatch(/^BRM-PLAN-CONFIRM: .*scope-unserved/);
      const served = await planned(client, {
        ...MERGE,
        time: 'at',
        from: '2026-01-01',
        to: '2026-01-02',
        zone: 'UTC',
      });
      expect(guard(served, 'scope-unserved')).toMatchObject({ level: 'ok' });

      const future = await planned(client, { ...MERGE, time: 'at', from: '2099-01-01', zone: 'UTC' });
      expect(guard(future, 'scope-future')).toMatchObject({ level: 'block' });
      expect(await refusal(client, future)).toMatch(/^BRM-PLAN-BLOCKED: .*scope-future/);

      await expect(planned(client, { ...MERGE, time: 'at', from: '2026-01-01' })).rejects.toMatchObject({
        code: expect.stringMatching(/^BRM-REQUEST/) as string,
      });
      await expect(client.backfills.plan({ ...RESET, author: 'test', reason: ' ' })).rejects.toMatchObject({
        code: 'BRM-REQUEST-REASON',
      });

      const whole = await planned(client, RESET);
      expect(await refusal(client, whole, [])).toMatch(/^BRM-PLAN-CONFIRM: .*whole-table/);

      for (const [named, make, drop] of [
        ['tied', 'CREATE MATERIALIZED VIEW tied AS SELECT * FROM orders', 'DROP MATERIALIZED VIEW tied'],
        ['lines', 'CREATE TABLE lines (of_order bigint REFERENCES orders)', 'DROP TABLE lines'],
        ['mine', 'CREATE POLICY mine ON orders USING (true)', 'DROP POLICY mine ON orders'],
      ] as const) {
        await bed.copied(make);
        for (const draft of [
          RESET,
          { mode: 'materialization', task: 'shop/copy', bindings: ['shop/orders'] },
        ]) {
          const plan = await planned(client, draft);
          expect(blocking(plan), named).toEqual(['dependents']);
          expect(guard(plan, 'dependents')?.evidence).toContain(named);
          expect(await refusal(client, plan)).toMatch(/^BRM-PLAN-BLOCKED: .*dependents/);
        }
        expect(blocking(await planned(client, MERGE)), 'what is merged in place is not about it').toEqual([]);
        await bed.copied(drop);
      }
      expect(blocking(await planned(client, RESET))).toEqual([]);
    },
  );

  test(
    'what comes about between the plan and the swap is found by the swap',
    { timeout: 5 * MINUTES },
    async () => {
      await using bed = await PipeBed.create(newestPostgres(), TABLES);
      await using pipe = bed.start();
      await bed.arrived(pipe);
      const client = await bed.control();
      const control = () => bed.control();
      const { run } = await orderRun(client, { ...RESET, rate: '0' });
      await bed.copied('CREATE MATERIALIZED VIEW tied AS SELECT * FROM orders');
      await tell(client, run.id, 'throttle', { throttle: { bytesPerSecond: null, readers: null } });
      await expect(untilRun(control, run.id, 'swapped')).rejects.toThrow('materialized view public.tied');
      expect(await bed.copied('SELECT count(*)::int AS n FROM orders')).toEqual([{ n: 5000 }]);
      await bed.copied('DROP MATERIALIZED VIEW tied');
      await tell(client, run.id, 'retry');
      await untilRun(control, run.id, 'swapped');
      expect(await bed.differences(pipe)).toEqual([]);
    },
  );

  test('a plan that is no longer so is refused with the difference', { timeout: 5 * MINUTES }, async () => {
    await using bed = await PipeBed.create(newestPostgres(), TABLES);
    await using pipe = bed.start();
    await bed.arrived(pipe);
    const client = await bed.control();
    const plan = await planned(client, RESET);
    await bed.query('ALTER TABLE orders ADD COLUMN later text');
    expect(await refusal(client, plan)).toMatch(/^BRM-PLAN-DRIFT: .*later/);
    expect(await client.backfills.runs()).toEqual([]);
  });

  test('one run at a time holds a table', { timeout: 5 * MINUTES }, async () => {
    await using bed = await PipeBed.create(newestPostgres(), TABLES);
    await using pipe = bed.start();
    await bed.arrived(pipe);
    const client = await bed.control();
    const twin = await planned(client, {
      mode: 'materialization',
      task: 'shop/copy',
      bindings: ['shop/orders'],
    });
    const { run } = await orderRun(client, { ...RESET, rate: '0' });
    expect(await refusal(client, twin)).toMatch(new RegExp(`^BRM-PLAN-DRIFT: .*${run.id}`));
    for (const draft of [RESET, MERGE, { mode: 'materialization', task: 'shop/lake' }])
      expect(blocking(await planned(client, draft))).toEqual(['one-rebuild']);
    expect(blocking(await planned(client, { ...RESET, bindings: ['shop/customers'] }))).toEqual([]);
    await tell(client, run.id, 'cancel');
    expect(blocking(await planned(client, RESET))).toEqual([]);
  });

  test(
    'a table without a key is not merged in place, but can be reset',
    { timeout: 5 * MINUTES },
    async () => {
      await using bed = await PipeBed.create(newestPostgres(), TABLES);
      await using pipe = bed.start();
      await bed.arrived(pipe);
      const client = await bed.control();
      const merge = await planned(client, { ...MERGE, bindings: ['shop/keyless'] });
      expect(blocking(merge)).toEqual(['keyless']);
      expect(await refusal(client, merge)).toMatch(/^BRM-PLAN-BLOCKED/);
      const { run } = await orderRun(client, { ...RESET, bindings: ['shop/keyless'], undo: '0' });
      await untilRun(() => bed.control(), run.id, 'done');
      expect(await bed.differences(pipe)).toEqual([]);
    },
  );

  // Invariant 8
  test(
    'a shape that changes while the run goes on stops that table alone',
    { timeout: 5 * MINUTES },
    async () => {
      await using bed = await PipeBed.create(newestPostgres(), TABLES);
      await using pipe = bed.start();
      await bed.arrived(pipe);
      const client = await bed.control();
      const control = () => bed.control();
      const bindings = ['shop/orders', 'shop/customers'];
      const { run } = await orderRun(client, { ...RESET, bindings, rate: '0', undo: '1h' });
      await untilRun(control, run.id, 'throttled');
      await bed.query(
        "ALTER TABLE orders ADD COLUMN later text; UPDATE orders SET later = 'now' WHERE id = 1",
      );
      await bed.arrived(pipe);
      await tell(client, run.id, 'throttle', { throttle: { bytesPerSecond: null, readers: null } });
      const swapped = await untilRun(control, run.id, 'swapped');
      const of = (collection: string) =>
        swapped.bindings.find((binding) => binding.collection === collection);
      expect(of('shop/customers')).toMatchObject({ state: 'swapped', problem: null });
      expect(of('shop/orders')).toMatchObject({ state: 'failed', problem: { code: 'BRM-RUN-DRIFT' } });
      expect(of('shop/orders')?.problem?.message).toContain('later');
      expect(await bed.differences(pipe)).toEqual([]);
    },
  );
});
