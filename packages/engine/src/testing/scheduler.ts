/** Numbers that look random and are the same for the same seed. */
export class SeededRandom {
  #state: number;

  constructor(seed: number) {
    this.#state = (seed ^ 0x9e3779b9) >>> 0;
    for (let warm = 0; warm < 4; warm += 1) this.next();
  }

  /** In [0, 1). */
  next(): number {
    this.#state = (this.#state + 0x6d2b79f5) >>> 0;
    let mixed = this.#state;
    mixed = Math.imul(mixed ^ (mixed >>> 15), mixed | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  }

  /** A whole number in [0, limit). */
  below(limit: number): number {
    return Math.floor(this.next() * limit);
  }

  chance(probability: number): boolean {
    return this.next() < probability;
  }

  pick<T>(from: readonly T[]): T {
    return from[this.below(from.length)] as T;
  }
}

interface Timer {
  readonly due: number;
  readonly fire: () => void;
}

const realSetTimeout = globalThis.setTimeout;
const realClearTimeout = globalThis.clearTimeout;
const afterMicrotasks = globalThis.setImmediate;

/**
 * Runs asynchronous code in an order that the seed decides. Code under test waits at `turn()` wherever it would wait for
 * the world; one of those who wait goes on at a time, until it waits again. Timers are virtual: time passes by itself
 * when nobody else can go on.
 */
export class Scheduler {
  readonly random: SeededRandom;
  /** Virtual milliseconds. */
  now = 1_000_000_000_000;
  steps = 0;
  readonly #waiting: (() => void)[] = [];
  readonly #timers = new Map<number, Timer>();
  #timerIds = 0;

  constructor(seed: number) {
    this.random = new SeededRandom(seed);
  }

  /** Resolves at a moment the seed chooses. */
  turn(): Promise<void> {
    return new Promise((resolve) => {
      this.#waiting.push(resolve);
    });
  }

  /** Makes the global timers and dice the seed's until the returned function is called. */
  install(): () => void {
    const realRandom = Math.random;
    Math.random = () => this.random.next();
    const target = globalThis as unknown as Record<'setTimeout' | 'clearTimeout', unknown>;
    target.setTimeout = (callback: () => void, milliseconds = 0) => {
      this.#timerIds += 1;
      // Whole milliseconds, as clocks show them.
      this.#timers.set(this.#timerIds, { due: this.now + Math.ceil(milliseconds), fire: callback });
      return this.#timerIds;
    };
    target.clearTimeout = (id: number) => this.#timers.delete(id);
    return () => {
      Math.random = realRandom;
      target.setTimeout = realSetTimeout;
      target.clearTimeout = realClearTimeout;
    };
  }

  /** Lets everybody go on, one at a time, until `isDone`. Throws when that takes too many steps or nobody can. */
  async run(isDone: () => boolean, limit: number, describe: () => string): Promise<void> {
    const end = this.steps + limit;
    for (;;) {
      await new Promise<void>((resolve) => {
        afterMicrotasks(resolve);
      });
      if (isDone()) return;
      if (this.steps >= end) throw new Error(`not done after ${limit} steps: ${describe()}`);
      this.steps += 1;
      if (!this.#step()) throw new Error(`everybody waits for ever: ${describe()}`);
    }
  }

  #step(): boolean {
    this.now += this.random.below(3);
    const timer = this.#nextTimer();
    const timerMayFire = timer !== undefined && (timer[1].due <= this.now || this.#waiting.length === 0);
    const total = this.#waiting.length + (timerMayFire ? 1 : 0);
    if (total === 0) return false;
    const place = this.random.below(total);
    if (timerMayFire && place === this.#waiting.length) {
      this.now = Math.max(this.now, timer[1].due);
      this.#timers.delete(timer[0]);
      timer[1].fire();
      return true;
    }
    const [go] = this.#waiting.splice(place, 1);
    go?.();
    return true;
  }

  #nextTimer(): [number, Timer] | undefined {
    let first: [number, Timer] | undefined;
    for (const timer of this.#timers) if (first === undefined || timer[1].due < first[1].due) first = timer;
    return first;
  }
}

/** One run of our program: after `kill`, nothing it waits for ever comes, so nothing it does has an effect. */
export class SimulatedProcess {
  readonly stop = new AbortController();
  readonly #scheduler: Scheduler;
  #dead = false;

  constructor(scheduler: Scheduler) {
    this.#scheduler = scheduler;
  }

  get dead(): boolean {
    return this.#dead;
  }

  /** Every effect on the world comes directly after a turn of its process. */
  async turn(): Promise<void> {
    if (!this.#dead) await this.#scheduler.turn();
    if (this.#dead) await new Promise(() => undefined);
  }

  kill(): void {
    this.#dead = true;
    // Loops that only wait for time come to their end; whatever else they try hangs.
    this.stop.abort(new Error('killed'));
  }
}
