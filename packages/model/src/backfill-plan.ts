import type { Json } from './json.ts';
import type { Schema } from './schema.ts';
import type { Scope } from './scope.ts';

/**
 * `reset`: the source is read anew into a next generation of the collection, all its tables are rebuilt beside the live
 * ones and swapped in. `incremental`: what is in scope is read again and merged in place. `materialization`: tables are
 * rebuilt from the collection, the source is not touched. `repair`: an incremental run over what a verification found to
 * differ.
 */
export type RunMode = 'reset' | 'incremental' | 'materialization' | 'repair';

/** What a user asks for. Names are those of the spec. */
export interface RunRequest {
  readonly mode: RunMode;
  /** The capture (reset, incremental, repair) or the materialization. */
  readonly task: string;
  /** Collections; null: all of the task's. */
  readonly bindings: readonly string[] | null;
  readonly scope: Scope;
  /** Only these columns take what is read; null: all. Incremental only. */
  readonly columns: readonly string[] | null;
  /** Why, in the author's words. Never empty. */
  readonly reason: string;
  readonly author: string;
  /** Ids of guards the author has read and accepts. */
  readonly acknowledged: readonly string[];
  /** Rows that the source no longer has: removed everywhere, or kept. Of a reset: not in, or carried over into, the next generation. */
  readonly missingRows: 'remove' | 'keep';
  /** A run that would remove a larger part of a table's rows than this (0 to 1) stops first. */
  readonly deleteLimit: number;
  readonly throttle: Throttle;
  /** Reading happens only inside one of these; empty: always. */
  readonly windows: readonly RunWindow[];
  /** How long the previous generation is kept current after a swap. 0: not at all. */
  readonly undoMilliseconds: number;
  /** Whether what was built is compared with the source before it is swapped in (`full`), or only counted. */
  readonly verify: 'full' | 'counts';
}

/** Live-editable. Null: the governor alone decides. */
export interface Throttle {
  /** Of rows as decoded. 0 pauses. */
  readonly bytesPerSecond: number | null;
  /** Chunks open at once. */
  readonly readers: number | null;
}

export const NO_THROTTLE: Throttle = { bytesPerSecond: null, readers: null };

/** Opens at every time the cron expression matches in the zone and stays open for as long; may go over midnight. */
export interface RunWindow {
  readonly cron: string;
  readonly minutes: number;
  readonly zone: string;
}

/** `exact`: counted. `sampled`: measured on a part. `statistics`: the source's own, a few per cent off. `at least`: no upper bound is known. */
export type EstimateQuality = 'exact' | 'sampled' | 'statistics' | 'at least';

export interface EstimatedNumber {
  readonly value: number;
  readonly quality: EstimateQuality;
}

/** A frozen promise: what will be done, to what, at which cost. Plain data; shown as it will be executed. */
export interface BackfillPlan {
  /** `plan-` and the first 12 hex digits of the SHA-256 over the canonical JSON of request, basis and stages. */
  readonly id: string;
  readonly createdAt: number;
  readonly expiresAt: number;
  readonly request: RunRequest;
  /** What must still be so when it is applied. */
  readonly basis: PlanBasis;
  /** Recorded, not compared: a live source always moves. */
  readonly seen: { readonly position: string | null; readonly statisticsAt: number | null };
  readonly bindings: readonly BindingPlan[];
  readonly stages: readonly Stage[];
  readonly estimate: RunEstimate;
  readonly guards: readonly Guard[];
  /** "not needed, because …" and cheaper ways to the same end. */
  readonly alternatives: readonly string[];
}

/** Compared at apply, entry by entry: any difference refuses the plan and is shown. */
export type PlanBasis = Readonly<Record<string, Json>>;

export interface BindingPlan {
  readonly collection: string;
  /** At the source. Null for a materialization run. */
  readonly resource: string | null;
  /** Before and after; equal when rows are merged in place. */
  readonly generation: { readonly from: number; readonly to: number };
  readonly schema: Schema;
  readonly tables: readonly TablePlan[];
  readonly rows: EstimatedNumber;
  readonly bytes: EstimatedNumber;
  /** How it is read: `pages in order`, `index orders_created_at_idx`, … */
  readonly readShape: string;
  /** First and last row in scope, as text by column; null where nothing is in scope or it was not looked up. */
  readonly firstRow: Readonly<Record<string, string | null>> | null;
  readonly lastRow: Readonly<Record<string, string | null>> | null;
}

/** One destination table that the run rebuilds or merges into. */
export interface TablePlan {
  readonly materialization: string;
  readonly table: string;
  readonly generation: { readonly from: number; readonly to: number };
  /** Rows and bytes it has now, by the destination's statistics. Null: unknown. */
  readonly rows: number | null;
  readonly bytes: number | null;
  /** What hangs on the table and what becomes of it in a swap. */
  readonly dependents: readonly { readonly what: string; readonly carried: boolean; readonly note: string }[];
}

/** One step of the very list that is executed. Steps of one level may run at once; levels follow each other. */
export interface Stage {
  readonly kind:
    | 'read'
    | 'reconcile'
    | 'compact'
    | 'build'
    | 'catch up'
    | 'verify'
    | 'swap'
    | 'keep'
    | 'clean up';
  /** The collection, or `materialization: table`. */
  readonly subject: string;
  /** For people: "read 1,000,000 rows of public.orders into generation 2 of shop/orders". */
  readonly sentence: string;
  /** Topological depth: 0 reads sources; a table is one below its collection. */
  readonly level: number;
}

export interface RunEstimate {
  readonly rows: EstimatedNumber;
  readonly bytes: EstimatedNumber;
  /** Likely shortest and longest, without closed windows. */
  readonly seconds: { readonly from: number; readonly to: number; readonly quality: EstimateQuality };
  readonly sourceBytesRead: number;
  /** Log the source keeps while the run goes on (it is drained all the time), and what it may keep at most. Null: no limit known. */
  readonly walBytes: number;
  readonly walHeadroomBytes: number | null;
  readonly destinationRowsWritten: number;
  readonly destinationBytesWritten: number;
  /** More than now, at the highest: in our data directory, and at the destinations together. */
  readonly peakLocalBytes: number;
  readonly peakDestinationBytes: number;
  /** From the user's price file; null without one. */
  readonly price: {
    readonly amount: number;
    readonly currency: string;
    readonly lines: readonly string[];
  } | null;
  /** Seconds in which readers of a destination find no table: 0 by construction. */
  readonly downtimeSeconds: number;
  /** Where rates are from: the last runs, or a default. */
  readonly basedOn: string;
}

/** `block`: it cannot be applied. `confirm`: only with the guard's id among the acknowledged. */
export interface Guard {
  readonly id: string;
  readonly level: 'block' | 'confirm' | 'warn' | 'ok';
  readonly subject: string;
  readonly message: string;
  /** What was looked at: an EXPLAIN, a count, two values. */
  readonly evidence: string;
  readonly remedy: string | null;
}
