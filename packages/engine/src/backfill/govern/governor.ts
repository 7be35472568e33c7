import type { Logger, SourceHealth, SourceProbe } from '@brimful/connector';
import type { Throttle } from '@brimful/model';
import { Bell } from '../../flow/bell.ts';
import { sleep } from '../../flow/pause-gate.ts';
import type { Sleep } from './bucket.ts';
import { Bucket } from './bucket.ts';
import type { Gate } from './gates.ts';
import type { Hold } from './hold.ts';
import type { Law, Signal } from './law.ts';
import { bytesPerSecond, ceilingOf, firstLaw, govern, isCareful } from './law.ts';
import type { GovernorLimits } from './limits.ts';
import { GOVERNOR_LIMITS } from './limits.ts';
import { Pace } from './pace.ts';
import { ProbeKeeper } from './probe-keeper.ts';
import { lookUpMilliseconds } from './pulse.ts';
import { ReaderPlaces } from './reader-places.ts';

/** How often readings are taken and the law is applied. */
const LOOK_MILLISECONDS = 250;
/** Look-ups of so long ago are not now. */
const LOOK_UPS_MILLISECONDS = 3_000;
/** A lag that was not told again for so long is not known any more. */
const LAG_MILLISECONDS = 10_000;

export interface GovernorOptions {
  readonly now: () => number;
  readonly log: Logger;
  /** Opens the source's probe; called when somebody begins to read, and again when it is lost. Without one we go carefully. */
  readonly openProbe?: () => Promise<SourceProbe>;
  readonly limits?: GovernorLimits;
  readonly sleep?: Sleep;
}

/** What the governor does and why. Plain data, for people and UI. Times are milliseconds since 1970. */
export interface GovernorStatus {
  readonly at: number;
  /** Read now by all runs together, rows as decoded; what they may; what the stream takes. */
  readonly bytesPerSecond: number;
  readonly ceilingBytesPerSecond: number;
  readonly streamedBytesPerSecond: number;
  readonly readers: number;
  /** Largest signal over its limit, smoothed: below 0.4 the ceiling grows, from 0.7 it falls. Null: nothing is known. */
  readonly u: number | null;
  readonly signals: readonly Signal[];
  /** 90th percentile of a look-up now, and while nothing was read. Null: not known; also when look-ups fail. */
  readonly lookUpMilliseconds: number | null;
  readonly baselineMilliseconds: number | null;
  /** As the source said last, and when. */
  readonly health: SourceHealth | null;
  readonly healthAt: number | null;
  /** Whether the source's load is known. `unknown`: it is read carefully, or not at all. */
  readonly probe: 'heard' | 'unknown' | 'not needed';
  /** Closed for all runs; empty: open. */
  readonly gates: readonly Gate[];
  /** Since when it is open, or closed. */
  readonly since: number;
  readonly paces: readonly PaceStatus[];
}

interface PaceStatus extends Hold {
  readonly token: string;
  readonly bytesPerSecond: number;
  readonly throttle: Throttle;
  readonly openReaders: number;
}

/**
 * Keeps a source well while it is read: one per source, shared by first reads, runs and verifications.
 *
 * Policy. **Gates** stop reading, each with a reason and an owner; any one is enough: people (a run's pause, all runs'),
 * the clock (a run's window), our machine (disk), the source (log it keeps for us, replicas, sessions at work, old snapshots,
 * sessions that wait for our locks) and silence (no reading of the probe). They close before anything is full, and open
 * again only well below. An open chunk is finished; none is opened.
 *
 * **Steering** never stops. It asks for one thing: that the application's look-ups take at most 2 ms longer than without
 * us, or three times as long. `u` is the most strained signal over its limit: below 0.4 the ceiling grows by a quarter
 * or doubles, up to 0.7 it stays, above it falls by a seventh, and from 1 by half. Each step is heard before the next: about
 * one a second. It remembers which rate was borne and which was not, grows no rate that nobody uses, and waits longer
 * before growing than before falling. Another reader comes only where the rate is more than the readers there can use.
 * What look-ups take without us is learned whenever we do not read; if that never happens, we stop for two seconds every
 * five minutes, and also when the source is strained although we hardly read: then it is not us.
 *
 * While the probe says that **nobody else was at work** for some seconds, look-ups may take a tenth of a second, and
 * reading starts near full speed. That has a ceiling of its own; as soon as somebody comes, the careful one holds again.
 *
 * **The stream goes first.** It passes no gate and no bucket. What it takes is taken from the runs' ceiling, and when it
 * falls behind they give way.
 *
 * A source transaction must not stay open because we are slow, so reading is paid for afterwards: little waiting between
 * a chunk's batches, the rest before the next chunk, and smaller chunks at lower rates.
 *
 * Not for use from several threads. Everything but `run` returns at once; memory is a few samples a second of the last
 * seconds (Invariant 9).
 */
