import { describe, expect, test } from 'vitest';
import { aRun } from '../http/testing/fake-target.ts';
import type { Sight } from './sight.ts';
import { alertsOf, EVENT_MILLISECONDS } from './alerts-of.ts';
import { standstill } from './standstill.ts';
import {
  aCapture,
  aMaterialization,
  aReport,
  aSight,
  aStatus,
  BEGAN,
  DENIED,
  LIMITS,
  MINUTE,
} from './testing/sights.ts';
import { newestReports } from './verification-conditions.ts';

function ids(sight: Sight, now = BEGAN + MINUTE): string[] {
  return alertsOf(sight, now).conditions.map(({ id, severity }) => `${severity} ${id}`);
}

test('where all is well there is nothing to tell', () => {
  expect(ids(aSight())).toEqual([]);
});

describe('lag', () => {
  const late = (lagBytes: number, lagMilliseconds: number) =>
    aSight({ captures: [aCapture({ lagBytes, lagMilliseconds })] });

  test('of a source that keeps too much log, or of a stream that is too old', () => {
    expect(ids(late(LIMITS.retainedLogBytes + 1, 0))).toEqual(['warning slot-lag:shop/postgres']);
    expect(ids(late(0, 5 * MINUTE + 1))).toEqual(['warning slot-lag:shop/postgres']);
    expect(ids(late(5 * LIMITS.retainedLogBytes, 0))).toEqual(['critical slot-lag:shop/postgres']);
    expect(ids(late(LIMITS.retainedLogBytes, 5 * MINUTE))).toEqual([]);
  });

  test('an open one ends only well below the limit', () => {
    const open = new Set(['slot-lag:shop/postgres']);
    const just = aSight({ captures: [aCapture({ lagMilliseconds: 4.5 * MINUTE })] }, { open });
    expect(ids(just)).toEqual(['warning slot-lag:shop/postgres']);
    const well = aSight({ captures: [aCapture({ lagMilliseconds: 3.9 * MINUTE })] }, { open });
    expect(ids(well)).toEqual([]);
  });

  test('of tables: the worst is named, those that have stopped are told otherwise', () => {
    const bindings = [
      { lagMilliseconds: 6 * MINUTE },
      { lagMilliseconds: 9 * MINUTE },
      { phase: 'failed' as const, problem: DENIED, lagMilliseconds: 60 * MINUTE },
      { lagMilliseconds: 0 },
    ];
    const found = alertsOf(aSight({ materializations: [aMaterialization({}, bindings)] }), BEGAN);
    expect(found.conditions).toMatchObject([
      {
        id: 'table-lag:shop/warehouse',
        subject: { kind: 'materialization', name: 'shop/warehouse', table: 't1' },
        sentence: 't1 in shop/warehouse shows what was true 9 min ago, and 1 more of its tables are late.',
      },
      { id: 'table-failed:shop/warehouse:t2', severity: 'critical', remedy: DENIED.remedy },
    ]);
  });
});

describe('a task that stands still', () => {
  /** The same status for so long, seen every minute. */
  function after(minutes: number, status: Parameters<typeof aStatus>[0], runs: Sight['runs'] = []): string[] {
    let still: Sight['standstill'] = new Map();
    const last = BEGAN + minutes * MINUTE;
    for (let at = BEGAN; at <= last; at += MINUTE)
      still = standstill(still, aStatus({ ...status, at }), runs);
    return ids(aSight({ ...status, at: last }, { standstill: still, runs }), last);
  }

  test('is told when there is work, whether it reads, streams or writes', () => {
    const reading = { captures: [aCapture({}, [{ phase: 'backfilling' }])] };
    expect(after(10, reading)).toEqual([]);
    expect(after(11, reading)).toEqual(['critical stalled:shop/postgres']);
    expect(after(11, { captures: [aCapture({ lagBytes: 5 })] })).toEqual(['critical stalled:shop/postgres']);
    const writing = { materializations: [aMaterialization({}, [{ offset: 3 }])] };
    expect(after(11, writing)).toEqual(['critical stalled:shop/warehouse']);
  });

  test('is not told without work, while an index is built, or while a person pauses it', () => {
    expect(after(60, {})).toEqual([]);
    expect(
      after(60, { materializations: [aMaterialization({}, [{ offset: 3, phase: 'indexing' }])] }),
    ).toEqual([]);
    expect(after(60, { captures: [aCapture({ state: 'paused', lagBytes: 5 })] })).toEqual([]);
    const reading = { captures: [aCapture({}, [{ phase: 'backfilling' }])] };
    expect(after(60, reading, [aRun('run-000001', { state: 'paused' })])).toEqual([]);
    expect(after(60, reading, [aRun('run-000001', { state: 'running' })])).not.toEqual([]);
  });

  test('any movement counts from anew', () => {
    const first = standstill(
      new Map(),
      aStatus({ captures: [aCapture({ lagBytes: 5, position: '1' })] }),
      [],
    );
    const moved = aStatus({ at: BEGAN + MINUTE, captures: [aCapture({ lagBytes: 5, position: '2' })] });
    expect(standstill(first, moved, []).get('capture shop/postgres')?.since).toBe(BEGAN + MINUTE);
  });

  test('a connection that is not made for long is told with its reason', () => {
    const away = aCapture({ state: 'waiting', problem: { ...DENIED, message: 'connection refused' } });
    const still = new Map([['capture shop/postgres', { mark: 'waiting', since: BEGAN }]]);
    const found = alertsOf(aSight({ captures: [away] }, { standstill: still }), BEGAN + 11 * MINUTE);
    expect(found.conditions.map(({ sentence }) => sentence)).toEqual([
      'shop/postgres has been waiting for 11 min: connection refused',
    ]);
  });
});

