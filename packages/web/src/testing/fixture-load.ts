import type { PastProblem, SourceLoadStatus } from '@brimful/model';

const MEGABYTE = 1e6;

/** Of a source that is read beside others at work, or of one whose tables are all read. */
export function loadAt(isRead: boolean): SourceLoadStatus {
  const at = Date.now();
  return {
    at,
    bytesPerSecond: isRead ? 7.4 * MEGABYTE : 0,
    ceilingBytesPerSecond: isRead ? 7.6 * MEGABYTE : 8.4 * MEGABYTE,
    streamedBytesPerSecond: 0.2 * MEGABYTE,
    readers: isRead ? 2 : 1,
    strain: isRead ? 0.82 : null,
    signals: isRead ? [{ name: 'look-ups', value: 2.9, limit: 3.4, unit: 'ms' }] : [],
    lookUpMilliseconds: isRead ? 2.9 : null,
    baselineMilliseconds: isRead ? 1.4 : null,
    probe: isRead ? 'heard' : 'not needed',
    health: isRead ? healthAt(at - 2000) : null,
    gates: [],
    readings: isRead
      ? [
          {
            token: 'first reads',
            state: 'throttled',
            reason: 'all runs on the source together read 7.6 MB/s: look-ups 2.9 of at most 3.4 ms',
            bytesPerSecond: 7.4 * MEGABYTE,
            openReaders: 2,
          },
        ]
      : [],
  };
}

function healthAt(at: number): SourceLoadStatus['health'] {
  return {
    at,
    retainedBytes: 52 * MEGABYTE,
    headroomBytes: 8600 * MEGABYTE,
    replicaLagBytes: 1.1 * MEGABYTE,
    replicaLagMilliseconds: 340,
    activeSessions: 6,
    processors: 8,
    blockedByUs: 0,
    oldestSnapshotAge: 1204,
  };
}

export function lostAt(): PastProblem {
  return {
    at: Date.now() - 26 * 60_000,
    problem: {
      code: 'BRM-PG-CONNECTION',
      kind: 'retry',
      message: 'the server closed the connection',
      remedy: null,
      at: {},
    },
  };
}
