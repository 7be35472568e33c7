import type { Batch, Column, Json, ProblemRecord, Range, Schema, Scope } from '@brimful/model';
import type { ConnectorContext, Finding } from './context.ts';
import type { SourceProbe, Survey, SurveyRequest } from './survey.ts';

/** A source table or stream that can become a collection. */
export interface Resource {
  /** As users write it in a binding: `public.orders`. Parts that need quoting are quoted as the source would. */
  readonly name: string;
  readonly schema: Schema;
  readonly estimate: Estimate;
  /** Why it cannot be captured now, or what to know before it is. */
  readonly problem?: ProblemRecord;
  /** Name for the collection when the user gave none: `orders`. */
  readonly suggestedTarget: string;
}

export interface Estimate {
  readonly rows: number;
  readonly bytes: number;
  /** Where the numbers are from. `statistics` may be off by a few per cent, `unknown` means there is nothing to go by. */
  readonly quality: 'exact' | 'sampled' | 'statistics' | 'unknown';
}

/**
 * An ordered place in the source's stream: transactions commit at growing positions (Postgres: LSN). Serialise with
 * `toString(10)`.
 */
export type Position = bigint;

/**
 * Where a table's journal stands in the stream: everything up to and including the transaction that committed at
 * `position` has been taken, of the next one the first `skip` changes of this table. Part of the checkpoint.
 */
export interface Resume {
  readonly position: string;
  /** Position of the commit of the transaction that was cut, or absent when none was. */
  readonly cut?: { readonly position: string; readonly skip: number };
}

/**
 * One piece of the stream for one table. Within a table, parts are in commit order. A table's parts may arrive as soon
 * as `join` was called for it, before that call has resolved: they count like all others. The first batch of a table
 * in a session always follows a `schema` part, which may equal the shape already known; versions in it are the
 * session's own count.
 */
export type StreamPart =
  | { readonly kind: 'rows'; readonly resource: string; readonly batch: Batch; readonly resume: Resume }
  | {
      readonly kind: 'truncate';
      readonly resource: string;
      readonly transaction: bigint;
      readonly committedAt: bigint;
      readonly resume: Resume;
    }
  /** The table's shape from here on. Always delivered before the first batch that has it. */
  | { readonly kind: 'schema'; readonly resource: string; readonly schema: Schema }
  /** The table can no longer be followed. Its changes from here on are not delivered; the engine marks it `gap`. */
  | { readonly kind: 'failed'; readonly resource: string; readonly problem: ProblemRecord }
  /**
   * Rows came or went, or took other values, without passing through the stream (a partition was attached, detached
   * or truncated; a rewriting ALTER computed new values). The table is still followed, but must be read again.
   */
  | { readonly kind: 'stale'; readonly resource: string; readonly problem: ProblemRecord }
  | { readonly kind: 'dropped'; readonly resource: string };

/** What the stream brought since the consumer last asked. Bounded in bytes; a transaction may be cut over many slices. */
export interface StreamSlice {
  readonly parts: readonly StreamPart[];
  /** Everything that committed at or before this place has been delivered, in this slice or an earlier one. */
  readonly passed: Position;
  /** Safe to acknowledge once this slice is durable: the end of the last whole transaction. */
  readonly acknowledge: Position;
  /** The source's own end of log when last heard of, for lag. */
  readonly sourceEnd: Position;
}

/** Which streamed transactions a scan's snapshot saw. Visibility, not position, decides. */
export interface Snapshot {
  sees(transaction: bigint): boolean;
  /** Whether it sees every transaction up to and including this one that ever commits. May say no to be safe. */
  seesAllUpTo(transaction: bigint): boolean;
}

/** How a table will be read: fixed when it begins, so that a restart goes on with the same ranges. Plain data. */
export interface ScanPlan {
  /** Changes when ranges read so far lose their meaning (Postgres: filenodes of all leaves). */
  readonly fingerprint: string;
  /** What must be covered. Empty: nothing to read. */
  readonly total: readonly Range[];
  /** False: the table must be read as one chunk in one snapshot (no key); a crash starts it over. */
  readonly divisible: boolean;
  readonly estimate: Estimate;
  /** The connector's own notes. */
  readonly detail: Json;
}

/** Rows of one range, read in one snapshot, while the stream goes on. */
export interface Chunk extends AsyncDisposable {
  /** Batches of bounded size (`SCAN_BATCH_BYTES`). Iterate once, to the end. */
  readonly batches: AsyncIterable<Batch>;
  /**
   * After the last batch. `snapshot`: what the rows are as of. `passed`: once the stream has passed this place, every
   * transaction the snapshot did not see but that committed before the read ended has been delivered.
   */
  finish(): Promise<{ readonly snapshot: Snapshot; readonly passed: Position }>;
}

