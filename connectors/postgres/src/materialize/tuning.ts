/** Numbers that were measured or chosen once. Not for users; tests set others to reach every path. */
export interface Tuning {
  /**
   * Up to so many rows go as arrays, the parameters of one prepared statement; more go through a staging table.
   * Measured: at a thousand rows the COPY into a staging table is the faster way, at two hundred the slower one.
   */
  readonly arrayRows: number;
  /** Wide values stay out of arrays, whose text is built, sent and parsed as a whole. */
  readonly arrayBytes: number;
  /** How long a statement, and taking a table over, may wait for somebody else's lock. */
  readonly lockMilliseconds: number;
  /** While we wait for an exclusive lock everybody who comes later waits behind us: wait shortly, and come again. */
  readonly exclusiveLockMilliseconds: number;
}

export const TUNING: Tuning = {
  arrayRows: 500,
  arrayBytes: 256 * 1024,
  lockMilliseconds: 30_000,
  exclusiveLockMilliseconds: 1_000,
};
