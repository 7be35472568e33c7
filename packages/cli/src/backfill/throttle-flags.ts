import type { Throttle } from '@brimful/model';
import { sizeOf } from '../config/schema.ts';
import { usage } from './plan-flags.ts';

export interface ThrottleFlags {
  readonly rate?: string;
  readonly readers?: string;
}

/** The limits after what was typed: what was not named stays. `none` lifts one. */
export function changedThrottle(now: Throttle, { rate, readers }: ThrottleFlags): Throttle {
  if (rate === undefined && readers === undefined) {
    throw usage('Throttle to what?', 'Give --rate 20MB/s, --readers 2 or both; none lifts a limit.');
  }
  return {
    bytesPerSecond: rate === undefined ? now.bytesPerSecond : rateOf(rate),
    readers: readers === undefined ? now.readers : readersOf(readers),
  };
}

function rateOf(text: string): number | null {
  if (text === 'none') return null;
  const bytes = sizeOf(text.replace(/\s*\/\s*s$/i, ''));
  if (bytes !== undefined) return bytes;
  throw usage(
    `${JSON.stringify(text)} is not a rate.`,
    'Write it as 20MB/s, 500kB/s, 0 (reads nothing) or none.',
  );
}

function readersOf(text: string): number | null {
  if (text === 'none') return null;
  const number = Number(text);
  if (Number.isSafeInteger(number) && number >= 1) return number;
  throw usage(
    `${JSON.stringify(text)} is not a number of readers.`,
    'Write a whole number above 0, or none.',
  );
}
