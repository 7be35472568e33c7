import type { Run, RunRequest, Stage } from '@brimful/model';
import { describe, expect, test } from 'vitest';
import { bindingFacts, factsOf, surveyOf, tableFacts, tableSurveyOf } from '../testing/plan-facts-fixture.ts';
import { ORDERS, PLANNED_AT, planOf as oldPlan, requestOf } from '../testing/plan-fixture.ts';
import { estimateOf } from './estimate.ts';
import { basisOf, driftOf } from './plan-basis.ts';
import { planOf } from './plan.ts';
import { newRun, stepRun, withProgress } from './run-change.ts';
import type { StageNode } from './stages.ts';
import { stagesOf } from './stages.ts';

const HOUR = 3_600_000;
const INCREMENTAL = requestOf({ mode: 'incremental', undoMilliseconds: 0 });

function shown(stages: readonly Stage[]): readonly string[] {
  return stages.map(({ level, kind, subject }) => `${level} ${kind} ${subject}`);
}

/** A run that read so many rows in so many seconds of work, with an hour's pause in between. */
function pastRun(id: string, seconds: number, rows: number): Run {
  const at = PLANNED_AT;
  let run = newRun(id, oldPlan(['shop/orders']), { who: 'ada', acknowledged: [], now: at });
  run = stepRun(run, 'started', { now: at });
  run = stepRun(run, 'pause', { now: at + (seconds * 1000) / 2 });
  run = stepRun(run, 'resume', { now: at + HOUR });
  run = stepRun(run, 'started', { now: at + HOUR });
  run = withProgress(run, 'shop/orders', { rowsRead: rows });
  return stepRun(run, 'completed', { now: at + HOUR + (seconds * 1000) / 2 });
}

describe('a plan', () => {
  test('of a reset: next generations of collection and tables, built, verified and swapped in order', async () => {
    const plan = await planOf(requestOf(), factsOf());
    expect(plan.bindings[0]).toMatchObject({
      generation: { from: 1, to: 2 },
      tables: [{ table: 'orders', generation: { from: 1, to: 2 } }],
    });
    expect(shown(plan.stages)).toEqual([
      '0 read shop/orders',
      '1 catch up shop/orders',
      '1 build shop/warehouse: orders',
      '2 verify shop/orders',
      '2 catch up shop/warehouse: orders',
      '3 verify shop/warehouse: orders',
      '4 swap shop/orders',
      '5 swap shop/warehouse: orders',
      '6 keep shop/orders',
      '6 keep shop/warehouse: orders',
      '7 clean up shop/orders',
      '7 clean up shop/warehouse: orders',
    ]);
    expect(plan.stages[0]?.sentence).toBe(
      'read about 1,000,000 rows of public.orders into generation 2 of shop/orders',
    );
    expect(plan.expiresAt - plan.createdAt).toBe(24 * HOUR);
    expect(plan.estimate.downtimeSeconds).toBe(0);
    expect(plan.alternatives.join(' ')).toContain('--mode incremental --time created_at');
  });

  test('a merge in place is no alternative where a table could not take it, or older rows have another type', async () => {
    const offers = async (binding: Parameters<typeof factsOf>[0]): Promise<boolean> =>
      (await planOf(requestOf(), factsOf(binding))).alternatives.some((line) =>
        line.includes('--mode incremental'),
      );
    const misfit = { kind: 'shape', column: 'note', why: 'note is integer' } as const;
    const [id, ...others] = ORDERS.columns;
    const before = { ...ORDERS, columns: [{ ...id!, type: { kind: 'uuid' } as const }, ...others] };
    expect(await offers({})).toBe(true);
    expect(await offers({ tables: [tableFacts({ survey: tableSurveyOf({ misfits: [misfit] }) })] })).toBe(
      false,
    );
    expect(await offers({ shapes: [before, ORDERS] })).toBe(false);
  });

  test('of a merge in place: same generations, nothing is swapped', async () => {
    const plan = await planOf(INCREMENTAL, factsOf());
    expect(plan.bindings[0]).toMatchObject({
      generation: { from: 1, to: 1 },
      tables: [{ generation: { from: 1, to: 1 } }],
    });
    expect(shown(plan.stages)).toEqual([
      '0 read shop/orders',
      '1 reconcile shop/orders',
      '2 catch up shop/warehouse: orders',
      '3 verify shop/warehouse: orders',
    ]);
  });

  test('of a rebuild: from the collection, the source is not in it; no undo window, no keeping', async () => {
    const request = requestOf({ mode: 'materialization', task: 'shop/warehouse', undoMilliseconds: 0 });
    const plan = await planOf(request, factsOf({ survey: null, resource: null, sourceSchema: null }));
    expect(plan.bindings[0]).toMatchObject({ resource: null, generation: { from: 1, to: 1 } });
    expect(shown(plan.stages)).toEqual([
      '0 compact shop/orders',
      '1 build shop/warehouse: orders',
      '2 catch up shop/warehouse: orders',
      '3 verify shop/warehouse: orders',
      '4 swap shop/warehouse: orders',
      '5 clean up shop/warehouse: orders',
    ]);
  });

  test('Invariant 7: with derivations of derivations everything is verified before anything is swapped, in order', () => {
    const node = (id: string, kind: StageNode['kind'], needs: readonly string[]): StageNode => ({
      id,
      kind,
      needs,
      subject: id,
      words: { source: needs.join(', '), rows: 'rows', result: id },
    });
    const nodes = [
      node('table monthly', 'table', ['monthly']),
      node('monthly', 'derivation', ['daily', 'customers']),
      node('daily', 'derivation', ['orders', 'customers']),
      node('orders', 'collection', []),
      node('customers', 'collection', []),
    ];
    const stages = stagesOf(requestOf(), nodes);
    const place = (kind: Stage['kind'], subject: string): number =>
      stages.findIndex((stage) => stage.kind === kind && stage.subject === subject);
    const lastVerify = stages.findLastIndex(({ kind }) => kind === 'verify');
    expect(lastVerify).toBeLessThan(stages.findIndex(({ kind }) => kind === 'swap'));
    for (const kind of ['build', 'swap'] as const) {
      const levels = ['daily', 'monthly', 'table monthly'].map(
        (subject) => stages[place(kind, subject)]?.level,
      );
      expect(levels, kind).toEqual([...levels].sort((a, b) => Number(a) - Number(b)));
      expect(new Set(levels).size, kind).toBe(3);
    }
    expect(place('swap', 'orders')).toBeLessThan(place('swap', 'daily'));
    const circle = [node('a', 'derivation', ['b']), node('b', 'derivation', ['a'])];
    expect(() => stagesOf(requestOf(), circle)).toThrow('need each other');
  });

  test('its id is its content: the same again, another when anything differs that is promised', async () => {
    const id = async (request: RunRequest, facts = factsOf()): Promise<string> =>
      (await planOf(request, facts)).id;
    expect(await id(requestOf())).toMatch(/^plan-[0-9a-f]{12}$/u);
    expect(await id(requestOf())).toBe(await id(requestOf(), factsOf({}, { now: PLANNED_AT + 5 })));
    expect(await id(requestOf())).not.toBe(await id(requestOf({ reason: 'another' })));
    expect(await id(requestOf())).not.toBe(await id(requestOf(), factsOf({ tables: [] })));
  });
});

