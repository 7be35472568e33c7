import type { Throttle } from '@brimful/model';
import type { Gate } from './gates.ts';
import { megabytes } from './gates.ts';
import type { Law } from './law.ts';

/** Whether a run reads as fast as it can, and if not, why: four words for four causes. */
export interface Hold {
  /** `paused`: by a person. `gated`: by the source's or our machine's state. */
  readonly state: 'free' | 'throttled' | 'paused' | 'window closed' | 'gated';
  /** For people. Null while free. */
  readonly reason: string | null;
}

/** What people and the clock ask of one run. */
export interface Asked {
  readonly throttle: Throttle;
  /** Why a person paused it; null: nobody did. */
  readonly pause: string | null;
  /** Why its window is closed; null: it is open. */
  readonly window: string | null;
}

interface Closing extends Asked {
  /** All that are closed for everybody. */
  readonly gates: readonly Gate[];
  readonly law: Law;
}

interface Holding extends Closing {
  /** Whether it waited for its own rate, or for the shared one, just now. */
  readonly isOwnRateUsed: boolean;
  readonly isSharedRateUsed: boolean;
  readonly sharedBytesPerSecond: number;
}

/** Closed: no next chunk is opened. The first that applies of: people, the clock, the source and machine. */
export function closedBy(holding: Closing): Hold | null {
  const { pause, window, throttle, gates } = holding;
  if (pause !== null) return { state: 'paused', reason: pause };
  if (throttle.bytesPerSecond === 0) return { state: 'paused', reason: 'its rate was set to 0' };
  if (throttle.readers === 0) return { state: 'paused', reason: 'its readers were set to 0' };
  const paused = gates.find(({ owner }) => owner === 'operator');
  if (paused !== undefined) return { state: 'paused', reason: paused.reason };
  if (window !== null) return { state: 'window closed', reason: window };
  if (gates.length > 0) return { state: 'gated', reason: gates.map(({ reason }) => reason).join('; ') };
  if (holding.law.listeningSince === null) return null;
  return { state: 'throttled', reason: 'a moment without reading, to learn how quick the source is' };
}

export function holdOf(holding: Holding): Hold {
  const closed = closedBy(holding);
  if (closed !== null) return closed;
  const { throttle, law } = holding;
  if (holding.isOwnRateUsed && throttle.bytesPerSecond !== null)
    return { state: 'throttled', reason: `limited to ${rate(throttle.bytesPerSecond)}` };
  if (!holding.isSharedRateUsed) return { state: 'free', reason: null };
  const shared = rate(holding.sharedBytesPerSecond);
  return { state: 'throttled', reason: `all runs on the source together read ${shared}: ${because(law)}` };
}

/** From here on a signal says why; below, the rate grows or stays by itself. */
const STRAINED = 0.4;

function because({ signals, u }: Law): string {
  const [worst] = signals.toSorted((left, right) => right.value / right.limit - left.value / left.limit);
  if (worst === undefined || u === null) return 'nothing is known of its load yet';
  if (u < STRAINED) return 'it bears that well, and the rate still grows';
  return `${worst.name} ${number(worst.value)} of at most ${number(worst.limit)} ${worst.unit}`;
}

function rate(bytesPerSecond: number): string {
  if (bytesPerSecond < 1e6) return `${(bytesPerSecond / 1e3).toFixed(1)} kB/s`;
  return `${megabytes(bytesPerSecond)}/s`;
}

function number(value: number): string {
  return value >= 100 ? String(Math.round(value)) : value.toFixed(1);
}
