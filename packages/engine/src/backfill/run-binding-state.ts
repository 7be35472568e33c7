import type { RunBindingState, RunVerb } from '@brimful/model';
import { RUN_BINDING_STATES } from '@brimful/model';
import type { Outcome, Row } from './run-state.ts';

/**
 * What can happen to one table of a run. `built`: its next table is loaded, or (merged in place) everything read has been
 * merged. `started over`: what was read so far lost its meaning, it begins again. `undo window ended` concerns tables that
 * were swapped.
 */
export type BindingInput =
  | Extract<RunVerb, 'pause' | 'resume' | 'cancel' | 'retry' | 'skip'>
  | 'read'
  | 'all read'
  | 'build'
  | 'built'
  | 'caught up'
  | 'verified'
  | 'diverged'
  | 'swapped'
  | 'completed'
  | 'swapped back'
  | 'undo window ended'
  | 'failed'
  | 'started over';

const wa = 'waiting';
const re = 'reading';
const rc = 'reconciling';
const bu = 'building';
const cu = 'catching up';
const ve = 'verifying';
const rd = 'ready';
const sw = 'swapped';
const dn = 'done';
const pa = 'paused';
const fa = 'failed';
const sk = 'skipped';
const ca = 'cancelled';
const un = 'undone';
const __ = null;

/**
 * From `waiting` a table goes straight to whatever its journal and its destination say comes next: it may have been
 * paused, or interrupted, anywhere. Failed and skipped tables stay so when the rest of the run is cancelled or swapped.
 */
// oxfmt-ignore
const TABLE: Readonly<Record<BindingInput, Row<typeof RUN_BINDING_STATES, RunBindingState>>> = {
  //                  wait read reco buil catu veri redy swap done paus fail skip canc undo
  pause:              [pa, pa, pa, pa, pa, pa, pa, __, __, __, __, __, __, __],
  resume:             [__, __, __, __, __, __, __, __, __, wa, __, __, __, __],
  cancel:             [ca, ca, ca, ca, ca, ca, ca, __, __, ca, fa, sk, __, __],
  retry:              [__, __, __, __, __, __, __, __, __, __, wa, wa, __, __],
  skip:               [sk, sk, sk, sk, sk, sk, sk, __, __, sk, sk, __, __, __],
  read:               [re, re, __, __, __, __, __, __, __, __, __, __, __, __],
  'all read':         [rc, rc, rc, __, __, __, __, __, __, __, __, __, __, __],
  build:              [bu, __, bu, bu, __, __, __, __, __, __, __, __, __, __],
  built:              [cu, __, cu, cu, cu, __, __, __, __, __, __, __, __, __],
  'caught up':        [ve, __, __, __, ve, ve, __, __, __, __, __, __, __, __],
  verified:           [rd, __, __, __, __, rd, rd, __, __, __, __, __, __, __],
  diverged:           [fa, __, __, __, __, fa, fa, __, __, __, __, __, __, __],
  swapped:            [sw, __, __, __, __, __, sw, sw, __, __, __, __, __, sw],
  completed:          [dn, __, dn, __, dn, dn, dn, __, dn, __, __, __, __, __],
  'swapped back':     [__, __, __, __, __, __, __, un, __, __, __, __, __, un],
  'undo window ended':[__, __, __, __, __, __, __, dn, __, __, __, __, __, un],
  failed:             [fa, fa, fa, fa, fa, fa, fa, __, __, fa, fa, __, __, __],
  'started over':     [wa, wa, wa, wa, wa, wa, wa, __, __, __, __, __, __, __],
};

export function nextBindingState(state: RunBindingState, input: BindingInput): Outcome<RunBindingState> {
  const next = TABLE[input][RUN_BINDING_STATES.indexOf(state)] ?? null;
  if (next !== null) return { state: next };
  return { refused: `a table that ${STATE_PHRASES[state]} cannot ${INPUT_PHRASES[input]}` };
}

/** Nothing more happens to the table before the swap is undone or its window ends. */
export function isSettled(state: RunBindingState): boolean {
  return SETTLED.has(state);
}

const SETTLED: ReadonlySet<RunBindingState> = new Set([
  'swapped',
  'done',
  'failed',
  'skipped',
  'cancelled',
  'undone',
]);

const STATE_PHRASES: Readonly<Record<RunBindingState, string>> = {
  waiting: 'is waiting',
  reading: 'is being read',
  reconciling: 'is being reconciled',
  building: 'is being built',
  'catching up': 'is catching up',
  verifying: 'is being verified',
  ready: 'is ready to swap',
  swapped: 'is swapped in',
  done: 'is done',
  paused: 'is paused',
  failed: 'has failed',
  skipped: 'was skipped',
  cancelled: 'was cancelled',
  undone: 'was undone',
};

const INPUT_PHRASES: Readonly<Record<BindingInput, string>> = {
  pause: 'be paused',
  resume: 'be resumed',
  cancel: 'be cancelled',
  retry: 'be retried',
  skip: 'be skipped',
  read: 'be read',
  'all read': 'be read to the end',
  build: 'be built',
  built: 'be complete',
  'caught up': 'have caught up',
  verified: 'be verified',
  diverged: 'be found to diverge',
  swapped: 'be swapped in',
  completed: 'complete',
  'swapped back': 'be swapped back',
  'undo window ended': 'lose its undo window',
  failed: 'fail',
  'started over': 'start over',
};
