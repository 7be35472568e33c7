import type { RunBindingState, RunState } from '@brimful/model';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { BindingInput } from './run-binding-state.ts';
import { isSettled, nextBindingState } from './run-binding-state.ts';
import type { Outcome, RunInput } from './run-state.ts';
import { isOver, nextRunState } from './run-state.ts';

/** Records, so that a state or an input that is added to the model and not here does not compile. */
const STATES = Object.keys({
  planned: 0,
  approved: 0,
  waiting: 0,
  running: 0,
  throttled: 0,
  paused: 0,
  'window closed': 0,
  interrupted: 0,
  'catching up': 0,
  verifying: 0,
  'ready to swap': 0,
  swapped: 0,
  done: 0,
  cancelled: 0,
  failed: 0,
  expired: 0,
  undone: 0,
} satisfies Record<RunState, 0>) as RunState[];

const INPUTS = Object.keys({
  apply: 0,
  pause: 0,
  resume: 0,
  cancel: 0,
  retry: 0,
  skip: 0,
  throttle: 0,
  undo: 0,
  redo: 0,
  queued: 0,
  started: 0,
  'window closed': 0,
  'window opened': 0,
  throttled: 0,
  unthrottled: 0,
  interrupted: 0,
  recovered: 0,
  'all read': 0,
  'caught up': 0,
  verified: 0,
  diverged: 0,
  swapped: 0,
  completed: 0,
  'rest cancelled': 0,
  'undo window ended': 0,
  'swapped back': 0,
  'undo unavailable': 0,
  'exchange refused': 0,
  failed: 0,
  expired: 0,
} satisfies Record<RunInput, 0>) as RunInput[];

const TABLE_STATES = Object.keys({
  waiting: 0,
  reading: 0,
  reconciling: 0,
  building: 0,
  'catching up': 0,
  verifying: 0,
  ready: 0,
  swapped: 0,
  done: 0,
  paused: 0,
  failed: 0,
  skipped: 0,
  cancelled: 0,
  undone: 0,
} satisfies Record<RunBindingState, 0>) as RunBindingState[];

const TABLE_INPUTS = Object.keys({
  pause: 0,
  resume: 0,
  cancel: 0,
  retry: 0,
  skip: 0,
  read: 0,
  'all read': 0,
  build: 0,
  built: 0,
  'caught up': 0,
  verified: 0,
  diverged: 0,
  swapped: 0,
  completed: 0,
  'swapped back': 0,
  'undo window ended': 0,
  failed: 0,
  'started over': 0,
} satisfies Record<BindingInput, 0>) as BindingInput[];

function after(state: RunState, ...inputs: readonly RunInput[]): RunState {
  return inputs.reduce((so, input) => {
    const outcome = nextRunState(so, input);
    if ('refused' in outcome) throw new Error(outcome.refused);
    return outcome.state;
  }, state);
}

function answer(outcome: Outcome<string>, states: readonly string[]): string {
  if ('state' in outcome) return states.includes(outcome.state) ? 'clear' : outcome.state;
  return /^a (?:run|table) that [a-z ]+ cannot [a-z ]+(?:: .+)?$/u.test(outcome.refused)
    ? 'clear'
    : outcome.refused;
}

describe('a run', () => {
  test('R1: every state answers every input with a state or a reason people understand', () => {
    for (const state of STATES) {
      for (const input of INPUTS) {
        expect(answer(nextRunState(state, input), STATES), `${input} when ${state}`).toBe('clear');
      }
    }
    expect(nextRunState('done', 'pause')).toEqual({ refused: 'a run that is done cannot be paused' });
    expect(nextRunState('swapped', 'cancel')).toEqual({
      refused: 'a run that is swapped in cannot be cancelled: undo it instead',
    });
  });

  test('R2: what is over stays over', () => {
    for (const state of STATES.filter(isOver))
      for (const input of INPUTS) expect(nextRunState(state, input)).toHaveProperty('refused');
    for (const state of STATES.filter((other) => !isOver(other)))
      expect(
        INPUTS.some((input) => 'state' in nextRunState(state, input)),
        state,
      ).toBe(true);
  });

  test('R3: can be cancelled in every state before it is swapped in, and never after', () => {
    fc.assert(
      fc.property(fc.array(fc.constantFrom(...INPUTS), { maxLength: 40 }), (inputs) => {
        let state: RunState = 'approved';
        let swapped = false;
        for (const input of inputs) {
          const outcome = nextRunState(state, input);
          if ('refused' in outcome) continue;
          state = outcome.state;
          swapped ||= state === 'swapped';
          const cancel = nextRunState(state, 'cancel');
          expect('state' in cancel, `cancel when ${state}`).toBe(!swapped && !isOver(state));
        }
      }),
    );
  });

  test('takes its way, with all that may come between', () => {
    const verified = ['all read', 'caught up', 'verified'] as const;
    expect(after('planned', 'apply', 'queued', 'started', ...verified, 'swapped')).toBe('swapped');
    expect(after('running', 'throttled', 'window closed', 'interrupted', 'recovered', ...verified)).toBe(
      'ready to swap',
    );
    expect(after('verifying', 'pause', 'resume', 'started', ...verified), 'held before the swap').toBe(
      'ready to swap',
    );
    expect(after('swapped', 'undo', 'swapped back', 'redo', 'swapped', 'undo window ended')).toBe('done');
    expect(after('verifying', 'completed'), 'merged in place').toBe('done');
    expect(after('ready to swap', 'retry'), 'a table of it begins again').toBe('running');
  });
});

describe('a table of a run', () => {
  test('R1: every state answers every input', () => {
    for (const state of TABLE_STATES) {
      for (const input of TABLE_INPUTS) {
        expect(answer(nextBindingState(state, input), TABLE_STATES), `${input} when ${state}`).toBe('clear');
      }
    }
  });

  test('R4: a failure ends only by a retry or a skip; cancelling and swapping the rest leave it', () => {
    for (const input of TABLE_INPUTS) {
      const outcome = nextBindingState('failed', input);
      if ('refused' in outcome || outcome.state === 'failed') continue;
      expect(['retry', 'skip']).toContain(input);
    }
  });

  test('is settled when only a person or the swap of the whole can still change it', () => {
    for (const state of TABLE_STATES.filter(isSettled))
      for (const input of ['read', 'all read', 'built', 'caught up', 'verified', 'failed'] as const) {
        const outcome = nextBindingState(state, input);
        expect('refused' in outcome || outcome.state === state, `${input} when ${state}`).toBe(true);
      }
  });
});
