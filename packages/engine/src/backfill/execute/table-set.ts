import type { BindingPlan, TablePlan } from '@brimful/model';
import { Problem } from '@brimful/model';
import { journalId } from '../../collection/journal-id.ts';
import type { TableEdition } from '../../collection/generations.ts';
import { tableGenerations } from '../../collection/generations.ts';
import type { MaterializationTask } from '../../materialization/materialization-task.ts';
import type { TableFeed } from '../../materialization/table-feed.ts';
import type { RunMeans } from './means.ts';

/** The destination tables of one binding of a run, over all its materializations. */
export class TableSet {
  readonly #means: RunMeans;
  readonly #binding: BindingPlan;

  constructor(means: RunMeans, binding: BindingPlan) {
    this.#means = means;
    this.#binding = binding;
  }

  get plans(): readonly TablePlan[] {
    return this.#binding.tables;
  }

  /** Notes the next generation of every table and has it built, if it is not yet. Idempotent. */
  async build(collectionGeneration: number): Promise<void> {
    for (const table of this.plans) {
      const edition: TableEdition = { generation: table.generation.to, collectionGeneration };
      const { registry } = this.#means.context.store;
      await tableGenerations(registry, table.materialization, table.table).change((now) =>
        now.next?.generation === edition.generation || now.current.generation === edition.generation
          ? now
          : { ...now, next: edition, latest: Math.max(now.latest, edition.generation) },
      );
      this.#task(table).addEdition(this.#binding.collection, edition);
    }
  }

  /** How far the generations that are built are. Throws the problem of one that has stopped. */
  state(): TableSetState {
    const states = this.plans.map((table) => this.#stateOf(table));
    return {
      rows: states.reduce((sum, { rows }) => sum + rows, 0),
      isLive: states.every(({ isLive }) => isLive),
      offset: Math.min(...states.map(({ offset }) => offset)),
    };
  }

  /** Whether all tables that readers see have everything up to here. Tables that have stopped count as having it: they say so themselves. */
  haveReached(offset: number): boolean {
    return this.plans.every((table) => {
      const task = this.#task(table);
      if (task.failed.has(this.#binding.collection)) return true;
      const feed = task.feeds.get(this.#binding.collection);
      return feed !== undefined && feed.offset >= offset;
    });
  }

  /** Tables that readers see and that have not stopped. */
  followed(): readonly TablePlan[] {
    return this.plans.filter((table) => !this.#task(table).failed.has(this.#binding.collection));
  }

  hold(held: boolean): void {
    for (const table of this.plans) {
      const feed = this.#feed(table);
      if (feed !== undefined) feed.held = held;
    }
  }

  /** Removes one generation of every table, and the notes of it, unless readers have it. Idempotent. */
  async drop(side: 'from' | 'to', signal: AbortSignal): Promise<void> {
    for (const table of this.plans) {
      const generation = table.generation[side];
      const { registry } = this.#means.context.store;
      const record = tableGenerations(registry, table.materialization, table.table);
      const { current, next, previous } = await record.read();
      const { collection } = this.#binding;
      if (current.generation === generation) continue;
      if (next?.generation === generation || previous?.generation === generation)
        await this.#task(table).dropEdition(collection, generation, true, signal);
      await record.change((now) => ({
        ...now,
        next: now.next?.generation === generation ? null : now.next,
        previous: now.previous?.generation === generation ? null : now.previous,
      }));
      // A session that began in between may have made it again, and have ended since.
      await this.#task(table).dropEdition(collection, generation, false, signal);
    }
  }

  #stateOf(table: TablePlan): { readonly rows: number; readonly isLive: boolean; readonly offset: number } {
    const { collection } = this.#binding;
    const problem = this.#task(table).problemOf(collection, table.generation.to);
    if (problem !== undefined) {
      const { code, message, remedy, kind, at } = problem;
      throw new Problem(code, message, { kind, at, ...(remedy === null ? {} : { remedy }) });
    }
    const feed = this.#feed(table);
    if (feed === undefined) return { rows: 0, isLive: false, offset: 0 };
    return { rows: feed.applied.rows, isLive: feed.applied.phase === 'live', offset: feed.offset };
  }

  #feed(table: TablePlan): TableFeed | undefined {
    return this.#task(table).edition(this.#binding.collection, table.generation.to);
  }

  #task({ materialization }: TablePlan): MaterializationTask {
    return taskOf(this.#means, materialization);
  }
}

export interface TableSetState {
  readonly rows: number;
  readonly isLive: boolean;
  /** Everything below is in all of them; Infinity when there are none. */
  readonly offset: number;
}

export function taskOf(means: RunMeans, materialization: string): MaterializationTask {
  const task = means.materializations.find(({ spec }) => spec.name === materialization);
  if (task !== undefined) return task;
  throw new Problem(
    'BRM-RUN-GONE',
    `The materialization ${materialization} is no longer in the configuration.`,
    {
      remedy: 'Put it back, or cancel the run.',
      at: { materialization },
    },
  );
}

/** Where a journal ends now. */
export async function endOf(means: RunMeans, collection: string, generation: number): Promise<number> {
  const state = await means.context.store.journals.state(journalId(collection, generation));
  return state?.next ?? 0;
}
