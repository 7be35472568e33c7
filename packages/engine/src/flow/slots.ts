import { ByteBudget } from './byte-budget.ts';

/** A fixed number of places, given out first come first served. */
export class Slots {
  readonly #budget: ByteBudget;

  constructor(places: number) {
    this.#budget = new ByteBudget(places);
  }

  async take(signal: AbortSignal): Promise<() => void> {
    const lease = await this.#budget.take(1, signal);
    return () => lease.release();
  }
}
