import type { Logger, ProbeReading, SourceProbe } from '@brimful/connector';
import { BackOff } from '../../flow/back-off.ts';
import type { Sleep } from './bucket.ts';

/** A probe that tells nothing for so long is closed and opened again. */
const SILENT_MILLISECONDS = 10_000;
/** Kept so long after its last use: the next chunk or run finds it warm. */
const LINGER_MILLISECONDS = 60_000;

/** A connection that takes longer is given up; should it come after all, it is closed. */
const OPEN_LIMIT_MILLISECONDS = 30_000;
/** A server that does not answer any more must not hold up our own end. */
const CLOSE_LIMIT_MILLISECONDS = 5_000;

/** Opens the source's probe while it is of use, opens it again when it is lost, and never makes anybody wait. */
export class ProbeKeeper implements AsyncDisposable {
  readonly #open: () => Promise<SourceProbe>;
  readonly #log: Logger;
  readonly #backOff = new BackOff();
  #probe: SourceProbe | undefined;
  /** The present try to open it; earlier ones were given up. */
  #opening: { readonly since: number } | undefined;
  readonly #sleep: Sleep;
  readonly #pending = new Set<Promise<void>>();
  #openedAt = 0;
  #heardAt = 0;
  #usedAt = -Infinity;
  #retryAt = -Infinity;

  constructor(open: () => Promise<SourceProbe>, log: Logger, sleep: Sleep) {
    this.#open = open;
    this.#log = log;
    this.#sleep = sleep;
  }

  /** Whether readings are to be expected. */
  isNeeded(now: number): boolean {
    return now - this.#usedAt < LINGER_MILLISECONDS;
  }

  /** What came in since the last call. Call a few times a second; `isUsed`: whether somebody reads or waits to read. */
  take(now: number, isUsed: boolean): readonly ProbeReading[] {
    if (isUsed) this.#usedAt = now;
    if (!this.isNeeded(now)) {
      this.#close();
      return [];
    }
    if (this.#probe !== undefined) return this.#readings(this.#probe, now);
    if (this.#opening === undefined) {
      if (now >= this.#retryAt) this.#keep(this.#reopen(now));
    } else if (now - this.#opening.since >= OPEN_LIMIT_MILLISECONDS) {
      this.#opening = undefined;
      this.#lost(now, 'it did not open');
    }
    return [];
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#opening = undefined;
    this.#close();
    const over = new AbortController();
    const limit = this.#sleep(CLOSE_LIMIT_MILLISECONDS, over.signal).catch(() => undefined);
    await Promise.race([Promise.all(this.#pending), limit]);
    over.abort();
  }

  #readings(probe: SourceProbe, now: number): readonly ProbeReading[] {
    try {
      const readings = probe.take();
      if (readings.length > 0 || this.#heardAt < this.#openedAt) this.#heardAt = now;
      if (now - this.#heardAt >= SILENT_MILLISECONDS) this.#lost(now, 'it fell silent');
      return readings;
    } catch (thrown) {
      this.#lost(now, thrown);
      return [];
    }
  }

  async #reopen(now: number): Promise<void> {
    const mine = { since: now };
    this.#opening = mine;
    try {
      const probe = await this.#open();
      if (this.#opening !== mine) return await closed(probe);
      this.#probe = probe;
      this.#openedAt = now;
      this.#heardAt = -Infinity;
    } catch (thrown) {
      if (this.#opening === mine) this.#lost(now, thrown);
    } finally {
      if (this.#opening === mine) this.#opening = undefined;
    }
  }

  #lost(now: number, cause: unknown): void {
    this.#retryAt = now + this.#backOff.next(this.#probe === undefined ? 0 : now - this.#openedAt);
    this.#log.warn({ cause }, 'the probe of the source was lost: opening it again');
    this.#close();
  }

  #close(): void {
    const probe = this.#probe;
    if (probe === undefined) return;
    this.#probe = undefined;
    this.#keep(closed(probe));
  }

  /** So that our own end can wait for it. */
  #keep(work: Promise<void>): void {
    const kept = work
      .catch((cause: unknown) => this.#log.debug({ cause }, 'closing the probe of the source failed'))
      .finally(() => this.#pending.delete(kept));
    this.#pending.add(kept);
  }
}

async function closed(probe: SourceProbe): Promise<void> {
  await probe[Symbol.asyncDispose]();
}
