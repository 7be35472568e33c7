import type { Guard, Run, RunRequest, Schema } from '@brimful/model';
import { Problem } from '@brimful/model';
import { describe, expect, test } from 'vitest';
import type { PlanFacts } from './plan-facts.ts';
import {
  HEALTH,
  bindingFacts,
  factsOf,
  statistics,
  surveyOf,
  tableFacts,
  tableSurveyOf,
} from '../testing/plan-facts-fixture.ts';
import { HOUR_MILLISECONDS, ORDERS, PLANNED_AT, planOf, requestOf } from '../testing/plan-fixture.ts';
import { estimateOf } from './estimate.ts';
import { guardsOf } from './guards.ts';
import { newRun } from './run-change.ts';

function guards(request: Partial<RunRequest>, facts: PlanFacts = factsOf()): readonly Guard[] {
  const whole = requestOf(request);
  return guardsOf(whole, facts, estimateOf(whole, facts));
}

/** The levels of a guard, in order; empty when it says nothing. */
function levels(id: string, request: Partial<RunRequest>, facts?: PlanFacts): readonly Guard['level'][] {
  return guards(request, facts)
    .filter((guard) => guard.id === id)
    .map(({ level }) => level);
}

const INCREMENTAL = { mode: 'incremental', undoMilliseconds: 0 } as const;
const REBUILD = { mode: 'materialization', task: 'shop/warehouse' } as const;
const range = (from: string | null, to: string | null, zone = 'Europe/Berlin'): Partial<RunRequest> => ({
  ...INCREMENTAL,
  scope: { kind: 'time', column: 'created_at', from, to, zone },
});

function runIn(state: Run['state'], changes: Partial<Run> = {}): Run {
  const run = newRun('run-000007', planOf(['shop/orders']), {
    who: 'ada',
    acknowledged: [],
    now: PLANNED_AT,
  });
  return { ...run, state, ...changes };
}

function withType(sourceType: string, type: Schema['columns'][number]['type']): Schema {
  return {
    ...ORDERS,
    columns: ORDERS.columns.map((column) =>
      column.name === 'note' ? { ...column, type, sourceType } : column,
    ),
  };
}

