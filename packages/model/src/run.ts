import type { BackfillPlan, RunMode, Throttle } from './backfill-plan.ts';
import type { ProblemRecord } from './problem.ts';

/**
 * `waiting`: for its window or for another run's place. `throttled`, `paused`, `window closed`, `interrupted` are four
 * words: by the governor, by a person, by the clock, by a connection that is lost. `swapped`: in its undo window.
 */
export const RUN_STATES = [
  'planned',
  'approved',
  'waiting',
  'running',
  'throttled',
  'paused',
  'window closed',
  'interrupted',
  'catching up',
  'verifying',
  'ready to swap',
  'swapped',
  'done',
  'cancelled',
  'failed',
  'expired',
  'undone',
] as const;
export type RunState = (typeof RUN_STATES)[number];

export const RUN_VERBS = [
  'apply',
  'pause',
  'resume',
  'cancel',
  'retry',
  'skip',
  'throttle',
  'undo',
  'redo',
] as const;
export type RunVerb = (typeof RUN_VERBS)[number];

/** A table's own way through the run; one that fails never stops the others. */
export const RUN_BINDING_STATES = [
  'waiting',
  'reading',
  'reconciling',
  'building',
  'catching up',
  'verifying',
  'ready',
  'swapped',
  'done',
  'paused',
  'failed',
  'skipped',
  'cancelled',
  'undone',
] as const;
export type RunBindingState = (typeof RUN_BINDING_STATES)[number];

/** One planned re-read, from its plan to its report. Durable: `runs/<id>` in the registry. Plain data. */
export interface Run {
  /** `run-` and a number that grows: newer runs have larger ones. */
  readonly id: string;
  readonly mode: RunMode;
  readonly plan: BackfillPlan;
  readonly state: RunState;
  /** Why it is in this state, where the state alone does not say. */
  readonly because: string | null;
  readonly throttle: Throttle;
  readonly bindings: readonly RunBinding[];
  readonly events: readonly RunEvent[];
  readonly createdAt: number;
  readonly startedAt: number | null;
  readonly endedAt: number | null;
  /** Until when it can be undone; null: not (any more). */
  readonly undoUntil: number | null;
  /** A person asked for the swap to be taken back, or made again, and that has not happened yet. */
  readonly intent: 'undo' | 'redo' | null;
  readonly report: RunReport | null;
}

export interface RunBinding {
  readonly collection: string;
  readonly state: RunBindingState;
  /** By the source scan, or by the load from the collection. */
  readonly rowsRead: number;
  readonly rowsEstimated: number;
  readonly bytesRead: number;
  readonly bytesEstimated: number;
  readonly rowsPerSecond: number;
  readonly etaSeconds: number | null;
  /** Part of the scope that is done, 0 to 1. */
  readonly done: number;
  /** Rows removed because the source no longer has them. */
  readonly deleted: number;
  /** Of the source with the collection, and of the collection with each table; empty before they were compared. */
  readonly verifications: readonly VerificationReport[];
  readonly problem: ProblemRecord | null;
}

export interface RunEvent {
  readonly at: number;
  /** `system` or a user's name. */
  readonly who: string;
  readonly what: string;
}

export interface RunReport {
  readonly seconds: number;
  readonly rows: number;
  readonly bytes: number;
  readonly deleted: number;
  /** Estimated over actual. */
  readonly rowsRatio: number | null;
  readonly secondsRatio: number | null;
  /** Longest time that one swap kept readers of its table waiting, in milliseconds. */
  readonly swapMilliseconds: number | null;
  readonly verdict: Verdict | null;
}

/** `equal after catch-up`: differences that the stream settled. `inconclusive`: not all of it could be looked at. */
export type Verdict = 'equal' | 'equal after catch-up' | 'divergent' | 'inconclusive' | 'error';

/** One comparison of two sides at a known place. */
export interface VerificationReport {
  readonly at: number;
  /** `source and collection`, `collection and table`. */
  readonly sides: string;
  readonly subject: string;
  readonly verdict: Verdict;
  readonly level: 'full' | 'counts';
  readonly rows: { readonly left: number; readonly right: number };
  /** Source position or journal offset at which they were compared. */
  readonly asOf: string;
  readonly leaves: {
    readonly total: number;
    readonly equal: number;
    readonly settled: number;
    readonly differing: number;
  };
  /** Rows by kind of difference, after all re-checks. */
  readonly onlyLeft: number;
  readonly onlyRight: number;
  readonly different: number;
  /** Rows that differ by column. */
  readonly byColumn: Readonly<Record<string, number>>;
  /** Whole keys, in key order, as canonical text; at most `SAMPLE_KEYS`. Values never. */
  readonly sampleKeys: readonly (readonly string[])[];
  /** What was left out, and why. Something skipped is never a pass. */
  readonly skipped: readonly string[];
  readonly problem: ProblemRecord | null;
  /** The plan of the smallest run that mends it, where it was divergent and such a run could be planned. */
  readonly repairPlan?: string | undefined;
}

export const SAMPLE_KEYS = 20;
