import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { PLANNED_AT, planOf } from '../testing/plan-fixture.ts';
import { accuracyOf, etaOf, etaSecondsOf, workingSeconds } from './progress.ts';
import { newRun, orderRun, stepRun, withProgress } from './run-change.ts';

describe('progress', () => {
  test('an estimate of the time left narrows, and ends at nothing', () => {
    const at = (done: number): { from: number; to: number } | null =>
      etaOf({ rowsRead: done * 1000, rowsEstimated: 1000, rowsPerSecond: 10, done });
    expect(at(0)).toEqual({ from: 50, to: 200 });
    expect(at(0.5)).toEqual({ from: 50 / 1.5, to: 50 * 1.5 });
    expect(at(1)).toEqual({ from: 0, to: 0 });
    expect(etaOf({ rowsRead: 0, rowsEstimated: 1000, rowsPerSecond: 0, done: 0 })).toBeNull();
  });

  test('what was read of a known part counts more than statistics that were wrong', () => {
    const eta = etaSecondsOf({ rowsRead: 1000, rowsEstimated: 1100, rowsPerSecond: 10, done: 0.25 });
    expect(eta).toBeCloseTo(300);
  });

  test('it is never negative, and its one number lies in its range', () => {
    const binding = fc.record({
      rowsRead: fc.nat(1e6),
      rowsEstimated: fc.nat(1e6),
      rowsPerSecond: fc.double({ min: 0.001, max: 1e6, noNaN: true }),
      done: fc.double({ min: 0, max: 1, noNaN: true }),
    });
    fc.assert(
      fc.property(binding, (one) => {
        const eta = etaOf(one) as { from: number; to: number };
        const seconds = etaSecondsOf(one) as number;
        expect(eta.from).toBeGreaterThanOrEqual(0);
        expect(seconds * 1.000001).toBeGreaterThanOrEqual(eta.from);
        expect(seconds * 0.999999).toBeLessThanOrEqual(eta.to);
      }),
    );
  });

  test('work is what a run did, not what it waited for', () => {
    const collection = 'shop/orders';
    let now = PLANNED_AT;
    let run = newRun('run-000001', planOf([collection]), { who: 'ada', acknowledged: [], now });
    const step = (seconds: number, input: Parameters<typeof stepRun>[1]): void => {
      now += seconds * 1000;
      run = stepRun(run, input, { now, because: 'x' });
    };
    expect(workingSeconds(run, now)).toBeNull();
    step(100, 'queued');
    step(100, 'started');
    step(10, 'throttled');
    step(10, 'window closed');
    step(1000, 'window opened');
    step(5, 'interrupted');
    step(1000, 'recovered');
    now += 5000;
    run = orderRun(run, { verb: 'pause', who: 'ada', why: 'lunch' }, now);
    now += 3_600_000;
    run = orderRun(run, { verb: 'resume', who: 'ada', why: null }, now);
    step(1, 'started');
    step(20, 'all read');
    run = withProgress(run, collection, { rowsRead: 2000 });
    expect(workingSeconds(run, now + 3000)).toBe(53);
    expect(accuracyOf(run, now), 'not over').toBeNull();
    step(5, 'completed');
    expect(workingSeconds(run, now + 1e9), 'it is over').toBe(55);
    // Estimated: 1000 rows and from 1 to 4 seconds.
    expect(accuracyOf(run, now)).toEqual({ rows: 0.5, seconds: 2 / 55 });
  });
});
