/** Waits between tries: doubling, bounded, with jitter so that many tasks do not come back at once. */
export class BackOff {
  static readonly FIRST_MILLISECONDS = 200;
  static readonly LONGEST_MILLISECONDS = 15_000;
  /** A try that lasted this long counts as a success: the next failure starts over. */
  static readonly SETTLED_MILLISECONDS = 30_000;
  #tries = 0;

  /** Call after a failure, with how long the try had lasted. */
  next(lastedMilliseconds: number, random: number = Math.random()): number {
    if (lastedMilliseconds >= BackOff.SETTLED_MILLISECONDS) this.#tries = 0;
    const full = Math.min(BackOff.LONGEST_MILLISECONDS, BackOff.FIRST_MILLISECONDS * 2 ** this.#tries);
    this.#tries += 1;
    return full / 2 + (full / 2) * random;
  }
}
