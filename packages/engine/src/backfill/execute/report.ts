import type { Run, RunReport, Verdict } from '@brimful/model';
import { accuracyOf, workingSeconds } from '../progress.ts';

/** From best to worst. */
const VERDICTS: readonly Verdict[] = ['equal', 'equal after catch-up', 'inconclusive', 'divergent', 'error'];

/** What came of a run that is over, against what was expected. */
export function reportOf(run: Run, swapMilliseconds: number | null, now: number): RunReport {
  const sum = (of: (binding: Run['bindings'][number]) => number): number =>
    run.bindings.reduce((total, binding) => total + of(binding), 0);
  const accuracy = accuracyOf(run, now);
  const verdicts = run.bindings.flatMap(({ verifications }) => verifications.map(({ verdict }) => verdict));
  return {
    seconds: workingSeconds(run, now) ?? 0,
    rows: sum(({ rowsRead }) => rowsRead),
    bytes: sum(({ bytesRead }) => bytesRead),
    deleted: sum(({ deleted }) => deleted),
    rowsRatio: accuracy?.rows ?? null,
    secondsRatio: accuracy?.seconds ?? null,
    swapMilliseconds,
    verdict: verdicts.length === 0 ? null : worst(verdicts),
  };
}

function worst(verdicts: readonly Verdict[]): Verdict {
  return verdicts.reduce((a, b) => (VERDICTS.indexOf(b) > VERDICTS.indexOf(a) ? b : a));
}
