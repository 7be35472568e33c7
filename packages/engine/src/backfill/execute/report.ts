import type { Run, RunReport, Verdict } from '@brimful/model';

/** From best to worst. */
const VERDICTS: readonly Verdict[] = ['equal', 'equal after catch-up', 'inconclusive', 'divergent', 'error'];

/** What came of a run that is over, against what was expected. */
export function reportOf(run: Run, swapMilliseconds: number | null): RunReport {
  const sum = (of: (binding: Run['bindings'][number]) => number): number =>
    run.bindings.reduce((total, binding) => total + of(binding), 0);
  const rows = sum(({ rowsRead }) => rowsRead);
  const readEnd = run.events.findLast(({ what }) => what === 'all read')?.at ?? run.endedAt;
  const seconds = run.startedAt === null || readEnd === null ? 0 : (readEnd - run.startedAt) / 1000;
  const { estimate } = run.plan;
  const middle = Math.sqrt(estimate.seconds.from * estimate.seconds.to);
  const verdicts = run.bindings.flatMap(({ verification }) => verification?.verdict ?? []);
  return {
    seconds,
    rows,
    bytes: sum(({ bytesRead }) => bytesRead),
    deleted: sum(({ deleted }) => deleted),
    rowsRatio: rows === 0 ? null : estimate.rows.value / rows,
    secondsRatio: seconds === 0 ? null : middle / seconds,
    swapMilliseconds,
    verdict: verdicts.length === 0 ? null : worst(verdicts),
  };
}

function worst(verdicts: readonly Verdict[]): Verdict {
  return verdicts.reduce((a, b) => (VERDICTS.indexOf(b) > VERDICTS.indexOf(a) ? b : a));
}
