import type { RowDigests } from './compared-shape.ts';
import type { Pass } from './leaves.ts';
import { leafOf } from './leaves.ts';
import type { Scratch } from './scratch.ts';

/** Pairs that one side holds in memory (16 bytes each); with more, all of them go to scratch blobs. (Invariant 9) */
export const HELD_PAIRS_LIMIT = 2 ** 20;
/** A spill is cut by the first bits of the key hash, so that a pass reads only what may concern it. */
const PARTITIONS = 64;
const LEAVES_SHIFT = 6;
const SLAB_PAIRS = 16_384;
/** Key hash high and low, row hash high and low. */
const PAIR_WORDS = 4;

/** A view on pairs, four words each. */
export interface Pairs {
  readonly words: Int32Array;
  readonly count: number;
}

/** One side's (key hash, row hash) pairs, in no order. */
export class PairSpill {
  readonly #scratch: Scratch;
  readonly #limit: number;
  #slabs: Int32Array[] = [];
  #held = 0;
  /** Names of blobs by partition. */
  readonly #spilled: string[][] = Array.from({ length: PARTITIONS }, () => []);

  constructor(scratch: Scratch, limit = HELD_PAIRS_LIMIT) {
    this.#scratch = scratch;
    this.#limit = limit;
  }

  async add({ key, row }: RowDigests, rows: number): Promise<void> {
    for (let at = 0; at < rows; at += 1) {
      const place = this.#held % SLAB_PAIRS;
      if (place === 0) this.#slabs.push(new Int32Array(SLAB_PAIRS * PAIR_WORDS));
      const slab = this.#slabs.at(-1) as Int32Array;
      const word = place * PAIR_WORDS;
      slab[word] = key.high[at] as number;
      slab[word + 1] = key.low[at] as number;
      slab[word + 2] = row.high[at] as number;
      slab[word + 3] = row.low[at] as number;
      this.#held += 1;
      if (this.#held >= this.#limit) await this.#spill();
    }
  }

  /** All pairs that may belong to the pass, others among them. */
  async *read(pass: Pass): AsyncGenerator<Pairs, void, undefined> {
    yield* this.#heldPairs();
    const partitions = new Set(pass.leaves.map((leaf) => leaf >> LEAVES_SHIFT));
    for (const partition of partitions) {
      for (const name of this.#spilled[partition] as string[]) {
        const bytes = await this.#scratch.get(name);
        const aligned = bytes.byteOffset % 4 === 0 ? bytes : bytes.slice();
        const words = new Int32Array(aligned.buffer, aligned.byteOffset, aligned.length >> 2);
        yield { words, count: words.length / PAIR_WORDS };
      }
    }
  }

  *#heldPairs(): Generator<Pairs, void, undefined> {
    let rest = this.#held;
    for (const words of this.#slabs) {
      yield { words, count: Math.min(rest, SLAB_PAIRS) };
      rest -= SLAB_PAIRS;
    }
  }

  /** Sorts what is held by partition, and writes each as one blob. */
  async #spill(): Promise<void> {
    const ends = new Int32Array(PARTITIONS + 1);
    for (const { words, count } of this.#heldPairs()) {
      for (let at = 0; at < count; at += 1) (ends[partitionOf(words, at) + 1] as number) += 1;
    }
    for (let partition = 0; partition < PARTITIONS; partition += 1) {
      (ends[partition + 1] as number) += ends[partition] as number;
    }
    const sorted = new Int32Array(this.#held * PAIR_WORDS);
    const next = ends.slice();
    for (const { words, count } of this.#heldPairs()) {
      for (let at = 0; at < count; at += 1) {
        const partition = partitionOf(words, at);
        const to = (next[partition] as number) * PAIR_WORDS;
        const from = at * PAIR_WORDS;
        for (let word = 0; word < PAIR_WORDS; word += 1) sorted[to + word] = words[from + word] as number;
        (next[partition] as number) += 1;
      }
    }
    this.#slabs = [];
    this.#held = 0;
    await Promise.all(
      this.#spilled.map(async (names, partition) => {
        const start = (ends[partition] as number) * PAIR_WORDS * 4;
        const end = (ends[partition + 1] as number) * PAIR_WORDS * 4;
        if (start < end)
          names.push(await this.#scratch.put([new Uint8Array(sorted.buffer, start, end - start)]));
      }),
    );
  }
}

function partitionOf(words: Int32Array, at: number): number {
  return leafOf(words[at * PAIR_WORDS] as number) >> LEAVES_SHIFT;
}
