/** Numbers that were measured or chosen once. Not for users; tests set others to reach every path. */
export interface Tuning {
  /**
   * Up to so many values (rows times columns) go as arrays, the parameters of one prepared statement; more go through a
   * staging table. Measured: equal at 300 rows of 10 columns and at 2,000 keys of one; 50 rows take 1.1 ms of the server
   * by arrays and 1.4 ms by staging, 2,000 rows 16 ms and 13.5 ms.
   */
  readonly arrayValues: number;
  /** Wide values stay out of arrays, whose text is built, sent and parsed as a whole. */
  readonly arrayBytes: number;
  /** How long a statement, and taking a table over, may wait for somebody else's lock. */
  readonly lockMilliseconds: number;
  /** While we wait for an exclusive lock everybody who comes later waits behind us: wait shortly, and come again. */
  readonly exclusiveLockMilliseconds: number;
  /** How long a swap tries to get past readers before it says who they are. */
  readonly swapMilliseconds: number;
}

export const TUNING: Tuning = {
  arrayValues: 3_000,
  arrayBytes: 256 * 1024,
  lockMilliseconds: 30_000,
  exclusiveLockMilliseconds: 1_000,
  swapMilliseconds: 600_000,
};
