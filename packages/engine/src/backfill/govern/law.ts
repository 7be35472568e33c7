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
  /** Whether nobody else was at work lately; and the ceiling that holds while it is so, and while it is not. */
  readonly isIdle: boolean;
  readonly ceilings: { readonly busy: Ceiling; readonly idle: Ceiling };
  readonly busyAt: number;
  /** Since when it has been idle, or busy. */
  readonly turnedAt: number;
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
  /** When somebody last had to wait for the shared rate. */
  readonly waitedAt: number;
  /** Since when it is read without a longer pause. */
  readonly readingSince: number | null;
  readonly usedBytesPerSecond: number;
  readonly streamedBytesPerSecond: number;
  /** Since when all reading is held to hear what look-ups take without us. */
  readonly listeningSince: number | null;
  readonly listenedAt: number | null;
  /** How often, since it turned busy: the more was heard, the seldomer. */
  readonly listened: number;
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

const LOOK_UPS = 'look-ups';

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
/** While nothing is heard of the source's load: so little that a server hardly notices, whatever else it does. */
const CAREFUL_BYTES_PER_SECOND = 8 * 1024 ** 2;
/** A batch's time at the least rate we count as reading; look-ups later than this after one are not slowed by us. */
const QUIET_AFTER_MILLISECONDS = 500;
/** Beside others a baseline that was only guessed is measured soon, but a small table is read by then. */
const FIRST_LISTENING_MILLISECONDS = 3_000;
/** Percentiles of so few look-ups scatter, so it is soon done again, and then half as often each time… */
const LISTEN_SOON_MILLISECONDS = 20_000;
/** …down to two seconds in five minutes, which cost less than a per cent. */
const LISTEN_EVERY_MILLISECONDS = 5 * 60_000;
/** At the floor for so long: it is hardly us who strain the source. */
const STRAINED_MILLISECONDS = 15_000;
const LISTEN_AGAIN_MILLISECONDS = 20_000;
/** The open chunks' end and twenty look-ups; a slow probe must not hold the runs. */
const LISTEN_LIMIT_MILLISECONDS = 5_000;
/** So long after somebody was at work we go on as if somebody were: applications pause, too. */
const IDLE_AFTER_MILLISECONDS = 5_000;
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
    isIdle: false,
    ceilings: { busy: firstCeiling(false, limits), idle: firstCeiling(true, limits) },
    busyAt: -Infinity,
    turnedAt: now,
    gates: [],
    signals: [],
    u: null,
    health: null,
    healthAt: null,
    probedSince: null,
    heardAt: null,
    startedAt: now,
    takenAt: null,
    waitedAt: -Infinity,
    readingSince: null,
    usedBytesPerSecond: 0,
    streamedBytesPerSecond: 0,
    listeningSince: null,
    listenedAt: null,
    listened: 0,
    strainedSince: null,
  };
}

/** The next decision. Deterministic; call it a few times a second. */
export function govern(before: Law, intake: Intake, limits: GovernorLimits): Law {
  const heard = hear(before, intake);
  const gates = gatesOf(before, heard, limits);
  const signals = signalsOf(heard, intake, limits);
  const u = strain(heard.u, signals, isCareful(heard));
  const judged = { ...heard, gates, signals, u };
  return listening({ ...judged, ceilings: steered(judged, intake, limits) });
}

/** That which holds now. */
export function ceilingOf({ isIdle, ceilings }: Law): Ceiling {
  return isIdle ? ceilings.idle : ceilings.busy;
}

/** What may be read now, all runs together. Never 0: only gates stop. */
export function bytesPerSecond(law: Law, limits: GovernorLimits): number {
  const ceiling = ceilingOf(law).bytesPerSecond;
  const known = isCareful(law) ? Math.min(ceiling, CAREFUL_BYTES_PER_SECOND) : ceiling;
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
  const readingSince =
    sinceTaken > FORGET_MILLISECONDS ? null : (before.readingSince ?? (isRead ? now : null));
  return {
    ...before,
    ...company(before, intake),
    at: now,
    pulse: listen(before.pulse, readings, sinceTaken >= QUIET_AFTER_MILLISECONDS, now),
    probedSince: intake.isProbed ? (before.probedSince ?? now) : null,
    heardAt: readings.length === 0 ? before.heardAt : now,
    takenAt,
    waitedAt: intake.waited ? now : before.waitedAt,
    readingSince,
    usedBytesPerSecond: smoothed(before.usedBytesPerSecond, intake.takenBytes, elapsed),
    streamedBytesPerSecond: smoothed(before.streamedBytesPerSecond, intake.streamedBytes, elapsed),
  };
}

