/**
 * Keys that a change of key with unknown columns ties together: the new key's row takes values from the old key's, so
 * both must be in one partition. Groups of keys by their hashes (keys with equal hashes count as one, which ties more than
 * needed and harms nothing): a union-find over a hash table in typed arrays.
 */
export class TiedKeys {
  /** How many keys are tied. */
  size = 0;
  /** Keys of the largest group. */
  largestGroup = 0;
  /** Place + 1, or 0 where free. Linear probing; at most half are taken. */
  #slots = new Int32Array(1024);
  #highs = new Int32Array(512);
  #lows = new Int32Array(512);
  #parents = new Int32Array(512);
  #counts = new Int32Array(512);

  tie(highA: number, lowA: number, highB: number, lowB: number): void {
    const a = this.#root(this.#add(highA, lowA));
    const b = this.#root(this.#add(highB, lowB));
    if (a === b) return;
    const [small, large] = (this.#counts[a] as number) < (this.#counts[b] as number) ? [a, b] : [b, a];
    this.#parents[small] = large;
    this.#counts[large] = (this.#counts[large] as number) + (this.#counts[small] as number);
    this.largestGroup = Math.max(this.largestGroup, this.#counts[large]);
  }

  has(high: number, low: number): boolean {
    return this.#slots[this.#slotFor(high, low)] !== 0;
  }

  /** A high half of a hash that all keys of the group share; the key's own where it is tied to none. */
  sharedHigh(high: number, low: number): number {
    const place = (this.#slots[this.#slotFor(high, low)] as number) - 1;
    return place === -1 ? high : (this.#highs[this.#root(place)] as number);
  }

  #add(high: number, low: number): number {
    if (this.size === this.#highs.length) this.#grow();
    const slot = this.#slotFor(high, low);
    const found = (this.#slots[slot] as number) - 1;
    if (found !== -1) return found;
    const place = this.size;
    this.size += 1;
    this.#slots[slot] = place + 1;
    this.#highs[place] = high;
    this.#lows[place] = low;
    this.#parents[place] = place;
    this.#counts[place] = 1;
    return place;
  }

  #root(place: number): number {
    let at = place;
    while (this.#parents[at] !== at) {
      // Halves the way for whoever asks next.
      const above = this.#parents[this.#parents[at] as number] as number;
      this.#parents[at] = above;
      at = above;
    }
    return at;
  }

  #slotFor(high: number, low: number): number {
    const mask = this.#slots.length - 1;
    let slot = low & mask;
    for (;;) {
      const place = (this.#slots[slot] as number) - 1;
      if (place === -1 || (this.#highs[place] === high && this.#lows[place] === low)) return slot;
      slot = (slot + 1) & mask;
    }
  }

  #grow(): void {
    const capacity = this.#highs.length * 2;
    const larger = (array: Int32Array): Int32Array<ArrayBuffer> => {
      const grown = new Int32Array(capacity);
      grown.set(array);
      return grown;
    };
    this.#highs = larger(this.#highs);
    this.#lows = larger(this.#lows);
    this.#parents = larger(this.#parents);
    this.#counts = larger(this.#counts);
    this.#slots = new Int32Array(capacity * 2);
    for (let place = 0; place < this.size; place += 1) {
      const slot = this.#slotFor(this.#highs[place] as number, this.#lows[place] as number);
      this.#slots[slot] = place + 1;
    }
  }
}
