import type {
  BackfillPlan,
  ProblemRecord,
  Run,
  RunBinding,
  RunEvent,
  RunVerb,
  Throttle,
} from '@brimful/model';
import { Problem, assert } from '@brimful/model';
import { etaSecondsOf } from './progress.ts';
import type { BindingInput } from './run-binding-state.ts';
import { nextBindingState } from './run-binding-state.ts';
import type { Outcome, RunInput } from './run-state.ts';
import { isOver, nextRunState } from './run-state.ts';

/** Of a run's events these many first and last ones are kept; what is between is forgotten. (Invariant 9) */
const FIRST_EVENTS = 50;
const LAST_EVENTS = 450;

/** What comes with an input. */
export interface Circumstances {
  readonly now: number;
  /** For people: "pool exhausted", "opens at 22:00 Europe/Berlin". */
  readonly because?: string;
  /** Default: `system`. */
  readonly who?: string;
}

/** Approved, and not begun. */
export function newRun(
  id: string,
  plan: BackfillPlan,
  approval: { readonly who: string; readonly acknowledged: readonly string[]; readonly now: number },
): Run {
  const { who, acknowledged, now } = approval;
  const accepted = acknowledged.length === 0 ? '' : `; accepts ${acknowledged.join(', ')}`;
  return {
    id,
    mode: plan.request.mode,
    plan,
    state: stateOf(nextRunState('planned', 'apply'), id),
    because: null,
    throttle: plan.request.throttle,
    bindings: plan.bindings.map(({ collection, rows, bytes }): RunBinding => ({
      collection,
      state: 'waiting',
      rowsRead: 0,
      rowsEstimated: rows.value,
      bytesRead: 0,
      bytesEstimated: bytes.value,
      rowsPerSecond: 0,
      etaSeconds: null,
      done: 0,
      deleted: 0,
      verifications: [],
      problem: null,
    })),
    events: [
      { at: plan.createdAt, who: plan.request.author, what: `planned: ${plan.request.reason}` },
      { at: now, who, what: `approved ${plan.id}${accepted}` },
    ],
    createdAt: now,
    startedAt: null,
    endedAt: null,
    undoUntil: null,
    intent: null,
    report: null,
  };
}

/**
 * The run after something happened to it as a whole. Throws `BRM-RUN-REFUSED` when that cannot happen in its state: a
 * person's order may have come between, so decide inside `RunBook.change`. Returns the same object when nothing changes.
 */
export function stepRun(run: Run, input: RunInput, circumstances: Circumstances): Run {
  const { now, because } = circumstances;
  const state = stateOf(nextRunState(run.state, input), run.id);
  if (state === run.state && because === undefined && !CHANGES_RECORD.has(input)) return run;
  const next: Run = {
    ...run,
    state,
    because: because ?? null,
    startedAt: input === 'started' ? (run.startedAt ?? now) : run.startedAt,
    endedAt: isOver(state) || state === 'failed' || state === 'undone' ? now : null,
    bindings: followed(run, input),
    ...undoChange(run, input, now),
  };
  const failed = state === 'done' ? failures(next) : null;
  return withEvent(failed === null ? next : { ...next, because: failed }, {
    at: now,
    who: circumstances.who ?? 'system',
    what: because === undefined ? input : `${input}: ${because}`,
  });
}

/** Inputs that matter also where the state stays the same. */
const CHANGES_RECORD: ReadonlySet<RunInput> = new Set<RunInput>([
  'undo window ended',
  'undo unavailable',
  'exchange refused',
  'rest cancelled',
]);

/** The undo window begins with the first swap; a redo does not prolong it. */
function undoChange(run: Run, input: RunInput, now: number): Pick<Run, 'undoUntil' | 'intent'> {
  const { undoUntil, intent } = run;
  const { undoMilliseconds } = run.plan.request;
  switch (input) {
    case 'swapped':
    case 'rest cancelled':
      if (run.state === 'swapped' || run.state === 'undone') return { undoUntil, intent: null };
      return { undoUntil: undoMilliseconds > 0 ? now + undoMilliseconds : null, intent: null };
    case 'swapped back':
    case 'exchange refused':
      return { undoUntil, intent: null };
    case 'undo window ended':
    case 'undo unavailable':
      return { undoUntil: null, intent: null };
    default:
      return { undoUntil, intent };
  }
}

/** What the end of a window, an undo and a redo of the whole run mean for tables that were swapped. */
function followed(run: Run, input: RunInput): readonly RunBinding[] {
  if (input === 'undo window ended' || input === 'swapped back')
    return run.bindings.map((binding) => stepIfPossible(binding, input));
  if (input === 'swapped')
    return run.bindings.map((binding) =>
      binding.state === 'undone' ? stepIfPossible(binding, input) : binding,
    );
  return run.bindings;
}

