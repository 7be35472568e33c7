import type { ProblemRecord } from './problem.ts';

/**
 * What a running Brimful says about itself: plain data, published about once a second.
 *
 * Units are in the names: bytes, milliseconds, seconds. Undefined means "not known", never zero.
 */
export interface RuntimeStatus {
  /** Milliseconds since 1970 when this was true. */
  readonly at: number;
  readonly startedAt: number;
  /** Process that runs it. A reader on the same machine can see whether it still lives. */
  readonly pid: number;
  readonly captures: readonly CaptureStatus[];
  readonly materializations: readonly MaterializationStatus[];
  readonly disk: DiskStatus;
  /** In words, while another catalog is being taken up: tasks stop and start. */
  readonly reloading?: string | undefined;
}

/** The key under which the runtime keeps its `RuntimeStatus` in the store's registry. */
export const STATUS_KEY = 'status';

/**
 * `waiting`: the other side is not there or not ready, it is tried again. `paused`: by a limit or by the user.
 * `failed`: nothing happens until somebody changes something.
 */
export type TaskState = 'starting' | 'running' | 'waiting' | 'paused' | 'failed' | 'stopped';

/** The smallest safe way out of a problem, for people to copy. */
export interface RunProposal {
  readonly command: string;
  /** What it does, and why that is enough. */
  readonly sentence: string;
}

export interface CaptureStatus {
  readonly name: string;
  readonly connector: string;
  readonly state: TaskState;
  /** For people: "Streaming change events (all 12 bindings are backfilled)". */
  readonly sentence: string;
  /** Every transaction that committed at the source at or before this place is durable in our journals. Decimal digits. */
  readonly position?: string | undefined;
  /** How far the source's log is ahead of what we have journaled. */
  readonly lagBytes?: number | undefined;
  /** Age of the newest change that is durable, 0 when we have all there is. */
  readonly lagMilliseconds?: number | undefined;
  /** Changes journaled since the start, and lately. */
  readonly changes: number;
  readonly changesPerSecond: number;
  readonly problem?: ProblemRecord | undefined;
  /** What to do about a problem that concerns all tables. */
  readonly proposal?: RunProposal | undefined;
  readonly bindings: readonly CaptureBindingStatus[];
}

/**
 * `waiting`: for its turn. `joining`: being added to the source's stream. `backfilling`: its ranges are read.
 * `filling`: values that the stream left out are looked up. `gap`: changes were lost, it must be read anew.
 */
export type CapturePhase =
  | 'waiting'
  | 'joining'
  | 'backfilling'
  | 'filling'
  | 'streaming'
  | 'failed'
  | 'gap'
  | 'dropped';

export interface CaptureBindingStatus {
  readonly resource: string;
  readonly collection: string;
  readonly phase: CapturePhase;
  /** By the backfill, since it began (also before a restart). */
  readonly rowsRead: number;
  readonly rowsEstimated: number;
  readonly bytesRead: number;
  readonly bytesEstimated: number;
  readonly estimateQuality: 'exact' | 'sampled' | 'statistics' | 'unknown';
  readonly rowsPerSecond: number;
  readonly bytesPerSecond: number;
  readonly etaSeconds?: number | undefined;
  /** Streamed changes journaled since the start. */
  readonly changes: number;
  readonly journal: { readonly first: number; readonly next: number; readonly bytes: number };
  /** The shape of its rows; absent before the first. */
  readonly schema?: SchemaStatus | undefined;
  readonly problem?: ProblemRecord | undefined;
  readonly proposal?: RunProposal | undefined;
}

export interface SchemaStatus {
  readonly version: number;
  /** Since when rows have this shape; absent: not known. */
  readonly registeredAt?: number | undefined;
  /** How it differs from the version before, in words, and whether all that was before still fits. Absent: it is the first. */
  readonly change?: { readonly sentence: string; readonly isWidening: boolean } | undefined;
}

export interface MaterializationStatus {
  readonly name: string;
  readonly connector: string;
  readonly state: TaskState;
  readonly sentence: string;
  /** Why nothing can be written at the moment: "file in use by pid 42". */
  readonly waiting?: string | undefined;
  readonly lagMilliseconds?: number | undefined;
  readonly rowsWritten: number;
  readonly rowsPerSecond: number;
  readonly problem?: ProblemRecord | undefined;
  readonly bindings: readonly MaterializationBindingStatus[];
}

/** `loading`: pass 1, without an index. `indexing`: the key is built. `replaying`: pass 2. `live`: complete, and merged into. */
export type MaterializationPhase = 'waiting' | 'loading' | 'indexing' | 'replaying' | 'live' | 'failed';

export interface MaterializationBindingStatus {
  readonly collection: string;
  readonly table: string;
  readonly phase: MaterializationPhase;
  /** First offset not yet in the destination's transaction, and the journal's next one: equal when caught up. */
  readonly offset: number;
  readonly next: number;
  readonly rowsWritten: number;
  readonly bytesWritten: number;
  readonly rowsPerSecond: number;
  /** Age of the oldest change that is not visible there yet, 0 when caught up. */
  readonly lagMilliseconds?: number | undefined;
  readonly problem?: ProblemRecord | undefined;
}

export interface DiskStatus {
  readonly usedBytes: number;
  readonly freeBytes: number;
  /** Captures pause when less than this is free. */
  readonly limitBytes: number;
  readonly paused: boolean;
}
