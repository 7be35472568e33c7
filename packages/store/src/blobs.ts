/** Immutable named byte strings: the bulk of the data. */
export interface Blobs {
  /** Writes the concatenation of `parts`. Durable (file and directory entry) on return. A name is written once. */
  put(name: string, parts: readonly Uint8Array[]): Promise<{ readonly bytes: number }>;
  /** The whole blob. Throws `BRM-STORE-CORRUPT` when its checksum fails or it is missing. */
  get(name: string): Promise<Uint8Array>;
  list(prefix: string): Promise<string[]>;
  /** Idempotent. */
  remove(name: string): Promise<void>;
}