/** A live session with a source: one stream for all tables, and scans beside it. */
export interface CaptureSession extends AsyncDisposable {
  /** How many `scan` and `scanKeys` chunks may be open at once. */
  readonly readers: number;
  /**
   * Starts the stream. Call once. Slices come as fast as the consumer asks; while it does not, at most
   * `STREAM_BUFFER_BYTES` are decoded ahead and then the source is left waiting. Ends cleanly on abort; throws a
   * `retry` problem when the connection is lost (open a new session) and an `operator` problem when changes are gone
   * (`BRM-PG-SLOT-LOST`, `BRM-PG-SERVER-BEHIND`, …): never a silent gap.
   *
   * `resume` tells per joined table what its journal holds already; the session leaves that out.
   */
  stream(resume: ReadonlyMap<string, Resume>, signal: AbortSignal): AsyncIterable<StreamSlice>;
  /**
   * Everything up to here is durable: the source may forget it. Monotone; cheap; sent with the next status. The session
   * itself never acknowledges anything else. (Invariant 1)
   */
  acknowledge(position: Position): void;
  /**
   * Adds tables to the stream. Resolves when every change that commits from now on will be delivered. Returns the
   * schema as it now is, and the place in the stream from which the table is whole; tables that are gone or cannot be
   * followed are left out, and the stream tells why.
   *
   * Transactions that run at the call may be delivered in part. `plan` and the scans wait until all of them have ended
   * (also for tables that were in the stream before: after a restart, a journaled change may still be invisible to
   * snapshots), so every change that was delivered before the call is seen by every scan's snapshot. The wait holds up
   * neither the stream nor other tables; when it takes long, the log names the blocking processes.
   *
   * The session's first call names all tables that are wanted, perhaps none: their journals go on. Those that an earlier
   * session followed and it does not name are taken out; a later session that is asked for one of them again fails it in the
   * stream, because changes were lost meanwhile. What later calls name begins anew.
   */
  join(
    resources: readonly string[],
  ): Promise<readonly { readonly resource: string; readonly schema: Schema; readonly from: Position }[]>;
  /** Takes tables out of the stream. */
  leave(resources: readonly string[]): Promise<void>;
  /**
   * Prepares to read a table again that is in the stream already: resolves when every transaction that ran at the call has
   * ended, so that whatever was delivered before the call is seen by every scan's snapshot from then on.
   *
   * `look`: no more than that. `merge`: for a journal that goes on and reads all of it again; what the source's catalog says
   * now counts, its partitions as they are, and a table that the stream had lost is joined anew. A table whose key changed is
   * refused. `begin`: for a journal that begins now; a table whose key changed is joined anew, too. Where it was joined anew,
   * `from` is where it is whole again; changes that were not delivered yet are lost to older journals.
   */
  revisit(
    resource: string,
    purpose: 'look' | 'merge' | 'begin',
  ): Promise<{ readonly schema: Schema; readonly from: Position | undefined }>;
  /** How to read what is in scope; without a scope, the whole table. Scopes the source cannot serve are refused with `BRM-SCOPE-…`. */
  plan(resource: string, scope?: Scope): Promise<ScanPlan>;
  /**
   * The next piece to read, at the front of what remains; its size follows what earlier pieces measured. With
   * `atMostBytes` (rows as decoded) it is no larger than that as far as can be told, but never less than the least the
   * plan can be cut into.
   */
  next(plan: ScanPlan, remaining: readonly Range[], atMostBytes?: number): Range;
  /** Throws `BRM-SCAN-MOVED` when the plan's fingerprint no longer holds: plan again, start the table over. */
  scan(resource: string, plan: ScanPlan, range: Range, signal: AbortSignal): Promise<Chunk>;
  /** Reads the rows that have these keys (columns in key order). Rows that are gone are simply not returned. */
  scanKeys(resource: string, keys: readonly Column[], rows: number, signal: AbortSignal): Promise<Chunk>;
  /** Nudges the stream so that `passed` reaches the source's present end soon, also on a quiet source. */
  nudge(): Promise<void>;
  discover(): Promise<readonly Resource[]>;
}

export interface CaptureConnector<Config> {
  check(config: Config, context: CaptureContext): Promise<readonly Finding[]>;
  discover(config: Config, context: CaptureContext): Promise<readonly Resource[]>;
  open(config: Config, context: CaptureContext): Promise<CaptureSession>;
  /**
   * Looks at tables for a plan: statistics, indexes, extremes, first and last rows in scope. Reads little, changes nothing,
   * needs no running capture. One answer a request, in order.
   */
  survey(
    config: Config,
    requests: readonly SurveyRequest[],
    context: CaptureContext,
  ): Promise<readonly Survey[]>;
  /** Opens what the governor feels the source's pulse with. Its own connection, and its own thread where that matters. */
  probe(config: Config, context: CaptureContext): Promise<SourceProbe>;
  /** Removes what the capture left at the source (slot, publications). Idempotent. */
  drop(config: Config, context: CaptureContext): Promise<void>;
}

export interface CaptureContext extends ConnectorContext {
  /** The capture's name, e.g. `shop/postgres`; names at the source are derived from it. */
  readonly capture: string;
  /**
   * Everything up to here is durable in the journals, and no earlier run acknowledged more; undefined on the first run.
   * A source whose stream would begin later, or that ends earlier, has lost what lies between.
   */
  readonly durable?: Position;
  /**
   * The stream is to begin anew, whatever was followed before: `open` replaces what it left at the source for following it
   * (Postgres: the slot). What lies between is lost to every journal, and the engine has seen to that. May be told again
   * after a crash; `durable` and `memory` are then absent.
   */
  readonly anew?: boolean;
  /** What the session noted about the source's identity on an earlier run (system id, timeline, slot). */
  readonly memory?: Json;
  /** Keeps such a note durably. */
  remember(memory: Json): Promise<void>;
}

/** Large enough to amortise a segment, small enough that several scans fit the memory budget. */
export const SCAN_BATCH_BYTES = 4 * 1024 * 1024;
export const SCAN_BATCH_ROWS = 131_072;
/** Decoded changes that may wait for the consumer. */
export const STREAM_BUFFER_BYTES = 8 * 1024 * 1024;
