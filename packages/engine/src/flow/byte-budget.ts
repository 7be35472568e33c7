import type { Budget, Lease } from '../context.ts';

/** Counts bytes in flight and lets takers wait, first come first served. (Invariant 9) */
export class ByteBudget implements Budget {
  readonly #limitBytes: number;
  #taken = 0;
  readonly #queue: { readonly bytes: number; readonly resolve: () => void }[] = [];

  constructor(limitBytes: number) {
    this.#limitBytes = limitBytes;
  }

  get takenBytes(): number {
    return this.#taken;
  }

  async take(bytes: number, signal: AbortSignal): Promise<Lease> {
    signal.throwIfAborted();
    if (this.#queue.length > 0 || !this.#fits(bytes)) await this.#wait(bytes, signal);
    else this.#taken += bytes;
    let held = true;
    return {
      release: () => {
        if (!held) return;
        held = false;
        this.#taken -= bytes;
        this.#admit();
      },
    };
  }

  #fits(bytes: number): boolean {
    return this.#taken === 0 || this.#taken + bytes <= this.#limitBytes;
  }

  async #wait(bytes: number, signal: AbortSignal): Promise<void> {
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    const waiter = { bytes, resolve };
    const abort = (): void => {
      const place = this.#queue.indexOf(waiter);
      if (place === -1) return;
      this.#queue.splice(place, 1);
      this.#admit();
      reject(signal.reason);
    };
    this.#queue.push(waiter);
    signal.addEventListener('abort', abort, { once: true });
    try {
      await promise;
    } finally {
      signal.removeEventListener('abort', abort);
    }
  }

  #admit(): void {
    for (let next = this.#queue[0]; next !== undefined && this.#fits(next.bytes); next = this.#queue[0]) {
      this.#queue.shift();
      this.#taken += next.bytes;
      next.resolve();
    }
  }
}
