import type { Run, RuntimeStatus } from '@brimful/model';
import { Problem, STATUS_KEY } from '@brimful/model';
import { describe, expect, test } from 'vitest';
import { collectionGenerations } from '../collection/generations.ts';
import { MemoryDisk } from '../testing/memory-store.ts';
import { ORDERS, PLANNED_AT } from '../testing/plan-fixture.ts';
import { SurveyedShop } from '../testing/surveyed-shop.ts';
import { Backfills } from './backfills.ts';
import type { RunDraft } from './request.ts';
import { reportOf } from './execute/report.ts';
import { RunBook } from './run-book.ts';
import { stepBinding, stepRun } from './run-change.ts';

const SILENT = { debug() {}, info() {}, warn() {}, error() {} };
const ADA = { who: 'ada', acknowledged: ['whole-table'] };

class Desk {
  readonly shop = new SurveyedShop();
  readonly disk = new MemoryDisk();
  readonly store = this.disk.open();
  readonly book = new RunBook(this.store.registry);
  now = PLANNED_AT;
  readonly backfills = new Backfills({
    spec: this.shop.spec,
    connectors: this.shop.connectors,
    store: this.store,
    log: SILENT,
    now: () => this.now,
  });

  /** The same records, as the process that executes runs has them. */
  readonly executing = new Backfills({
    spec: this.shop.spec,
    connectors: this.shop.connectors,
    store: this.store,
    log: SILENT,
    now: () => this.now,
    executes: true,
  });

  async plan(draft: Partial<RunDraft> = {}): Promise<string> {
    const whole = {
      mode: 'reset',
      task: 'shop/postgres',
      bindings: ['shop/orders'],
      reason: 'cleanup',
      author: 'ada',
      ...draft,
    };
    return (await this.backfills.plan(await this.backfills.request(whole))).id;
  }

  /** As the executor would bring it to its swap. */
  async swap(run: Run): Promise<Run> {
    return this.book.change(run.id, (now) => {
      let next = stepRun(now, 'started', { now: this.now });
      for (const { collection } of next.bindings)
        for (const input of [
          'read',
          'all read',
          'build',
          'built',
          'caught up',
          'verified',
          'swapped',
        ] as const)
          next = stepBinding(next, collection, input, { now: this.now });
      for (const input of ['all read', 'caught up', 'verified', 'swapped'] as const)
        next = stepRun(next, input, { now: this.now });
      return next;
    });
  }
}

describe('planning', () => {
  test('a reset finds all tables made of a collection, in all materializations, and leaves destinations closed', async () => {
    const desk = new Desk();
    const plan = await desk.backfills.findPlan(await desk.plan());
    expect(plan.bindings.map(({ collection, resource }) => [collection, resource])).toEqual([
      ['shop/orders', 'public.orders'],
    ]);
    expect(
      plan.bindings[0]?.tables.map(({ materialization, table }) => `${materialization}: ${table}`),
    ).toEqual(['shop/warehouse: orders', 'shop/finance: sales']);
    expect(desk.shop.surveyed).toEqual([{ resource: 'public.orders', scope: { kind: 'all' } }]);
    expect([desk.shop.opened, desk.shop.closed]).toEqual([2, 2]);
    expect((await desk.backfills.plans()).map(({ id }) => id)).toEqual([plan.id]);
    expect(JSON.stringify(plan), 'Invariant 10').not.toContain('secret');
  });

  test('without bindings it is about all that the capture takes, and tables may be named as the source does', async () => {
    const desk = new Desk();
    const draft = { mode: 'reset', task: 'shop/postgres', reason: 'x', author: 'ada' };
    const all = await desk.backfills.request(draft);
    expect(all.bindings).toBeNull();
    const plan = await desk.backfills.plan(all);
    expect(
      plan.bindings.map(({ collection }) => collection),
      'audit is not captured',
    ).toEqual(['shop/orders', 'shop/customers']);
    const named = await desk.backfills.request({ ...draft, bindings: ['public.customers'] });
    expect(named.bindings).toEqual(['shop/customers']);
  });

  test('bounds are typed by the table’s columns and reach the survey', async () => {
    const desk = new Desk();
    await desk.plan({ mode: 'incremental', time: 'created_at', from: '2026-01-01', zone: 'Europe/Berlin' });
    expect(desk.shop.surveyed[0]?.scope).toMatchObject({ kind: 'time', from: '2025-12-31T23:00:00Z' });
  });

  test('a rebuild from the collection asks the source nothing, not even what there is', async () => {
    const desk = new Desk();
    const { registry, journals } = desk.store;
    await registry.put('schemas/shop/orders/1', [ORDERS]);
    await registry.put('schemas/other/orders/1', [ORDERS]);
    await journals.open('shop/orders/1/0');
    const id = await desk.plan({ mode: 'materialization', task: 'shop/warehouse', bindings: undefined });
    const plan = await desk.backfills.findPlan(id);
    expect(plan.bindings.map(({ collection, tables }) => [collection, tables.length])).toEqual([
      ['shop/orders', 1],
    ]);
    expect(plan.guards.filter(({ level }) => level === 'block')).toEqual([]);
    expect([desk.shop.discoveries, desk.shop.surveyed.length]).toEqual([0, 0]);
    await desk.backfills.apply(id, { who: 'ada', acknowledged: [] });
  });

  test('names that are unknown are answered with those that are known', async () => {
    const desk = new Desk();
    await expect(desk.plan({ task: 'shop/mysql' })).rejects.toMatchObject({
      code: 'BRM-REQUEST-TASK',
      remedy: 'One of: shop/postgres.',
    });
    await expect(desk.plan({ bindings: ['shop/order'] })).rejects.toMatchObject({
      code: 'BRM-REQUEST-BINDING',
      remedy: 'One of: shop/orders, shop/customers.',
    });
    await expect(desk.backfills.findPlan('plan-none')).rejects.toMatchObject({ code: 'BRM-PLAN-UNKNOWN' });
  });

  test('what the running pipe says counts: gaps, first reads under way, a capture that stopped', async () => {
    const desk = new Desk();
    const status = {
      captures: [
        {
          name: 'shop/postgres',
          state: 'failed',
          problem: new Problem('BRM-PG-SLOT-LOST', 'the slot was dropped').toJSON(),
          bindings: [{ collection: 'shop/orders', phase: 'gap' }],
        },
      ],
    } as unknown as RuntimeStatus;
    await desk.store.registry.put(STATUS_KEY, status);
    const ids = (await desk.backfills.findPlan(await desk.plan())).guards.map(({ id }) => id);
    expect(ids).toEqual(expect.arrayContaining(['gap', 'changes-lost']));
  });

  test('a destination that cannot be asked is a guard, not the end of the plan', async () => {
    const desk = new Desk();
    desk.shop.destinationProblem = new Problem('BRM-DUCKDB-BUSY', 'in use by pid 42', { kind: 'retry' });
    const plan = await desk.backfills.findPlan(await desk.plan());
    expect(plan.guards.filter(({ id }) => id === 'unreadable').map(({ level }) => level)).toEqual([
      'confirm',
      'confirm',
    ]);
  });
});