describe('guards', () => {
  test('a plan that nothing stands against has nothing to block or confirm but the whole table', () => {
    const open = guards({}).filter(({ level }) => level === 'block' || level === 'confirm');
    expect(open.map(({ id }) => id)).toEqual(['whole-table']);
    expect(
      guards(range('2026-01-01T00:00:00Z', '2026-02-01T00:00:00Z')).filter(({ level }) => level !== 'ok'),
    ).toEqual([]);
    expect(guards(REBUILD, factsOf({ survey: null })).filter(({ level }) => level !== 'ok')).toEqual([]);
  });

  test('whole table: confirmed for reading, table by table, with its number of rows', () => {
    expect(levels('whole-table', {})).toEqual(['confirm']);
    expect(guards(INCREMENTAL)[0]?.message).toContain('about 1,000,000');
    const two = factsOf({}, { bindings: [bindingFacts(), bindingFacts({ collection: 'shop/customers' })] });
    expect(levels('whole-table', {}, two)).toEqual(['confirm', 'confirm']);
  });

  test('reason: an empty one blocks, also when a request comes past the parser', () => {
    expect(levels('reason', { reason: ' ' })).toEqual(['block']);
  });

  test('zone: bounds are shown in zone and UTC, and block when they do not fit the column', () => {
    const [zone] = guards(range('2025-12-31T23:00:00Z', null)).filter(({ id }) => id === 'zone');
    expect(zone?.message).toContain('2026-01-01 00:00 Europe/Berlin (2025-12-31T23:00:00Z)');
    expect(levels('zone', range('2026-01-01T00:00:00', null))).toEqual(['block']);
    expect(levels('zone', range('2026-01-01T00:00:00Z', null, 'Berlin'))).toEqual(['block']);
  });

  test('future: a range that is wholly ahead is confirmed, one that ends ahead is told', () => {
    expect(levels('future', range('2026-03-01T12:00:01Z', null))).toEqual(['confirm']);
    expect(levels('future', range('2026-03-01T12:00:00Z', null))).toEqual([]);
    expect(levels('incomplete-range', range('2026-01-01T00:00:00Z', '2027-01-01T00:00:00Z'))).toEqual([
      'warn',
    ]);
  });

  test('what source and destination say goes through; of a merge in place only what is not about a swap', () => {
    const unserved: Guard = {
      id: 'scope-unserved',
      level: 'confirm',
      subject: 'public.orders',
      message: 'no index',
      evidence: 'EXPLAIN',
      remedy: null,
    };
    const dependents: Guard = { ...unserved, id: 'dependents', level: 'block' };
    const rights: Guard = { ...unserved, id: 'rights', level: 'block' };
    const facts = factsOf({
      survey: surveyOf({ guards: [unserved] }),
      tables: [tableFacts({ survey: tableSurveyOf({ guards: [dependents, rights] }) })],
    });
    expect(guards({}, facts)).toEqual(expect.arrayContaining([unserved, dependents, rights]));
    expect(guards(INCREMENTAL, facts)).toEqual(expect.arrayContaining([unserved, rights]));
    expect(guards(INCREMENTAL, facts)).not.toContain(dependents);
  });

  test('type mismatch: what the destination cannot take blocks a merge, and limits the undo of a reset', () => {
    const facts = factsOf({ survey: surveyOf({ schema: withType('bigint', { kind: 'int64' }) }) });
    expect(levels('type-mismatch', INCREMENTAL, facts)).toEqual(['block']);
    expect(levels('undo-limited', {}, facts)).toEqual(['warn']);
    const rekeyed = factsOf({ survey: surveyOf({ schema: { ...ORDERS, key: ['id', 'created_at'] } }) });
    expect(levels('type-mismatch', INCREMENTAL, rekeyed)).toEqual(['block']);
  });

  // Invariant 6
  test('type mismatch: what a table cannot take blocks, also when the collection took it already', () => {
    const misfit = { kind: 'shape', column: 'note', why: 'Column note of orders is integer.' } as const;
    const tables = [
      tableFacts({ table: 'sales' }),
      tableFacts({ survey: tableSurveyOf({ misfits: [misfit] }) }),
    ];
    const [guard] = guards(INCREMENTAL, factsOf({ tables })).filter(({ id }) => id === 'type-mismatch');
    expect(guard).toMatchObject({
      level: 'block',
      evidence: 'shop/warehouse: orders: Column note of orders is integer.',
    });
    expect(levels('undo-limited', {}, factsOf({ tables }))).toEqual(['warn']);
    expect(levels('type-mismatch', REBUILD, factsOf({ tables }))).toEqual([]);
    // Older rows have a type that the present one does not hold: there and back again is no way back.
    const shapes = [withType('integer', { kind: 'int32' }), ORDERS];
    expect(levels('type-mismatch', INCREMENTAL, factsOf({ shapes }))).toEqual(['block']);
    const widened = [withType('integer', { kind: 'int32' }), withType('bigint', { kind: 'int64' })];
    const survey = surveyOf({ schema: withType('bigint', { kind: 'int64' }) });
    const wide = factsOf({ shapes: widened, schema: widened[1] as Schema, survey });
    expect(levels('type-mismatch', INCREMENTAL, wide)).toEqual([]);
  });

  // Invariant 6
  test('value mismatch: a value that a destination has no place for is confirmed, whatever the run does', () => {
    const misfit = { kind: 'value', column: 'amount', why: 'amount holds NaN' } as const;
    const facts = factsOf({ tables: [tableFacts({ survey: tableSurveyOf({ misfits: [misfit] }) })] });
    for (const request of [INCREMENTAL, {}, REBUILD]) {
      expect(levels('value-mismatch', request, facts)).toEqual(['confirm']);
      expect(levels('type-mismatch', request, facts)).toEqual([]);
    }
  });

  test('one rebuild: an active run with the collection, or with a table of it, blocks; a failed one names its remedy', () => {
    for (const state of ['approved', 'waiting', 'running', 'paused', 'failed'] as const)
      expect(levels('one-rebuild', INCREMENTAL, factsOf({}, { runs: [runIn(state)] })), state).toEqual([
        'block',
      ]);
    for (const state of ['done', 'cancelled', 'swapped', 'undone'] as const)
      expect(levels('one-rebuild', {}, factsOf({}, { runs: [runIn(state)] })), state).toEqual([]);
    const startedAt = PLANNED_AT;
    for (const changing of [
      runIn('cancelled', { startedAt }),
      runIn('swapped', { startedAt, intent: 'undo' }),
      runIn('undone', { startedAt, intent: 'redo', undoUntil: PLANNED_AT + HOUR_MILLISECONDS }),
    ])
      expect(levels('one-rebuild', {}, factsOf({}, { runs: [changing] })), changing.state).toEqual(['block']);
    const run = runIn('running');
    const [binding] = run.plan.bindings;
    const other = {
      ...run,
      plan: {
        ...run.plan,
        bindings: [{ ...(binding as NonNullable<typeof binding>), collection: 'shop/all', tables: [SHARED] }],
      },
    };
    expect(levels('one-rebuild', {}, factsOf({}, { runs: [other] }))).toEqual(['block']);
  });

  test('an earlier run’s undo: ended by another swap, taken along by a merge', () => {
    const swapped = runIn('swapped', { undoUntil: PLANNED_AT + HOUR_MILLISECONDS });
    expect(levels('ends-undo', {}, factsOf({}, { runs: [swapped] }))).toEqual(['confirm']);
    expect(levels('undo-takes-back', INCREMENTAL, factsOf({}, { runs: [swapped] }))).toEqual(['warn']);
    const over = runIn('swapped', { undoUntil: PLANNED_AT });
    expect(levels('ends-undo', {}, factsOf({}, { runs: [over] }))).toEqual([]);
  });

  test('retention: a rebuild from a trimmed journal without a base blocks', () => {
    const trimmed = { survey: null, journal: { first: 10, next: 50, bytes: 1 } };
    expect(levels('retention', REBUILD, factsOf(trimmed))).toEqual(['block']);
    expect(levels('retention', REBUILD, factsOf({ ...trimmed, hasBase: true }))).toEqual(['ok']);
    expect(levels('retention', REBUILD, factsOf({ survey: null, journal: null }))).toEqual(['block']);
    expect(levels('retention', {}, factsOf(trimmed)), 'read from the source').toEqual([]);
  });

  test('disk: what does not fit blocks, what would make captures pause is confirmed', () => {
    const free = (freeBytes: number): PlanFacts => factsOf({}, { disk: { freeBytes, keepFreeBytes: 1e9 } });
    expect(levels('disk', {}, free(49e6))).toEqual(['block']);
    expect(levels('disk', {}, free(1.04e9))).toEqual(['confirm']);
    expect(levels('disk', {}, free(1.06e9))).toEqual(['ok']);
  });

  test('log headroom: little is confirmed, none blocks, a rebuild does not care', () => {
    const headroom = (headroomBytes: number | null): PlanFacts =>
      factsOf({ survey: surveyOf({ source: { ...HEALTH, headroomBytes } }) });
    expect(levels('wal-headroom', {}, headroom(0))).toEqual(['block']);
    expect(levels('wal-headroom', {}, headroom(1e9))).toEqual(['confirm']);
    expect(levels('wal-headroom', {}, headroom(null))).toEqual(['ok']);
    expect(levels('wal-headroom', REBUILD, headroom(0))).toEqual([]);
  });

  test('deletes: the limit is written down with its number of rows', () => {
    const [guard] = guards(INCREMENTAL).filter(({ id }) => id === 'delete-limit');
    expect(guard).toMatchObject({ level: 'ok', message: expect.stringContaining('about 100,000') as string });
    expect(levels('delete-limit', { ...INCREMENTAL, missingRows: 'keep' })).toEqual([]);
  });

  test('gap: a run that does not read all of it leaves it, and is confirmed', () => {
    const gap = factsOf({ phase: 'gap' });
    expect(levels('gap', INCREMENTAL, gap)).toEqual(['ok']);
    expect(levels('gap', {}, gap)).toEqual(['ok']);
    expect(levels('gap', { ...INCREMENTAL, columns: ['note'] }, gap)).toEqual(['confirm']);
    expect(levels('gap', range('2026-01-01T00:00:00Z', null), gap)).toEqual(['confirm']);
    expect(levels('gap', REBUILD, gap)).toEqual(['confirm']);
    const cut = factsOf({ phase: 'gap', isCutOff: true });
    expect(levels('gap', INCREMENTAL, cut)).toEqual(['block']);
    expect(levels('gap', {}, cut)).toEqual(['ok']);
  });

  test('lost slot: a reset of everything is confirmed, anything less blocks; any other stop of the capture is confirmed', () => {
    const lost = new Problem('BRM-PG-SLOT-LOST', 'the slot was dropped').toJSON();
    const facts = factsOf({}, { captureProblem: lost });
    expect(levels('changes-lost', { bindings: null }, facts)).toEqual(['confirm']);
    // Of a stream that is lost nothing is kept: how much room there is for it says nothing.
    expect(levels('wal-headroom', { bindings: null }, facts)).toEqual([]);
    const less = [
      { bindings: ['shop/orders'] },
      { bindings: null, missingRows: 'keep' },
      { ...INCREMENTAL, bindings: null },
    ] as const;
    for (const request of less) {
      const [guard] = guards(request, facts).filter(({ id }) => id === 'changes-lost');
      expect(guard).toMatchObject({ level: 'block' });
      expect(guard?.remedy).toContain('--mode reset, without --binding');
    }
    const other = new Problem('BRM-PG-RIGHTS', 'no').toJSON();
    expect(levels('capture-stopped', {}, factsOf({}, { captureProblem: other }))).toEqual(['confirm']);
  });

  test('missing rows: a reset that would leave rows behind is confirmed with the number', () => {
    const more = factsOf({ tables: [tableFacts({ survey: tableSurveyOf({ rows: 1_200_000 }) })] });
    const [guard] = guards({}, more).filter(({ id }) => id === 'missing-rows');
    expect(guard).toMatchObject({ level: 'confirm', message: expect.stringContaining('200,000') as string });
    expect(levels('missing-rows', { missingRows: 'keep' }, more)).toEqual(['warn']);
    expect(levels('missing-rows', INCREMENTAL, more)).toEqual([]);
    const noise = factsOf({ tables: [tableFacts({ survey: tableSurveyOf({ rows: 1_040_000 }) })] });
    expect(levels('missing-rows', {}, noise), 'statistics are a few per cent off').toEqual([]);
    const exact = factsOf({
      collectionRows: { value: 11, quality: 'exact' },
      survey: surveyOf({ tableRows: { value: 10, quality: 'exact' } }),
    });
    expect(levels('missing-rows', {}, exact)).toEqual(['confirm']);
    const soft = factsOf({
      tables: [tableFacts({ deletes: 'soft', survey: tableSurveyOf({ rows: 2_000_000 }) })],
    });
    expect(levels('missing-rows', {}, soft), 'softly deleted rows are no rows').toEqual([]);
  });

  test('no undo: a swap without a window is told', () => {
    expect(levels('no-undo', { undoMilliseconds: 0 })).toEqual(['warn']);
    expect(levels('no-undo', INCREMENTAL)).toEqual([]);
  });

  // Invariant 7
  test('keyless: a table without a key is not merged in place', () => {
    const facts = factsOf({ survey: surveyOf({ schema: { ...ORDERS, key: [] } }) });
    expect(levels('keyless', INCREMENTAL, facts)).toEqual(['block']);
    expect(levels('keyless', INCREMENTAL)).toEqual([]);
    expect(levels('keyless', {}, facts)).toEqual([]);
  });

  test('columns: key columns, tables without a key, and lost rows whose other columns are never null block', () => {
    const only = (...columns: string[]): Partial<RunRequest> => ({ ...INCREMENTAL, columns });
    expect(levels('columns', only('id'))).toEqual(['block']);
    expect(levels('columns', only('note'))).toEqual([]);
    expect(levels('columns', only('note'), factsOf({ phase: 'gap' }))).toEqual(['block']);
    const keyless = { ...ORDERS, key: [] };
    expect(levels('columns', only('note'), factsOf({ survey: surveyOf({ schema: keyless }) }))).toEqual([
      'block',
    ]);
  });

  test('unreadable: a source that refuses blocks; a destination that is only busy is confirmed', () => {
    const refused = new Problem('BRM-PG-RIGHTS', 'permission denied').toJSON();
    const busy = new Problem('BRM-DUCKDB-BUSY', 'in use', { kind: 'retry' }).toJSON();
    expect(levels('unreadable', {}, factsOf({ survey: surveyOf({ problem: refused }) }))).toEqual(['block']);
    const table = (problem: typeof busy): PlanFacts =>
      factsOf({ tables: [tableFacts({ problem, survey: null })] });
    expect(levels('unreadable', {}, table(busy))).toEqual(['confirm']);
    expect(levels('unreadable', {}, table(refused))).toEqual(['block']);
  });
});

const SHARED = {
  materialization: 'shop/warehouse',
  table: 'orders',
  generation: { from: 1, to: 2 },
  rows: statistics(0).value,
  bytes: null,
  dependents: [],
};
