import type { Collection } from '@brimful/api';
import type { RuntimeStatus } from '@brimful/model';

/** The collections that captures fill, with who reads them. */
export function collectionsOf({ captures, materializations }: RuntimeStatus): Collection[] {
  const readers = new Map<string, Collection['readers']>();
  for (const { name, bindings } of materializations) {
    for (const { collection, table, phase, offset, lagMilliseconds } of bindings) {
      const found = readers.get(collection) ?? [];
      readers.set(collection, found);
      const lag = lagMilliseconds === undefined ? {} : { lagMilliseconds };
      found.push({ materialization: name, table, phase, offset, ...lag });
    }
  }
  return captures.flatMap((capture) =>
    capture.bindings.map(({ collection, resource, phase, rowsRead, changes, journal }) => ({
      name: collection,
      capture: capture.name,
      resource,
      phase,
      rowsRead,
      changes,
      journal: { ...journal },
      readers: readers.get(collection) ?? [],
    })),
  );
}
