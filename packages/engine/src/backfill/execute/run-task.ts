import type { Run, RunBinding } from '@brimful/model';
import { Problem, toProblem } from '@brimful/model';
import { BackOff } from '../../flow/back-off.ts';
import { sleep } from '../../flow/pause-gate.ts';
import type { BindingInput } from '../run-binding-state.ts';
import { etaSecondsOf } from '../progress.ts';
import { isSettled, nextBindingState } from '../run-binding-state.ts';
import type { BindingProgress } from '../run-change.ts';
import { stepBinding, stepRun, withProgress } from '../run-change.ts';
import { holdOf, leavesSomething } from '../run-hold.ts';
import type { RunInput } from '../run-state.ts';
import { isOver, nextRunState } from '../run-state.ts';
import { reportOf } from './report.ts';
import type { Governor } from '../govern/governor.ts';
import { isOpen, nextChange } from '../window.ts';
import { BindingTask } from './binding-task.ts';
import { Ending } from './ending.ts';
import type { RunMeans } from './means.ts';
import { TableSet } from './table-set.ts';

/** How often the run looks at its record, its window and its pace. */
const LOOK_MILLISECONDS = 250;
/** How often progress is written. */
const PROGRESS_MILLISECONDS = 1000;

/**
 * Executes one run for as long as this process lives: starts its tables, holds them while it is paused or its window is
 * closed, and, when all are ready, swaps, waits out the undo window and cleans up. It decides nothing that the record does
 * not say; whoever executes it after a crash goes on from there.
 */
export class RunTask {
  readonly id: string;
  readonly #means: RunMeans;
  #run: Run;
  readonly #tables = new Map<string, AbortController>();
  readonly #running = new Set<Promise<void>>();
  /** Skipped tables that nothing is read of any more. */
  readonly #letGo = new Set<string>();
  readonly #progress = new Map<string, BindingProgress>();
  #progressAt = 0;
  /** Tables that wait for a connection to come back. */
  readonly #interrupted = new Set<string>();
  #because = 'a connection was lost';
  #longestSwapMilliseconds: number | null = null;

  constructor(means: RunMeans, run: Run) {
    this.id = run.id;
    this.#means = means;
    this.#run = run;
  }

  /** The record has changed. */
  changed(run: Run): void {
    this.#run = run;
  }

  /** Whether it has this generation of a collection read. */
  reads(collection: string, generation: number): boolean {
    const { mode, plan } = this.#run;
    if (mode === 'materialization') return false;
    return plan.bindings.some(
      (binding) => binding.collection === collection && binding.generation.to === generation,
    );
  }

  /** Ends when the run is over, or with the signal. */
  async run(signal: AbortSignal): Promise<void> {
    try {
      while (!signal.aborted && !this.#isOver()) {
        await this.#look(signal);
        await sleep(LOOK_MILLISECONDS, signal).catch(() => undefined);
      }
    } finally {
      await this.#restTables();
    }
    try {
      await this.#cleanUpEnded(signal);
    } finally {
      // Whoever still waits for a reader may find out that nothing is to be read any more.
      this.#governor?.setPause(this.id, null);
      this.#governor?.setWindow(this.id, null);
      this.#governor?.forget(this.id);
    }
  }

  /** A run that is over has its report when nothing is left of it. */
  async #cleanUpEnded(signal: AbortSignal): Promise<void> {
    const backOff = new BackOff();
    while (!signal.aborted) {
      try {
        // What was told last may be older than what we wrote ourselves.
        this.#run = await this.#means.book.get(this.id);
        if (!leavesSomething(this.#run)) return;
        await new Ending(this.#means, this.#run).cleanUp(signal);
        await this.#change((run) => ({
          ...run,
          report: reportOf(run, this.#longestSwapMilliseconds, this.#now()),
        }));
      } catch (thrown) {
        if (signal.aborted) return;
        const problem = toProblem(thrown);
        this.#means.context.log.warn({ run: this.id, problem: problem.toJSON() }, problem.message);
        await sleep(backOff.next(0), signal).catch(() => undefined);
      }
    }
  }

