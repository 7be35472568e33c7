import type { Run } from '@brimful/model';
import { Problem } from '@brimful/model';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { HOUR_MILLISECONDS, PLANNED_AT, planOf } from '../testing/plan-fixture.ts';
import type { BindingInput } from './run-binding-state.ts';
import type { RunOrder } from './run-change.ts';
import { newRun, orderRun, stepBinding, stepRun, withEvent, withProgress } from './run-change.ts';
import type { RunInput } from './run-state.ts';

const A = 'shop/orders';
const B = 'shop/customers';
const NOW = PLANNED_AT + 1000;
const PROBLEM = new Problem('BRM-PG-RIGHTS', 'permission denied').toJSON();

function fresh(changes: Parameters<typeof planOf>[1] = {}): Run {
  return newRun('run-000001', planOf([A, B], changes), { who: 'ada', acknowledged: [], now: NOW });
}

function steps(run: Run, ...inputs: readonly RunInput[]): Run {
  return inputs.reduce((so, input) => stepRun(so, input, { now: NOW }), run);
}

function table(run: Run, collection: string, ...inputs: readonly BindingInput[]): Run {
  return inputs.reduce((so, input) => {
    const fails = input === 'failed' || input === 'diverged';
    return stepBinding(so, collection, input, { now: NOW, ...(fails ? { problem: PROBLEM } : {}) });
  }, run);
}

function order(run: Run, verb: RunOrder['verb'], more: Partial<RunOrder> = {}, now = NOW): Run {
  return orderRun(run, { verb, who: 'bob', why: null, ...more }, now);
}

function stateOf(run: Run, collection: string): string | undefined {
  return run.bindings.find((binding) => binding.collection === collection)?.state;
}

function unlessRefused(change: () => Run): Run | undefined {
  try {
    return change();
  } catch (thrown) {
    if (thrown instanceof Problem && thrown.code === 'BRM-RUN-REFUSED') return undefined;
    throw thrown;
  }
}

const BUILT = ['read', 'all read', 'build', 'built', 'caught up', 'verified'] as const;
const SWAPPABLE = ['started', 'all read', 'caught up', 'verified'] as const;

