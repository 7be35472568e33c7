/** A rate per second over about the last ten seconds. Time comes in as an argument. */
export class Meter {
  static readonly WINDOW_MILLISECONDS = 10_000;
  #total = 0;
  readonly #marks: { readonly at: number; readonly total: number }[] = [];

  get total(): number {
    return this.#total;
  }

  add(amount: number): void {
    this.#total += amount;
  }

  /** Call about once a second. */
  perSecond(now: number): number {
    this.#marks.push({ at: now, total: this.#total });
    while (this.#marks.length > 2 && now - (this.#marks[0] as { at: number }).at > Meter.WINDOW_MILLISECONDS)
      this.#marks.shift();
    const first = this.#marks[0] as { at: number; total: number };
    const seconds = (now - first.at) / 1000;
    return seconds <= 0 ? 0 : (this.#total - first.total) / seconds;
  }
}
