import type { ProbeReading, SourceHealth } from '@brimful/connector';
import type { Ceiling } from './ceiling.ts';
import { FLOOR_BYTES_PER_SECOND, SHED_FROM, firstCeiling, settledAt, steer } from './ceiling.ts';
import type { Gate } from './gates.ts';
import { seconds, sourceGates } from './gates.ts';
import type { GovernorLimits } from './limits.ts';
import type { Pulse } from './pulse.ts';
import { FIRST_PULSE, listen, lookUpLimit, lookUpMilliseconds } from './pulse.ts';

/** What the governor knows and has decided. Plain data; `govern` makes the next from it. */
export interface Law {
  readonly at: number;
  readonly pulse: Pulse;
  readonly ceiling: Ceiling;
  /** Closed by the source or by its silence; open while empty. */
  readonly gates: readonly Gate[];
  readonly signals: readonly Signal[];
  /** The largest signal over its limit, smoothed. Null: nothing is known of the source now. */
  readonly u: number | null;
  readonly health: SourceHealth | null;
  readonly healthAt: number | null;
  /** Since when a probe is expected to tell something, and when it last did. */
  readonly probedSince: number | null;
  readonly heardAt: number | null;
  readonly startedAt: number;
  readonly takenAt: number | null;
  /** Since when it is read without a longer pause. */
  readonly readingSince: number | null;
  readonly usedBytesPerSecond: number;
  readonly streamedBytesPerSecond: number;
  /** Since when all reading is held to hear what look-ups take without us. */
  readonly listeningSince: number | null;
  readonly listenedAt: number | null;
  /** Since when the source is strained although we read at the floor. */
  readonly strainedSince: number | null;
}

/** One thing that is steered by. For people too. */
export interface Signal {
  readonly name: string;
  readonly value: number;
  readonly limit: number;
  readonly unit: string;
}

/** What came in since the last decision. */
export interface Intake {
  readonly now: number;
  /** Whether a probe is open, or should be. */
  readonly isProbed: boolean;
  readonly readings: readonly ProbeReading[];
  /** Rows as decoded, all runs together. */
  readonly takenBytes: number;
  /** Whether somebody had to wait for the shared rate. */
  readonly waited: boolean;
  readonly streamedBytes: number;
  /** Null: not known (any more). */
  readonly streamLagMilliseconds: number | null;
}

/** Without a reading for so long we go carefully, and then not at all: what cannot be seen may be burning. */
const CAREFUL_MILLISECONDS = 2_000;
const STALE_MILLISECONDS = 15_000;
/** Health comes now and then; so long without means that it does not come. */
const STALE_HEALTH_MILLISECONDS = 30_000;
/** Blind, as little as any server in use bears. */
const CAREFUL_BYTES_PER_SECOND = 8 * 1024 ** 2;
/** A batch's time at the least rate we count as reading; look-ups later than this after one are not slowed by us. */
const QUIET_AFTER_MILLISECONDS = 500;
/** A baseline that was only guessed is measured soon, but a small table is read by then. */
const FIRST_LISTENING_MILLISECONDS = 10_000;
/** One second in five minutes costs a third of a per cent. */
const LISTEN_EVERY_MILLISECONDS = 5 * 60_000;
/** At the floor for so long: it is hardly us who strain the source. */
const STRAINED_MILLISECONDS = 15_000;
const LISTEN_AGAIN_MILLISECONDS = 30_000;
/** The open chunks' end and ten look-ups; a slow probe must not hold the runs. */
const LISTEN_LIMIT_MILLISECONDS = 5_000;
/** So long unused, and a ceiling says nothing about the source any more. */
const FORGET_MILLISECONDS = 60_000;
/** Rates are known over about so long: longer than a batch at low rates lasts. */
const RATE_MILLISECONDS = 2_000;
/** Strain counts quickly, relief slowly. */
const RISE_WEIGHT = 0.6;
const FALL_WEIGHT = 0.3;
/** A look-up that fails, or never ends, counts as twice the limit. */
const MOST_STRAIN = 2;
/** A rate less than half used says nothing about itself. */
const USED_SHARE = 0.5;

