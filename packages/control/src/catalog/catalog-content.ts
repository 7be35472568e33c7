import type { CaptureSpec, MaterializationSpec, Spec } from '@brimful/model';
import { defaultTable, isDiscovered } from '@brimful/model';

/** All that a valid catalog says. */
export interface CatalogContent {
  readonly spec: Spec;
  /** Beside captures, collections and materializations. */
  readonly settings: readonly Setting[];
}

export interface Setting {
  /** `limits.memory`. */
  readonly name: string;
  /** As people are shown it. Of a secret, only whether there is one. (Invariant 10) */
  readonly value: string;
  /** What is compared. Never shown. */
  readonly compared: string;
  /** Whether it takes effect only when `brimful up` starts. */
  readonly needsRestart: boolean;
}

/** A table at a source, as its connector found it. */
export interface SourceTable {
  readonly name: string;
  readonly suggestedTarget: string;
  readonly rows: number;
  readonly bytes: number;
  readonly quality: 'exact' | 'sampled' | 'statistics' | 'unknown';
  /** It cannot be captured as it is. */
  readonly isRefused: boolean;
}

/** What is known beside the two catalogs. Everything may be missing: then less is said. */
export interface CatalogFacts {
  /** By capture. */
  readonly sources: ReadonlyMap<string, readonly SourceTable[]>;
  /** Collections that have a journal. */
  readonly captured: ReadonlySet<string>;
  /** Names of replication slots, by capture. */
  readonly slots: ReadonlyMap<string, string>;
}

export const NO_CONTENT: CatalogContent = {
  spec: {
    captures: [],
    collections: [],
    materializations: [],
    limits: { diskFreeBytes: 0, diskUsedBytes: undefined, memoryBytes: 0, retentionMilliseconds: undefined },
  },
  settings: [],
};

/** Collections by the source's table, those that the capture finds by itself included where the source is known. */
export function collectionsOf(
  { bindings, autoDiscover }: CaptureSpec,
  tables: readonly SourceTable[] = [],
): ReadonlyMap<string, string> {
  const found = new Map(bindings.map(({ resource, target }) => [resource, target]));
  if (autoDiscover === undefined) return found;
  for (const { name, suggestedTarget, isRefused } of tables) {
    if (!isRefused && !found.has(name) && isDiscovered(name, autoDiscover))
      found.set(name, `${autoDiscover.prefix}/${suggestedTarget}`);
  }
  return found;
}

export interface DestinationTable {
  readonly table: string;
  readonly deletes: 'hard' | 'soft';
  readonly adopt: boolean;
}

/** Tables by collection, those that follow a whole capture included where its collections are known. */
export function tablesOf(
  { bindings, source, deletes, adopt }: MaterializationSpec,
  { captures }: Spec,
  { sources }: CatalogFacts,
): ReadonlyMap<string, DestinationTable> {
  const found = new Map<string, DestinationTable>(bindings.map((binding) => [binding.source, binding]));
  const capture = captures.find(({ name }) => name === source);
  if (capture === undefined) return found;
  for (const collection of collectionsOf(capture, sources.get(capture.name)).values()) {
    if (!found.has(collection)) found.set(collection, { table: defaultTable(collection), deletes, adopt });
  }
  return found;
}