/** The source's health, and whether anybody else is there. */
function company(
  before: Law,
  { now, isProbed, readings }: Intake,
): Pick<Law, 'health' | 'healthAt' | 'isIdle' | 'busyAt' | 'turnedAt' | 'u' | 'listened'> {
  const heard = readings.findLast((reading) => reading.health !== null)?.health ?? null;
  // What an earlier probe saw is nobody's health now.
  const health = heard ?? (isProbed ? before.health : null);
  const isBusy = readings.some((reading) => (reading.health?.recentSessions ?? 0) > 0);
  const busyAt = isBusy ? now : before.busyAt;
  const isIdle = health?.recentSessions === 0 && now - busyAt >= IDLE_AFTER_MILLISECONDS;
  const isTurned = isIdle !== before.isIdle;
  return {
    health,
    healthAt: health === null ? null : heard === null ? before.healthAt : now,
    isIdle,
    busyAt,
    turnedAt: isTurned ? now : before.turnedAt,
    // How near one limit it was says nothing about the other one.
    u: isTurned ? null : before.u,
    listened: isTurned ? 0 : before.listened,
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
  const value = lookUpMilliseconds(law.pulse, Math.max(law.turnedAt, settledAt(ceilingOf(law))));
  const limit = lookUpLimit(law.pulse, law.isIdle, limits);
  if (value !== null && limit !== null) signals.push({ name: LOOK_UPS, value, limit, unit: 'ms' });
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
  const present = Math.max(...signals.map(part));
  if (before === null) return present;
  // Just after a change there are too few look-ups to tell; what is not known is no relief.
  if (present <= before && !areLookUpsKnown(signals)) return before;
  return before + (present - before) * (present > before ? RISE_WEIGHT : FALL_WEIGHT);
}

function part({ value, limit }: Signal): number {
  return Math.min(MOST_STRAIN, value / Math.max(limit, 1e-9));
}

function areLookUpsKnown(signals: readonly Signal[]): boolean {
  return signals.some(({ name }) => name === LOOK_UPS);
}

function steered(law: Law, intake: Intake, limits: GovernorLimits): Law['ceilings'] {
  const { now } = intake;
  const { ceilings, isIdle, usedBytesPerSecond, u } = law;
  if (law.takenAt === null || now - law.takenAt > FORGET_MILLISECONDS)
    return { busy: firstCeiling(false, limits), idle: firstCeiling(true, limits) };
  // What look-ups take while all is held says nothing about the ceiling.
  if (u === null || law.listeningSince !== null) return ceilings;
  // What the last step did is to be heard before the next one, unless something else asks for less.
  const isKnown = areLookUpsKnown(law.signals) || law.signals.some((signal) => part(signal) >= SHED_FROM);
  if (!isKnown) return ceilings;
  // Strain that is only remembered was of the rate before the last step: no reason to shed once more, nor to grow yet.
  if (u >= SHED_FROM && law.signals.every((signal) => part(signal) < SHED_FROM)) return ceilings;
  const isUsed = intake.waited && usedBytesPerSecond >= bytesPerSecond(law, limits) * USED_SHARE;
  const next = steer(ceilingOf(law), { now, u, usedBytesPerSecond, isUsed, waitedAt: law.waitedAt }, limits);
  return isIdle ? { ...ceilings, idle: next } : { ...ceilings, busy: next };
}

/** Begins and ends the moments in which nothing is read, so that the baseline is what look-ups take without us. */
function listening(law: Law): Law {
  const { at: now, pulse, listeningSince: since } = law;
  const isAtFloor = ceilingOf(law).bytesPerSecond <= FLOOR_BYTES_PER_SECOND;
  const isStrained = isAtFloor && law.u !== null && law.u >= SHED_FROM;
  const strainedSince = isStrained ? (law.strainedSince ?? now) : null;
  if (since !== null) {
    const isOver =
      now - since >= LISTEN_LIMIT_MILLISECONDS || (pulse.learnedAt ?? 0) > since || isCareful(law);
    return isOver
      ? { ...law, strainedSince, listeningSince: null, listenedAt: now, listened: law.listened + 1 }
      : { ...law, strainedSince };
  }
  return { ...law, strainedSince, listeningSince: isListeningDue({ ...law, strainedSince }) ? now : null };
}

function isListeningDue({ at: now, pulse, readingSince, listenedAt, strainedSince, ...law }: Law): boolean {
  if (readingSince === null || law.heardAt === null || law.probedSince === null) return false;
  // Nobody is hurt by a limit that is too wide.
  if (law.isIdle) return false;
  if (now - law.heardAt >= CAREFUL_MILLISECONDS) return false;
  const isSoonAfter =
    now - Math.max(listenedAt ?? -Infinity, pulse.learnedAt ?? -Infinity) < LISTEN_AGAIN_MILLISECONDS;
  if (isSoonAfter) return false;
  if (strainedSince !== null && now - strainedSince >= STRAINED_MILLISECONDS) return true;
  if (pulse.learnedAt === null) return now - readingSince >= FIRST_LISTENING_MILLISECONDS;
  const every = Math.min(LISTEN_EVERY_MILLISECONDS, LISTEN_SOON_MILLISECONDS * 2 ** (law.listened - 1));
  return now - pulse.learnedAt >= every;
}