export class Governor {
  readonly #now: () => number;
  readonly #log: Logger;
  readonly #sleep: Sleep;
  readonly #limits: GovernorLimits;
  readonly #probe: ProbeKeeper | undefined;
  readonly #paces = new Map<string, Pace>();
  readonly #bucket: Bucket;
  readonly #places: ReaderPlaces;
  readonly #opened = new Bell();
  #law: Law;
  /** Closed by people and our machine. */
  #given: readonly Gate[] = [];
  #since: number;
  #users = 0;
  /** Readings between two looks count as use, too. */
  #wasUsed = false;
  #takenUntil = 0;
  #streamedBytes = 0;
  #lag: { readonly milliseconds: number; readonly at: number } | undefined;

  constructor(options: GovernorOptions) {
    this.#now = options.now;
    this.#log = options.log;
    this.#sleep = options.sleep ?? sleep;
    this.#limits = options.limits ?? GOVERNOR_LIMITS;
    this.#probe =
      options.openProbe === undefined
        ? undefined
        : new ProbeKeeper(options.openProbe, options.log, this.#sleep);
    const now = this.#now();
    this.#law = firstLaw(now, this.#limits);
    this.#since = now;
    this.#bucket = new Bucket(bytesPerSecond(this.#law, this.#limits), this.#now, this.#sleep);
    this.#places = new ReaderPlaces(ceilingOf(this.#law).readers);
  }

  /** Looks and decides until aborted; then closes the probe and rejects with the signal's reason. Call once. */
  async run(signal: AbortSignal): Promise<never> {
    try {
      for (;;) {
        this.#look();
        await this.#sleep(LOOK_MILLISECONDS, signal);
      }
    } finally {
      await this.#probe?.[Symbol.asyncDispose]();
    }
  }

  /** The pace of a run, a first read or a verification; the same for the same token. `forget` it at the end. */
  pace(token: string): Pace {
    const known = this.#paces.get(token);
    if (known !== undefined) return known;
    const pace = new Pace(token, this.#share);
    this.#paces.set(token, pace);
    return pace;
  }

  forget(token: string): void {
    this.#paces.delete(token);
  }

  /** Live: holds for those who wait at once. 0 pauses. */
  setThrottle(token: string, throttle: Throttle): void {
    this.pace(token).ask({ throttle });
  }

  /** Pauses one run, with who and why for people; null: go on. */
  setPause(token: string, reason: string | null): void {
    this.pace(token).ask({ pause: reason });
  }

  /** Closes one run's window, with until when; null: it is open. */
  setWindow(token: string, reason: string | null): void {
    this.pace(token).ask({ window: reason });
  }

  /** Closes a gate for all runs on the source (`all runs` by a person, `disk` by our machine); null: opens it. */
  setGate(gate: string, owner: 'operator' | 'machine', reason: string | null): void {
    const before = this.#given.find((given) => given.gate === gate);
    const others = this.#given.filter((given) => given !== before);
    const since = before?.since ?? this.#now();
    this.#change(() => {
      this.#given = reason === null ? others : [...others, { gate, owner, reason, since }];
    });
  }

  /** Bytes the stream brought: they count, and are never held. */
  noteStreamed(bytes: number): void {
    this.#streamedBytes += bytes;
  }