describe('a run that gives its tables up', () => {
  /** Cancelled with its swap half made; the executor has not taken it back yet. */
  async function cancelledInItsSwap(desk: Desk): Promise<Run> {
    const { id } = await desk.backfills.apply(await desk.plan(), ADA);
    await desk.book.change(id, (now) => stepRun(now, 'started', { now: desk.now }));
    await collectionGenerations(desk.store.registry, 'shop/orders').change((now) => ({ ...now, current: 2 }));
    return desk.backfills.order(id, { verb: 'cancel', who: 'ada', why: null });
  }

  async function takenBack(desk: Desk, { id }: Run): Promise<void> {
    await collectionGenerations(desk.store.registry, 'shop/orders').change((now) => ({ ...now, current: 1 }));
    const run = await desk.book.get(id);
    const report = reportOf(run, null, desk.now);
    await desk.book.change(id, (now) => ({ ...now, report }));
  }

  test('blocks a plan while nothing executes it: the generation that readers have is about to change', async () => {
    const desk = new Desk();
    const run = await cancelledInItsSwap(desk);
    desk.now += 1;
    const plan = await desk.backfills.findPlan(await desk.plan());
    const guard = plan.guards.find(({ id }) => id === 'one-rebuild');
    expect(guard).toMatchObject({ level: 'block', message: expect.stringContaining(run.id) as string });
    await takenBack(desk, run);
    desk.now += 1;
    await desk.backfills.apply(await desk.plan(), ADA);
  });

  test('is waited for where runs are executed', async () => {
    const desk = new Desk();
    const run = await cancelledInItsSwap(desk);
    desk.now += 1;
    const planned = desk.executing.plan(run.plan.request);
    await takenBack(desk, run);
    const plan = await planned;
    expect(plan.bindings[0]?.generation).toEqual({ from: 1, to: 2 });
    await desk.executing.apply(plan.id, ADA);
  });
});

