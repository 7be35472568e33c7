import type { GovernorLimits } from './limits.ts';

/** How fast the source is read, all runs together. Moved by how strained the source is; never closed by it. */
export interface Ceiling {
  readonly bytesPerSecond: number;
  readonly readers: number;
  /** Fastest rate that was used and borne, slowest that was used and not. */
  readonly highestGood: number | null;
  readonly lowestBad: Mark | null;
  readonly grownAt: number;
  readonly shedAt: number;
  readonly readersAt: number;
}

interface Mark {
  readonly bytesPerSecond: number;
  readonly at: number;
}

/** Of the most strained signal's limit: below the first we grow, up to the second hold, up to 1 shed, from there halve. */
export const GROW_BELOW = 0.4;
export const SHED_FROM = 0.7;
const HALVE_FROM = 1;

/** Any source that can be followed bears this; a small table is read before the first cool-down is over. */
export const START_BYTES_PER_SECOND = 32 * 1024 ** 2;
/** Steering alone never stops a run; a source that cannot bear this much is not strained by us. */
export const FLOOR_BYTES_PER_SECOND = 1024 ** 2;
/** Nothing reads as fast; keeps numbers printable. */
const MOST_BYTES_PER_SECOND = 4 * 1024 ** 3;
const FIRST_READERS = 2;

/** Fifty times as fast within five seconds of a quiet source. */
const GROWTH = 1.5;
const GROW_COOL_DOWN_MILLISECONDS = 500;
/** Towards and past a rate that was too much, in small steps. */
const CREEP = 1.1;
/** How near to it we go while it is remembered… */
const CREEP_UNTIL = 0.95;
/** …which is as long as this; then it is tried again. */
const BAD_MILLISECONDS = 20_000;
const SHED = 0.85;
const HALF = 0.5;
/** What was shed shows only after the open chunks' present batches. */
const SHED_COOL_DOWN_MILLISECONDS = 1_000;
/** Look-ups so soon after shedding still belong to the rate before. */
const SETTLE_MILLISECONDS = 250;
/** A source that was strained a moment ago is left alone for longer than it took to notice. */
const GROW_AFTER_SHED_MILLISECONDS = 3_000;
/** A reader is a step much larger than a rate's. */
const READER_COOL_DOWN_MILLISECONDS = 2_000;

export function firstCeiling(limits: GovernorLimits): Ceiling {
  return {
    bytesPerSecond: START_BYTES_PER_SECOND,
    readers: Math.min(FIRST_READERS, limits.readers),
    highestGood: null,
    lowestBad: null,
    grownAt: -Infinity,
    shedAt: -Infinity,
    readersAt: -Infinity,
  };
}

/** From when on signals show the present ceiling's effect. */
export function settledAt(ceiling: Ceiling): number {
  return ceiling.shedAt + SETTLE_MILLISECONDS;
}

export interface Strain {
  readonly now: number;
  /** Largest signal over its limit. */
  readonly u: number;
  /** What was really read lately. */
  readonly usedBytesPerSecond: number;
  /** Whether somebody had to wait for this ceiling. Without, it is not known what a higher one would do. */
  readonly isUsed: boolean;
}

export function steer(ceiling: Ceiling, strain: Strain, limits: GovernorLimits): Ceiling {
  if (strain.u >= SHED_FROM) return shed(ceiling, strain);
  const borne = strain.isUsed ? withGood(ceiling, strain) : ceiling;
  return strain.u < GROW_BELOW ? grow(borne, strain, limits) : borne;
}

function shed(ceiling: Ceiling, { now, u, usedBytesPerSecond }: Strain): Ceiling {
  if (now - ceiling.shedAt < SHED_COOL_DOWN_MILLISECONDS) return ceiling;
  const isHalved = u >= HALVE_FROM;
  // A ceiling far above what is read would be shed in vain.
  const used = Math.min(ceiling.bytesPerSecond, Math.max(usedBytesPerSecond, ceiling.bytesPerSecond * HALF));
  const bad = Math.min(used, ceiling.lowestBad?.bytesPerSecond ?? Infinity);
  return {
    ...ceiling,
    bytesPerSecond: Math.max(FLOOR_BYTES_PER_SECOND, used * (isHalved ? HALF : SHED)),
    readers: Math.max(1, isHalved ? Math.floor(ceiling.readers * HALF) : ceiling.readers - 1),
    lowestBad: { bytesPerSecond: bad, at: now },
    highestGood: ceiling.highestGood === null ? null : Math.min(ceiling.highestGood, bad * SHED),
    shedAt: now,
  };
}

function withGood(ceiling: Ceiling, { usedBytesPerSecond }: Strain): Ceiling {
  const used = Math.min(usedBytesPerSecond, ceiling.bytesPerSecond);
  const highestGood = Math.max(used, ceiling.highestGood ?? 0);
  // What was too much is borne now: the source has got less to do.
  const isBadOver = ceiling.lowestBad !== null && ceiling.lowestBad.bytesPerSecond < highestGood;
  return { ...ceiling, highestGood, lowestBad: isBadOver ? null : ceiling.lowestBad };
}

function grow(
  ceiling: Ceiling,
  { now, isUsed, usedBytesPerSecond }: Strain,
  limits: GovernorLimits,
): Ceiling {
  if (now - ceiling.shedAt < GROW_AFTER_SHED_MILLISECONDS) return ceiling;
  let { bytesPerSecond, readers, grownAt, readersAt } = ceiling;
  if (isUsed && now - grownAt >= GROW_COOL_DOWN_MILLISECONDS) {
    bytesPerSecond = higher(ceiling, now);
    grownAt = now;
  }
  // Readers may be what a rate is short of, so they need no waiting for the rate; but somebody who reads.
  const isReading = usedBytesPerSecond > 0;
  if (isReading && readers < limits.readers && now - readersAt >= READER_COOL_DOWN_MILLISECONDS) {
    readers += 1;
    readersAt = now;
  }
  return { ...ceiling, bytesPerSecond, readers, grownAt, readersAt };
}

/** Quickly to what was borne before, in small steps to what was not, past that only once it is long ago. */
function higher({ bytesPerSecond, highestGood, lowestBad }: Ceiling, now: number): number {
  if (lowestBad === null) return Math.min(MOST_BYTES_PER_SECOND, bytesPerSecond * GROWTH);
  if (highestGood !== null && bytesPerSecond < highestGood)
    return Math.min(highestGood, bytesPerSecond * GROWTH);
  const isRemembered = now - lowestBad.at < BAD_MILLISECONDS;
  const until = isRemembered ? lowestBad.bytesPerSecond * CREEP_UNTIL : MOST_BYTES_PER_SECOND;
  return Math.max(bytesPerSecond, Math.min(until, bytesPerSecond * CREEP));
}
