import type { EstimatedNumber, Guard, ProblemRecord, Schema, Scope } from '@brimful/model';

export interface SurveyRequest {
  readonly resource: string;
  readonly scope: Scope;
}

/** What a source knows about a table and a scope, at little cost. */
export interface Survey {
  readonly resource: string;
  /** Why it cannot be read at all; then the rest is empty. */
  readonly problem: ProblemRecord | null;
  readonly schema: Schema;
  /** Of the whole table. */
  readonly tableRows: EstimatedNumber;
  readonly tableBytes: EstimatedNumber;
  /** Of what is in scope. */
  readonly rows: EstimatedNumber;
  readonly bytes: EstimatedNumber;
  /** What the source reads from its disks to give us that. */
  readonly bytesRead: number;
  /** For people: `pages in order`, `index orders_created_at_idx`. */
  readonly readShape: string;
  /** Whether the scope's bounds are served by an index. True for whole tables. */
  readonly isServed: boolean;
  /** Milliseconds since 1970 of the statistics that estimates rest on. */
  readonly statisticsAt: number | null;
  readonly firstRow: Readonly<Record<string, string | null>> | null;
  readonly lastRow: Readonly<Record<string, string | null>> | null;
  /** Positions and headroom of the source as a whole; the same in every answer of one call. */
  readonly source: SourceHealth;
  /** Values at the ends of columns that not every destination can hold, as far as statistics and indexes tell. */
  readonly extremes: readonly Extreme[];
  /** What the source itself has to say: unserved bounds, bounds in the future, extremes that do not fit, hidden rows. */
  readonly guards: readonly Guard[];
}

/** A value in canonical text, of a column by its name at the source: `NaN`, `infinity`, `12026-01-01`. */
export interface Extreme {
  readonly column: string;
  readonly value: string;
}

/** Of the source as a whole. Null: not known, or there is none. */
export interface SourceHealth {
  /** Its log's end, decimal. */
  readonly position: string | null;
  /** Log it keeps for our capture, and how much more it would keep before it gives up. */
  readonly retainedBytes: number | null;
  readonly headroomBytes: number | null;
  /** Bytes by which the slowest replica is behind, and by which time. */
  readonly replicaLagBytes: number | null;
  readonly replicaLagMilliseconds: number | null;
  /** At work at this moment, ours not counted. */
  readonly activeSessions: number | null;
  /**
   * Sessions, ours not counted, that were at work at any time in the last few seconds (Postgres: by `state` and
   * `state_change`). 0: nobody is there to be hurt, and we may read much faster. Absent: not known.
   */
  readonly recentSessions?: number | null;
  readonly processors: number | null;
  /** Others waiting for a lock that one of our sessions holds. */
  readonly blockedByUs: number | null;
  /** Age of the oldest snapshot, in transactions. */
  readonly oldestSnapshotAge: number | null;
}

/** The source's pulse, from a connection that does nothing else. */
export interface SourceProbe extends AsyncDisposable {
  /**
   * What came in since the last call, oldest first: the time a small look-up took (null: it failed or timed out), and now and
   * then the source's health. Never waits. The probe measures by itself, several times a second.
   */
  take(): readonly ProbeReading[];
}

export interface ProbeReading {
  readonly at: number;
  readonly lookUpMilliseconds: number | null;
  readonly health: SourceHealth | null;
}