export function firstLaw(now: number, limits: GovernorLimits): Law {
  return {
    at: now,
    pulse: FIRST_PULSE,
    ceiling: firstCeiling(limits),
    gates: [],
    signals: [],
    u: null,
    health: null,
    healthAt: null,
    probedSince: null,
    heardAt: null,
    startedAt: now,
    takenAt: null,
    readingSince: null,
    usedBytesPerSecond: 0,
    streamedBytesPerSecond: 0,
    listeningSince: null,
    listenedAt: null,
    strainedSince: null,
  };
}

/** The next decision. Deterministic; call it a few times a second. */
export function govern(before: Law, intake: Intake, limits: GovernorLimits): Law {
  const heard = hear(before, intake);
  const gates = gatesOf(before, heard, limits);
  const signals = signalsOf(heard, intake, limits);
  const u = strain(before.u, signals, isCareful(heard));
  const judged = { ...heard, gates, signals, u };
  const steered = { ...judged, ceiling: ceilingOf(judged, intake, limits) };
  return listening(steered);
}

/** What may be read now, all runs together. Never 0: only gates stop. */
export function bytesPerSecond(law: Law, limits: GovernorLimits): number {
  const known = isCareful(law)
    ? Math.min(law.ceiling.bytesPerSecond, CAREFUL_BYTES_PER_SECOND)
    : law.ceiling.bytesPerSecond;
  // The stream is never held; what it takes is taken from the runs.
  const rest = Math.max(FLOOR_BYTES_PER_SECOND, known - law.streamedBytesPerSecond);
  return limits.bytesPerSecond === null ? rest : Math.min(rest, limits.bytesPerSecond);
}

/** Whether too little is known of the source to go faster than any server bears. */
export function isCareful(law: Law): boolean {
  return silence(law) >= CAREFUL_MILLISECONDS;
}

/** For how long nothing was heard. */
function silence(law: Law): number {
  return law.at - Math.max(law.startedAt, law.probedSince ?? -Infinity, law.heardAt ?? -Infinity);
}

function hear(before: Law, intake: Intake): Law {
  const { now, readings } = intake;
  const elapsed = Math.max(0, now - before.at);
  const isRead = intake.takenBytes > 0;
  const takenAt = isRead ? now : before.takenAt;
  const sinceTaken = takenAt === null ? Infinity : now - takenAt;
  const last = readings.at(-1);
  const health = readings.findLast((reading) => reading.health !== null);
  const readingSince =
    sinceTaken > FORGET_MILLISECONDS ? null : (before.readingSince ?? (isRead ? now : null));
  return {
    ...before,
    at: now,
    pulse: listen(before.pulse, readings, sinceTaken >= QUIET_AFTER_MILLISECONDS, now),
    // What an earlier probe saw is nobody's health now.
    health: intake.isProbed ? (health?.health ?? before.health) : null,
    healthAt: !intake.isProbed ? null : health === undefined ? before.healthAt : now,
    probedSince: intake.isProbed ? (before.probedSince ?? now) : null,
    heardAt: last === undefined ? before.heardAt : now,
    takenAt,
    readingSince,
    usedBytesPerSecond: smoothed(before.usedBytesPerSecond, intake.takenBytes, elapsed),
    streamedBytesPerSecond: smoothed(before.streamedBytesPerSecond, intake.streamedBytes, elapsed),
  };
}

/** A rate over about `RATE_MILLISECONDS`; bytes of no time at all are as of one millisecond. */
function smoothed(rate: number, bytes: number, elapsed: number): number {
  const milliseconds = Math.max(1, elapsed);
  const kept = Math.exp(-milliseconds / RATE_MILLISECONDS);
  const next = rate * kept + (1 - kept) * ((bytes * 1000) / milliseconds);
  return next < 1 ? 0 : next;
}

function gatesOf(before: Law, law: Law, limits: GovernorLimits): readonly Gate[] {
  // Without a probe the last health is nobody's; whoever reads next opens one.
  if (law.probedSince === null) return [];
  const gates: Gate[] = [];
  const silent = silence(law);
  const healthAge = law.healthAt === null ? 0 : law.at - Math.max(law.healthAt, law.probedSince);
  if (silent >= STALE_MILLISECONDS || healthAge >= STALE_HEALTH_MILLISECONDS) {
    const since = before.gates.find(({ gate }) => gate === 'probe')?.since ?? law.at;
    const heard = silent >= STALE_MILLISECONDS ? silent : healthAge;
    const reason = `nothing was heard of the source's load for ${seconds(heard)}`;
    gates.push({ gate: 'probe', owner: 'governor', reason, since });
  }
  if (law.health !== null) gates.push(...sourceGates(law.health, before.gates, limits, law.at));
  return gates;
}

