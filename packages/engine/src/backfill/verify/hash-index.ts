const FREE = 0;
const LEAST_SLOTS = 1024;

/** No entry. */
export const NOT_FOUND = -1;

/**
 * Numbers different 64-bit hashes 0, 1, 2, … in the order they are first seen: open addressing over typed arrays, so that
 * no hash becomes an object. Grows by doubling; 20 to 36 bytes an entry.
 */
export class HashIndex {
  /** How many hashes there are. */
  size = 0;
  #slots: Int32Array;
  #high: Int32Array;
  #low: Int32Array;

  constructor(expected = 0) {
    let slots = LEAST_SLOTS;
    while (slots * 0.6 < expected) slots *= 2;
    this.#slots = new Int32Array(slots);
    this.#high = new Int32Array(slots >> 1);
    this.#low = new Int32Array(slots >> 1);
  }

  high(entry: number): number {
    return this.#high[entry] as number;
  }

  low(entry: number): number {
    return this.#low[entry] as number;
  }

  find(high: number, low: number): number {
    return (this.#slots[this.#slotFor(high, low)] as number) - 1;
  }

  /** Finds the hash, or gives it the next number. */
  add(high: number, low: number): number {
    let slot = this.#slotFor(high, low);
    const found = this.#slots[slot] as number;
    if (found !== FREE) return found - 1;
    if (this.size === this.#high.length) {
      this.#grow();
      slot = this.#slotFor(high, low);
    }
    const entry = this.size;
    this.size += 1;
    this.#high[entry] = high;
    this.#low[entry] = low;
    this.#slots[slot] = entry + 1;
    return entry;
  }

  /** The slot that holds the hash, or the free one where it belongs. */
  #slotFor(high: number, low: number): number {
    const slots = this.#slots;
    const mask = slots.length - 1;
    let slot = low & mask;
    for (;;) {
      const entry = (slots[slot] as number) - 1;
      if (entry < 0 || (this.#low[entry] === low && this.#high[entry] === high)) return slot;
      slot = (slot + 1) & mask;
    }
  }

  #grow(): void {
    const slots = this.#slots.length * 2;
    this.#high = larger(this.#high, slots >> 1);
    this.#low = larger(this.#low, slots >> 1);
    this.#slots = new Int32Array(slots);
    for (let entry = 0; entry < this.size; entry += 1) {
      this.#slots[this.#slotFor(this.#high[entry] as number, this.#low[entry] as number)] = entry + 1;
    }
  }
}

/** The same numbers with room for more. */
export function larger(array: Int32Array, length: number): Int32Array<ArrayBuffer> {
  const grown = new Int32Array(length);
  grown.set(array);
  return grown;
}
