import type { SourceHealth } from '@brimful/connector';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { Gate } from './gates.ts';
import { sourceGates } from './gates.ts';
import { GOVERNOR_LIMITS } from './limits.ts';
import { HEALTHY } from './testing/modelled-source.ts';

const GIGABYTE = 1024 ** 3;

function closed(health: Partial<SourceHealth>, before: readonly Gate[] = [], now = 0): readonly Gate[] {
  return sourceGates({ ...HEALTHY, ...health }, before, GOVERNOR_LIMITS, now);
}

/** What closes each, what keeps it closed though it would not have closed it, what opens it. */
type Health = Partial<SourceHealth>;
const TURNS: [gate: string, over: Health, near: Health, below: Health][] = [
  [
    'log headroom',
    { retainedBytes: 8 * GIGABYTE, headroomBytes: 2 * GIGABYTE },
    { retainedBytes: 7 * GIGABYTE, headroomBytes: 3 * GIGABYTE },
    { retainedBytes: 5 * GIGABYTE, headroomBytes: 5 * GIGABYTE },
  ],
  [
    'replica lag',
    { replicaLagMilliseconds: 31_000 },
    { replicaLagMilliseconds: 20_000 },
    { replicaLagMilliseconds: 14_000 },
  ],
  [
    'replica lag',
    { replicaLagBytes: 2 * GIGABYTE },
    { replicaLagBytes: 0.8 * GIGABYTE },
    { replicaLagBytes: 0.4 * GIGABYTE },
  ],
  ['active sessions', { activeSessions: 40 }, { activeSessions: 30 }, { activeSessions: 20 }],
  [
    'oldest snapshot',
    { oldestSnapshotAge: 60_000_000 },
    { oldestSnapshotAge: 45_000_000 },
    { oldestSnapshotAge: 30_000_000 },
  ],
];

describe('gates by the health of the source', () => {
  test.each(TURNS)('%s: closes, stays closed a little below its limit, opens', (gate, over, near, below) => {
    expect(closed(near)).toEqual([]);
    const first = closed(over, [], 5);
    expect(first).toEqual([expect.objectContaining({ gate, owner: 'source', since: 5 })]);
    const then = closed(near, first, 9);
    expect(then).toEqual([expect.objectContaining({ gate, since: 5 })]);
    expect(then[0]?.reason).not.toBe(first[0]?.reason);
    expect(closed(below, then, 12)).toEqual([]);
  });

  test('locks: one who waits for us is enough', () => {
    const gates = closed({ blockedByUs: 1 });
    expect(gates.map(({ reason }) => reason)).toEqual(['1 sessions at the source wait for a lock of ours']);
    expect(closed({ blockedByUs: 0 }, gates)).toEqual([]);
  });

  test('what the source does not tell is no reason to stop', () => {
    const nothing = Object.fromEntries(Object.keys(HEALTHY).map((name) => [name, null]));
    expect(closed(nothing)).toEqual([]);
    expect(closed({ activeSessions: 10_000, processors: null })).toEqual([]);
  });

  test('without any log kept for us yet, an endless headroom is no reason, an empty one is', () => {
    expect(closed({ retainedBytes: null, headroomBytes: GIGABYTE })).toEqual([]);
    expect(closed({ retainedBytes: 0, headroomBytes: 0 })).toEqual([]);
    expect(closed({ retainedBytes: GIGABYTE, headroomBytes: -1 })).toHaveLength(1);
  });

  test('what would close an open gate never opens a closed one', () => {
    const health = fc.record({
      retainedBytes: fc.nat(1000),
      headroomBytes: fc.nat(1000),
      replicaLagMilliseconds: fc.nat(60_000),
      activeSessions: fc.nat(80),
      blockedByUs: fc.nat(2),
      oldestSnapshotAge: fc.nat(100_000_000),
    });
    fc.assert(
      fc.property(health, health, (earlier, later) => {
        const names = closed(later).map(({ gate }) => gate);
        const kept = closed(later, closed(earlier)).map(({ gate }) => gate);
        expect(kept).toEqual(expect.arrayContaining(names));
        for (const gate of kept) {
          expect([...names, ...closed(earlier).map((each) => each.gate)]).toContain(gate);
        }
      }),
    );
  });
});
