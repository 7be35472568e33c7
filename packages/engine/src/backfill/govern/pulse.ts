import type { ProbeReading } from '@brimful/connector';
import type { GovernorLimits } from './limits.ts';

/** What the probe's look-ups tell: how long they take now, and how long they take when we do not read. */
export interface Pulse {
  /** Newest last; of the last `WINDOW_MILLISECONDS`. */
  readonly samples: readonly Sample[];
  /** Taken while we did not read, newest last; emptied into the baseline. */
  readonly quiet: readonly number[];
  /** Milliseconds, 90th percentile. Null before the first look-ups. */
  readonly baseline: number | null;
  /** When it was last learned while we did not read. Null: only guessed from the best moment so far. */
  readonly learnedAt: number | null;
}

interface Sample {
  readonly at: number;
  readonly milliseconds: number;
}

export const FIRST_PULSE: Pulse = { samples: [], quiet: [], baseline: null, learnedAt: null };

/** Long enough for a percentile of several look-ups a second, short enough to notice an application that wakes up. */
const WINDOW_MILLISECONDS = 1_500;
/** A probe that measures oftener than it should is not listened to in full. */
const WINDOW_SAMPLES = 100;
/** Fewer say nothing about a 90th percentile. */
const FEWEST_SAMPLES = 3;
const PERCENTILE = 0.9;
/** One outlier among so many is not the 90th percentile. */
export const QUIET_SAMPLES = 10;
/** Quicker than this is below what timers and networks resolve. */
const BASELINE_FLOOR_MILLISECONDS = 0.2;
/** An application's rush hour becomes the new quiet only step by step; better moments count at once by half. */
const BASELINE_RISE = 1.5;

/** `isQuiet`: nothing of ours was read for a while when these were taken. */
export function listen(
  pulse: Pulse,
  readings: readonly ProbeReading[],
  isQuiet: boolean,
  now: number,
): Pulse {
  const heard = readings.flatMap(({ at, lookUpMilliseconds, health }): Sample[] => {
    // A reading of the health alone is no look-up that failed.
    if (lookUpMilliseconds === null && health !== null) return [];
    return [{ at: Math.min(at, now), milliseconds: lookUpMilliseconds ?? Infinity }];
  });
  const samples = [...pulse.samples, ...heard]
    .filter(({ at }) => now - at < WINDOW_MILLISECONDS && at <= now)
    .slice(-WINDOW_SAMPLES);
  const next = { ...pulse, samples };
  if (!isQuiet) return guessed({ ...next, quiet: [] });
  const quiet = [...pulse.quiet, ...heard.map(({ milliseconds }) => milliseconds)]
    .filter(Number.isFinite)
    .slice(-WINDOW_SAMPLES);
  return quiet.length < QUIET_SAMPLES ? guessed({ ...next, quiet }) : learned({ ...next, quiet }, now);
}

/** What look-ups take now, of those after `since`; null while there are too few. A failed one is endless. */
export function lookUpMilliseconds(pulse: Pulse, since: number): number | null {
  const recent = pulse.samples.filter(({ at }) => at >= since).map(({ milliseconds }) => milliseconds);
  return recent.length < FEWEST_SAMPLES ? null : percentile(recent);
}

export function lookUpLimit(pulse: Pulse, limits: GovernorLimits): number | null {
  if (pulse.baseline === null) return null;
  return Math.max(
    pulse.baseline + limits.lookUpExtraMilliseconds,
    pulse.baseline * Math.max(1, limits.lookUpFactor),
  );
}

function learned(pulse: Pulse, now: number): Pulse {
  const measured = Math.max(BASELINE_FLOOR_MILLISECONDS, percentile(pulse.quiet));
  const { baseline, learnedAt } = pulse;
  let next = measured;
  if (baseline !== null && learnedAt !== null) {
    next = measured < baseline ? (measured + baseline) / 2 : Math.min(measured, baseline * BASELINE_RISE);
  }
  return { ...pulse, quiet: [], baseline: next, learnedAt: now };
}

/** Until it was learned, the best moment stands for it: reading only makes look-ups slower. */
function guessed(pulse: Pulse): Pulse {
  if (pulse.learnedAt !== null) return pulse;
  const present = lookUpMilliseconds(pulse, -Infinity);
  if (present === null || !Number.isFinite(present)) return pulse;
  const best = Math.min(present, pulse.baseline ?? Infinity);
  return { ...pulse, baseline: Math.max(BASELINE_FLOOR_MILLISECONDS, best) };
}

function percentile(values: readonly number[]): number {
  const sorted = values.toSorted((left, right) => left - right);
  return sorted[Math.ceil(sorted.length * PERCENTILE) - 1] ?? 0;
}