function failures(run: Run): string | null {
  const failed = run.bindings.filter(({ state }) => state === 'failed');
  if (failed.length === 0) return run.because;
  const names = failed.map(({ collection }) => collection).join(', ');
  return `${failed.length} of ${run.bindings.length} tables failed: ${names}`;
}

/**
 * The run after something happened to one of its tables. `failed` and `diverged` must come with the problem, which stays
 * on record until somebody retries the table. (Invariant 8) Throws `BRM-RUN-REFUSED` like `stepRun`.
 */
export function stepBinding(
  run: Run,
  collection: string,
  input: BindingInput,
  circumstances: Circumstances & { readonly problem?: ProblemRecord },
): Run {
  const { now, because, problem } = circumstances;
  const binding = bindingOf(run, collection);
  const fails = input === 'failed' || input === 'diverged';
  assert(fails === (problem !== undefined), `${input} of ${collection} ${fails ? 'has' : 'is'} a problem`);
  const state = stateOf(nextBindingState(binding.state, input), `${run.id}, ${collection}`);
  if (state === binding.state && problem === undefined && because === undefined) return run;
  const reset =
    input === 'started over'
      ? { rowsRead: 0, bytesRead: 0, done: 0, etaSeconds: null, verifications: [] }
      : {};
  const idle = state === 'reading' || state === 'building' ? {} : { rowsPerSecond: 0, etaSeconds: null };
  const changed: RunBinding = {
    ...binding,
    ...idle,
    ...reset,
    state,
    problem: problem ?? (input === 'retry' ? null : binding.problem),
  };
  const why = because ?? problem?.message;
  return withEvent(withBinding(run, changed), {
    at: now,
    who: circumstances.who ?? 'system',
    what: `${collection}: ${input}${why === undefined ? '' : `: ${why}`}`,
  });
}

/** How far a table is. Not its state, and not its problem. Without `etaSeconds` that follows from the rest. */
export type BindingProgress = Partial<
  Pick<
    RunBinding,
    | 'rowsRead'
    | 'rowsEstimated'
    | 'bytesRead'
    | 'bytesEstimated'
    | 'rowsPerSecond'
    | 'etaSeconds'
    | 'done'
    | 'deleted'
    | 'verifications'
  >
>;

export function withProgress(run: Run, collection: string, progress: BindingProgress): Run {
  const binding = { ...bindingOf(run, collection), ...progress };
  const etaSeconds = progress.etaSeconds === undefined ? etaSecondsOf(binding) : progress.etaSeconds;
  return withBinding(run, { ...binding, etaSeconds });
}

/** Adds to the history; at its limit the middle goes. */
export function withEvent(run: Run, event: RunEvent): Run {
  const events = [...run.events, event];
  if (events.length > FIRST_EVENTS + LAST_EVENTS) events.splice(FIRST_EVENTS, 1);
  return { ...run, events };
}

/** What a person asks of a run. */
export interface RunOrder {
  readonly verb: RunVerb;
  readonly who: string;
  /** In their words; null where the verb says it all. */
  readonly why: string | null;
  /** Only this table. `skip` needs it; `throttle`, `undo` and `redo` cannot have it. */
  readonly collection?: string;
  /** For `throttle`. */
  readonly throttle?: Throttle;
}

/** The run after the order. Throws `BRM-RUN-REFUSED` with what can be done instead. */
export function orderRun(run: Run, order: RunOrder, now: number): Run {
  const circumstances = { now, who: order.who, ...(order.why === null ? {} : { because: order.why }) };
  if (order.collection !== undefined) return orderTable(run, order.collection, order.verb, circumstances);
  switch (order.verb) {
    case 'cancel':
      return cancelled(run, circumstances);
    case 'retry':
      return retried(run, circumstances);
    case 'resume':
      return resumed(run, circumstances);
    case 'skip':
      throw refused(run.id, 'say which table to skip, with its collection');
    case 'throttle': {
      check(nextRunState(run.state, 'throttle'), run.id);
      const { throttle } = order;
      if (throttle === undefined) throw refused(run.id, 'say how many bytes a second, or how many readers');
      const what = withWhy(`throttle: ${throttleText(throttle)}`, order.why);
      return withEvent({ ...run, throttle }, { at: now, who: order.who, what });
    }
    case 'undo':
    case 'redo': {
      check(nextRunState(run.state, order.verb), run.id);
      if (run.undoUntil === null || now >= run.undoUntil)
        throw refused(run.id, `it cannot be ${order.verb}ne any more: its undo window has ended`);
      const what = withWhy(order.verb, order.why);
      return withEvent({ ...run, intent: order.verb }, { at: now, who: order.who, what });
    }
    case 'apply':
    case 'pause':
      return stepRun(run, order.verb, circumstances);
  }
}

