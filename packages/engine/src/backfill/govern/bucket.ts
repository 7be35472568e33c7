/** Waits; rejects with the signal's reason when that aborts. */
export type Sleep = (milliseconds: number, signal: AbortSignal) => Promise<void>;

/** What may be saved up while nobody takes, so that a pause is followed by a moment's work and not by a flood. */
export const BURST_MILLISECONDS = 250;
/** A rate of 0 and a far-away turn are looked at again so often, should a wake-up be lost to a clock that jumps. */
const LONGEST_NAP_MILLISECONDS = 60_000;

/**
 * Bytes a second, paid for in the order in which they were asked for. Whoever asks is charged at once and waits until
 * the rate has paid for everything up to and including its own bytes: nobody who comes later can delay it, however
 * small, and one request larger than the burst is a debt that the next ones wait for too. Over any time `t` the bytes of
 * those who were let go are at most `rate × t` + the burst + one request.
 *
 * The rate may change at any time and holds for those who wait at once; 0 stops, Infinity lets everybody go. A debt that
 * was made at a higher rate takes no longer at a lower one: nobody stands still for what was allowed when it was read.
 * Somebody who is aborted while waiting stays charged: the bytes were read.
 */
export class Bucket {
  readonly #now: () => number;
  readonly #sleep: Sleep;
  #rate: number;
  /** The last that was not 0: what is owed was read at it. */
  #debtRate: number;
  #charged = 0;
  /** Never more than what is charged and the burst. */
  #paid = 0;
  #at: number;
  #waited = false;
  #rateChanged = new AbortController();

  constructor(bytesPerSecond: number, now: () => number, sleep: Sleep) {
    this.#rate = bytesPerSecond;
    this.#debtRate = bytesPerSecond || Infinity;
    this.#now = now;
    this.#sleep = sleep;
    this.#at = now();
    this.#paid = this.#mostPaid();
  }

  get rate(): number {
    return this.#rate;
  }

  set rate(bytesPerSecond: number) {
    if (bytesPerSecond === this.#rate) return;
    this.#pay();
    this.#rate = bytesPerSecond;
    if (bytesPerSecond > 0) {
      const owed = Math.max(0, this.#charged - this.#paid) * Math.min(1, bytesPerSecond / this.#debtRate);
      if (owed > 0) this.#paid = this.#charged - owed;
      this.#debtRate = bytesPerSecond;
    }
    this.#paid = Math.min(this.#paid, this.#mostPaid());
    this.#rateChanged.abort();
    this.#rateChanged = new AbortController();
  }

  /** Bytes that are charged and not paid for yet. */
  get debt(): number {
    this.#pay();
    return Math.max(0, this.#charged - this.#paid);
  }

  /** Whether anybody waited since this was last asked. */
  takeWaited(): boolean {
    const waited = this.#waited;
    this.#waited = false;
    return waited;
  }

  /** Charges without waiting. Returns what `paid` waits for. */
  charge(bytes: number): number {
    this.#pay();
    this.#charged += bytes;
    return this.#charged;
  }

  /** What everything charged so far is waited for with. */
  get due(): number {
    return this.#charged;
  }

  async take(bytes: number, signal: AbortSignal): Promise<void> {
    signal.throwIfAborted();
    await this.paid(this.charge(bytes), signal);
  }

  /** Waits until what was charged up to `due` is paid for, or for so many milliseconds. */
  async paid(due: number, signal: AbortSignal, atMostMilliseconds = Infinity): Promise<void> {
    signal.throwIfAborted();
    const until = this.#now() + atMostMilliseconds;
    for (;;) {
      this.#pay();
      // Half a byte: sums of fractions never come out even.
      const missing = due - this.#paid - 0.5;
      const left = until - this.#now();
      if (missing <= 0 || left <= 0) return;
      this.#waited = true;
      const milliseconds =
        this.#rate === 0 ? Infinity : Math.max(1, Math.ceil((missing * 1000) / this.#rate));
      await this.#nap(Math.min(milliseconds, left, LONGEST_NAP_MILLISECONDS), signal);
    }
  }

  /** Sleeps, or until the rate changes. */
  async #nap(milliseconds: number, signal: AbortSignal): Promise<void> {
    const changed = this.#rateChanged.signal;
    try {
      await this.#sleep(milliseconds, AbortSignal.any([signal, changed]));
    } catch (thrown) {
      if (signal.aborted || !changed.aborted) throw thrown;
    }
  }

  /** Counts the time that passed at the rate it passed with. A clock that goes back pays nothing. */
  #pay(): void {
    const now = this.#now();
    const elapsed = Math.max(0, now - this.#at);
    this.#at = now;
    const paid = this.#rate === Infinity ? Infinity : this.#paid + (this.#rate * elapsed) / 1000;
    this.#paid = Math.min(paid, this.#mostPaid());
  }

  #mostPaid(): number {
    return this.#charged + (this.#rate === Infinity ? 0 : (this.#rate * BURST_MILLISECONDS) / 1000);
  }
}