  /** Of the source that is read; undefined for a run that reads none. */
  get #governor(): Governor | undefined {
    return this.#means.governors.get(this.#run.plan.request.task);
  }

  /** Nothing is left to do before somebody orders something. */
  #isOver(): boolean {
    const { state, undoUntil } = this.#run;
    return isOver(state) || state === 'failed' || (state === 'undone' && undoUntil === null);
  }

  async #look(signal: AbortSignal): Promise<void> {
    this.#run = await this.#means.book.get(this.id);
    this.#holdOrLetGo();
    switch (this.#run.state) {
      case 'approved':
        await this.#step('queued');
        return;
      case 'waiting':
        if (isOpen(this.#run.plan.request.windows, this.#now()) && (await this.#hasItsTables()))
          await this.#step('started');
        return;
      case 'ready to swap':
        await this.#swap(signal);
        return;
      case 'swapped':
      case 'undone':
        await this.#afterSwap(signal);
        return;
      default:
        if (this.#isOver()) return;
        await this.#watchWindow();
        await this.#watchConnections();
        await this.#watchPace();
        this.#startTables(signal);
        await this.#writeProgress();
        await this.#advance(signal);
    }
  }

  /** Runs begin in the order they were approved where they want the same collection. */
  async #hasItsTables(): Promise<boolean> {
    const mine = new Set(this.#run.bindings.map(({ collection }) => collection));
    const others = await this.#means.book.list();
    return !others.some(({ id, state, bindings, ...other }) => {
      if (id >= this.id) return false;
      const shared = bindings.filter(({ collection }) => mine.has(collection));
      // What an earlier one leaves must be gone first: it could not be told from ours. Nor is anything read into what changes hands.
      const run = { id, state, bindings, ...other };
      if (leavesSomething(run) || holdOf(run) === 'exchanges') return shared.length > 0;
      const holds = !isOver(state) && state !== 'failed' && state !== 'swapped' && state !== 'undone';
      return holds && shared.some((binding) => !isSettled(binding.state));
    });
  }

  /** While it is paused or its window is closed, nothing is read or built for the run; live tables go on. */
  #holdOrLetGo(): void {
    const { state, because, throttle, plan, mode } = this.#run;
    const governor = this.#governor;
    governor?.setPause(this.id, state === 'paused' ? (because ?? 'paused') : null);
    governor?.setWindow(this.id, state === 'window closed' ? (because ?? 'the window is closed') : null);
    governor?.setThrottle(this.id, throttle);
    if (isInPlace({ mode })) return;
    for (const binding of plan.bindings) {
      const table = this.#run.bindings.find(({ collection }) => collection === binding.collection);
      const isHeld = state === 'paused' || state === 'window closed' || table?.state === 'paused';
      new TableSet(this.#means, binding).hold(isHeld);
    }
  }

  async #watchWindow(): Promise<void> {
    const { windows } = this.#run.plan.request;
    if (windows.length === 0) return;
    const open = isOpen(windows, this.#now());
    if (open && this.#run.state === 'window closed') await this.#step('window opened');
    if (!open && (this.#run.state === 'running' || this.#run.state === 'throttled')) {
      const opens = nextChange(windows, this.#now());
      await this.#step(
        'window closed',
        opens === null ? undefined : `opens ${new Date(opens).toISOString()}`,
      );
    }
  }

  async #watchConnections(): Promise<void> {
    if (this.#interrupted.size > 0 && this.#run.state === 'running')
      await this.#step('interrupted', this.#because);
    if (this.#interrupted.size === 0 && this.#run.state === 'interrupted') await this.#step('recovered');
  }

  async #watchPace(): Promise<void> {
    const hold = this.#governor?.pace(this.id).held();
    // `paused` here is a rate of 0, or a person's pause of everything: of this run alone it is a state of its own.
    const isHeld = hold !== undefined && hold.state !== 'free' && hold.state !== 'window closed';
    const reason = hold?.reason ?? null;
    if (isHeld && this.#run.state === 'running') await this.#step('throttled', reason ?? undefined);
    if (!isHeld && this.#run.state === 'throttled') await this.#step('unthrottled');
  }

  #startTables(signal: AbortSignal): void {
    for (const binding of this.#run.bindings) {
      const { collection, state } = binding;
      const table = this.#tables.get(collection);
      if (state !== 'skipped') this.#letGo.delete(collection);
      const isLeft = state === 'skipped' && !this.#letGo.has(collection) && isInPlace(this.#run);
      const rests = isSettled(state) || state === 'paused' || state === 'ready';
      if (rests && table !== undefined)
        table.abort(new Problem('BRM-RUN-TABLE-RESTS', `${collection} is ${state}`, { kind: 'retry' }));
      // A run that was paused before it began has not even its tables yet.
      if (table !== undefined || (this.#run.state === 'paused' && !isLeft)) continue;
      if (isLeft) this.#start(collection, signal, () => this.#letGoOf(collection, signal));
      else if (!rests) this.#start(collection, signal, (own) => this.#runTable(binding, own));
    }
  }

  #start(collection: string, outer: AbortSignal, work: (signal: AbortSignal) => Promise<void>): void {
    const controller = new AbortController();
    this.#tables.set(collection, controller);
    const task = work(AbortSignal.any([outer, controller.signal])).finally(() => {
      this.#tables.delete(collection);
      this.#running.delete(task);
    });
    this.#running.add(task);
  }

  /** A table that was skipped alone is read no further, however long the others take. A retry reads it from the start. */
  async #letGoOf(collection: string, signal: AbortSignal): Promise<void> {
    try {
      await new Ending(this.#means, this.#run).giveUp(collection);
      this.#letGo.add(collection);
    } catch (thrown) {
      const problem = toProblem(thrown);
      if (signal.aborted) return;
      this.#means.context.log.info({ run: this.id, collection, problem: problem.toJSON() }, problem.message);
      // The next look begins again.
      if (problem.kind !== 'retry') this.#letGo.add(collection);
    }
  }

  /** One table, again after everything that mends itself. (Invariant 8) */
  async #runTable({ collection }: RunBinding, signal: AbortSignal): Promise<void> {
    const plan = this.#run.plan.bindings.find((binding) => binding.collection === collection);
    if (plan === undefined) return;
    const listener = {
      step: (input: BindingInput, because?: string) => this.#stepTable(collection, input, because),
      progress: (progress: BindingProgress) => {
        this.#interrupted.delete(collection);
        this.#progress.set(collection, { ...this.#progress.get(collection), ...progress });
      },
    };
    const backOff = new BackOff();
    while (!signal.aborted) {
      const started = this.#now();
      try {
        await new BindingTask(this.#means, this.#run, plan, listener).advance(signal);
        return;
      } catch (thrown) {
        if (signal.aborted) return;
        const problem = toProblem(thrown);
        if (problem.kind === 'retry') {
          this.#means.context.log.info(
            { run: this.id, collection, problem: problem.toJSON() },
            problem.message,
          );
          await sleep(backOff.next(this.#now() - started), signal).catch(() => undefined);
          continue;
        }
        await this.#failTable(collection, problem);
        return;
      }
    }
  }

  async #failTable(collection: string, problem: Problem): Promise<void> {
    const input = problem.code === 'BRM-RUN-DIVERGENT' ? 'diverged' : 'failed';
    this.#means.context.log.error({ run: this.id, collection, problem: problem.toJSON() }, problem.message);
    await this.#change((run) =>
      stepBinding(run, collection, input, { now: this.#now(), problem: problem.toJSON() }),
    );
  }

  /** The run as a whole follows its tables. */
  async #advance(signal: AbortSignal): Promise<void> {
    const { state, bindings, mode } = this.#run;
    if (state === 'paused') return;
    const live = bindings.filter((binding) => !GONE.has(binding.state));
    if (live.length === 0) {
      const failed = bindings.some((binding) => binding.state === 'failed');
      return failed ? this.#step('failed', 'no table of it is left') : this.#complete(signal);
    }
    if (live.some((binding) => binding.state === 'paused')) return;
    const inPlace = isInPlace({ mode });
    const reached = (...states: readonly RunBinding['state'][]): boolean =>
      live.every((binding) => states.includes(binding.state));
    if (inPlace) {
      if (reached('done')) await this.#complete(signal);
      return;
    }
    if (reached('catching up', 'verifying', 'ready')) await this.#stepIfPossible('all read');
    if (reached('verifying', 'ready')) await this.#stepIfPossible('caught up');
    if (reached('ready')) await this.#stepIfPossible('verified');
  }

  /** What a table has begun it brings to an end: nothing is made while it is removed. */
  async #restTables(): Promise<void> {
    for (const table of this.#tables.values())
      table.abort(new Problem('BRM-RUN-TABLE-RESTS', 'the table is at rest', { kind: 'retry' }));
    await Promise.allSettled(this.#running);
  }

  /** Tables that did not come to their end leave nothing behind. */
  async #complete(signal: AbortSignal): Promise<void> {
    try {
      await this.#restTables();
      await new Ending(this.#means, this.#run).cleanUp(signal);
      await this.#step('completed');
    } catch (thrown) {
      await this.#swapFailed(thrown, signal);
    }
  }

  async #swap(signal: AbortSignal): Promise<void> {
    try {
      const { longestWaitMilliseconds } = await new Ending(this.#means, this.#run).swap(signal);
      this.#longestSwapMilliseconds = Math.max(this.#longestSwapMilliseconds ?? 0, longestWaitMilliseconds);
      for (const { collection, state } of this.#run.bindings)
        if (state === 'ready') await this.#stepTable(collection, 'swapped');
      await this.#step('swapped');
      await this.#restTables();
      await new Ending(this.#means, this.#run).cleanUpRest(signal);
    } catch (thrown) {
      await this.#swapFailed(thrown, signal);
    }
  }

  async #afterSwap(signal: AbortSignal): Promise<void> {
    const { state, intent, undoUntil } = this.#run;
    const ending = new Ending(this.#means, this.#run);
    try {
      if (state === 'swapped' && intent === 'undo') {
        await ending.swapBack(signal);
        await this.#step('swapped back');
      } else if (state === 'undone' && intent === 'redo') {
        await ending.swap(signal);
        await this.#step('swapped');
      } else if (undoUntil === null || this.#now() >= undoUntil) {
        await ending.cleanUp(signal);
        await this.#step('undo window ended');
      }
    } catch (thrown) {
      await this.#exchangeFailed(thrown, ending, signal);
    }
  }

  /**
   * An undo or redo that only a person can help is given up, and every destination that had followed it already is brought
   * back: the run stays what it was, and can be told again. What mends itself is tried again at the next look.
   */
  async #exchangeFailed(thrown: unknown, ending: Ending, signal: AbortSignal): Promise<void> {
    const { state, intent } = this.#run;
    const problem = toProblem(thrown);
    if (!signal.aborted && intent !== null && problem.kind !== 'retry') {
      try {
        await (state === 'swapped' ? ending.swap(signal) : ending.swapBack(signal));
        await this.#step('exchange refused', problem.message);
      } catch (again) {
        return this.#swapFailed(again, signal);
      }
    }
    return this.#swapFailed(thrown, signal);
  }

  /** What mends itself is tried again at the next look; anything else stops the run before the swap. */
  async #swapFailed(thrown: unknown, signal: AbortSignal): Promise<void> {
    if (signal.aborted) return;
    const problem = toProblem(thrown);
    this.#means.context.log.warn({ run: this.id, problem: problem.toJSON() }, problem.message);
    if (problem.kind === 'retry' || this.#run.state !== 'ready to swap') return;
    await this.#step('failed', problem.message);
  }

  async #writeProgress(): Promise<void> {
    const now = this.#now();
    if (now - this.#progressAt < PROGRESS_MILLISECONDS || this.#progress.size === 0) return;
    this.#progressAt = now;
    const progress = [...this.#progress];
    this.#progress.clear();
    await this.#change((run) =>
      progress.reduce(
        (next, [collection, one]) => withEta(withProgress(next, collection, one), collection),
        run,
      ),
    );
  }

  async #stepTable(collection: string, input: BindingInput, because?: string): Promise<void> {
    const progress = this.#progress.get(collection);
    this.#progress.delete(collection);
    this.#interrupted.delete(collection);
    await this.#change((run) => {
      const known = progress === undefined ? run : withProgress(run, collection, progress);
      const binding = run.bindings.find((candidate) => candidate.collection === collection);
      // A table that begins again from the top says what is known already; one that was paused is about to be told.
      if (binding === undefined || !('state' in nextBindingState(binding.state, input))) return known;
      return stepBinding(known, collection, input, {
        now: this.#now(),
        ...(because === undefined ? {} : { because }),
      });
    });
  }

  async #stepIfPossible(input: RunInput): Promise<void> {
    if ('state' in nextRunState(this.#run.state, input)) await this.#step(input);
  }

  async #step(input: RunInput, because?: string): Promise<void> {
    this.#means.context.reach(`run.before-${input.replaceAll(' ', '-')}`);
    await this.#change((run) => {
      if (!('state' in nextRunState(run.state, input))) return run;
      const next = stepRun(run, input, { now: this.#now(), ...(because === undefined ? {} : { because }) });
      return next === run || next.endedAt === null || next.report !== null
        ? next
        : { ...next, report: reportOf(next, this.#longestSwapMilliseconds, this.#now()) };
    });
  }

  async #change(change: (run: Run) => Run): Promise<void> {
    this.#run = await this.#means.book.change(this.id, change);
  }

  #now(): number {
    return this.#means.context.now();
  }
}

function isInPlace({ mode }: Pick<Run, 'mode'>): boolean {
  return mode === 'incremental' || mode === 'repair';
}

/** Nothing more comes of a table. */
const GONE: ReadonlySet<RunBinding['state']> = new Set(['failed', 'skipped', 'cancelled']);

function withEta(run: Run, collection: string): Run {
  const binding = run.bindings.find((candidate) => candidate.collection === collection);
  return binding === undefined ? run : withProgress(run, collection, { etaSeconds: etaSecondsOf(binding) });
}
