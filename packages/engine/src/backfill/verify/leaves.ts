import type { Fingerprint } from '@brimful/model';
import type { RowDigests } from './compared-shape.ts';

/** The space of key hashes is cut into this many leaves: one difference is then looked for in 1/4096 of the rows. */
export const LEAVES = 4096;
const LEAF_SHIFT = 20;

/** By the first 12 bits of the key's hash. */
export function leafOf(keyHigh: number): number {
  return keyHigh >>> LEAF_SHIFT;
}

/** What one side's rows come to, leaf by leaf: how many, and the sum of their hashes modulo 2^64. */
export class Leaves {
  rows = 0;
  readonly #counts = new Float64Array(LEAVES);
  readonly #high = new Uint32Array(LEAVES);
  readonly #low = new Uint32Array(LEAVES);

  add({ key, row }: RowDigests, rows: number): void {
    for (let at = 0; at < rows; at += 1) {
      const leaf = leafOf(key.high[at] as number);
      const low = (this.#low[leaf] as number) + ((row.low[at] as number) >>> 0);
      this.#low[leaf] = low;
      this.#high[leaf] =
        (this.#high[leaf] as number) + (row.high[at] as number) + (low > 0xffff_ffff ? 1 : 0);
      (this.#counts[leaf] as number) += 1;
    }
    this.rows += rows;
  }

  count(leaf: number): number {
    return this.#counts[leaf] as number;
  }

  fingerprint(leaf: number): Fingerprint {
    return {
      count: this.count(leaf),
      sum: (BigInt(this.#high[leaf] as number) << 32n) | BigInt(this.#low[leaf] as number),
    };
  }

  equals(other: Leaves, leaf: number): boolean {
    return (
      this.#counts[leaf] === other.#counts[leaf] &&
      this.#high[leaf] === other.#high[leaf] &&
      this.#low[leaf] === other.#low[leaf]
    );
  }
}

/** Leaves that hold rows on either side, and those that are not the same. */
export function compareLeaves(left: Leaves, right: Leaves): { total: number; differing: number[] } {
  const differing: number[] = [];
  let total = 0;
  for (let leaf = 0; leaf < LEAVES; leaf += 1) {
    if (left.count(leaf) > 0 || right.count(leaf) > 0) total += 1;
    if (!left.equals(right, leaf)) differing.push(leaf);
  }
  return { total, differing };
}

/** Some leaves' pairs, few enough to be compared in memory. `slices` cuts a leaf that alone is too large. */
export interface Pass {
  /** Ascending. */
  readonly leaves: readonly number[];
  readonly slice: number;
  readonly slices: number;
}

/** Cuts the differing leaves into passes of at most `limit` pairs. (Invariant 9) */
export function passesOver(left: Leaves, right: Leaves, differing: readonly number[], limit: number): Pass[] {
  const passes: Pass[] = [];
  let leaves: number[] = [];
  let pairs = 0;
  const end = (): void => {
    if (leaves.length > 0) passes.push({ leaves, slice: 0, slices: 1 });
    leaves = [];
    pairs = 0;
  };
  for (const leaf of differing) {
    const more = left.count(leaf) + right.count(leaf);
    if (pairs + more > limit) end();
    if (more > limit) {
      const slices = Math.ceil(more / limit);
      for (let slice = 0; slice < slices; slice += 1) passes.push({ leaves: [leaf], slice, slices });
      continue;
    }
    leaves.push(leaf);
    pairs += more;
  }
  end();
  return passes;
}