function signalsOf(law: Law, intake: Intake, limits: GovernorLimits): readonly Signal[] {
  const signals: Signal[] = [];
  const value = lookUpMilliseconds(law.pulse, settledAt(law.ceiling));
  const limit = lookUpLimit(law.pulse, limits);
  if (value !== null && limit !== null) signals.push({ name: 'look-ups', value, limit, unit: 'ms' });
  const { activeSessions, processors } = law.health ?? { activeSessions: null, processors: null };
  if (activeSessions !== null && processors !== null && processors > 0) {
    signals.push({
      name: 'active sessions',
      value: activeSessions,
      limit: processors * limits.activeSessionsPerProcessor,
      unit: 'sessions',
    });
  }
  if (intake.streamLagMilliseconds !== null) {
    signals.push({
      name: 'stream lag',
      value: intake.streamLagMilliseconds,
      limit: limits.streamLagMilliseconds,
      unit: 'ms',
    });
  }
  return signals;
}

function strain(before: number | null, signals: readonly Signal[], isBlind: boolean): number | null {
  if (signals.length === 0) return isBlind ? null : before;
  const parts = signals.map(({ value, limit }) => Math.min(MOST_STRAIN, value / Math.max(limit, 1e-9)));
  const present = Math.max(...parts);
  if (before === null) return present;
  return before + (present - before) * (present > before ? RISE_WEIGHT : FALL_WEIGHT);
}

function ceilingOf(law: Law, intake: Intake, limits: GovernorLimits): Ceiling {
  const { now } = intake;
  if (law.takenAt === null || now - law.takenAt > FORGET_MILLISECONDS) return firstCeiling(limits);
  // What look-ups take while all is held says nothing about the ceiling.
  if (law.u === null || law.listeningSince !== null) return law.ceiling;
  const { usedBytesPerSecond } = law;
  const isUsed = intake.waited && usedBytesPerSecond >= bytesPerSecond(law, limits) * USED_SHARE;
  return steer(law.ceiling, { now, u: law.u, usedBytesPerSecond, isUsed }, limits);
}

/** Begins and ends the moments in which nothing is read, so that the baseline is what look-ups take without us. */
function listening(law: Law): Law {
  const { at: now, pulse, listeningSince: since } = law;
  const isAtFloor = law.ceiling.bytesPerSecond <= FLOOR_BYTES_PER_SECOND;
  const isStrained = isAtFloor && law.u !== null && law.u >= SHED_FROM;
  const strainedSince = isStrained ? (law.strainedSince ?? now) : null;
  if (since !== null) {
    const isOver =
      now - since >= LISTEN_LIMIT_MILLISECONDS || (pulse.learnedAt ?? 0) > since || isCareful(law);
    return isOver
      ? { ...law, strainedSince, listeningSince: null, listenedAt: now }
      : { ...law, strainedSince };
  }
  return { ...law, strainedSince, listeningSince: isListeningDue({ ...law, strainedSince }) ? now : null };
}

function isListeningDue({ at: now, pulse, readingSince, listenedAt, strainedSince, ...law }: Law): boolean {
  if (readingSince === null || law.heardAt === null || law.probedSince === null) return false;
  if (now - law.heardAt >= CAREFUL_MILLISECONDS) return false;
  const isSoonAfter =
    now - Math.max(listenedAt ?? -Infinity, pulse.learnedAt ?? -Infinity) < LISTEN_AGAIN_MILLISECONDS;
  if (isSoonAfter) return false;
  if (strainedSince !== null && now - strainedSince >= STRAINED_MILLISECONDS) return true;
  if (pulse.learnedAt === null) return now - readingSince >= FIRST_LISTENING_MILLISECONDS;
  return now - pulse.learnedAt >= LISTEN_EVERY_MILLISECONDS;
}
