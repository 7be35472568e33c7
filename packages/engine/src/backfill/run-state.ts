import type { RunState, RunVerb } from '@brimful/model';
import { RUN_STATES } from '@brimful/model';

/**
 * What can happen to a run: a person's verb, or what its executor sees. `rest cancelled`: a person cancelled it when some
 * tables had been swapped in already. `completed`: there is nothing (left) to swap. `undo unavailable`: the previous
 * generation cannot be kept current any longer. `exchange refused`: an undo or redo met what only a person can mend, and
 * everything is as it was before.
 */
export type RunInput =
  | RunVerb
  | 'queued'
  | 'started'
  | 'window closed'
  | 'window opened'
  | 'throttled'
  | 'unthrottled'
  | 'interrupted'
  | 'recovered'
  | 'all read'
  | 'caught up'
  | 'verified'
  | 'diverged'
  | 'swapped'
  | 'completed'
  | 'rest cancelled'
  | 'undo window ended'
  | 'swapped back'
  | 'undo unavailable'
  | 'exchange refused'
  | 'failed'
  | 'expired';

/**
 * One input's row of a transition table: a cell for every state. A row that lacks a cell, a table that lacks a row, and a
 * state that has no column do not compile. Null: it cannot happen, and whoever says so is told why.
 */
export type Row<Columns extends readonly string[], State> = {
  readonly [Index in keyof Columns]: State | null;
};

const ap = 'approved';
const wa = 'waiting';
const ru = 'running';
const th = 'throttled';
const pa = 'paused';
const wc = 'window closed';
const it = 'interrupted';
const cu = 'catching up';
const ve = 'verifying';
const rs = 'ready to swap';
const sw = 'swapped';
const dn = 'done';
const ca = 'cancelled';
const fa = 'failed';
const ex = 'expired';
const un = 'undone';
const __ = null;

/**
 * Every state knows every input. Where the same state stands again, the input is heard and changes nothing but the
 * record (RUN.md tells them apart). From `paused`, `interrupted` and `window closed` a run goes back to `running` or
 * `waiting`; how far it is, its bindings say, so the executor repeats what holds already (`all read`, `caught up`).
 */
// oxfmt-ignore
const TABLE: Readonly<Record<RunInput, Row<typeof RUN_STATES, RunState>>> = {
  //                  plan appr wait run  thro paus wclo intr catu veri rsw  swap done canc fail expi undo
  apply:              [ap, __, __, __, __, __, __, __, __, __, __, __, __, __, __, __, __],
  pause:              [__, pa, pa, pa, pa, __, pa, pa, pa, pa, pa, __, __, __, __, __, __],
  resume:             [__, __, __, __, __, wa, __, __, __, __, __, __, __, __, __, __, __],
  cancel:             [ca, ca, ca, ca, ca, ca, ca, ca, ca, ca, ca, __, __, __, ca, __, __],
  retry:              [__, ap, wa, ru, th, pa, wc, it, ru, ru, ru, __, __, __, wa, __, __],
  skip:               [__, ap, wa, ru, th, pa, wc, it, cu, ve, rs, __, __, __, fa, __, __],
  throttle:           [__, ap, wa, ru, th, pa, wc, it, cu, ve, rs, __, __, __, __, __, __],
  undo:               [__, __, __, __, __, __, __, __, __, __, __, sw, __, __, __, __, __],
  redo:               [__, __, __, __, __, __, __, __, __, __, __, __, __, __, __, __, un],
  queued:             [__, wa, wa, __, __, __, __, __, __, __, __, __, __, __, __, __, __],
  started:            [__, ru, ru, __, __, __, __, __, __, __, __, __, __, __, __, __, __],
  'window closed':    [__, __, wa, wc, wc, pa, wc, it, cu, wc, rs, __, __, __, __, __, __],
  'window opened':    [__, __, wa, ru, th, pa, ru, it, cu, ve, rs, __, __, __, __, __, __],
  throttled:          [__, __, __, th, th, pa, wc, it, cu, ve, rs, __, __, __, __, __, __],
  unthrottled:        [__, __, __, ru, ru, pa, wc, it, cu, ve, rs, __, __, __, __, __, __],
  interrupted:        [__, ap, wa, it, it, pa, it, it, it, it, it, sw, __, __, __, __, un],
  recovered:          [__, ap, wa, ru, th, pa, wc, ru, cu, ve, rs, sw, __, __, __, __, un],
  'all read':         [__, __, __, cu, cu, __, cu, __, cu, __, __, __, __, __, __, __, __],
  'caught up':        [__, __, __, __, __, __, __, __, ve, ve, __, __, __, __, __, __, __],
  verified:           [__, __, __, __, __, __, __, __, __, rs, rs, __, __, __, __, __, __],
  diverged:           [__, __, __, __, __, __, __, __, __, fa, fa, __, __, __, __, __, __],
  swapped:            [__, __, __, __, __, __, __, __, __, __, sw, sw, __, __, __, __, sw],
  completed:          [__, __, __, dn, dn, __, dn, __, dn, dn, dn, __, __, __, __, __, __],
  'rest cancelled':   [__, __, __, sw, sw, sw, sw, sw, sw, sw, sw, __, __, __, sw, __, __],
  'undo window ended':[__, __, __, __, __, __, __, __, __, __, __, dn, __, __, __, __, un],
  'swapped back':     [__, __, __, __, __, __, __, __, __, __, __, un, __, __, __, __, un],
  'undo unavailable': [__, __, __, __, __, __, __, __, __, __, __, sw, __, __, __, __, un],
  'exchange refused': [__, __, __, __, __, __, __, __, __, __, __, sw, __, __, __, __, un],
  failed:             [__, fa, fa, fa, fa, fa, fa, fa, fa, fa, fa, __, __, __, __, __, __],
  expired:            [ex, ex, ex, __, __, __, __, __, __, __, __, __, __, __, __, __, __],
};

