/** Open, or closed for a reason. Tasks wait at it between two pieces of work. */
export class PauseGate {
  #reason: string | undefined;
  #opened = Promise.withResolvers<void>();

  /** Why it is closed; undefined while it is open. */
  get reason(): string | undefined {
    return this.#reason;
  }

  close(reason: string): void {
    this.#reason = reason;
  }

  open(): void {
    this.#reason = undefined;
    this.#opened.resolve();
    this.#opened = Promise.withResolvers();
  }

  /** Resolves while the gate is open; rejects with the signal's reason. */
  async pass(signal: AbortSignal): Promise<void> {
    signal.throwIfAborted();
    while (this.#reason !== undefined) await untilAborted(this.#opened.promise, signal);
  }
}

/** The promise, or a rejection with the signal's reason, whichever comes first. */
export async function untilAborted<T>(promise: Promise<T>, signal: AbortSignal): Promise<T> {
  signal.throwIfAborted();
  const aborted = Promise.withResolvers<never>();
  const abort = (): void => aborted.reject(signal.reason);
  signal.addEventListener('abort', abort, { once: true });
  try {
    return await Promise.race([promise, aborted.promise]);
  } finally {
    signal.removeEventListener('abort', abort);
  }
}

/** Waits; rejects with the signal's reason. */
export async function sleep(milliseconds: number, signal: AbortSignal): Promise<void> {
  signal.throwIfAborted();
  const { promise, resolve } = Promise.withResolvers<void>();
  const timer = setTimeout(resolve, milliseconds);
  try {
    await untilAborted(promise, signal);
  } finally {
    clearTimeout(timer);
  }
}
