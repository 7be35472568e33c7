import type { BindingPlan, Run } from '@brimful/model';
import { collectionGenerations, tableGenerations } from '../../collection/generations.ts';
import type { RunMeans } from './means.ts';
import { SourceTable } from './source-table.ts';
import { TableSet, taskOf } from './table-set.ts';

/** The generation that readers have, and the one that goes. */
const SWAPPED_IN = ['to', 'from'] as const;
const NOT_SWAPPED_IN = ['from', 'to'] as const;

/** How a run that builds beside what is live comes to its end: swapped in, swapped back, or gone without a trace. */
export class Ending {
  readonly #means: RunMeans;
  readonly #run: Run;

  constructor(means: RunMeans, run: Run) {
    this.#means = means;
    this.#run = run;
  }

  /** Everything that is ready takes its place: collections first, then tables, each destination in one transaction. Idempotent. */
  swap(signal: AbortSignal): Promise<{ readonly longestWaitMilliseconds: number }> {
    return this.#exchange('to', signal);
  }

  /** The previous generations take their places again, with all that has happened since. Idempotent. */
  swapBack(signal: AbortSignal): Promise<{ readonly longestWaitMilliseconds: number }> {
    return this.#exchange('from', signal);
  }

  /**
   * Removes what the run brought and readers do not have, or what readers had before it; another run's is left alone. Rereads
   * that are under way are given up. Idempotent.
   */
  cleanUp(signal: AbortSignal): Promise<void> {
    return this.#cleanUp(this.#run.plan.bindings, signal);
  }

  /** What is read of one table in place is read no further. Idempotent. */
  async giveUp(collection: string): Promise<void> {
    const source = this.#source(collection);
    if (!source.isLost) await source.capture.cancelReread(collection, this.#run.id);
  }

  /** Removes what was built for tables that are not to be swapped in after all. Idempotent. */
  async cleanUpRest(signal: AbortSignal): Promise<void> {
    const exchanged = this.#exchanged();
    const rest = this.#run.plan.bindings.filter((binding) => !exchanged.includes(binding));
    await this.#cleanUp(rest, signal);
  }

  async #cleanUp(bindings: readonly BindingPlan[], signal: AbortSignal): Promise<void> {
    for (const binding of bindings) {
      const source = this.#source(binding.collection);
      const state = this.#run.bindings.find(({ collection }) => collection === binding.collection)?.state;
      if (this.#run.mode === 'incremental' || this.#run.mode === 'repair') {
        // What is cut off before anything goes on reads nothing more.
        if (state !== 'done' && !source.isLost)
          await source.capture.cancelReread(binding.collection, this.#run.id);
        continue;
      }
      const [kept, other] = state === 'swapped' || state === 'done' ? SWAPPED_IN : NOT_SWAPPED_IN;
      await this.#restore(binding, kept, signal);
      await new TableSet(this.#means, binding).drop(other, signal);
      if (this.#run.mode === 'reset') await source.drop(binding.generation[other]);
    }
  }

  /** An exchange that was given up half way is brought to where it belongs before anything is removed. Idempotent. (Invariant 7) */
  async #restore(binding: BindingPlan, kept: 'from' | 'to', signal: AbortSignal): Promise<void> {
    const { collection, generation, tables } = binding;
    const { registry } = this.#means.context.store;
    const other = kept === 'from' ? 'to' : 'from';
    if (this.#run.mode === 'reset') {
      const { current } = await collectionGenerations(registry, collection).read();
      if (current === generation[other]) await this.#source(collection).adopt(generation[kept]);
    }
    for (const { materialization, table, generation: ours } of tables) {
      const { current } = await tableGenerations(registry, materialization, table).read();
      if (current.generation === ours[other])
        await taskOf(this.#means, materialization).swap([{ collection, to: ours[kept] }], signal);
    }
  }

  async #exchange(
    side: 'from' | 'to',
    signal: AbortSignal,
  ): Promise<{ readonly longestWaitMilliseconds: number }> {
    const bindings = this.#exchanged();
    if (this.#run.mode === 'reset') {
      for (const { collection, generation } of bindings)
        await this.#source(collection).adopt(generation[side]);
    }
    this.#means.context.reach('swap.after-adopt');
    let longestWaitMilliseconds = 0;
    for (const materialization of new Set(
      bindings.flatMap(({ tables }) => tables.map((table) => table.materialization)),
    )) {
      const swaps = bindings.flatMap(({ collection, tables }) =>
        tables
          .filter((table) => table.materialization === materialization)
          .map((table) => ({ collection, to: table.generation[side] })),
      );
      const report = await taskOf(this.#means, materialization).swap(swaps, signal);
      longestWaitMilliseconds = Math.max(longestWaitMilliseconds, report.longestWaitMilliseconds);
      this.#means.context.reach('swap.after-destination');
    }
    return { longestWaitMilliseconds };
  }

  #source(collection: string): SourceTable {
    return new SourceTable(this.#means, collection, this.#run.plan.request.task);
  }

  /** Tables that got so far. */
  #exchanged(): readonly BindingPlan[] {
    const able = new Set(
      this.#run.bindings
        .filter(({ state }) => state === 'ready' || state === 'swapped' || state === 'undone')
        .map(({ collection }) => collection),
    );
    return this.#run.plan.bindings.filter(({ collection }) => able.has(collection));
  }
}
