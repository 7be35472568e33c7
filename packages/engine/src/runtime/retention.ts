import type { Offset, Store } from '@brimful/store';
import { journalId } from '../collection/journal-id.ts';
import type { MaterializationTask } from '../materialization/materialization-task.ts';

/** How precisely retention is kept. */
export const RETENTION_LOOK_MILLISECONDS = 10_000;

/**
 * Forgets history that every materialization of a collection has had for long enough. Only tables that are `live` count
 * as having it: a load begins at offset 0. A materialization that is added later needs a new first read.
 */
export class Retention {
  readonly #store: Store;
  readonly #keepMilliseconds: number;
  /** Per collection: how far everybody was, and when that was seen. */
  readonly #marks = new Map<string, { readonly at: number; readonly offset: Offset }[]>();

  constructor(store: Store, keepMilliseconds: number) {
    this.#store = store;
    this.#keepMilliseconds = keepMilliseconds;
  }

  async look(materializations: readonly MaterializationTask[], now: number): Promise<void> {
    for (const [collection, offset] of materialized(materializations)) {
      const marks = this.#marks.get(collection) ?? [];
      this.#marks.set(collection, marks);
      if (marks.at(-1)?.offset !== offset) marks.push({ at: now, offset });
      let trim: Offset | undefined;
      while (marks[0] !== undefined && now - marks[0].at >= this.#keepMilliseconds)
        trim = marks.shift()?.offset;
      if (trim !== undefined) await this.#store.journals.trim(journalId(collection, 1), trim);
    }
  }
}

/** The lowest offset of each collection over all its tables, where all of them are live. */
function materialized(materializations: readonly MaterializationTask[]): Map<string, Offset> {
  const lowest = new Map<string, Offset>();
  const behind = new Set<string>();
  for (const { bindings, feeds } of materializations) {
    for (const collection of bindings.keys()) {
      const applied = feeds.get(collection)?.applied;
      if (applied?.phase === 'live')
        lowest.set(collection, Math.min(applied.offset, lowest.get(collection) ?? Infinity));
      else behind.add(collection);
    }
  }
  for (const collection of behind) lowest.delete(collection);
  return lowest;
}
