import type { ProbeReading } from '@brimful/connector';
import type { GovernorLimits } from './limits.ts';

/** What the probe's look-ups tell: how long they take now, and how long they take when we do not read. */
export interface Pulse {
  /** Newest last; of the last `WINDOW_MILLISECONDS`. */
  readonly samples: readonly Sample[];
  /** Taken while we did not read, newest last; emptied into the baseline. */
  readonly quiet: readonly Sample[];
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
const WINDOW_MILLISECONDS = 3_000;
/** A probe that measures oftener than it should is not listened to in full. */
const WINDOW_SAMPLES = 100;
/** Fewer say nothing about a 90th percentile. */
const FEWEST_SAMPLES = 8;
const PERCENTILE = 0.9;
/** Two outliers among so many are not the 90th percentile. */
const QUIET_SAMPLES = 20;
/** Quiet moments are put together when they are no farther apart. */
const QUIET_MILLISECONDS = 60_000;
/** Quicker than this is below what timers and networks resolve. */
const BASELINE_FLOOR_MILLISECONDS = 0.2;
/** Percentiles of few samples scatter: a new one counts for so much… */
const BASELINE_WEIGHT = 0.4;
/** …and an application's rush hour becomes the new quiet only step by step. */
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
  const quiet = [...pulse.quiet, ...(isQuiet ? heard : [])]
    .filter(({ at, milliseconds }) => now - at < QUIET_MILLISECONDS && Number.isFinite(milliseconds))
    .slice(-WINDOW_SAMPLES);
  const next = { ...pulse, samples, quiet };
  return quiet.length < QUIET_SAMPLES ? guessed(next) : learned(next, now);
}

/** What look-ups take now, of those after `since`; null while there are too few. A failed one is endless. */
export function lookUpMilliseconds(pulse: Pulse, since: number): number | null {
  const recent = pulse.samples.filter(({ at }) => at >= since).map(({ milliseconds }) => milliseconds);
  return recent.length < FEWEST_SAMPLES ? null : percentile(recent);
}

/** `isIdle`: nobody else is at work at the source. */
export function lookUpLimit(pulse: Pulse, isIdle: boolean, limits: GovernorLimits): number | null {
  if (pulse.baseline === null) return null;
  if (isIdle) return pulse.baseline + limits.idleLookUpExtraMilliseconds;
  return Math.max(
    pulse.baseline + limits.lookUpExtraMilliseconds,
    pulse.baseline * Math.max(1, limits.lookUpFactor),
  );
}

function learned(pulse: Pulse, now: number): Pulse {
  const found = percentile(pulse.quiet.map(({ milliseconds }) => milliseconds));
  const measured = Math.max(BASELINE_FLOOR_MILLISECONDS, found);
  const { baseline, learnedAt } = pulse;
  const first = baseline === null || learnedAt === null;
  const capped = first ? measured : Math.min(measured, baseline * BASELINE_RISE);
  const next = first ? measured : baseline + (capped - baseline) * BASELINE_WEIGHT;
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

/** Between two neighbours where it falls between them: of few samples the highest would be too high. */
function percentile(values: readonly number[]): number {
  const sorted = values.toSorted((left, right) => left - right);
  const place = (sorted.length - 1) * PERCENTILE;
  const below = sorted[Math.floor(place)] ?? 0;
  const above = sorted[Math.ceil(place)] ?? below;
  if (!Number.isFinite(above)) return above;
  return below + (above - below) * (place - Math.floor(place));
}