  /** How far the stream is behind its source. Call every few seconds while it is known. */
  noteLag(milliseconds: number): void {
    this.#lag = { milliseconds, at: this.#now() };
  }

  status(): GovernorStatus {
    const law = this.#law;
    return {
      at: law.at,
      bytesPerSecond: law.usedBytesPerSecond,
      ceilingBytesPerSecond: this.#bucket.rate,
      streamedBytesPerSecond: law.streamedBytesPerSecond,
      readers: ceilingOf(law).readers,
      u: law.u,
      signals: law.signals,
      lookUpMilliseconds: finite(lookUpMilliseconds(law.pulse, law.at - LOOK_UPS_MILLISECONDS)),
      baselineMilliseconds: law.pulse.baseline,
      health: law.health,
      healthAt: law.healthAt,
      probe: law.probedSince === null ? 'not needed' : isCareful(law) ? 'unknown' : 'heard',
      gates: this.#gates,
      since: this.#since,
      paces: [...this.#paces.values()].map((pace) => ({
        token: pace.token,
        ...pace.held(),
        bytesPerSecond: pace.bytesPerSecond,
        throttle: pace.asked.throttle,
        openReaders: this.#places.heldBy(pace),
      })),
    };
  }

  get #gates(): readonly Gate[] {
    return [...this.#given, ...this.#law.gates];
  }

  #look(): void {
    const now = this.#now();
    const isUsed = this.#wasUsed || this.#users > 0;
    this.#wasUsed = false;
    const readings = this.#probe?.take(now, isUsed) ?? [];
    const takenBytes = this.#bucket.due - this.#takenUntil;
    this.#takenUntil = this.#bucket.due;
    const streamedBytes = this.#streamedBytes;
    this.#streamedBytes = 0;
    const lag = this.#lag !== undefined && now - this.#lag.at < LAG_MILLISECONDS ? this.#lag : undefined;
    this.#change(() => {
      this.#law = govern(
        this.#law,
        {
          now,
          isProbed: this.#probe?.isNeeded(now) ?? false,
          readings,
          takenBytes,
          waited: this.#bucket.takeWaited(),
          streamedBytes,
          streamLagMilliseconds: lag?.milliseconds ?? null,
        },
        this.#limits,
      );
    });
    this.#bucket.rate = bytesPerSecond(this.#law, this.#limits);
    this.#places.limit = ceilingOf(this.#law).readers;
    for (const pace of this.#paces.values()) pace.measure(now);
  }

  /** Tells the log what opened and closed, and those who wait. */
  #change(change: () => void): void {
    const before = this.#gates;
    const wasListening = this.#law.listeningSince !== null;
    change();
    const after = this.#gates;
    const isIn = (gates: readonly Gate[], { gate }: Gate): boolean =>
      gates.some((each) => each.gate === gate);
    for (const gate of after) if (!isIn(before, gate)) this.#log.info(gate, 'reading the source stops');
    for (const gate of before) if (!isIn(after, gate)) this.#log.info(gate, 'no reason to stop any more');
    if (before.length > 0 !== after.length > 0) this.#since = this.#now();
    const isListening = this.#law.listeningSince !== null;
    if (after.length < before.length || (wasListening && !isListening)) this.#opened.ring();
  }

  readonly #share = ((governor: Governor) => ({
    get law(): Law {
      return governor.#law;
    },
    get gates(): readonly Gate[] {
      return governor.#gates;
    },
    get bucket(): Bucket {
      return governor.#bucket;
    },
    get places(): ReaderPlaces {
      return governor.#places;
    },
    get readers(): number {
      return ceilingOf(governor.#law).readers;
    },
    opened: governor.#opened,
    now: () => governor.#now(),
    sleep: (milliseconds: number, signal: AbortSignal) => governor.#sleep(milliseconds, signal),
    use: () => governor.#use(),
  }))(this);

  #use(): () => void {
    this.#users += 1;
    this.#wasUsed = true;
    return () => {
      this.#users -= 1;
    };
  }
}

/** A look-up that failed is endless. */
function finite(value: number | null): number | null {
  return value !== null && Number.isFinite(value) ? value : null;
}
