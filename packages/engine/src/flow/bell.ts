/**
 * Wakes everybody who waits. Take `next` before looking whether there is something to do, so that no ring between the
 * look and the wait is missed.
 */
export class Bell {
  #ring = Promise.withResolvers<void>();

  get next(): Promise<void> {
    return this.#ring.promise;
  }

  ring(): void {
    const { resolve } = this.#ring;
    this.#ring = Promise.withResolvers();
    resolve();
  }
}
