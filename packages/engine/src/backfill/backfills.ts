import type { Connector, Logger } from '@brimful/connector';
import type { BackfillPlan, Run, RunRequest, Spec } from '@brimful/model';
import { Problem } from '@brimful/model';
import type { Store } from '@brimful/store';
import type { PriceList } from './price.ts';
import type { RunDraft } from './request.ts';
import { RunBook } from './run-book.ts';
import type { RunOrder } from './run-change.ts';
import { newRun, orderRun } from './run-change.ts';

export interface BackfillsOptions {
  readonly spec: Spec;
  readonly connectors: { load(name: string): Promise<Connector> };
  /** Stays the caller's. */
  readonly store: Store;
  readonly log: Logger;
  readonly now: () => number;
  /** The user's price file, parsed. */
  readonly prices?: PriceList;
}

/**
 * What people do with backfill runs, for the command line and the server alike. It plans and it records what was decided;
 * it moves no data and needs no running pipe. The executor of the process that runs the pipe does what the record says.
 */
export class Backfills {
  readonly #options: BackfillsOptions;
  readonly #book: RunBook;

  constructor(options: BackfillsOptions) {
    this.#options = options;
    this.#book = new RunBook(options.store.registry);
  }

  /**
   * What a user typed, checked against the tables' columns. Throws `BRM-REQUEST-…` with what would be right.
   */
  async request(draft: RunDraft): Promise<RunRequest> {
    throw new Problem('BRM-BUG', `not built yet: ${draft.mode}`, { kind: 'bug' });
  }

  /** Looks at the source and the destinations, changes nothing there, and keeps the plan for `apply`. */
  async plan(request: RunRequest): Promise<BackfillPlan> {
    throw new Problem('BRM-BUG', `not built yet: ${request.mode}`, { kind: 'bug' });
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
    return this.#book.create((id) => newRun(id, plan, { ...approval, now: this.#options.now() }));
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
  order(id: string, order: RunOrder): Promise<Run> {
    return this.#book.change(id, (run) => orderRun(run, order, this.#options.now()));
  }

  /** Every run as it is, oldest first, then again after each change, until aborted. */
  watch(signal: AbortSignal): AsyncIterable<Run> {
    return this.#book.watch(signal);
  }
}
