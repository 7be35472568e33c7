/** A value DuckDB cannot hold exactly. Becomes a `BRM-DUCKDB-VALUE` problem where table and key are known. (Invariant 6) */
export class ValueRefused extends Error {
  override readonly name = 'ValueRefused';
  /** Within the column that was being written. */
  readonly row: number;

  constructor(row: number, why: string) {
    super(why);
    this.row = row;
  }
}