describe('what has failed', () => {
  test('a task, with its remedy', () => {
    const failed = aMaterialization({ state: 'failed', problem: DENIED });
    expect(alertsOf(aSight({ materializations: [failed] }), BEGAN).conditions).toMatchObject([
      { id: 'task-failed:shop/warehouse', severity: 'critical', remedy: DENIED.remedy },
    ]);
  });

  test('tables one by one, and together when there are very many', () => {
    const failed = { phase: 'failed' as const, problem: DENIED };
    const gap = { phase: 'gap' as const, proposal: { command: 'brimful backfill run x', sentence: 's' } };
    const few = alertsOf(aSight({ captures: [aCapture({}, [failed, gap, {}])] }), BEGAN).conditions;
    expect(few.map(({ id, remedy }) => [id, remedy])).toEqual([
      ['table-failed:shop/postgres:public.t0', DENIED.remedy],
      ['table-failed:shop/postgres:public.t1', 'brimful backfill run x'],
    ]);
    const many = Array.from({ length: 1000 }, () => failed);
    expect(ids(aSight({ captures: [aCapture({}, many)] }))).toEqual(['critical tables-failed:shop/postgres']);
  });
});

test('a disk that fills up, and one that is full', () => {
  const disk = (freeBytes: number, paused = false) =>
    aSight({ disk: { usedBytes: 1e9, freeBytes, limitBytes: 1e9, paused } });
  expect(ids(disk(1.9e9))).toEqual(['warning disk:data']);
  expect(ids(disk(0.9e9, true))).toEqual(['critical disk:data']);
  expect(ids(disk(2.1e9))).toEqual([]);
  expect(ids({ ...disk(2.1e9), open: new Set(['disk:data']) })).toEqual(['warning disk:data']);
  expect(ids(aSight({ disk: { usedBytes: 0, freeBytes: 0, limitBytes: 1e9, paused: false } }))).toEqual([]);
});

describe('what happened', () => {
  test('a shape changed: what of it others may trip over is a warning', () => {
    const change = (isWidening: boolean, registeredAt: number) => ({
      schema: { version: 3, registeredAt, change: { sentence: 'drops note', isWidening } },
    });
    const sight = aSight({ captures: [aCapture({}, [change(true, BEGAN), change(false, BEGAN)])] });
    expect(ids(sight)).toEqual(['info schema-change:shop/t0:3', 'warning schema-change:shop/t1:3']);
    const before = aSight({ captures: [aCapture({}, [change(false, BEGAN - 1)])] });
    expect(ids(before), 'before we began to look').toEqual([]);
    expect(ids(sight, BEGAN + EVENT_MILLISECONDS + 1), 'long ago').toEqual([]);
    const first = { schema: { version: 1, registeredAt: BEGAN } };
    expect(ids(aSight({ captures: [aCapture({}, [first])] })), 'a table that is new').toEqual([]);
  });

  test('a run ended: one that failed is critical, and over when it is tried again', () => {
    const ended = (state: 'swapped' | 'done' | 'failed' | 'running', endedAt: number | null = BEGAN) => [
      aRun('run-000007', { state, endedAt, because: 'the disk is full' }),
    ];
    expect(ids(aSight({}, { runs: ended('failed') }))).toEqual(['critical run:run-000007:failed']);
    expect(ids(aSight({}, { runs: ended('done') }))).toEqual(['info run:run-000007:done']);
    // The same event, so that it is told once.
    const events = (['swapped', 'done'] as const).map(
      (state) => alertsOf(aSight({}, { runs: ended(state) }), BEGAN).conditions[0]?.event,
    );
    expect(new Set(events).size).toBe(1);
    expect(ids(aSight({}, { runs: ended('failed', BEGAN - 1) })), 'before we began to look').toEqual([]);
    const running = alertsOf(aSight({}, { runs: ended('running', null) }), BEGAN);
    expect(running.conditions).toEqual([]);
    expect([...running.over]).toEqual(['run:run-000007:failed']);
  });

  test('two sides differ, until a newer comparison finds them equal', () => {
    const reports = [aReport({ repairPlan: 'plan-1' })];
    const found = alertsOf(aSight({}, { verifications: reports }), BEGAN);
    expect(found.conditions).toMatchObject([
      {
        id: 'verification:shop/warehouse: t0',
        subject: { kind: 'materialization', name: 'shop/warehouse', table: 't0' },
        sentence: 'shop/warehouse: t0: collection and table differ (rows: 1 missing).',
        remedy: 'A repair is planned: brimful backfill apply plan-1',
      },
    ]);
    expect([...found.over]).toEqual([]);
    const [run] = [aRun('run-1')];
    const [binding] = run.bindings;
    const later = aReport({ at: BEGAN + 1, verdict: 'equal' });
    const repaired = {
      ...run,
      bindings: binding === undefined ? [] : [{ ...binding, verifications: [later] }],
    };
    const newest = newestReports(reports, [repaired]);
    const after = alertsOf(aSight({}, { verifications: newest }), BEGAN);
    expect(after.conditions).toEqual([]);
    expect([...after.over]).toContain('verification:shop/warehouse: t0');
  });

  test('what could not be compared is no divergence, and no proof of the contrary', () => {
    const found = alertsOf(aSight({}, { verifications: [aReport({ verdict: 'inconclusive' })] }), BEGAN);
    expect([found.conditions, [...found.over]]).toEqual([[], []]);
  });
});

test('of tasks that only start nothing is known', () => {
  const sight = aSight({ captures: [aCapture({ state: 'starting' })] });
  expect([...alertsOf(sight, BEGAN).unknown]).toEqual(['shop/postgres']);
});