describe('applying', () => {
  test('makes a run that says who approved what', async () => {
    const desk = new Desk();
    const run = await desk.backfills.apply(await desk.plan(), ADA);
    expect(run).toMatchObject({ id: 'run-000001', state: 'approved', mode: 'reset' });
    expect(run.events.at(-1)?.what).toContain('accepts whole-table');
    expect(await desk.backfills.run('run-000001')).toEqual(run);
  });

  test('R9: is refused when anything the plan rests on has changed, with the difference', async () => {
    const desk = new Desk();
    const id = await desk.plan();
    desk.shop.schemas.set('public.orders', {
      ...ORDERS,
      columns: [
        ...ORDERS.columns,
        { name: 'price', type: { kind: 'text' }, nullable: true, sourceType: 'text' },
      ],
    });
    await expect(desk.backfills.apply(id, ADA)).rejects.toMatchObject({
      code: 'BRM-PLAN-DRIFT',
      message: expect.stringContaining('the columns of shop/orders: price is new (text)') as string,
    });
    const again = await desk.plan();
    await collectionGenerations(desk.store.registry, 'shop/orders').change((now) => ({ ...now, latest: 2 }));
    await expect(desk.backfills.apply(again, ADA)).rejects.toThrow(
      'the newest generation of shop/orders was 1 and is 2',
    );
    expect(await desk.backfills.runs()).toEqual([]);
  });

  test('R9: is refused when it expired, is blocked, or was not confirmed: guards are named', async () => {
    const desk = new Desk();
    const id = await desk.plan();
    await expect(desk.backfills.apply(id, { who: 'ada', acknowledged: [] })).rejects.toMatchObject({
      code: 'BRM-PLAN-CONFIRM',
      at: { guards: 'whole-table' },
    });
    desk.now += 24 * 3_600_000;
    await expect(desk.backfills.apply(id, ADA)).rejects.toMatchObject({ code: 'BRM-PLAN-EXPIRED' });
    desk.shop.destinationProblem = new Problem('BRM-PG-RIGHTS', 'permission denied');
    await expect(desk.backfills.apply(await desk.plan(), ADA)).rejects.toMatchObject({
      code: 'BRM-PLAN-BLOCKED',
    });
    expect(await desk.backfills.runs()).toEqual([]);
  });

  test('R5: of two at once for one table one is refused, and a plan is applied once', async () => {
    const desk = new Desk();
    const first = await desk.plan();
    const second = await desk.plan({ reason: 'another' });
    const outcomes = await Promise.allSettled([
      desk.backfills.apply(first, ADA),
      desk.backfills.apply(second, ADA),
    ]);
    const refused = outcomes.flatMap((outcome) => (outcome.status === 'rejected' ? [outcome.reason] : []));
    expect(refused).toMatchObject([
      { code: 'BRM-PLAN-DRIFT', message: expect.stringContaining('run-000001 holds') as string },
    ]);
    await desk.backfills.order('run-000001', { verb: 'cancel', who: 'ada', why: null });
    const { plan } = await desk.backfills.run('run-000001');
    await expect(desk.backfills.apply(plan.id, ADA)).rejects.toMatchObject({ code: 'BRM-PLAN-APPLIED' });
    desk.now += 1;
    expect((await desk.backfills.apply(await desk.plan(), ADA)).id, 'planned again').toBe('run-000002');
  });

  test('another swap of the same table ends the earlier run’s undo window, when that is acknowledged', async () => {
    const desk = new Desk();
    await desk.swap(await desk.backfills.apply(await desk.plan(), ADA));
    const id = await desk.plan({ reason: 'still wrong' });
    await expect(desk.backfills.apply(id, ADA)).rejects.toMatchObject({ at: { guards: 'ends-undo' } });
    await desk.backfills.apply(id, { who: 'ada', acknowledged: ['whole-table', 'ends-undo'] });
    expect(await desk.backfills.run('run-000001')).toMatchObject({
      state: 'done',
      undoUntil: null,
      because: 'run-000002 replaces it',
    });
  });
});

describe('orders', () => {
  test('change the record, and are refused in words', async () => {
    const desk = new Desk();
    const { id } = await desk.backfills.apply(await desk.plan(), ADA);
    const paused = await desk.backfills.order(id, { verb: 'pause', who: 'bob', why: 'sale' });
    expect(paused).toMatchObject({ state: 'paused', because: 'sale' });
    expect(paused.events.at(-1)).toEqual({ at: desk.now, who: 'bob', what: 'pause: sale' });
    await expect(desk.backfills.order(id, { verb: 'undo', who: 'bob', why: null })).rejects.toMatchObject({
      code: 'BRM-RUN-REFUSED',
      message: `${id}: a run that is paused cannot be undone: nothing is swapped in yet, cancel leaves the live tables as they are`,
    });
    const swapped = await desk.swap(
      await desk.backfills.order(id, { verb: 'resume', who: 'bob', why: null }),
    );
    expect(swapped.state).toBe('swapped');
    expect((await desk.backfills.order(id, { verb: 'undo', who: 'bob', why: 'wrong' })).intent).toBe('undo');
  });

  test('a swap is not taken back under a run that merges into what it brought', async () => {
    const desk = new Desk();
    const { id } = await desk.swap(await desk.backfills.apply(await desk.plan(), ADA));
    const merge = await desk.backfills.apply(await desk.plan({ mode: 'incremental' }), ADA);
    const undo = { verb: 'undo', who: 'bob', why: null } as const;
    await expect(desk.backfills.order(id, undo)).rejects.toMatchObject({
      code: 'BRM-RUN-REFUSED',
      remedy: `Wait until ${merge.id} is done, or cancel it; then undo ${id}.`,
    });
    await desk.backfills.order(merge.id, { verb: 'cancel', who: 'bob', why: null });
    expect((await desk.backfills.order(id, undo)).intent).toBe('undo');
  });
});
