import type { Offset, Store } from '@brimful/store';

/** Keeps a generation's entries from `from` on, and the base that a state at `from` is made from, while it is held. */
export interface HistoryHold extends Disposable {
  /** What lies before is needed no more. */
  moveTo(from: Offset): void;
}

/** Of this process: whoever reads history is in it, as is retention, which asks before it forgets any. */
const holds = new WeakMap<Store, Map<string, Set<{ from: Offset }>>>();

/**
 * Announces a reader of history. Take it first (at 0), then look for a base: what is there then stays. Holds do not outlive
 * the process; a run that goes on after a restart takes its own again before the first look of retention.
 */
export function holdHistory(store: Store, collection: string, generation: number, from: Offset): HistoryHold {
  const all = holdsOf(store, collection, generation);
  const hold = { from };
  all.add(hold);
  return {
    moveTo: (next) => {
      hold.from = next;
    },
    [Symbol.dispose]: () => {
      all.delete(hold);
    },
  };
}

/** The lowest offset that somebody holds; Infinity when nobody does. */
export function heldFrom(store: Store, collection: string, generation: number): Offset {
  let lowest = Infinity;
  for (const { from } of holdsOf(store, collection, generation)) lowest = Math.min(lowest, from);
  return lowest;
}

function holdsOf(store: Store, collection: string, generation: number): Set<{ from: Offset }> {
  const journals = holds.get(store) ?? new Map<string, Set<{ from: Offset }>>();
  holds.set(store, journals);
  const id = `${collection}/${generation}`;
  const all = journals.get(id) ?? new Set();
  journals.set(id, all);
  return all;
}
