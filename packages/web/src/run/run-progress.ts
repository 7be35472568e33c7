import type { Run } from '@brimful/model';

export interface RunProgress {
  /** 0 to 1, by rows; by tables where nothing says how many rows there are. */
  readonly done: number;
  readonly rowsRead: number;
  readonly rowsEstimated: number;
  readonly rowsPerSecond: number;
  readonly bytesRead: number;
  /** Null: not known. The slowest table decides. */
  readonly etaSeconds: number | null;
  readonly tablesDone: number;
}

const FINISHED: ReadonlySet<string> = new Set(['ready', 'swapped', 'done', 'skipped']);

export function runProgress({ bindings }: Run): RunProgress {
  const sum = (amount: (binding: Run['bindings'][number]) => number): number =>
    bindings.reduce((total, binding) => total + amount(binding), 0);
  const weight = sum(({ rowsEstimated }) => rowsEstimated);
  const etas = bindings.flatMap(({ etaSeconds }) => (etaSeconds === null ? [] : [etaSeconds]));
  return {
    done:
      weight === 0
        ? sum(({ done }) => done) / Math.max(1, bindings.length)
        : sum(({ done, rowsEstimated }) => done * rowsEstimated) / weight,
    rowsRead: sum(({ rowsRead }) => rowsRead),
    rowsEstimated: weight,
    rowsPerSecond: sum(({ rowsPerSecond }) => rowsPerSecond),
    bytesRead: sum(({ bytesRead }) => bytesRead),
    etaSeconds: etas.length === 0 ? null : Math.max(...etas),
    tablesDone: bindings.filter(({ state }) => FINISHED.has(state)).length,
  };
}
