import type { ProbeReading, SourceHealth, SourceProbe } from '@brimful/connector';
import { SeededRandom } from '../../../testing/scheduler.ts';
import type { Pace } from '../pace.ts';
import type { VirtualClock } from './virtual-clock.ts';

export const HEALTHY: SourceHealth = {
  position: '1000',
  retainedBytes: 0,
  headroomBytes: null,
  replicaLagBytes: null,
  replicaLagMilliseconds: null,
  activeSessions: 0,
  processors: 4,
  blockedByUs: 0,
  oldestSnapshotAge: 0,
};

/** What four readers get together from the idle source, and one alone. */
export const FULL_BYTES_PER_SECOND = 400 * 1024 ** 2;
const READER_BYTES_PER_SECOND = 100 * 1024 ** 2;
const STEP_MILLISECONDS = 20;
const BATCH_BYTES = 4 * 1024 ** 2;
/** Where no rate asks for less. */
const CHUNK_BYTES = 16 * 1024 ** 2;
/** A look-up on the idle source, and the way there and back. */
const SERVICE_MILLISECONDS = 0.3;
const NETWORK_MILLISECONDS = 0.2;
const MOST_USED = 0.98;
/** Of an outlier, mean: a checkpoint, a vacuum, a neighbour on the same machine. */
const OUTLIER_MILLISECONDS = 8;
const LOOK_UP_MILLISECONDS = 100;
const HEALTH_EVERY = 10;

/** A server whose look-ups take longer the more there is to do, like a queue; an application that comes and goes. */
export class ModelledSource {
  /** Part of the server that the application takes. */
  application = 0;
  /** Part of the look-ups that take long whoever reads. */
  outliers = 0;
  /** Everything else the probe tells. */
  health: Partial<SourceHealth> = {};
  isProbeSilent = false;
  readBytes = 0;
  /** The application's own look-ups, in milliseconds. */
  lookUps: number[] = [];
  /** Opens and closes of the probe. */
  opened = 0;
  openProbes = 0;
  readonly #clock: VirtualClock;
  readonly #random: SeededRandom;
  #readers = 0;

  constructor(clock: VirtualClock, seed: number) {
    this.#clock = clock;
    this.#random = new SeededRandom(seed);
  }

  readonly openProbe = async (): Promise<SourceProbe> => {
    this.opened += 1;
    this.openProbes += 1;
    let readings: ProbeReading[] = [];
    const stop = new AbortController();
    const measuring = this.#measure((reading) => readings.push(reading), stop.signal);
    measuring.catch(() => undefined);
    return {
      take: () => {
        const taken = readings;
        readings = [];
        return taken;
      },
      [Symbol.asyncDispose]: async () => {
        stop.abort();
        this.openProbes -= 1;
        await Promise.allSettled([measuring]);
      },
    };
  };

  /** The application at work, until aborted. */
  async live(signal: AbortSignal): Promise<void> {
    for (;;) {
      await this.#clock.sleep(STEP_MILLISECONDS, signal);
      for (let each = 0; each < 4; each += 1) this.lookUps.push(this.#lookUp());
    }
  }

  /** One reader of a run, until aborted. */
  async backfill(pace: Pace, signal: AbortSignal): Promise<void> {
    for (;;) {
      const release = await pace.reader(signal);
      try {
        await this.#chunk(pace, pace.chunkBytes(), signal);
      } finally {
        release();
      }
    }
  }

  async #chunk(pace: Pace, chunkBytes: number, signal: AbortSignal): Promise<void> {
    for (let left = Math.min(CHUNK_BYTES, chunkBytes); left > 0; left -= BATCH_BYTES) {
      const bytes = Math.min(left, BATCH_BYTES);
      await this.#read(bytes, signal);
      await pace.take(bytes, signal, chunkBytes);
    }
  }

  async #read(bytes: number, signal: AbortSignal): Promise<void> {
    this.#readers += 1;
    try {
      for (let left = bytes; left > 0;) {
        const free = FULL_BYTES_PER_SECOND * Math.max(0.05, 1 - this.application);
        const rate = Math.min(READER_BYTES_PER_SECOND, free / this.#readers);
        const step = Math.min(STEP_MILLISECONDS, Math.max(1, (left * 1000) / rate));
        await this.#clock.sleep(step, signal);
        const read = Math.min(left, (rate * step) / 1000);
        left -= read;
        this.readBytes += read;
      }
    } finally {
      this.#readers -= 1;
    }
  }

  #lookUp(): number {
    const used = this.application + (this.#readers * READER_BYTES_PER_SECOND) / FULL_BYTES_PER_SECOND;
    const mean = SERVICE_MILLISECONDS / (1 - Math.min(MOST_USED, used));
    const look = NETWORK_MILLISECONDS - Math.log(1 - this.#random.next()) * mean;
    const isOutlier = this.outliers > 0 && this.#random.next() < this.outliers;
    return isOutlier ? look - Math.log(1 - this.#random.next()) * OUTLIER_MILLISECONDS : look;
  }

  async #measure(tell: (reading: ProbeReading) => void, signal: AbortSignal): Promise<void> {
    for (let count = 0; ; count += 1) {
      if (!this.isProbeSilent) {
        const recentSessions = this.application > 0 ? 4 : 0;
        const health = count % HEALTH_EVERY === 0 ? { ...HEALTHY, recentSessions, ...this.health } : null;
        tell({ at: this.#clock.now(), lookUpMilliseconds: this.#lookUp(), health });
      }
      await this.#clock.sleep(LOOK_UP_MILLISECONDS, signal);
    }
  }
}

export function percentile(values: readonly number[], part: number): number {
  const sorted = values.toSorted((left, right) => left - right);
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * part))] ?? 0;
}
