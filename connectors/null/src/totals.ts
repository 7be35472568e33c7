/** What a null destination was given since the process began: the ground truth of a benchmark's sink. */
export interface NullTotals {
  /** Scanned rows loaded. */
  loaded: number;
  /** Rows upserted, moved, appended. */
  merged: number;
  /** Keys deleted and rows removed. */
  removed: number;
  /** Bytes of columns, of all of these. */
  bytes: number;
  transactions: number;
}

const totals = new Map<string, NullTotals>();

/** The running totals of a table, by its name in the materialization. Live: the same object grows. */
export function nullTotals(materialization: string, table: string): NullTotals {
  const key = `${materialization} ${table}`;
  let found = totals.get(key);
  if (found === undefined) {
    found = { loaded: 0, merged: 0, removed: 0, bytes: 0, transactions: 0 };
    totals.set(key, found);
  }
  return found;
}
