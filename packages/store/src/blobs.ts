/**
 * Immutable named byte strings: the bulk of the data.
 *
 * A blob lives as long as a journal entry claims it. One that no entry claims belongs to the process that put it:
 * it is collected when the store is opened after that process ended, so never rely on it across a restart.
 * Names are paths like `shop/orders/1/0/000017`: no empty, `.` or `..` segment.
 */
export interface Blobs {
  /**
   * Writes the concatenation of `parts`. Durable (bytes and name) on return. A name is written once: a second put
   * is a bug. `parts` must not change until it resolves. After an error nothing is left under the name.
   */
  put(name: string, parts: readonly Uint8Array[]): Promise<{ readonly bytes: number }>;
  /** The whole blob. Throws `BRM-STORE-CORRUPT` when its checksum fails or it is missing. */
  get(name: string): Promise<Uint8Array>;
  /** Names of finished blobs, sorted. */
  list(prefix: string): Promise<string[]>;
  /** For blobs that no entry claims (a discarded chunk); claimed ones go with trim and drop. Idempotent. */
  remove(name: string): Promise<void>;
}