describe('drift', () => {
  test('is told in words, entry by entry', () => {
    const before = basisOf(factsOf());
    const schema = {
      ...ORDERS,
      columns: [
        ...ORDERS.columns.map((column) =>
          column.name === 'id' ? { ...column, sourceType: 'numeric' } : column,
        ),
        { name: 'price', type: { kind: 'decimal' as const }, nullable: true, sourceType: 'numeric(12,2)' },
      ].filter(({ name }) => name !== 'note'),
    };
    const now = basisOf(
      factsOf({
        sourceSchema: schema,
        generations: { current: 2, next: null, previous: 1, latest: 2 },
        tables: [tableFacts({ deletes: 'soft' })],
      }),
    );
    expect(driftOf(before, before)).toEqual([]);
    const drift = driftOf(before, now);
    expect(drift).toEqual(
      expect.arrayContaining([
        'the columns of shop/orders: id was bigint not null and is numeric not null',
        'the columns of shop/orders: note is gone (it was text)',
        'the columns of shop/orders: price is new (numeric(12,2))',
        'the generation of shop/orders was 1 and is 2',
      ]),
    );
    expect(drift.some((line) => line.startsWith('the binding of shop/orders: tables was'))).toBe(true);
    expect(driftOf(before, basisOf(factsOf({}, { bindings: [] }))).join()).toContain('is none');
  });

  test('compares whole values, also where one only has more than the other', () => {
    expect(driftOf({ x: [{ a: 1 }] }, { x: [{ a: 1, b: 2 }] })).toEqual([
      'x was [{"a":1}] and is [{"a":1,"b":2}]',
    ]);
    expect(driftOf({ x: [{ b: 2, a: 1 }] }, { x: [{ a: 1, b: 2 }] })).toEqual([]);
  });

  test('what a live source does all the time is no drift', () => {
    const later = factsOf({
      survey: surveyOf({ rows: { value: 5, quality: 'exact' }, statisticsAt: 1 }),
      journal: { first: 40, next: 900, bytes: 1 },
      phase: 'gap',
    });
    expect(driftOf(basisOf(factsOf()), basisOf(later))).toEqual([]);
  });

  test('a run that came to hold the table is drift', () => {
    const run = newRun('run-000002', oldPlan(['shop/orders']), { who: 'x', acknowledged: [], now: 0 });
    expect(driftOf(basisOf(factsOf()), basisOf(factsOf({}, { runs: [run] })))).toEqual([
      'the run that holds shop/orders was none and is run-000002',
    ]);
  });
});

