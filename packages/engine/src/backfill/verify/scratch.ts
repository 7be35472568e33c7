import type { Blobs } from '@brimful/store';

/**
 * Where a comparison puts what does not fit memory: blobs that no journal entry claims. The store collects them when it is
 * opened after a crash; `remove` takes them away before.
 */
export class Scratch {
  readonly #blobs: Blobs;
  readonly #prefix: string;
  readonly #names: string[] = [];

  /** `prefix` is used by nobody else, e.g. `verify/run-7/shop/orders`. */
  constructor(blobs: Blobs, prefix: string) {
    this.#blobs = blobs;
    this.#prefix = prefix;
  }

  /** How many blobs there are. */
  get size(): number {
    return this.#names.length;
  }

  /** Returns the blob's name. */
  async put(parts: readonly Uint8Array[]): Promise<string> {
    const name = `${this.#prefix}/${String(this.#names.length).padStart(6, '0')}`;
    this.#names.push(name);
    await this.#blobs.put(name, parts);
    return name;
  }

  async get(name: string): Promise<Uint8Array> {
    return this.#blobs.get(name);
  }

  /** Removes everything. */
  async remove(): Promise<void> {
    for (const name of this.#names) await this.#blobs.remove(name);
  }
}
