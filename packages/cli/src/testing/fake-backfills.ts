import type { BackfillCalls } from '@brimful/control';
import type { RunDraft, RunOrder } from '@brimful/engine';
import type { BackfillPlan, Run } from '@brimful/model';
import { Problem } from '@brimful/model';
import { aRun, backfillPlan } from './runs.ts';

/** Runs as an engine would keep them: everything asked is remembered, every order is followed at once. */
export class FakeBackfills implements BackfillCalls {
  readonly drafts: RunDraft[] = [];
  readonly orders: [string, RunOrder][] = [];
  readonly approvals: [string, readonly string[]][] = [];
  readonly all = new Map<string, Run>();
  planned: BackfillPlan = backfillPlan();
  #changed = Promise.withResolvers<void>();

  async plan(draft: RunDraft): Promise<BackfillPlan> {
    this.drafts.push(draft);
    return this.planned;
  }

  async findPlan(id: string): Promise<BackfillPlan> {
    if (id === this.planned.id) return this.planned;
    throw new Problem('BRM-PLAN-UNKNOWN', `There is no plan ${id}.`);
  }

  async plans(): Promise<readonly BackfillPlan[]> {
    return [this.planned];
  }

  async apply(
    planId: string,
    { who, acknowledged }: { who: string; acknowledged: readonly string[] },
  ): Promise<Run> {
    const plan = await this.findPlan(planId);
    this.approvals.push([who, acknowledged]);
    return this.put(aRun({ id: 'run-000012', plan, state: 'approved' }));
  }

  async runs(): Promise<readonly Run[]> {
    return [...this.all.values()];
  }

  async run(id: string): Promise<Run> {
    const found = this.all.get(id);
    if (found !== undefined) return found;
    throw new Problem('BRM-RUN-UNKNOWN', `There is no run ${id}.`);
  }

  async order(id: string, order: RunOrder): Promise<Run> {
    this.orders.push([id, order]);
    return this.put({ ...(await this.run(id)), state: order.verb === 'cancel' ? 'cancelled' : 'paused' });
  }

  async *watch(signal: AbortSignal): AsyncGenerator<Run, void, void> {
    while (!signal.aborted) {
      const { promise } = this.#changed;
      yield* this.all.values();
      await promise;
    }
  }

  put(run: Run): Run {
    this.all.set(run.id, run);
    this.#changed.resolve();
    this.#changed = Promise.withResolvers<void>();
    return run;
  }
}
