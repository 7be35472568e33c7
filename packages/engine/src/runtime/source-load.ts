import type { SourceHealthStatus, SourceLoadStatus } from '@brimful/model';
import type { GovernorStatus } from '../backfill/govern/governor.ts';

/** What a governor knows of its source and does to it, as others are shown it. */
export function sourceLoad(governor: GovernorStatus): SourceLoadStatus {
  const { at, bytesPerSecond, ceilingBytesPerSecond, streamedBytesPerSecond, readers, gates, probe } =
    governor;
  return {
    at,
    bytesPerSecond,
    ceilingBytesPerSecond,
    streamedBytesPerSecond,
    readers,
    strain: governor.u,
    signals: governor.signals.filter(({ value, limit }) => Number.isFinite(value) && Number.isFinite(limit)),
    lookUpMilliseconds: governor.lookUpMilliseconds,
    baselineMilliseconds: governor.baselineMilliseconds,
    probe,
    health: healthOf(governor),
    gates,
    readings: governor.paces.map(({ token, state, reason, bytesPerSecond, openReaders }) => ({
      token,
      state,
      reason,
      bytesPerSecond,
      openReaders,
    })),
  };
}

function healthOf({ health, healthAt }: GovernorStatus): SourceHealthStatus | null {
  if (health === null || healthAt === null) return null;
  const { retainedBytes, headroomBytes, replicaLagBytes, replicaLagMilliseconds } = health;
  const { activeSessions, processors, blockedByUs, oldestSnapshotAge } = health;
  return {
    at: healthAt,
    retainedBytes,
    headroomBytes,
    replicaLagBytes,
    replicaLagMilliseconds,
    activeSessions,
    processors,
    blockedByUs,
    oldestSnapshotAge,
  };
}