function orderTable(run: Run, collection: string, verb: RunVerb, circumstances: Circumstances): Run {
  if (verb === 'apply' || verb === 'throttle' || verb === 'undo' || verb === 'redo')
    throw refused(run.id, `${verb} concerns the whole run, not ${collection} alone`);
  bindingOf(run, collection);
  // A table can be held and let go while the run as a whole is in any state before the swap.
  const whole = verb === 'pause' || verb === 'resume' || verb === 'cancel' ? 'skip' : verb;
  const outcome = nextRunState(run.state, whole);
  const next = stepBinding(run, collection, verb, circumstances);
  const again = verb === 'retry' ? { endedAt: null, report: null } : {};
  return { ...next, ...again, state: stateOf(outcome, run.id) };
}

/** Cancelled now: live tables stay as they are. Tables that were swapped in already stay, and can be undone. */
function cancelled(run: Run, circumstances: Circumstances): Run {
  check(nextRunState(run.state, 'cancel'), run.id);
  const swapped = run.bindings.some(({ state }) => state === 'swapped');
  const bindings = run.bindings.map((binding) => stepIfPossible(binding, 'cancel'));
  // A failed run has its report; a cancelled one gets it when nothing is left of it.
  return stepRun({ ...run, bindings, report: null }, swapped ? 'rest cancelled' : 'cancel', circumstances);
}

function retried(run: Run, circumstances: Circumstances): Run {
  const state = stateOf(nextRunState(run.state, 'retry'), run.id);
  const failed = run.bindings.filter((binding) => binding.state === 'failed');
  if (failed.length === 0 && run.state !== 'failed') throw refused(run.id, 'no table of it has failed');
  const next = failed.reduce(
    (so, { collection, problem }) =>
      stepBinding(so, collection, 'retry', {
        ...circumstances,
        because: withWhy(`after ${problem?.code ?? 'a failure'}`, circumstances.because ?? null),
      }),
    run,
  );
  const what = withWhy('retry', circumstances.because ?? null);
  return withEvent(
    { ...next, state, because: null, endedAt: null, report: null },
    { at: circumstances.now, who: circumstances.who ?? 'system', what },
  );
}

/** Everything goes on: the run, and tables that were paused alone. */
function resumed(run: Run, circumstances: Circumstances): Run {
  const paused = run.bindings.filter(({ state }) => state === 'paused');
  const next = paused.reduce(
    (so, { collection }) => stepBinding(so, collection, 'resume', circumstances),
    run,
  );
  if (run.state !== 'paused' && paused.length > 0) return next;
  const { because: why, ...plain } = circumstances;
  const what = withWhy('resume', why ?? null);
  const state = stateOf(nextRunState(run.state, 'resume'), run.id);
  return withEvent({ ...next, state, because: null }, { at: plain.now, who: plain.who ?? 'system', what });
}

function bindingOf(run: Run, collection: string): RunBinding {
  const binding = run.bindings.find((candidate) => candidate.collection === collection);
  if (binding !== undefined) return binding;
  throw new Problem('BRM-RUN-REFUSED', `${run.id} has no table ${collection}`, {
    remedy: `One of: ${run.bindings.map((candidate) => candidate.collection).join(', ')}.`,
    at: { run: run.id, collection },
  });
}

function withBinding(run: Run, changed: RunBinding): Run {
  return {
    ...run,
    bindings: run.bindings.map((binding) => (binding.collection === changed.collection ? changed : binding)),
  };
}

function stepIfPossible(binding: RunBinding, input: BindingInput): RunBinding {
  const outcome = nextBindingState(binding.state, input);
  return 'state' in outcome ? { ...binding, state: outcome.state } : binding;
}

function check<State>(outcome: Outcome<State>, where: string): void {
  stateOf(outcome, where);
}

function stateOf<State>(outcome: Outcome<State>, where: string): State {
  if ('state' in outcome) return outcome.state;
  throw refused(where, outcome.refused);
}

function refused(where: string, why: string): Problem {
  return new Problem('BRM-RUN-REFUSED', `${where}: ${why}`, { at: { run: where } });
}

function withWhy(what: string, why: string | null): string {
  return why === null ? what : `${what}: ${why}`;
}

function throttleText({ bytesPerSecond, readers }: Throttle): string {
  const parts = [
    bytesPerSecond === null ? null : `${bytesPerSecond} bytes/s`,
    readers === null ? null : `${readers} readers`,
  ].filter((part) => part !== null);
  return parts.length === 0 ? 'no limit of its own' : parts.join(', ');
}
