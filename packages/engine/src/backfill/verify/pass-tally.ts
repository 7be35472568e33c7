import { HashIndex, larger } from './hash-index.ts';
import type { Pass } from './leaves.ts';
import { LEAVES, leafOf } from './leaves.ts';
import type { Pairs } from './pair-spill.ts';

/** A key whose rows are not the same on both sides: how many each side has that the other lacks. */
export type DifferingKey = (keyHigh: number, keyLow: number, left: number, right: number) => void;

/**
 * Compares the pairs of one pass as bags: every row of one side takes one equal row of the other away. The hash of a row
 * covers its key, so it stands for the pair.
 */
export class PassTally {
  readonly #wanted = new Uint8Array(LEAVES);
  readonly #pass: Pass;
  readonly #rows = new HashIndex();
  #net = new Int32Array(1024);
  #keyHigh = new Int32Array(1024);
  #keyLow = new Int32Array(1024);

  constructor(pass: Pass) {
    this.#pass = pass;
    for (const leaf of pass.leaves) this.#wanted[leaf] = 1;
  }

  /** `weight`: 1 for the left side, -1 for the right. */
  add({ words, count }: Pairs, weight: 1 | -1): void {
    const { slice, slices } = this.#pass;
    for (let at = 0, word = 0; at < count; at += 1, word += 4) {
      const keyHigh = words[word] as number;
      if (this.#wanted[leafOf(keyHigh)] === 0) continue;
      const keyLow = words[word + 1] as number;
      if (slices > 1 && (keyLow >>> 0) % slices !== slice) continue;
      const entry = this.#rows.add(words[word + 2] as number, words[word + 3] as number);
      if (entry === this.#net.length) this.#grow();
      this.#keyHigh[entry] = keyHigh;
      this.#keyLow[entry] = keyLow;
      (this.#net[entry] as number) += weight;
    }
  }

  /** Calls back once for every key that differs. */
  finish(differs: DifferingKey): void {
    const keys = new HashIndex();
    let left = new Int32Array(1024);
    let right = new Int32Array(1024);
    for (let entry = 0; entry < this.#rows.size; entry += 1) {
      const net = this.#net[entry] as number;
      if (net === 0) continue;
      const key = keys.add(this.#keyHigh[entry] as number, this.#keyLow[entry] as number);
      if (key === left.length) {
        left = larger(left, key * 2);
        right = larger(right, key * 2);
      }
      if (net > 0) (left[key] as number) += net;
      else (right[key] as number) -= net;
    }
    for (let key = 0; key < keys.size; key += 1) {
      differs(keys.high(key), keys.low(key), left[key] as number, right[key] as number);
    }
  }

  #grow(): void {
    const length = this.#net.length * 2;
    this.#net = larger(this.#net, length);
    this.#keyHigh = larger(this.#keyHigh, length);
    this.#keyLow = larger(this.#keyLow, length);
  }
}
