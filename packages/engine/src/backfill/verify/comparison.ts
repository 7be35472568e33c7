import type { Batch } from '@brimful/model';
import { SCOPE_KEYS_LIMIT, assert } from '@brimful/model';
import { sleep } from '../../flow/pause-gate.ts';
import type { ComparedShape } from './compared-shape.ts';
import { digestsOf, intoShape, keyColumnsOf } from './compared-shape.ts';
import { HashIndex } from './hash-index.ts';
import type { KeyList } from './key-log.ts';
import { KeyListBuilder, KeyLog } from './key-log.ts';
import type { Pass } from './leaves.ts';
import { Leaves, compareLeaves, leafOf, passesOver } from './leaves.ts';
import { HELD_PAIRS_LIMIT, PairSpill } from './pair-spill.ts';
import { PassTally } from './pass-tally.ts';
import type { Scratch } from './scratch.ts';

export type Side = 'left' | 'right';

/**
 * Pairs of both sides that are compared at once, at up to 36 bytes each. (Invariant 9) Only leaves that differ are, so that
 * several passes are rare.
 */
const PASS_PAIRS_LIMIT = 2 ** 18;

/** After so many pairs others have their turn: a long comparison must not hold up the stream. */
const BREATH_PAIRS = 100_000;

/**
 * What one comparison holds in memory at most. While rows come: two spills of 16 MB, each with its sorted copy, and two logs
 * of keys of 8 MB, each with what is being written of it. Afterwards less: what is held of both, and a pass.
 */
export const COMPARISON_LEASE_BYTES = 96 * 1024 * 1024;

/** Sizes, for tests. */
export interface ComparisonLimits {
  readonly heldPairs: number;
  readonly passPairs: number;
  readonly heldKeyBytes: number | undefined;
  /** Differing keys that are remembered one by one. */
  readonly keys: number;
}

const LIMITS: ComparisonLimits = {
  heldPairs: HELD_PAIRS_LIMIT,
  passPairs: PASS_PAIRS_LIMIT,
  heldKeyBytes: undefined,
  keys: SCOPE_KEYS_LIMIT,
};

/** What two sides differ in, before anything is looked at again. Plain data but for the keys. */
export interface Differences {
  readonly rows: { readonly left: number; readonly right: number };
  readonly leaves: { readonly total: number; readonly differing: readonly number[] };
  readonly onlyLeft: number;
  readonly onlyRight: number;
  readonly different: number;
  /** Differing keys, up to a limit; without a key, none. */
  readonly keys: KeyList;
  /** Differing keys beyond the limit, and the leaves they are in. */
  readonly beyond: number;
  readonly beyondLeaves: ReadonlySet<number>;
}

interface OneSide {
  readonly leaves: Leaves;
  readonly pairs: PairSpill;
  readonly keys: KeyLog;
}

/**
 * Compares two sets of rows that are fed in any order and any batches, in bounded memory: every row becomes a hash of its
 * key and a hash of itself. Rows are bags, not sets: one that is there twice is not one that is there once. What is equal
 * by leaf is equal; only pairs in leaves that differ are looked at again.
 *
 * Equality is that of `hashRows`: of values, not of how they travel. (1.0 is 1.00, -0 is 0, NaN is NaN.)
 */
export class Comparison {
  readonly shape: ComparedShape;
  readonly #limits: ComparisonLimits;
  readonly #sides: Readonly<Record<Side, OneSide>>;
  readonly #hasKey: boolean;

  constructor(shape: ComparedShape, scratch: Scratch, limits: Partial<ComparisonLimits> = {}) {
    this.shape = shape;
    this.#limits = { ...LIMITS, ...limits };
    this.#hasKey = shape.schema.key.length > 0;
    const side = (): OneSide => ({
      leaves: new Leaves(),
      pairs: new PairSpill(scratch, this.#limits.heldPairs),
      keys: new KeyLog(shape.schema, scratch, this.#limits.heldKeyBytes),
    });
    this.#sides = { left: side(), right: side() };
  }

  rows(side: Side): number {
    return this.#sides[side].leaves.rows;
  }

  /** Takes rows of one side, of any version of the schema. Await it before the next for this side. */
  async feed(side: Side, batch: Batch): Promise<void> {
    const { leaves, pairs, keys } = this.#sides[side];
    const shaped = intoShape(batch, this.shape);
    const digests = digestsOf(shaped, this.shape);
    leaves.add(digests, shaped.rows);
    await pairs.add(digests, shaped.rows);
    if (this.#hasKey) await keys.add(keyColumnsOf(shaped), shaped.rows);
  }

  /** Call once, when both sides are whole. Rejects with the signal's reason. */
  async finish(signal: AbortSignal): Promise<Differences> {
    const { left, right } = this.#sides;
    const leaves = compareLeaves(left.leaves, right.leaves);
    const found = new FoundKeys(this.#limits.keys);
    for (const pass of passesOver(left.leaves, right.leaves, leaves.differing, this.#limits.passPairs)) {
      (await this.#tally(pass, signal)).finish(found.add);
      await sleep(0, signal);
    }
    assert(
      found.onlyLeft - found.onlyRight === left.leaves.rows - right.leaves.rows,
      'what is only on one side makes up the difference in rows',
    );
    const keys = this.#hasKey
      ? await this.#keysOf(found.keys, signal)
      : new KeyListBuilder(this.shape.schema).finish();
    assert(!this.#hasKey || keys.rows === found.keys.size, 'every differing key was logged');
    return {
      rows: { left: left.leaves.rows, right: right.leaves.rows },
      leaves,
      onlyLeft: found.onlyLeft,
      onlyRight: found.onlyRight,
      different: found.different,
      keys,
      beyond: found.beyond,
      beyondLeaves: found.beyondLeaves,
    };
  }

  async #tally(pass: Pass, signal: AbortSignal): Promise<PassTally> {
    const tally = new PassTally(pass);
    let seen = 0;
    for (const [side, weight] of [
      ['left', 1],
      ['right', -1],
    ] as const) {
      for await (const pairs of this.#sides[side].pairs.read(pass)) {
        tally.add(pairs, weight);
        seen += pairs.count;
        if (seen < BREATH_PAIRS) continue;
        seen = 0;
        await sleep(0, signal);
      }
    }
    return tally;
  }

  async #keysOf(wanted: HashIndex, signal: AbortSignal): Promise<KeyList> {
    const keys = new KeyListBuilder(this.shape.schema);
    const taken = new HashIndex();
    if (wanted.size > 0) {
      await this.#sides.left.keys.collect(wanted, taken, keys, signal);
      await this.#sides.right.keys.collect(wanted, taken, keys, signal);
    }
    return keys.finish();
  }
}

/** Counts differing keys, and remembers the first of them. */
class FoundKeys {
  readonly keys = new HashIndex();
  readonly beyondLeaves = new Set<number>();
  beyond = 0;
  onlyLeft = 0;
  onlyRight = 0;
  different = 0;
  readonly #limit: number;

  constructor(limit: number) {
    this.#limit = limit;
  }

  readonly add = (high: number, low: number, left: number, right: number): void => {
    const both = Math.min(left, right);
    this.different += both;
    this.onlyLeft += left - both;
    this.onlyRight += right - both;
    if (this.keys.size < this.#limit) {
      this.keys.add(high, low);
      return;
    }
    this.beyond += 1;
    this.beyondLeaves.add(leafOf(high));
  };
}
