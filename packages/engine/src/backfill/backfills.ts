import type { BackfillPlan, Guard, Run, RunRequest } from '@brimful/model';
import { Problem } from '@brimful/model';
import { sleep } from '../flow/pause-gate.ts';
import { swapsTables } from './guards.ts';
import type { PlanFacts } from './plan-facts.ts';
import { basisOf, driftOf } from './plan-basis.ts';
import { planOf } from './plan.ts';
import type { PlannerOptions } from './planner.ts';
import { Planner } from './planner.ts';
import type { RunDraft } from './request.ts';
import { modeOf, parseRequest } from './request.ts';
import { RunBook } from './run-book.ts';
import type { RunOrder } from './run-change.ts';
import { newRun, orderRun, stepRun } from './run-change.ts';
import { holdOf, sharedSubject } from './run-hold.ts';

/** How long a plan waits for a run that is giving its tables up anyway, and how often it looks. */
const SETTLE_MILLISECONDS = 5000;
const SETTLE_LOOK_MILLISECONDS = 50;

/** The store stays the caller's. `prices`: the user's price file, parsed. */
export interface BackfillsOptions extends PlannerOptions {
  /** Whether runs are executed in this process: then it is worth waiting for one. Default: no. */
  readonly executes?: boolean;
}

/**
 * What people do with backfill runs, for the command line and the server alike. It plans and it records what was decided;
 * it moves no data and needs no running pipe. The executor of the process that runs the pipe does what the record says.
 */
export class Backfills {
  readonly #options: BackfillsOptions;
  readonly #planner: Planner;
  readonly #book: RunBook;

  constructor(options: BackfillsOptions) {
    this.#options = options;
    this.#planner = new Planner(options);
    this.#book = new RunBook(options.store.registry);
  }

  /**
   * What a user typed, checked against the tables' columns. Throws `BRM-REQUEST-…` with what would be right.
   */
  async request(draft: RunDraft): Promise<RunRequest> {
    const target = {
      mode: modeOf(draft.mode),
      task: draft.task,
      bindings: draft.bindings === undefined || draft.bindings.length === 0 ? null : draft.bindings,
    };
    const tables = await this.#planner.tables(target);
    const request = parseRequest(draft, tables, this.#options.now());
    // Users may name a table as the source does; from here on it is the collection.
    return {
      ...request,
      bindings: target.bindings === null ? null : tables.map(({ collection }) => collection),
    };
  }

  /**
   * Looks at the source and the destinations, changes nothing there, and keeps the plan for `apply`. Where runs are executed
   * it waits some seconds for one that was cancelled or undone a moment ago.
   */
  async plan(request: RunRequest): Promise<BackfillPlan> {
    let facts = await this.#planner.facts(request, 'whole');
    if (this.#options.executes === true && settling(facts.runs, facts.bindings)) {
      await this.#untilSettled(facts);
      facts = await this.#planner.facts(request, 'whole');
    }
    if (facts.bindings.length === 0)
      throw new Problem('BRM-REQUEST-BINDING', `${request.task} has no tables yet.`, {
        remedy: 'Start it once with `brimful up`, or name a table it can see.',
      });
    const plan = await planOf(request, facts);
    await this.#book.putPlan(plan);
    return plan;
  }

  /** Or until patience ends: then a guard says so. */
  async #untilSettled({ bindings }: PlanFacts): Promise<void> {
    for (let waited = 0; waited < SETTLE_MILLISECONDS; waited += SETTLE_LOOK_MILLISECONDS) {
      if (!settling(await this.#book.list(), bindings)) return;
      await sleep(SETTLE_LOOK_MILLISECONDS, NEVER);
    }
  }

  /** Throws `BRM-PLAN-UNKNOWN`. */
  async findPlan(id: string): Promise<BackfillPlan> {
    const plan = await this.#book.plan(id);
    if (plan !== undefined) return plan;
    throw new Problem('BRM-PLAN-UNKNOWN', `There is no plan ${id}.`, {
      remedy: 'Plans that nobody applied are forgotten a week after they expired: plan again.',
      at: { plan: id },
    });
  }

  /** Newest first; those that expired lately, too. */
  plans(): Promise<readonly BackfillPlan[]> {
    return this.#book.plans();
  }

  /**
   * Makes a run of a plan if everything it rests on is still so. Refuses with `BRM-PLAN-DRIFT` (the difference in the
   * message), `BRM-PLAN-EXPIRED`, `BRM-PLAN-APPLIED`, `BRM-PLAN-BLOCKED`, or `BRM-PLAN-CONFIRM` naming the guards that
   * nobody acknowledged yet.
   */
  async apply(
    planId: string,
    approval: { readonly who: string; readonly acknowledged: readonly string[] },
  ): Promise<Run> {
    const plan = await this.findPlan(planId);
    const now = this.#options.now();
    checkApproval(plan, approval.acknowledged, now);
    const facts = await this.#planner.facts(plan.request, 'basis');
    const drift = driftOf(plan.basis, basisOf(facts));
    if (drift.length > 0) {
      throw new Problem('BRM-PLAN-DRIFT', `What ${planId} rests on has changed: ${drift.join('; ')}.`, {
        remedy: 'Plan again and look at what that changes.',
        at: { plan: planId },
      });
    }
    const run = await this.#book.create((id, runs) => {
      checkOthers(plan, runs);
      return newRun(id, plan, { ...approval, now });
    });
    await this.#endUndoOfOthers(run);
    return run;
  }

