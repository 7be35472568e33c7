import type { Snapshot } from '@brimful/connector';

/** `pg_snapshot`: `xmin:xmax:running,running`. Lists top-level transactions, as the stream does. */
export class PostgresSnapshot implements Snapshot {
  readonly xmin: bigint;
  readonly xmax: bigint;
  /** Top-level transactions that ran, of all databases. */
  readonly running: readonly bigint[];
  readonly #running: ReadonlySet<bigint>;

  constructor(text: string) {
    const [xmin = '', xmax = '', running = ''] = text.split(':');
    this.xmin = BigInt(xmin);
    this.xmax = BigInt(xmax);
    this.running = running === '' ? [] : running.split(',').map(BigInt);
    this.#running = new Set(this.running);
  }

  /** Visibility decides, never position: a commit can be in the log before anyone may see it. */
  sees(transaction: bigint): boolean {
    if (transaction < this.xmin) return true;
    return transaction < this.xmax && !this.#running.has(transaction);
  }

  seesAllUpTo(transaction: bigint): boolean {
    return transaction < this.xmin;
  }
}
