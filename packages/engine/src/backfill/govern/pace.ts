import { NO_THROTTLE } from '@brimful/model';
import type { Bell } from '../../flow/bell.ts';
import { Meter } from '../../flow/meter.ts';
import { untilAborted } from '../../flow/pause-gate.ts';
import type { Sleep } from './bucket.ts';
import { Bucket } from './bucket.ts';
import type { Gate } from './gates.ts';
import type { Asked, Hold } from './hold.ts';
import { closedBy, holdOf } from './hold.ts';
import type { Law } from './law.ts';
import type { ReaderPlaces } from './reader-places.ts';

/** What all paces of a source share. */
export interface SourceShare {
  readonly law: Law;
  /** Closed for everybody. */
  readonly gates: readonly Gate[];
  readonly bucket: Bucket;
  readonly places: ReaderPlaces;
  readonly readers: number;
  /** Rings when something opened that was closed. */
  readonly opened: Bell;
  now(): number;
  readonly sleep: Sleep;
  /** Somebody begins to wait or to read. The result says that it ended. */
  use(): () => void;
}

/** A chunk's source transaction is open meanwhile; what is still owed is waited for before the next one. */
const LONGEST_TAKE_MILLISECONDS = 1_000;
/** What to ask for next: little enough to stop soon, enough to be worth a transaction. */
const CHUNK_MILLISECONDS = 1_500;
const LEAST_CHUNK_BYTES = 64 * 1024;
const MOST_CHUNK_BYTES = 16 * 1024 ** 2;
/** Who waited so lately counts as throttled, so that the word does not flicker between two batches. */
const THROTTLED_MILLISECONDS = 5_000;

/**
 * How one run (or a first read, or a verification) reads the source. All its tables use the same pace. Per chunk:
 * `reader`, then `take` per decoded batch, then give the reader back. To read the same chunk again, give it back first.
 * Who counts readers otherwise calls `pass` before each chunk instead.
 */
export class Pace {
  readonly token: string;
  readonly #source: SourceShare;
  readonly #own: Bucket;
  readonly #meter = new Meter();
  /** Asked for by people and the clock; may change at any time. */
  #asked: Asked = { throttle: NO_THROTTLE, pause: null, window: null };
  #ownWaitedAt = -Infinity;
  #sharedWaitedAt = -Infinity;
  #bytesPerSecond = 0;

  constructor(token: string, source: SourceShare) {
    this.token = token;
    this.#source = source;
    this.#own = new Bucket(Infinity, source.now, source.sleep);
  }

  /** Chunks that may be open at once by its own limit and the source's; others' open chunks not counted. */
  get readers(): number {
    return Math.min(this.ownReaders, this.#source.readers);
  }

  /** By its own limit alone. */
  get ownReaders(): number {
    return this.#asked.throttle.readers ?? Infinity;
  }

  /** Of rows as decoded, over about the last ten seconds. */
  get bytesPerSecond(): number {
    return this.#bytesPerSecond;
  }

  get asked(): Asked {
    return this.#asked;
  }

  /** Holds at once, also for those who wait. */
  ask(change: Partial<Asked>): void {
    this.#asked = { ...this.#asked, ...change };
    this.#own.rate = this.#asked.throttle.bytesPerSecond ?? Infinity;
    this.#source.opened.ring();
    this.#source.places.admit();
  }

  /**
   * Waits as `pass` does, and for one of the places that all runs share. Call the result when the chunk is closed. Nobody
   * holds a place while waiting for anything else, so a run that is held never holds up another.
   */
  reader(signal: AbortSignal): Promise<() => void> {
    return this.#using(async () => {
      for (;;) {
        await this.#passed(signal);
        const release = await this.#source.places.take(this, signal);
        if (this.#closed() === null) return release;
        release();
      }
    });
  }

  /**
   * Waits before a chunk is opened: until nothing is closed and everything read so far is paid for. However long it
   * takes; rejects with the signal's reason.
   */
  async pass(signal: AbortSignal): Promise<void> {
    await this.#using(() => this.#passed(signal));
  }

  /**
   * Charges what was read (rows as decoded) and waits for it a little: at most `LONGEST_TAKE_MILLISECONDS`, for the
   * chunk's transaction is open at the source. What is closed meanwhile does not hold an open chunk: it ends it soonest.
   */
  async take(bytes: number, signal: AbortSignal): Promise<void> {
    signal.throwIfAborted();
    this.#meter.add(bytes);
    const own = this.#own.charge(bytes);
    const shared = this.#source.bucket.charge(bytes);
    await this.#using(async () => {
      if (this.#closed() === null) await this.#paid(own, shared, signal, LONGEST_TAKE_MILLISECONDS);
    });
  }

  /** How large the next chunk should be: of rows as decoded, a second or two at the present rate. */
  chunkBytes(): number {
    const rate = Math.min(this.#asked.throttle.bytesPerSecond ?? Infinity, this.#source.bucket.rate);
    const bytes = (rate * CHUNK_MILLISECONDS) / 1000 / Math.max(1, this.readers);
    return Math.round(Math.max(LEAST_CHUNK_BYTES, Math.min(MOST_CHUNK_BYTES, bytes)));
  }

  /** Whether it reads freely, and if not, why. */
  held(): Hold {
    const { law, gates, bucket } = this.#source;
    const isRecent = (at: number): boolean => this.#source.now() - at < THROTTLED_MILLISECONDS;
    return holdOf({
      ...this.#asked,
      gates,
      law,
      isOwnRateUsed: this.#own.debt > 0 || isRecent(this.#ownWaitedAt),
      isSharedRateUsed: bucket.debt > 0 || isRecent(this.#sharedWaitedAt),
      sharedBytesPerSecond: bucket.rate,
    });
  }

  /** Call about once a second, for `bytesPerSecond`. */
  measure(now: number): void {
    this.#bytesPerSecond = this.#meter.perSecond(now);
  }

  #closed(): Hold | null {
    const { law, gates } = this.#source;
    return closedBy({ ...this.#asked, gates, law });
  }

  async #passed(signal: AbortSignal): Promise<void> {
    signal.throwIfAborted();
    for (;;) {
      while (this.#closed() !== null) await untilAborted(this.#source.opened.next, signal);
      await this.#paid(this.#own.due, this.#source.bucket.due, signal, Infinity);
      if (this.#closed() === null) return;
    }
  }

  async #paid(own: number, shared: number, signal: AbortSignal, atMost: number): Promise<void> {
    const { bucket, now } = this.#source;
    const from = now();
    await this.#own.paid(own, signal, atMost);
    const between = now();
    if (between > from) this.#ownWaitedAt = between;
    await bucket.paid(shared, signal, atMost - Math.max(0, between - from));
    if (now() > between) this.#sharedWaitedAt = now();
  }

  async #using<T>(work: () => Promise<T>): Promise<T> {
    const ended = this.#source.use();
    try {
      return await work();
    } finally {
      ended();
    }
  }
}