/** What an input leads to, or why it cannot happen: a sentence for people. */
export type Outcome<State> = { readonly state: State } | { readonly refused: string };

export function nextRunState(state: RunState, input: RunInput): Outcome<RunState> {
  const next = TABLE[input][RUN_STATES.indexOf(state)] ?? null;
  if (next !== null) return { state: next };
  const hint = HINTS[input]?.[state];
  const why = `a run that ${STATE_PHRASES[state]} cannot ${INPUT_PHRASES[input]}`;
  return { refused: hint === undefined ? why : `${why}: ${hint}` };
}

/** Whether a word of a run's history is something that happened to it as a whole. */
export function isRunInput(text: string): text is RunInput {
  return Object.hasOwn(TABLE, text);
}

/** Nothing happens to it any more. An undone run counts as over only when it cannot be redone, which its record says. */
export function isOver(state: RunState): boolean {
  return state === 'done' || state === 'cancelled' || state === 'expired';
}

const STATE_PHRASES: Readonly<Record<RunState, string>> = {
  planned: 'is only planned',
  approved: 'is approved and has not started',
  waiting: 'is waiting',
  running: 'is running',
  throttled: 'is throttled',
  paused: 'is paused',
  'window closed': 'waits for its window',
  interrupted: 'is interrupted',
  'catching up': 'is catching up',
  verifying: 'is being verified',
  'ready to swap': 'is ready to swap',
  swapped: 'is swapped in',
  done: 'is done',
  cancelled: 'was cancelled',
  failed: 'has failed',
  expired: 'has expired',
  undone: 'was undone',
};

const INPUT_PHRASES: Readonly<Record<RunInput, string>> = {
  apply: 'be applied',
  pause: 'be paused',
  resume: 'be resumed',
  cancel: 'be cancelled',
  retry: 'be retried',
  skip: 'skip a table',
  throttle: 'be throttled',
  undo: 'be undone',
  redo: 'be redone',
  queued: 'be queued',
  started: 'start',
  'window closed': 'leave its window',
  'window opened': 'enter its window',
  throttled: 'be slowed down',
  unthrottled: 'go on at full speed',
  interrupted: 'be interrupted',
  recovered: 'recover',
  'all read': 'have read everything',
  'caught up': 'have caught up',
  verified: 'be verified',
  diverged: 'be found to diverge',
  swapped: 'be swapped in',
  completed: 'complete',
  'rest cancelled': 'be cut short',
  'undo window ended': 'lose its undo window',
  'swapped back': 'be swapped back',
  'undo unavailable': 'lose its way back',
  'exchange refused': 'be refused an exchange',
  failed: 'fail',
  expired: 'expire',
};

const PLAN_AGAIN = 'plan a new run';
const NOT_YET = 'nothing is swapped in yet, cancel leaves the live tables as they are';

/** What a person can do instead. */
const HINTS: Readonly<Partial<Record<RunInput, Readonly<Partial<Record<RunState, string>>>>>> = {
  apply: { expired: PLAN_AGAIN, cancelled: PLAN_AGAIN, done: PLAN_AGAIN },
  pause: { swapped: 'all its work is done', failed: 'retry or cancel it' },
  resume: {
    throttled: 'raise its rate with throttle, or let the source get quieter',
    'window closed': 'it goes on by itself when the window opens',
    interrupted: 'it goes on by itself when the connection is back',
    waiting: 'it starts by itself when its turn comes',
    failed: 'retry it',
    cancelled: PLAN_AGAIN,
  },
  cancel: { swapped: 'undo it instead', undone: 'the live tables are the old ones already' },
  retry: {
    swapped: 'plan the tables that failed again, with --binding',
    done: 'plan the tables that failed again, with --binding',
    cancelled: PLAN_AGAIN,
    expired: PLAN_AGAIN,
    undone: 'redo it, or plan a new run',
  },
  throttle: { failed: 'retry it first' },
  undo: {
    running: NOT_YET,
    throttled: NOT_YET,
    paused: NOT_YET,
    'window closed': NOT_YET,
    interrupted: NOT_YET,
    'catching up': NOT_YET,
    verifying: NOT_YET,
    'ready to swap': NOT_YET,
    done: 'its undo window has ended, or there was nothing to swap',
  },
  redo: { swapped: 'it is in place', done: PLAN_AGAIN },
};
