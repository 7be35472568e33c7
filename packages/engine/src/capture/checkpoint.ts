import type { Resume, ScanPlan } from '@brimful/connector';
import type { ProblemRecord, RangeSet } from '@brimful/model';
import { rangeSet } from '@brimful/model';
import type { Offset } from '@brimful/store';

/** What a journal holds of its table. Every append moves it together with the data. (Invariant 2) */
export interface CaptureCheckpoint {
  readonly resume: Resume;
  readonly backfill: Backfill;
}

/** How far the first read of the table is. Progress is a set of ranges, never a counter. */
export interface Backfill {
  readonly phase: BackfillPhase;
  readonly plan: ScanPlan | null;
  readonly done: RangeSet;
  /** Journal offset at which what readers replay begins: all that was left out from here on is looked up. */
  readonly from: Offset;
  /** For people; what is done is `done`. */
  readonly rows: number;
  readonly bytes: number;
  readonly problem: ProblemRecord | null;
}

/**
 * `waiting`: not begun. `scanning`: ranges are read. `filling`: all ranges are done, values the stream left out are looked
 * up. `complete`: the collection holds every row. `gap`: changes were lost; the table must be read anew.
 */
export type BackfillPhase = 'waiting' | 'scanning' | 'filling' | 'complete' | 'gap';

export type BackfillEvent = 'begin' | 'covered' | 'filled' | 'restart' | 'lost';

/** Every phase knows every event; undefined is impossible and a bug. */
const TRANSITIONS: Readonly<
  Record<BackfillPhase, Readonly<Record<BackfillEvent, BackfillPhase | undefined>>>
> = {
  waiting: { begin: 'scanning', covered: undefined, filled: undefined, restart: 'waiting', lost: 'gap' },
  scanning: { begin: 'scanning', covered: 'filling', filled: undefined, restart: 'waiting', lost: 'gap' },
  filling: { begin: undefined, covered: 'filling', filled: 'complete', restart: 'waiting', lost: 'gap' },
  complete: { begin: undefined, covered: undefined, filled: undefined, restart: 'waiting', lost: 'gap' },
  gap: { begin: undefined, covered: undefined, filled: undefined, restart: 'waiting', lost: 'gap' },
};

export function nextPhase(phase: BackfillPhase, event: BackfillEvent): BackfillPhase | undefined {
  return TRANSITIONS[phase][event];
}

export function newCheckpoint(from: bigint): CaptureCheckpoint {
  return { resume: { position: from.toString() }, backfill: newBackfill() };
}

export function newBackfill(): Backfill {
  return { phase: 'waiting', plan: null, done: rangeSet.NOTHING, from: 0, rows: 0, bytes: 0, problem: null };
}
