/** Whoever shares the places has a limit of its own too. */
export interface ReaderUser {
  readonly ownReaders: number;
}

interface Waiter {
  readonly user: ReaderUser;
  readonly resolve: () => void;
}

/**
 * Places for open chunks, over all runs and per run; both limits may change at any time. First come, first served, but a
 * run that has all its own places does not hold up the others. Somebody who holds one is never asked to give it back.
 */
export class ReaderPlaces {
  #limit: number;
  readonly #held = new Map<ReaderUser, number>();
  #taken = 0;
  readonly #queue: Waiter[] = [];

  constructor(limit: number) {
    this.#limit = limit;
  }

  set limit(places: number) {
    this.#limit = places;
    this.admit();
  }

  /** How many are held by one run. */
  heldBy(user: ReaderUser): number {
    return this.#held.get(user) ?? 0;
  }

  /** Call after a user's own limit changed. */
  admit(): void {
    for (let place = 0; place < this.#queue.length && this.#taken < this.#limit;) {
      const waiter = this.#queue[place] as Waiter;
      if (this.heldBy(waiter.user) >= waiter.user.ownReaders) {
        place += 1;
        continue;
      }
      this.#queue.splice(place, 1);
      this.#hold(waiter.user);
      waiter.resolve();
    }
  }

  async take(user: ReaderUser, signal: AbortSignal): Promise<() => void> {
    signal.throwIfAborted();
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    const waiter = { user, resolve };
    const abort = (): void => {
      const place = this.#queue.indexOf(waiter);
      if (place === -1) return;
      this.#queue.splice(place, 1);
      reject(signal.reason);
    };
    signal.addEventListener('abort', abort, { once: true });
    this.#queue.push(waiter);
    this.admit();
    try {
      await promise;
    } finally {
      signal.removeEventListener('abort', abort);
    }
    let isHeld = true;
    return () => {
      if (!isHeld) return;
      isHeld = false;
      this.#release(user);
    };
  }

  #hold(user: ReaderUser): void {
    this.#taken += 1;
    this.#held.set(user, this.heldBy(user) + 1);
  }

  #release(user: ReaderUser): void {
    this.#taken -= 1;
    const left = this.heldBy(user) - 1;
    if (left > 0) this.#held.set(user, left);
    else this.#held.delete(user);
    this.admit();
  }
}
