import type { Position } from '@brimful/connector';
import type { Offset } from '@brimful/store';
import { sleep } from '../../flow/pause-gate.ts';
import type { ComparedShape, ShapeWatch } from './compared-shape.ts';
import type { KeyList } from './key-log.ts';
import { KeyListBuilder, pickKeys } from './key-log.ts';
import { KeyedRows } from './keyed-rows.ts';
import type { ReadAsOf, SourceReader } from './source-reader.ts';
import { later } from './source-reader.ts';
import type { StateReader } from './state-reader.ts';
import type { Remaining } from './verified.ts';

/**
 * How differences between a source and a collection that both change are told from differences that stay.
 *
 * The keys are looked up at the source again (as of a snapshot S), the stream is awaited, and the collection's rows of
 * these keys are compared. As long as the keys are many, several look-ups share one reading of the collection: a key that
 * changes in between differs once more and is looked at in the next round. Once they fit one look-up, and in the last
 * round always, changes that S does not see are left out of the collection's state, so both sides are as of S and a key
 * that changes all the time is compared exactly, too. What still differs then is divergent.
 */

/** Milliseconds before each round but the first: whatever is on its way should arrive. */
export const ROUND_PAUSES: readonly number[] = [250, 1000, 3000];
/** Keys of one look-up at the source. */
const LOOK_UP_KEYS = 10_000;

export interface LookMeans {
  readonly source: SourceReader;
  readonly state: StateReader;
  /** Resolves when everything up to the position is journaled; keeps a quiet source's stream moving. */
  readonly reached: (position: Position, signal: AbortSignal) => Promise<void>;
  /** The end of the journal. */
  readonly head: () => Offset;
  /** See `SourceVerification`. */
  readonly seesFrom: Offset;
  readonly shape: ComparedShape;
  readonly watch: ShapeWatch;
  readonly pauses: readonly number[];
  readonly lookUpKeys?: number;
  readonly signal: AbortSignal;
  readonly onRound: (keys: number) => void;
}

export interface LookedAgain extends Remaining {
  readonly passed: Position;
}

/** What of the keys still differs after all rounds. */
export async function lookAgain(keys: KeyList, means: LookMeans): Promise<LookedAgain> {
  let left: Round = { ...nothing(means.shape), keys, passed: 0n };
  for (let round = 0; round <= means.pauses.length && left.keys.rows > 0; round += 1) {
    if (round > 0) await sleep(means.pauses[round - 1] as number, means.signal);
    means.onRound(left.keys.rows);
    const groups = cut(left.keys, means);
    const isExact = groups.length === 1 || round === means.pauses.length;
    const found = isExact ? await one(groups, means) : [await together(groups, left.keys, means)];
    left = found.reduce((all, more) => joined(all, more, means.shape));
  }
  return left;
}

type Round = LookedAgain;

/** Look-ups one by one, each compared as of its own snapshot. */
async function one(groups: readonly KeyList[], means: LookMeans): Promise<Round[]> {
  const rounds: Round[] = [];
  for (const keys of groups) {
    const rows = new KeyedRows(keys, means.shape);
    const asOf = await lookUp(keys, rows, means);
    rounds.push(await compare(keys, rows, asOf, true, means));
  }
  return rounds;
}

/** All look-ups, and then the collection once. */
async function together(groups: readonly KeyList[], keys: KeyList, means: LookMeans): Promise<Round> {
  const rows = new KeyedRows(keys, means.shape);
  let asOf: ReadAsOf = { snapshot: undefined, passed: 0n };
  for (const group of groups) asOf = later(asOf, await lookUp(group, rows, means));
  return compare(keys, rows, asOf, false, means);
}

async function lookUp(keys: KeyList, into: KeyedRows, { source, watch }: LookMeans): Promise<ReadAsOf> {
  return source.keys(keys, async (batch) => {
    watch.check(batch);
    into.feed(batch);
  });
}

async function compare(
  keys: KeyList,
  left: KeyedRows,
  asOf: ReadAsOf,
  isExact: boolean,
  means: LookMeans,
): Promise<Round> {
  const { signal, shape } = means;
  await means.reached(asOf.passed, signal);
  const right = new KeyedRows(keys, shape);
  const { snapshot } = asOf;
  const sees =
    isExact && snapshot !== undefined ? { sees: snapshot.sees.bind(snapshot), seesFrom: means.seesFrom } : {};
  const only = (high: number, low: number): boolean => right.has(high, low);
  for await (const batch of means.state(means.head(), { signal, only, ...sees })) right.feed(batch);
  signal.throwIfAborted();
  const differing: number[] = [];
  const counts = { onlyLeft: 0, onlyRight: 0, different: 0 };
  const byColumn: Record<string, number> = {};
  for (let key = 0; key < keys.rows; key += 1) {
    const difference = left.compare(right, key);
    if (difference === undefined) continue;
    differing.push(key);
    counts.onlyLeft += difference.onlyLeft;
    counts.onlyRight += difference.onlyRight;
    counts.different += difference.different;
    left.countColumns(right, key, shape.schema, byColumn);
  }
  return { keys: pickKeys(shape.schema, keys, differing), ...counts, byColumn, passed: asOf.passed };
}

function cut(keys: KeyList, { shape, lookUpKeys = LOOK_UP_KEYS }: LookMeans): KeyList[] {
  if (keys.rows <= lookUpKeys) return [keys];
  return Array.from({ length: Math.ceil(keys.rows / lookUpKeys) }, (_, at) => {
    const rows = Array.from(
      { length: Math.min(lookUpKeys, keys.rows - at * lookUpKeys) },
      (__, row) => at * lookUpKeys + row,
    );
    return pickKeys(shape.schema, keys, rows);
  });
}

function nothing({ schema }: ComparedShape): Remaining {
  return { keys: new KeyListBuilder(schema).finish(), onlyLeft: 0, onlyRight: 0, different: 0, byColumn: {} };
}

function joined(a: Round, b: Round, { schema }: ComparedShape): Round {
  const keys = new KeyListBuilder(schema);
  for (const part of [a.keys, b.keys]) {
    for (let row = 0; row < part.rows; row += 1) {
      keys.append(part.columns, row, part.high[row] as number, part.low[row] as number);
    }
  }
  const byColumn: Record<string, number> = { ...a.byColumn };
  for (const [name, count] of Object.entries(b.byColumn)) byColumn[name] = (byColumn[name] ?? 0) + count;
  return {
    keys: keys.finish(),
    onlyLeft: a.onlyLeft + b.onlyLeft,
    onlyRight: a.onlyRight + b.onlyRight,
    different: a.different + b.different,
    byColumn,
    passed: a.passed > b.passed ? a.passed : b.passed,
  };
}
