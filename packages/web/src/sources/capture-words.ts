import type { CaptureBindingStatus, CapturePhase, CaptureStatus } from '@brimful/model';

const BACKFILLED: ReadonlySet<CapturePhase> = new Set(['streaming', 'filling']);

/** Tables whose first read is complete. */
export function tablesDone({ bindings }: CaptureStatus): number {
  return bindings.filter(({ phase }) => BACKFILLED.has(phase)).length;
}

export function tablesFailed({ bindings }: CaptureStatus): number {
  return bindings.filter(({ phase }) => phase === 'failed' || phase === 'gap').length;
}

/** Read and streamed together. */
export function rowsPerSecondOf({ bindings, changesPerSecond }: CaptureStatus): number {
  return bindings.reduce((sum, { rowsPerSecond }) => sum + rowsPerSecond, changesPerSecond);
}

/** 0 to 1; null where nothing says how much there is. */
export function partRead({ phase, rowsRead, rowsEstimated }: CaptureBindingStatus): number | null {
  if (BACKFILLED.has(phase)) return 1;
  if (rowsEstimated <= 0) return null;
  // An estimate that was too low must not look finished.
  return Math.min(0.99, rowsRead / rowsEstimated);
}
