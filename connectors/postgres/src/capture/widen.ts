const HALF = 1 << 30;

/**
 * Transaction ids in the stream have 32 bits. Each is taken as the 64-bit id next to a reference: nothing in a log that
 * can still be read is 2^31 transactions away from the newest. (Architecture, handoff rule 2)
 */
export class XidWidener {
  #reference: bigint;
  #low: number;

  /** `reference`: a 64-bit id of about now, such as a snapshot's xmax. */
  constructor(reference: bigint) {
    this.#reference = reference;
    this.#low = Number(reference & 0xffff_ffffn);
  }

  widen(xid: number): bigint {
    const distance = (xid - this.#low) | 0;
    const wide = this.#reference + BigInt(distance);
    if (distance > HALF || distance < -HALF) {
      this.#reference = wide;
      this.#low = xid;
    }
    return wide;
  }
}
