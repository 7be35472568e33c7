interface Sleeper {
  readonly due: number;
  readonly wake: () => void;
}

/** Time that passes only when it is told to. */
export class VirtualClock {
  #now = 1_000_000_000_000;
  readonly #sleepers = new Set<Sleeper>();

  readonly now = (): number => this.#now;

  readonly sleep = async (milliseconds: number, signal: AbortSignal): Promise<void> => {
    signal.throwIfAborted();
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    const sleeper = { due: this.#now + milliseconds, wake: resolve };
    const abort = (): void => reject(signal.reason);
    this.#sleepers.add(sleeper);
    signal.addEventListener('abort', abort, { once: true });
    try {
      await promise;
    } finally {
      this.#sleepers.delete(sleeper);
      signal.removeEventListener('abort', abort);
    }
  };

  /** Lets so much time pass, waking everybody in the order in which they are due. */
  async pass(milliseconds: number): Promise<void> {
    const until = this.#now + milliseconds;
    for (;;) {
      await settled();
      let first: Sleeper | undefined;
      for (const sleeper of this.#sleepers)
        if (sleeper.due <= until && (first === undefined || sleeper.due < first.due)) first = sleeper;
      if (first === undefined) break;
      this.#now = Math.max(this.#now, first.due);
      this.#sleepers.delete(first);
      first.wake();
    }
    this.#now = until;
    await settled();
  }
}

/** Everything that can go on has gone on. */
export async function settled(): Promise<void> {
  await new Promise<void>((resolve) => {
    setImmediate(resolve);
  });
}
