import type { SourceHealth } from '@brimful/connector';
import type { GovernorLimits } from './limits.ts';

/** Something that is closed. Reading stops while one is, whatever the rate. */
export interface Gate {
  readonly gate: string;
  /** Whom to turn to: a person, the source, this machine, or the governor itself. */
  readonly owner: 'operator' | 'source' | 'machine' | 'governor';
  /** For people, with the values that closed it. */
  readonly reason: string;
  /** Milliseconds since 1970. */
  readonly since: number;
}

/** One value of the source's health that closes a gate above a limit and opens it well below. Pure. */
interface Rule {
  readonly gate: string;
  /** Null: not known at this source, and so no reason to stop. */
  value(health: SourceHealth): number | null;
  limit(limits: GovernorLimits, health: SourceHealth): number;
  /** Part of the limit at which it opens again, so that it does not flutter. */
  readonly opensAt: number;
  reason(value: number, limit: number): string;
}

const RULES: readonly Rule[] = [
  {
    gate: 'log headroom',
    // Of all the log the source would keep for us, what is kept already.
    value: ({ retainedBytes, headroomBytes }) => {
      if (headroomBytes === null) return null;
      const kept = Math.max(0, retainedBytes ?? 0);
      return kept / Math.max(1, kept + Math.max(0, headroomBytes));
    },
    limit: ({ headroomShare }) => 1 - headroomShare,
    opensAt: 0.8,
    reason: (value, limit) =>
      `the source keeps ${percent(value)} of the log it would keep for us, limit ${percent(limit)}; the stream goes first until it has caught up`,
  },
  {
    gate: 'replica lag',
    value: ({ replicaLagMilliseconds }) => replicaLagMilliseconds,
    limit: ({ replicaLagMilliseconds }) => replicaLagMilliseconds,
    opensAt: 0.5,
    reason: (value, limit) =>
      `the slowest replica is ${seconds(value)} behind its source, limit ${seconds(limit)}`,
  },
  {
    gate: 'replica lag',
    value: ({ replicaLagBytes }) => replicaLagBytes,
    limit: ({ replicaLagBytes }) => replicaLagBytes,
    opensAt: 0.5,
    reason: (value, limit) =>
      `the slowest replica is ${megabytes(value)} of log behind its source, limit ${megabytes(limit)}`,
  },
  {
    gate: 'active sessions',
    value: ({ activeSessions }) => activeSessions,
    limit: (limits, { processors }) => {
      if (limits.activeSessions !== null) return limits.activeSessions;
      if (processors === null) return Infinity;
      return processors * limits.activeSessionsPerProcessor * limits.activeSessionsGateFactor;
    },
    opensAt: 0.7,
    reason: (value, limit) => `${value} sessions are at work at the source, limit ${limit}`,
  },
  {
    gate: 'oldest snapshot',
    value: ({ oldestSnapshotAge }) => oldestSnapshotAge,
    limit: ({ oldestSnapshotAge }) => oldestSnapshotAge,
    opensAt: 0.8,
    reason: (value, limit) =>
      `a transaction at the source has kept its snapshot for ${count(value)} transactions, limit ${count(limit)}; what we read would keep more dead rows alive`,
  },
  {
    gate: 'locks',
    value: ({ blockedByUs }) => blockedByUs,
    limit: ({ blockedByUs }) => blockedByUs,
    opensAt: 1,
    reason: (value) => `${count(value)} sessions at the source wait for a lock of ours`,
  },
];

/** Which gates are closed by the source's health, given which were. */
export function sourceGates(
  health: SourceHealth,
  closed: readonly Gate[],
  limits: GovernorLimits,
  now: number,
): readonly Gate[] {
  const gates = new Map<string, Gate>();
  for (const rule of RULES) {
    const value = rule.value(health);
    if (value === null) continue;
    const before = closed.find(({ gate }) => gate === rule.gate);
    const limit = rule.limit(limits, health);
    if (value <= limit * (before === undefined ? 1 : rule.opensAt)) continue;
    if (gates.has(rule.gate)) continue;
    const reason = rule.reason(value, limit);
    gates.set(rule.gate, { gate: rule.gate, owner: 'source', reason, since: before?.since ?? now });
  }
  return [...gates.values()];
}

function percent(share: number): string {
  return `${Math.round(share * 100)} %`;
}

export function seconds(milliseconds: number): string {
  return `${(milliseconds / 1000).toFixed(milliseconds < 10_000 ? 1 : 0)} s`;
}

export function megabytes(bytes: number): string {
  const value = bytes / 1024 ** 2;
  return `${value < 10 ? value.toFixed(1) : Math.round(value)} MB`;
}

function count(value: number): string {
  return Math.round(value).toLocaleString('en-US');
}
