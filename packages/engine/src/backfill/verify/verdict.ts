import type { ProblemRecord, Verdict } from '@brimful/model';

/** What a verification came to know. Plain data. */
export interface Facts {
  /** It could not be brought to its end. */
  readonly problem: ProblemRecord | null;
  /** Rows that differ for good: the sides were looked at for one place, or again and again. */
  readonly divergent: number;
  /** Keys that differed at first and were not looked at again. */
  readonly unchecked: number;
  /** Keys that differed at first and not when they were looked at again. */
  readonly settled: number;
  /** Whatever was not compared. */
  readonly skipped: readonly string[];
}

/** The worst that is so counts. Something that was not looked at is never a pass. */
export function verdictOf({ problem, divergent, unchecked, settled, skipped }: Facts): Verdict {
  if (problem !== null) return 'error';
  if (divergent > 0) return 'divergent';
  if (unchecked > 0 || skipped.length > 0) return 'inconclusive';
  return settled > 0 ? 'equal after catch-up' : 'equal';
}