describe('estimates', () => {
  test('carry the worst mark of their parts and a default speed while nothing was measured', () => {
    const facts = factsOf(
      {},
      {
        bindings: [
          bindingFacts({ survey: surveyOf({ rows: { value: 10, quality: 'exact' } }) }),
          bindingFacts({ collection: 'shop/b' }),
        ],
      },
    );
    const estimate = estimateOf(requestOf(), facts);
    expect(estimate.rows).toEqual({ value: 1_000_010, quality: 'statistics' });
    expect(estimate.destinationRowsWritten).toBe(1_000_010);
    expect(estimate.seconds.to).toBe(estimate.seconds.from * 4);
    expect(estimate.basedOn).toBe('a default of 20 MB/s read and a default of 150000 rows/s loaded');
    expect(estimate.peakDestinationBytes).toBe(200e6);
    expect(estimateOf(INCREMENTAL, facts).peakDestinationBytes).toBe(0);
  });

  test('go by the middle speed of past runs, without their pauses, and tell the last error', () => {
    const runs = [
      pastRun('run-000003', 12, 1_000_000),
      pastRun('run-000002', 7, 1_000_000),
      pastRun('run-000001', 102, 1_000_000),
    ];
    const { seconds, basedOn } = estimateOf(requestOf(), factsOf({}, { runs, now: PLANNED_AT + 5 * HOUR }));
    // 1,000,000 rows at 100,000 a second, and two seconds for the rest.
    expect([seconds.from, seconds.to]).toEqual([6, 24]);
    expect(basedOn).toMatch(/^the speed of the last 3 runs; the last one was estimated at 0\.17 times/u);
    const other = estimateOf(requestOf({ task: 'other/postgres' }), factsOf({}, { runs }));
    expect(other.basedOn).toContain('a default');
  });

  test('before any run, go by what the first read came to, once more for the source and each table compared', () => {
    const firstRead = { rows: 2_000_000, bytes: 400e6, milliseconds: 40_000, at: PLANNED_AT };
    // A million rows of a hundred bytes: 20 seconds by the row, as destinations load; then as long for either comparison.
    const { seconds, basedOn } = estimateOf(requestOf(), factsOf({}, { firstRead }));
    expect([seconds.from, seconds.to, seconds.quality]).toEqual([31, 124, 'statistics']);
    expect(basedOn).toBe('the 10 MB/s of the first read and a default of 150000 rows/s loaded');
    const inRange = requestOf({ ...INCREMENTAL, scope: { kind: 'key', from: ['1'], to: null } });
    expect(estimateOf(inRange, factsOf({}, { firstRead })).seconds.to).toBe(44);
    const runs = [pastRun('run-000003', 12, 1_000_000)];
    expect(estimateOf(requestOf(), factsOf({}, { firstRead, runs })).basedOn).toContain('the last run');
  });

  test('a run that compared nothing says nothing about one that does', () => {
    const inRange = { kind: 'key', from: ['1'], to: null } as const;
    const past = pastRun('run-000003', 12, 1_000_000);
    const request = { ...past.plan.request, mode: 'incremental', scope: inRange } as const;
    const runs = [{ ...past, mode: 'incremental', plan: { ...past.plan, request } } as const];
    const whole = { ...request, scope: { kind: 'all' }, verify: 'full' } as const;
    expect(estimateOf(request, factsOf({}, { runs })).basedOn).toContain('the last run');
    expect(estimateOf(whole, factsOf({}, { runs })).basedOn).toContain('a default of 20 MB/s');
  });

  test('a throttle makes it longer', () => {
    const throttle = { bytesPerSecond: 1e6, readers: null };
    const { seconds } = estimateOf(requestOf({ throttle, verify: 'counts' }), factsOf());
    // Read, and read once more to be counted.
    expect(seconds.to).toBe(2 * (200 + 2));
  });

  test('are priced by the user’s file, and only with one', () => {
    expect(estimateOf(requestOf(), factsOf()).price).toBeNull();
    const prices = {
      currency: 'EUR',
      sourceReadPerGb: 1,
      destinationWritePerGb: 10,
      destinationWritePerMillionRows: 0.5,
      storagePerGbMonth: 0,
    };
    expect(estimateOf(requestOf(), factsOf({}, { prices })).price).toEqual({
      amount: 0.12 + 1 + 0.5,
      currency: 'EUR',
      lines: [
        'source read: 0.12 GB × 1 = 0.12 EUR',
        'destination writes: 0.1 GB × 10 = 1 EUR',
        'destination rows: 1 million × 0.5 = 0.5 EUR',
      ],
    });
  });
});
