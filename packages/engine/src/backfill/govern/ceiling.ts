import type { GovernorLimits } from './limits.ts';

/** How fast the source is read, all runs together. Moved by how strained the source is; never closed by it. */
export interface Ceiling {
  readonly bytesPerSecond: number;
  readonly readers: number;
  /** Fastest rate that was used and borne, slowest that was used and not. */
  readonly highestGood: number | null;
  readonly lowestBad: Mark | null;
  /** With how many readers it was too much last. */
  readonly badReaders: { readonly readers: number; readonly at: number } | null;
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

/** Most sources bear this, and a small table is read before the first decision. */
const START_BYTES_PER_SECOND = 16 * 1024 ** 2;
/** Nobody else is there to be hurt. */
const IDLE_START_BYTES_PER_SECOND = 256 * 1024 ** 2;
/** Steering alone never stops a run; a source that cannot bear this much is not strained by us. */
export const FLOOR_BYTES_PER_SECOND = 1024 ** 2;
/** Nothing reads as fast; keeps numbers printable. */
const MOST_BYTES_PER_SECOND = 4 * 1024 ** 3;
const FIRST_READERS = 1;

/** A step that is too far is felt for a second: small ones once the source notices us. */
const GROWTH = 1.25;
/** While it hardly does: from the start to a large source's full speed within a few seconds. */
const FAST_GROWTH = 2;
const FAST_BELOW = 0.25;
/** What a step did must be heard before the next: as many look-ups as tell. */
const GROW_COOL_DOWN_MILLISECONDS = 1_000;
/** Towards and past a rate that was too much, in small steps. */
const CREEP = 1.1;
/** How near to it we go while it is remembered… */
const CREEP_UNTIL = 0.95;
/** …which is as long as this; then it is tried again. */
const BAD_MILLISECONDS = 30_000;
/** A reader cannot be tried in small steps. */
const BAD_READERS_MILLISECONDS = 120_000;
const SHED = 0.85;
const HALF = 0.5;
/** What was shed shows only after the open chunks' present batches. */
const SHED_COOL_DOWN_MILLISECONDS = 1_000;
/** Look-ups so soon after shedding still belong to the rate before. */
const SETTLE_MILLISECONDS = 250;
/** A source that was strained a moment ago is left alone for longer than it took to notice. */
const GROW_AFTER_SHED_MILLISECONDS = 3_000;
/** A reader is a step much larger than a rate's. */
const READER_COOL_DOWN_MILLISECONDS = 1_000;

export function firstCeiling(isIdle: boolean, limits: GovernorLimits): Ceiling {
  return {
    bytesPerSecond: isIdle ? IDLE_START_BYTES_PER_SECOND : START_BYTES_PER_SECOND,
    readers: isIdle ? limits.readers : Math.min(FIRST_READERS, limits.readers),
    highestGood: null,
    lowestBad: null,
    badReaders: null,
    grownAt: -Infinity,
    shedAt: -Infinity,
    readersAt: -Infinity,
  };
}

/** From when on signals show the present ceiling's effect. */
export function settledAt(ceiling: Ceiling): number {
  return Math.max(ceiling.shedAt, ceiling.grownAt, ceiling.readersAt) + SETTLE_MILLISECONDS;
}

export interface Strain {
  readonly now: number;
  /** Largest signal over its limit. */
  readonly u: number;
  /** What was really read lately. */
  readonly usedBytesPerSecond: number;
  /** Whether somebody had to wait for this ceiling. Without, it is not known what a higher one would do. */
  readonly isUsed: boolean;
  /** When somebody last had to. */
  readonly waitedAt: number;
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
    badReaders: ceiling.readers > 1 ? { readers: ceiling.readers, at: now } : ceiling.badReaders,
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

function grow(ceiling: Ceiling, strain: Strain, limits: GovernorLimits): Ceiling {
  const { now, isUsed, usedBytesPerSecond, waitedAt } = strain;
  if (now - ceiling.shedAt < GROW_AFTER_SHED_MILLISECONDS) return ceiling;
  if (isUsed) {
    if (now - ceiling.grownAt < GROW_COOL_DOWN_MILLISECONDS) return ceiling;
    return { ...ceiling, bytesPerSecond: higher(ceiling, strain), grownAt: now };
  }
  // Another reader only where the ones there are cannot use the rate: together they would read in bursts.
  const isShort = usedBytesPerSecond > 0 && now - waitedAt >= READER_COOL_DOWN_MILLISECONDS;
  if (!isShort || ceiling.readers >= limits.readers) return ceiling;
  if (now - ceiling.readersAt < READER_COOL_DOWN_MILLISECONDS) return ceiling;
  const { badReaders } = ceiling;
  const isRemembered = badReaders !== null && now - badReaders.at < BAD_READERS_MILLISECONDS;
  if (isRemembered && ceiling.readers + 1 >= badReaders.readers) return ceiling;
  return { ...ceiling, readers: ceiling.readers + 1, readersAt: now };
}

/** Quickly to what was borne before, in small steps to what was not, past that only once it is long ago. */
function higher({ bytesPerSecond, highestGood, lowestBad }: Ceiling, { now, u }: Strain): number {
  const quickly = bytesPerSecond * (u < FAST_BELOW ? FAST_GROWTH : GROWTH);
  if (lowestBad === null) return Math.min(MOST_BYTES_PER_SECOND, quickly);
  if (highestGood !== null && bytesPerSecond < highestGood) return Math.min(highestGood, quickly);
  const isRemembered = now - lowestBad.at < BAD_MILLISECONDS;
  const until = isRemembered ? lowestBad.bytesPerSecond * CREEP_UNTIL : MOST_BYTES_PER_SECOND;
  return Math.max(bytesPerSecond, Math.min(until, bytesPerSecond * CREEP));
}
