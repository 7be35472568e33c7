import type { Blobs } from "./blobs.ts";
import type { Journals } from "./journals.ts";
import type { Registry } from "./registry.ts";

/** Where Brimful keeps everything durable. Adapters: `stores/*`, each passing `conformance.ts`. */
export interface Store extends AsyncDisposable {
  readonly journals: Journals;
  readonly registry: Registry;
  readonly blobs: Blobs;
  /** Space in use and left, for the disk guard. */
  space(): Promise<{ readonly usedBytes: number; readonly freeBytes: number }>;
}
