import type { Logger } from '@brimful/connector';
import { Governor } from '../governor.ts';
import type { GovernorLimits } from '../limits.ts';
import { ModelledSource, percentile } from './modelled-source.ts';
import { VirtualClock } from './virtual-clock.ts';

const SILENT: Logger = {
  debug: () => undefined,
  info: () => undefined,
  warn: () => undefined,
  error: () => undefined,
};

/** What some seconds of the simulation brought. */
export interface Span {
  readonly bytesPerSecond: number;
  /** Of the application's look-ups, milliseconds. */
  readonly p95: number;
}

export interface GovernedOptions {
  readonly seed?: number;
  readonly limits?: GovernorLimits;
  readonly openProbe?: (source: ModelledSource) => ModelledSource['openProbe'] | undefined;
}

/** A modelled source, its application, a governor and runs that read through it. */
export class GovernedSource implements AsyncDisposable {
  readonly clock = new VirtualClock();
  readonly source: ModelledSource;
  readonly governor: Governor;
  readonly #stop = new AbortController();
  readonly #works: Promise<void>[] = [];

  constructor({ seed = 1, limits, openProbe }: GovernedOptions = {}) {
    this.source = new ModelledSource(this.clock, seed);
    const open = openProbe === undefined ? this.source.openProbe : openProbe(this.source);
    this.governor = new Governor({
      now: this.clock.now,
      sleep: this.clock.sleep,
      log: SILENT,
      ...(open === undefined ? {} : { openProbe: open }),
      ...(limits === undefined ? {} : { limits }),
    });
    this.#keep(this.source.live(this.#stop.signal));
    this.#keep(this.governor.run(this.#stop.signal));
  }

  /** A run with four tables that never end. */
  start(token: string): void {
    const pace = this.governor.pace(token);
    for (let table = 0; table < 4; table += 1) this.#keep(this.source.backfill(pace, this.#stop.signal));
  }

  /** Lets time pass. */
  async span(seconds: number): Promise<Span> {
    this.source.lookUps = [];
    const before = this.source.readBytes;
    await this.clock.pass(seconds * 1000);
    return {
      bytesPerSecond: (this.source.readBytes - before) / seconds,
      p95: percentile(this.source.lookUps, 0.95),
    };
  }

  async spans(count: number, seconds: number): Promise<readonly Span[]> {
    const spans: Span[] = [];
    for (let each = 0; each < count; each += 1) spans.push(await this.span(seconds));
    return spans;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#stop.abort();
    await Promise.all(this.#works);
  }

  /** What failed on its own fails the test at the end. */
  #keep(work: Promise<void>): void {
    this.#works.push(
      work.catch((thrown: unknown) => {
        if (thrown !== this.#stop.signal.reason) throw thrown;
      }),
    );
  }
}
