/** One measured case. Undefined fields do not apply to it. */
export interface Result {
  readonly scenario: string;
  readonly case: string;
  readonly rows?: number;
  readonly seconds?: number;
  readonly rows_per_s?: number;
  /** Ours over the reference, from runs that alternate in this very session; above 1 we are faster. */
  readonly ratio?: number;
  /** CPU seconds of our process per million rows, user and system. */
  readonly cpu_s_per_million?: number;
  readonly rss_mb?: number;
  readonly mb_per_s?: number;
  readonly p50_ms?: number;
  readonly p95_ms?: number;
  readonly p99_ms?: number;
  readonly max_ms?: number;
  /** What the 95th percentile is above that of the same run's phases without a backfill. */
  readonly extra_p95_ms?: number;
  /** Of the transactions that only look something up, and of those that change it. */
  readonly read_p95_ms?: number;
  readonly write_p95_ms?: number;
  readonly transactions?: number;
  /** Longest time until something committed was journaled; most log that the source kept for us. */
  readonly lag_ms?: number;
  readonly retained_mb?: number;
  readonly reads?: number;
  /** Live ones that open pages have heard. */
  readonly events?: number;
  readonly errors?: number;
  /** Reads that saw no table, no rows, or not all. */
  readonly partial?: number;
}

export function median(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b);
  const middle = sorted.length >> 1;
  return sorted.length % 2 === 1
    ? (sorted[middle] as number)
    : ((sorted[middle - 1] as number) + (sorted[middle] as number)) / 2;
}

export function percentile(sorted: readonly number[], share: number): number {
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? 0;
}

/** Prints a result: one JSON line, or a row for people. */
export function print(result: Result, json: boolean): void {
  const rounded = Object.fromEntries(
    Object.entries(result).map(([key, value]) => [
      key,
      typeof value === 'number' ? Number(value.toPrecision(4)) : value,
    ]),
  );
  if (json) {
    process.stdout.write(`${JSON.stringify(rounded)}\n`);
    return;
  }
  const facts = Object.entries(rounded)
    .filter(([key]) => key !== 'scenario' && key !== 'case')
    .map(([key, value]) => `${key} ${value}`);
  process.stdout.write(`${result.scenario}  ${result.case.padEnd(36)} ${facts.join('  ')}\n`);
}

/** Progress, apart from the results. */
export function say(message: string): void {
  process.stderr.write(`${message}\n`);
}
