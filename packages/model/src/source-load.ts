/**
 * What reading costs a source, and what holds it back: of all first reads, runs and verifications on it together. Times are
 * milliseconds since 1970; null means not known.
 */
export interface SourceLoadStatus {
  readonly at: number;
  /** Read now, rows as decoded; what may be read; what the stream brings beside it. */
  readonly bytesPerSecond: number;
  readonly ceilingBytesPerSecond: number;
  readonly streamedBytesPerSecond: number;
  /** Chunks that may be open at once. */
  readonly readers: number;
  /** The most strained signal over its limit, smoothed: from 0.7 on the ceiling falls. */
  readonly strain: number | null;
  readonly signals: readonly SourceSignal[];
  /** 90th percentile of a small look-up: in the last seconds, and while nothing is read. */
  readonly lookUpMilliseconds: number | null;
  readonly baselineMilliseconds: number | null;
  /** `not needed`: nothing is read, so it is not measured. `unknown`: it should tell something and does not. */
  readonly probe: 'heard' | 'unknown' | 'not needed';
  readonly health: SourceHealthStatus | null;
  /** What stops all reading now; empty: nothing does. */
  readonly gates: readonly SourceGate[];
  readonly readings: readonly SourceReading[];
}

export interface SourceSignal {
  readonly name: string;
  readonly value: number;
  readonly limit: number;
  readonly unit: string;
}

/** As the source said at `at`. */
export interface SourceHealthStatus {
  readonly at: number;
  /** Log it keeps for us, and how much more it would keep before it gives up. */
  readonly retainedBytes: number | null;
  readonly headroomBytes: number | null;
  readonly replicaLagBytes: number | null;
  readonly replicaLagMilliseconds: number | null;
  /** Sessions at work, ours not counted; processors it has. */
  readonly activeSessions: number | null;
  readonly processors: number | null;
  readonly blockedByUs: number | null;
  /** In transactions. */
  readonly oldestSnapshotAge: number | null;
}

export interface SourceGate {
  readonly gate: string;
  readonly owner: 'operator' | 'source' | 'machine' | 'governor';
  readonly reason: string;
  readonly since: number;
}

/** Somebody who reads, or waits to: a run's id, `first reads`, or a verification. */
export interface SourceReading {
  readonly token: string;
  readonly state: 'free' | 'throttled' | 'paused' | 'window closed' | 'gated';
  /** Why it does not read as fast as it can. */
  readonly reason: string | null;
  readonly bytesPerSecond: number;
  readonly openReaders: number;
}