describe('a run that changes', () => {
  test('R4: no way through verbs and events loses a failure of one of its tables', () => {
    const inputs: readonly RunInput[] = [
      'started',
      'throttled',
      'interrupted',
      'recovered',
      'all read',
      'caught up',
      'verified',
      'swapped',
      'completed',
      'swapped back',
      'undo window ended',
      'failed',
    ];
    const verbs = ['pause', 'resume', 'cancel', 'retry', 'skip', 'undo', 'redo'] as const;
    const step = fc.oneof(
      fc.record({ kind: fc.constant('run' as const), input: fc.constantFrom(...inputs) }),
      fc.record({
        kind: fc.constant('table' as const),
        input: fc.constantFrom<BindingInput>(...BUILT, 'swapped', 'completed', 'failed', 'started over'),
        collection: fc.constantFrom(A, B),
      }),
      fc.record({
        kind: fc.constant('order' as const),
        input: fc.constantFrom(...verbs),
        collection: fc.option(fc.constantFrom(A, B), { nil: undefined }),
      }),
    );
    fc.assert(
      fc.property(fc.array(step, { maxLength: 60 }), (all) => {
        let run = fresh();
        const failing = new Set<string>();
        for (const one of all) {
          const next = unlessRefused(() => {
            if (one.kind === 'run') return steps(run, one.input);
            if (one.kind === 'table') return table(run, one.collection, one.input);
            return order(run, one.input, one.collection === undefined ? {} : { collection: one.collection });
          });
          if (next === undefined) continue;
          run = next;
          if (one.kind === 'table' && one.input === 'failed') failing.add(one.collection);
          if (one.kind === 'order' && one.input === 'retry')
            for (const collection of one.collection === undefined ? [A, B] : [one.collection])
              failing.delete(collection);
          for (const binding of run.bindings) {
            if (!failing.has(binding.collection)) continue;
            expect(binding.problem).not.toBeNull();
            expect(['failed', 'skipped']).toContain(binding.state);
          }
          const failed = run.state === 'done' ? run.bindings.filter(({ state }) => state === 'failed') : [];
          for (const { collection } of failed) expect(run.because).toContain(collection);
        }
      }),
    );
  });

  test('a failed table does not stop the other, and the end says so (Invariant 8)', () => {
    let run = steps(fresh(), 'started');
    run = table(run, A, 'read', 'failed');
    run = table(run, B, ...BUILT);
    run = table(steps(run, 'all read', 'caught up', 'verified'), B, 'swapped');
    run = steps(run, 'swapped', 'undo window ended');
    expect(run.state).toBe('done');
    expect(run.because).toBe(`1 of 2 tables failed: ${A}`);
    expect([stateOf(run, A), stateOf(run, B)]).toEqual(['failed', 'done']);
  });

  test('a retry puts back only what failed and keeps the failure in the history', () => {
    let run = table(steps(fresh(), 'started'), A, 'read', 'failed');
    run = table(run, B, ...BUILT);
    run = order(steps(run, 'all read', 'caught up'), 'retry');
    expect(run.state, 'it reads again').toBe('running');
    expect([stateOf(run, A), stateOf(run, B)]).toEqual(['waiting', 'ready']);
    expect(run.bindings[0]?.problem).toBeNull();
    expect(run.events.map(({ what }) => what)).toContain(`${A}: retry: after BRM-PG-RIGHTS`);
    expect(() => order(run, 'retry')).toThrow('no table of it has failed');
  });

  test('R3: cancelled when one table was swapped in already: the rest is cancelled, that one can be undone', () => {
    let run = table(steps(fresh(), ...SWAPPABLE), A, ...BUILT, 'swapped');
    run = order(run, 'cancel', { why: 'too slow' });
    expect(run.state).toBe('swapped');
    expect([stateOf(run, A), stateOf(run, B)]).toEqual(['swapped', 'cancelled']);
    expect(run.undoUntil).toBe(NOW + 24 * HOUR_MILLISECONDS);
    expect(order(run, 'undo').intent).toBe('undo');
  });

  test('cancel is at once, and leaves no undo window', () => {
    const run = order(table(steps(fresh(), 'started'), A, 'read'), 'cancel', { why: 'wrong table' });
    expect(run).toMatchObject({ state: 'cancelled', because: 'wrong table', endedAt: NOW, undoUntil: null });
    expect(stateOf(run, A)).toBe('cancelled');
  });

  test('R6: undo and redo are wishes until the executor has swapped, and only within the window', () => {
    let run = table(steps(fresh(), ...SWAPPABLE), A, ...BUILT, 'swapped');
    run = steps(order(run, 'skip', { collection: B }), 'swapped');
    const until = NOW + 24 * HOUR_MILLISECONDS;
    expect(run).toMatchObject({ state: 'swapped', undoUntil: until, intent: null });
    expect(() => order(run, 'undo', {}, until)).toThrow('its undo window has ended');
    run = order(run, 'undo');
    expect(run).toMatchObject({ state: 'swapped', intent: 'undo' });
    run = steps(run, 'swapped back');
    expect(run).toMatchObject({ state: 'undone', intent: null, undoUntil: until });
    expect(stateOf(run, A)).toBe('undone');
    run = steps(order(run, 'redo'), 'swapped');
    expect(run).toMatchObject({ state: 'swapped', intent: null, undoUntil: until });
    expect(stateOf(run, A)).toBe('swapped');
    // Something that only a person can mend stands in the way: the wish is given up, the window stays.
    const refused = steps(order(run, 'undo'), 'exchange refused');
    expect(refused).toMatchObject({ state: 'swapped', intent: null, undoUntil: until });
    expect(stateOf(refused, A)).toBe('swapped');
    expect(order(refused, 'undo').intent).toBe('undo');
    expect(steps(run, 'undo unavailable')).toMatchObject({ state: 'swapped', undoUntil: null });
    expect(stateOf(steps(run, 'undo window ended'), A)).toBe('done');
  });

  test('without an undo window there is nothing to undo', () => {
    const run = steps(fresh({ undoMilliseconds: 0 }), ...SWAPPABLE, 'swapped');
    expect(run.undoUntil).toBeNull();
    expect(() => order(run, 'undo')).toThrow('its undo window has ended');
  });

  test('one table is paused, resumed and skipped alone; resume lets all of them go on', () => {
    let run = steps(fresh(), 'started');
    run = order(run, 'pause', { collection: A, why: 'locks' });
    expect([run.state, stateOf(run, A), stateOf(run, B)]).toEqual(['running', 'paused', 'waiting']);
    expect(stateOf(order(run, 'resume'), A)).toBe('waiting');
    expect(order(run, 'resume').state).toBe('running');
    run = order(order(run, 'pause'), 'resume');
    expect([run.state, stateOf(run, A)]).toEqual(['waiting', 'waiting']);
    expect(() => order(run, 'resume')).toThrow('it starts by itself when its turn comes');
    expect(() => order(run, 'skip')).toThrow('say which table');
    expect(() => order(run, 'skip', { collection: 'shop/none' })).toThrow('has no table shop/none');
    expect(() => order(run, 'undo', { collection: A })).toThrow('concerns the whole run');
  });

  test('throttle says what it means, to the run and to the history', () => {
    const throttle = { bytesPerSecond: 20_000_000, readers: 2 };
    const run = order(steps(fresh(), 'started'), 'throttle', { throttle, why: 'sale' });
    expect(run.throttle).toEqual(throttle);
    expect(run.events.at(-1)).toEqual({
      at: NOW,
      who: 'bob',
      what: 'throttle: 20000000 bytes/s, 2 readers: sale',
    });
  });

  test('R8: the history keeps its first 50 and its last 450 events', () => {
    let run = fresh();
    for (let at = 2; at < 700; at += 1) run = withEvent(run, { at, who: 'system', what: String(at) });
    expect(run.events.length).toBe(500);
    expect(run.events[49]?.at).toBe(49);
    expect(run.events[50]?.at).toBe(250);
    expect(run.events.at(-1)?.at).toBe(699);
  });

  test('what changes nothing is not written; what a table did is not lost by starting over', () => {
    const run = steps(fresh(), 'started', 'all read');
    expect(stepRun(run, 'unthrottled', { now: NOW })).toBe(run);
    const read = withProgress(table(run, A, 'read'), A, { rowsRead: 10, done: 0.5, deleted: 1 });
    expect(table(read, A, 'started over').bindings[0]).toMatchObject({ rowsRead: 0, done: 0, deleted: 1 });
  });
});
