import type { Batch, Schema } from '@brimful/model';
import { batchBytes } from '@brimful/model';
import type { EngineContext } from '../context.ts';
import { decodeFrame, encodeFrame } from './frame.ts';

/** Batches that were put aside, in order. */
export interface SpillFile {
  readonly parts: readonly { readonly name: string; readonly rawBytes: number }[];
}

/** How many parts may be on their way to the disk at once: compression and syncing take longer than gathering rows. */
const WRITES_AT_ONCE = 4;

/** Counts spills of this process, so that no two have the same name. */
let spills = 0;

/**
 * Batches put aside on disk while a state is computed: blobs that no journal entry claims. They go when they were read,
 * at the latest with the spill; after a crash the store collects them. One caller at a time.
 */
export class Spill {
  readonly #context: EngineContext;
  readonly #schema: Schema;
  readonly #prefix: string;
  readonly #kept = new Set<string>();
  readonly #writes = new Set<Promise<void>>();
  #failure: { readonly thrown: unknown } | undefined;
  #parts = 0;

  /** All batches have this schema. */
  constructor(context: EngineContext, subject: string, schema: Schema) {
    this.#context = context;
    this.#schema = schema;
    spills += 1;
    this.#prefix = `scratch/${subject}/${context.now()}-${spills}`;
  }

  /** Begins to write a batch; waits while others are being written. Throws what an earlier write met. */
  async put(batch: Batch): Promise<SpillFile['parts'][number]> {
    while (this.#writes.size >= WRITES_AT_ONCE) await Promise.race(this.#writes);
    this.#throwFailure();
    this.#parts += 1;
    const name = `${this.#prefix}/${this.#parts}`;
    this.#kept.add(name);
    const write = this.#write(name, encodeFrame(batch)).catch((thrown: unknown) => {
      this.#failure ??= { thrown };
    });
    this.#writes.add(write);
    void write.then(() => this.#writes.delete(write));
    return { name, rawBytes: batchBytes(batch) };
  }

  /** Waits until everything is written. */
  async flush(): Promise<void> {
    await Promise.all(this.#writes);
    this.#throwFailure();
  }

  /** The file's batches; each part is gone once its batch was taken. Flush first. */
  async *take(file: SpillFile, signal: AbortSignal): AsyncIterable<Batch> {
    for (const { name, rawBytes } of file.parts) {
      signal.throwIfAborted();
      const bytes = await this.#context.store.blobs.get(name);
      yield decodeFrame(await this.#context.compression.decompress(bytes, rawBytes), this.#schema);
      await this.#remove(name);
    }
  }

  /** Removes what is left. */
  async clear(): Promise<void> {
    await Promise.all(this.#writes);
    for (const name of this.#kept) await this.#remove(name);
  }

  async #write(name: string, frame: Uint8Array): Promise<void> {
    await this.#context.store.blobs.put(name, [await this.#context.compression.compress([frame])]);
  }

  async #remove(name: string): Promise<void> {
    this.#kept.delete(name);
    await this.#context.store.blobs.remove(name);
  }

  #throwFailure(): void {
    if (this.#failure !== undefined) throw this.#failure.thrown;
  }
}
