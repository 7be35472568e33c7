import type { Resume, ScanPlan } from '@brimful/connector';
import type { ProblemRecord, RangeSet, Scope } from '@brimful/model';
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
  /** A first read of a reset that keeps rows which only the generation before has. */
  readonly carriesOver: boolean;
  /** Why a complete table is read again; null: it is its first read. Kept after the end, as the run's receipt. */
  readonly reread: Reread | null;
}

/** What a run asks of a table that is complete: to be read again and merged in place. */
export interface RereadRequest {
  readonly run: string;
  readonly scope: Scope;
  /** Only these columns take what is read; null: all. */
  readonly columns: readonly string[] | null;
  /** What becomes of rows in scope that the source no longer has. */
  readonly missingRows: 'remove' | 'keep';
  /** More rows than this are not removed without being asked again. */
  readonly deleteLimitRows: number;
}

export interface Reread extends RereadRequest {
  readonly outcome: 'reading' | 'done' | 'cancelled';
  /** What a cancelled one goes back to. */
  readonly before: 'complete' | 'gap';
  readonly deleted: number;
}

/**
 * `waiting`: not begun. `scanning`: ranges are read. `filling`: all ranges are done, values the stream left out are looked
 * up. `complete`: the collection holds every row. `gap`: changes were lost; the table must be read anew.
 */
export type BackfillPhase = 'waiting' | 'scanning' | 'filling' | 'complete' | 'gap';

export type BackfillEvent =
  | 'begin'
  | 'covered'
  | 'filled'
  | 'restart'
  | 'lost'
  /** It is to be read again, and is all the while what it was. */
  | 'reread'
  | 'cancelled'
  /** A cancelled read of a table that had lost changes leaves it as it was. */
  | 'cancelled with a gap';

/** Every phase knows every event; undefined is impossible and a bug. */
const TRANSITIONS: Readonly<
  Record<BackfillPhase, Readonly<Record<BackfillEvent, BackfillPhase | undefined>>>
> = {
  waiting: {
    begin: 'scanning',
    covered: undefined,
    filled: undefined,
    restart: 'waiting',
    lost: 'gap',
    reread: undefined,
    cancelled: 'complete',
    'cancelled with a gap': 'gap',
  },
  scanning: {
    begin: 'scanning',
    covered: 'filling',
    filled: undefined,
    restart: 'waiting',
    lost: 'gap',
    reread: undefined,
    cancelled: 'complete',
    'cancelled with a gap': 'gap',
  },
  filling: {
    begin: undefined,
    covered: 'filling',
    filled: 'complete',
    restart: 'waiting',
    lost: 'gap',
    reread: undefined,
    cancelled: 'complete',
    'cancelled with a gap': 'gap',
  },
  complete: {
    begin: undefined,
    covered: undefined,
    filled: undefined,
    restart: 'waiting',
    lost: 'gap',
    reread: 'waiting',
    cancelled: undefined,
    'cancelled with a gap': undefined,
  },
  gap: {
    begin: undefined,
    covered: undefined,
    filled: undefined,
    restart: 'waiting',
    lost: 'gap',
    reread: 'waiting',
    cancelled: undefined,
    'cancelled with a gap': undefined,
  },
};

export function nextPhase(phase: BackfillPhase, event: BackfillEvent): BackfillPhase | undefined {
  return TRANSITIONS[phase][event];
}

export function newCheckpoint(from: bigint): CaptureCheckpoint {
  return { resume: { position: from.toString() }, backfill: newBackfill() };
}

export function newBackfill(): Backfill {
  return {
    phase: 'waiting',
    plan: null,
    done: rangeSet.NOTHING,
    from: 0,
    rows: 0,
    bytes: 0,
    problem: null,
    carriesOver: false,
    reread: null,
  };
}
