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
/**
 * All chunks of a run that are open at once are so much of its rate's time: little enough to stop soon and to see a new
 * rate at once, enough to be worth a transaction each.
 */
const CHUNK_MILLISECONDS = 1_000;
const LEAST_CHUNK_BYTES = 64 * 1024;
/** What one reader decodes with ease: a lower rate needs no second one, which would only halve the chunks. */
const READER_BYTES_PER_SECOND = 16 * 1024 ** 2;
/** Who waited so lately counts as throttled, so that the word does not flicker between two batches. */
const THROTTLED_MILLISECONDS = 5_000;

/**
 * How one run (or a first read, or a verification) reads the source. All its tables use the same pace. Per chunk:
 * `reader`, then `take` per decoded batch, then give the reader back. To read the same chunk again, give it back first.
 * Who counts readers otherwise calls `pass` before each chunk instead.
 *
 * A rate holds within 1.25 seconds: over any time `t`, however short, no more is read than `rate × (t + 1.25 s)` (what was
 * saved up, and the open chunks), as far as chunks are as large as `chunkBytes` asks. A rate that is set while chunks are
 * open holds from the next one on, and what those still bring costs no more time than a chunk of the new size.
 */
export class Pace {
  readonly token: string;
  readonly #source: SourceShare;
  readonly #own: Bucket;
  #meter = new Meter();
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

  /** By its own limits alone. */
  get ownReaders(): number {
    const { readers, bytesPerSecond } = this.#asked.throttle;
    const useful = bytesPerSecond === null ? Infinity : Math.ceil(bytesPerSecond / READER_BYTES_PER_SECOND);
    return Math.min(readers ?? Infinity, Math.max(1, useful));
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
    const rate = this.#asked.throttle.bytesPerSecond ?? Infinity;
    // What was read at another rate is no speed to show any more.
    if (rate !== this.#own.rate) this.#meter = new Meter();
    this.#own.rate = rate;
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
   * `openedFor`: what `chunkBytes` said when the chunk was opened, if it was cut by that.
   */
  async take(bytes: number, signal: AbortSignal, openedFor = 0): Promise<void> {
    signal.throwIfAborted();
    this.#meter.add(bytes);
    // What a lower rate of its own came too late for is no reason to stand still; the source is spared all of it.
    const own = this.#own.charge(bytes * Math.min(1, this.#ownChunkBytes / openedFor));
    const shared = this.#source.bucket.charge(bytes);
    await this.#using(async () => {
      if (this.#closed() === null) await this.#paid(own, shared, signal, LONGEST_TAKE_MILLISECONDS);
    });
  }

  /** How large the next chunk may be, of rows as decoded, at the present rate. Infinity: as large as serves the source. */
  chunkBytes(): number {
    const shared = (this.#source.bucket.rate * CHUNK_MILLISECONDS) / 1000;
    const bytes = Math.min(this.#ownChunkBytes, shared) / Math.max(1, this.readers);
    return Math.max(LEAST_CHUNK_BYTES, Math.round(bytes));
  }

  /** All its chunks that are open at once, by its own rate. */
  get #ownChunkBytes(): number {
    const { bytesPerSecond } = this.#asked.throttle;
    // At a rate of 0 no chunk is opened; what is open ends as it would in any pause.
    if (bytesPerSecond === null || bytesPerSecond === 0) return Infinity;
    return Math.max(LEAST_CHUNK_BYTES, (bytesPerSecond * CHUNK_MILLISECONDS) / 1000);
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
