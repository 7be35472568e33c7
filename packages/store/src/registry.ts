/** Small named records with compare-and-set: catalog, schemas, runs, status. Values are JSON. */

/** 0 means "does not exist". Grows with every change of the key, also across removal. */
export type Revision = number;

export interface Registered<V = unknown> {
  readonly key: string;
  readonly value: V;
  readonly revision: Revision;
}

export type RegistryChange =
  | { readonly kind: 'put'; readonly record: Registered }
  | { readonly kind: 'remove'; readonly key: string };

export interface Registry {
  get<V>(key: string): Promise<Registered<V> | undefined>;
  /** Sorted by key. */
  list<V>(prefix: string): Promise<Registered<V>[]>;
  /**
   * Writes iff the key's revision is `expect` (0: only create; undefined: whatever it is). Durable on return.
   * Throws `BRM-STORE-CONFLICT` naming the actual revision.
   */
  put<V>(key: string, value: V, expect?: Revision): Promise<Revision>;
  /** Removes iff the key's revision is `expect` (undefined: whatever it is, nothing included). Durable on return. */
  remove(key: string, expect?: Revision): Promise<void>;
  /** Current records under the prefix first, then every change, until aborted. May skip intermediate values of one key. */
  watch(prefix: string, signal: AbortSignal): AsyncIterable<RegistryChange>;
}
