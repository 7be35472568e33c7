/** A position that only grows while one stream is followed, and those who wait for it. */
export class Watermark {
  #position: bigint;
  readonly #waiters = new Set<{ readonly position: bigint; readonly resolve: () => void }>();

  constructor(position = 0n) {
    this.#position = position;
  }

  get position(): bigint {
    return this.#position;
  }

  advance(position: bigint): void {
    if (position <= this.#position) return;
    this.#position = position;
    for (const waiter of this.#waiters) {
      if (waiter.position > position) continue;
      this.#waiters.delete(waiter);
      waiter.resolve();
    }
  }

  /** Another stream begins, whose positions may be smaller. Who waits goes on waiting. */
  reset(): void {
    this.#position = 0n;
  }

  /** Resolves when the mark is at or past `position`; rejects with the signal's reason. */
  async reached(position: bigint, signal: AbortSignal): Promise<void> {
    signal.throwIfAborted();
    if (position <= this.#position) return;
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    const waiter = { position, resolve };
    const abort = (): void => reject(signal.reason);
    this.#waiters.add(waiter);
    signal.addEventListener('abort', abort, { once: true });
    try {
      await promise;
    } finally {
      this.#waiters.delete(waiter);
      signal.removeEventListener('abort', abort);
    }
  }
}