  /** Who applied it accepted that; from here on the executor may remove what the earlier run kept. */
  async #endUndoOfOthers(run: Run): Promise<void> {
    if (!swapsTables(run.plan.request)) return;
    for (const other of await this.#book.list()) {
      if (other.id === run.id || other.undoUntil === null) continue;
      if (sharedSubject(run.plan.bindings, other.plan.bindings) === undefined) continue;
      await this.#book.change(other.id, (present) =>
        present.undoUntil === null
          ? present
          : {
              ...stepRun(present, 'undo window ended', {
                now: run.createdAt,
                because: `${run.id} replaces it`,
              }),
              // It has one again when nothing is left of it.
              report: null,
            },
      );
    }
  }

  /** Newest first. */
  runs(): Promise<readonly Run[]> {
    return this.#book.list();
  }

  /** Throws `BRM-RUN-UNKNOWN`. */
  run(id: string): Promise<Run> {
    return this.#book.get(id);
  }

  /** Records what a person wants; the executor follows. Throws `BRM-RUN-REFUSED` with the reason. */
  async order(id: string, order: RunOrder): Promise<Run> {
    if (order.verb === 'undo' || order.verb === 'redo') await this.#assertNobodyElseHas(id, order.verb);
    return this.#book.change(id, (run) => orderRun(run, order, this.#options.now()));
  }

  /** What another run merges into must not change hands under it. */
  async #assertNobodyElseHas(id: string, verb: 'undo' | 'redo'): Promise<void> {
    const runs = await this.#book.list();
    const bindings = runs.find((run) => run.id === id)?.plan.bindings ?? [];
    for (const other of runs) {
      if (other.id === id || holdOf(other) === null) continue;
      const shared = sharedSubject(bindings, other.plan.bindings);
      if (shared === undefined) continue;
      throw new Problem('BRM-RUN-REFUSED', `${id}: ${other.id} holds ${shared}, and is ${other.state}.`, {
        remedy: `Wait until ${other.id} is done, or cancel it; then ${verb} ${id}.`,
        at: { run: id },
      });
    }
  }

  /** Every run as it is, oldest first, then again after each change, until aborted. */
  watch(signal: AbortSignal): AsyncIterable<Run> {
    return this.#book.watch(signal);
  }
}

const NEVER = new AbortController().signal;

/** Whether a run that has these tables gives them up without anybody's doing. */
function settling(runs: readonly Run[], bindings: PlanFacts['bindings']): boolean {
  return runs.some((run) => {
    const hold = holdOf(run);
    const settles = hold === 'exchanges' || hold === 'cleans up';
    return settles && sharedSubject(bindings, run.plan.bindings) !== undefined;
  });
}

function checkApproval(plan: BackfillPlan, acknowledged: readonly string[], now: number): void {
  const at = { plan: plan.id };
  if (now >= plan.expiresAt) {
    throw new Problem(
      'BRM-PLAN-EXPIRED',
      `${plan.id} expired at ${new Date(plan.expiresAt).toISOString()}.`,
      {
        remedy: 'Plan again: estimates and guards are as of then.',
        at,
      },
    );
  }
  const blocking = plan.guards.filter(({ level }) => level === 'block');
  if (blocking.length > 0) {
    throw new Problem(
      'BRM-PLAN-BLOCKED',
      `${plan.id} cannot be applied: ${blocking.map(sentence).join(' ')}`,
      {
        remedy: blocking
          .map(({ remedy }) => remedy)
          .filter((text) => text !== null)
          .join(' '),
        at,
      },
    );
  }
  const accepted = new Set([...plan.request.acknowledged, ...acknowledged]);
  const open = plan.guards.filter(({ level, id }) => level === 'confirm' && !accepted.has(id));
  if (open.length === 0) return;
  const ids = [...new Set(open.map(({ id }) => id))];
  throw new Problem('BRM-PLAN-CONFIRM', `${plan.id} has to be confirmed: ${open.map(sentence).join(' ')}`, {
    remedy: `If that is what you want: ${ids.map((id) => `--acknowledge ${id}`).join(' ')}`,
    at: { ...at, guards: ids.join(',') },
  });
}

function sentence({ id, subject, message }: Guard): string {
  return `${id} (${subject}): ${message}`;
}

/** Among all runs there are, at the very moment the new one is entered. */
function checkOthers(plan: BackfillPlan, runs: readonly Run[]): void {
  for (const run of runs) {
    if (run.plan.id === plan.id && run.plan.createdAt === plan.createdAt) {
      throw new Problem('BRM-PLAN-APPLIED', `${plan.id} was applied already: it is ${run.id}.`, {
        remedy: 'To do the same again, plan again.',
        at: { plan: plan.id, run: run.id },
      });
    }
    const shared = holdOf(run) === null ? undefined : sharedSubject(plan.bindings, run.plan.bindings);
    if (shared === undefined) continue;
    throw new Problem('BRM-PLAN-DRIFT', `${run.id} holds ${shared} since a moment ago.`, {
      remedy: `Wait until ${run.id} is done, or cancel it; then plan again.`,
      at: { plan: plan.id, run: run.id },
    });
  }
}
