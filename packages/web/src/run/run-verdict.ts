import type { Run, Verdict } from '@brimful/model';

/** From best to worst. */
const VERDICTS: readonly Verdict[] = ['equal', 'equal after catch-up', 'inconclusive', 'divergent', 'error'];

/** The worst of all its comparisons; null when there was none. */
export function verdictOf({ bindings }: Run): Verdict | null {
  return bindings
    .flatMap(({ verifications }) => verifications.map(({ verdict }) => verdict))
    .reduce<Verdict | null>(
      (worst, verdict) =>
        worst === null || VERDICTS.indexOf(verdict) > VERDICTS.indexOf(worst) ? verdict : worst,
      null,
    );
}
