/**
 * What one source, and our own machine, are spared. Every limit is compared with what the probe reads; null: not looked at.
 * Where a signal is not known at the source, its limit says nothing.
 */
export interface GovernorLimits {
  /** Of rows as decoded, all runs on the source together. */
  readonly bytesPerSecond: number | null;
  /** Chunks open at once on the source, all runs together. */
  readonly readers: number;
  /** Look-ups may take so much longer than on the quiet source… */
  readonly lookUpExtraMilliseconds: number;
  /** …or so many times as long, whichever is more: a few milliseconds mean nothing on a far-away source. */
  readonly lookUpFactor: number;
  /** While nobody else is at work at the source (`recentSessions` is 0), look-ups may take so much longer. */
  readonly idleLookUpExtraMilliseconds: number;
  /** Others' sessions at work per processor at which we shed everything we can. */
  readonly activeSessionsPerProcessor: number;
  /** Others' sessions at work at which reading stops; null: `activeSessionsGateFactor` times the steering limit. */
  readonly activeSessions: number | null;
  readonly activeSessionsGateFactor: number;
  /** How far the stream may be behind before we shed everything we can: it goes first. */
  readonly streamLagMilliseconds: number;
  /** Part (0 to 1) of the log the source would keep for us that must be left, or reading stops. */
  readonly headroomShare: number;
  readonly replicaLagMilliseconds: number;
  readonly replicaLagBytes: number;
  /** In transactions. */
  readonly oldestSnapshotAge: number;
  /** Others who wait for a lock of ours. */
  readonly blockedByUs: number;
}

export const GOVERNOR_LIMITS: GovernorLimits = {
  bytesPerSecond: null,
  // More readers than this win little on one table's disks, and each takes a processor of the source.
  readers: 4,
  lookUpExtraMilliseconds: 2,
  lookUpFactor: 3,
  // Nobody waits for them; but whoever comes should not find a source that does not answer.
  idleLookUpExtraMilliseconds: 100,
  // Three at work on each processor: two are queueing.
  activeSessionsPerProcessor: 3,
  activeSessions: null,
  activeSessionsGateFactor: 3,
  // Ten seconds behind is noticed by people, and still far from filling the log.
  streamLagMilliseconds: 10_000,
  // The last quarter is for the stream alone.
  headroomShare: 0.25,
  replicaLagMilliseconds: 30_000,
  replicaLagBytes: 1024 ** 3,
  // A quarter of what makes Postgres vacuum against wraparound by itself.
  oldestSnapshotAge: 50_000_000,
  // One is enough: everybody else queues behind it.
  blockedByUs: 0,
};
