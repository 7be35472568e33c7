import type { Blobs } from './blobs.ts';
import type { Journals } from './journals.ts';
import type { Registry } from './registry.ts';

/**
 * Where Brimful keeps everything durable. Adapters: `stores/*`, each passing `conformance.ts`.
 *
 * Disposing waits for writes under way, then releases the store. End readers by their signals first: one that is
 * still waiting then gets `BRM-STORE-CLOSED`, as does every later call.
 */
export interface Store extends AsyncDisposable {
  readonly journals: Journals;
  readonly registry: Registry;
  readonly blobs: Blobs;
  /** Space in use, and left for new entries (space that trimming freed for re-use counts as left), for the disk guard. */
  space(): Promise<{ readonly usedBytes: number; readonly freeBytes: number }>;
}
