import type { ProblemRecord, VerificationReport } from '@brimful/model';
import { SAMPLE_KEYS, toProblem, valueText } from '@brimful/model';
import type { Level } from './compared-shape.ts';
import type { Differences } from './comparison.ts';
import type { KeyList } from './key-log.ts';
import { leafOf } from './leaves.ts';
import { verdictOf } from './verdict.ts';

/** A verification's report, and what a repair needs beyond it. */
export interface Verified {
  readonly report: VerificationReport;
  readonly differing: DifferingKeys;
}

/** Keys that differ for good, in key order, as canonical text. */
export interface DifferingKeys {
  /** At most `SCOPE_KEYS_LIMIT`. */
  readonly keys: readonly (readonly string[])[];
  /** False: there are more, or the rows have no key. */
  readonly complete: boolean;
}

/** What is told about one verification whatever it finds. */
export interface VerifiedSubject {
  readonly at: number;
  readonly sides: 'source and collection' | 'collection and table';
  readonly subject: string;
  readonly level: Level;
}

/** What is left of the differences once keys were looked at again. */
export interface Remaining {
  readonly keys: KeyList;
  readonly onlyLeft: number;
  readonly onlyRight: number;
  readonly different: number;
  readonly byColumn: Readonly<Record<string, number>>;
}

export interface Outcome {
  readonly asOf: string;
  readonly found: Differences;
  readonly remaining: Remaining;
  /** Differing keys beyond the limit count as divergent when nothing moved, else as not looked at again. */
  readonly beyond: 'divergent' | 'unchecked';
  readonly skipped: readonly string[];
}

/** Never holds values, only keys. (Invariant 10) */
export function verified(subject: VerifiedSubject, outcome: Outcome): Verified {
  const { found, remaining } = outcome;
  const { onlyLeft, onlyRight, different } = remaining;
  const divergent = onlyLeft + onlyRight + different;
  const unchecked = outcome.beyond === 'unchecked' ? found.beyond : 0;
  const settled = found.keys.rows - remaining.keys.rows;
  const differing = new Set(found.beyondLeaves);
  for (const high of remaining.keys.high) differing.add(leafOf(high));
  // Rows without a key have no keys to look at again: what differed, differs.
  const differingLeaves = found.keys.rows === 0 ? found.leaves.differing.length : differing.size;
  const skipped =
    unchecked === 0
      ? outcome.skipped
      : [...outcome.skipped, `${unchecked} differing keys were not looked at again`];
  const keys = keyTexts(remaining.keys);
  const complete = found.beyond === 0 && keys.length >= (divergent === 0 ? 0 : 1);
  return {
    report: {
      ...subject,
      verdict: verdictOf({ problem: null, divergent, unchecked, settled, skipped }),
      rows: found.rows,
      asOf: outcome.asOf,
      leaves: {
        total: found.leaves.total,
        equal: found.leaves.total - found.leaves.differing.length,
        settled: found.leaves.differing.length - differingLeaves,
        differing: differingLeaves,
      },
      onlyLeft,
      onlyRight,
      different,
      byColumn: remaining.byColumn,
      sampleKeys: keys.slice(0, SAMPLE_KEYS),
      skipped,
      problem: null,
    },
    differing: { keys, complete },
  };
}

/** It could not be brought to its end: `skipped` says why nothing can be said, or a problem was met. */
export function notVerified(
  subject: VerifiedSubject,
  why: { readonly thrown: unknown } | { readonly skipped: string },
): Verified {
  const problem: ProblemRecord | null = 'thrown' in why ? toProblem(why.thrown).toJSON() : null;
  const skipped = 'thrown' in why ? [] : [why.skipped];
  return {
    report: {
      ...subject,
      verdict: verdictOf({ problem, divergent: 0, unchecked: 0, settled: 0, skipped }),
      rows: { left: 0, right: 0 },
      asOf: '',
      leaves: { total: 0, equal: 0, settled: 0, differing: 0 },
      onlyLeft: 0,
      onlyRight: 0,
      different: 0,
      byColumn: {},
      sampleKeys: [],
      skipped,
      problem,
    },
    differing: { keys: [], complete: false },
  };
}

function keyTexts({ columns, rows }: KeyList): string[][] {
  return Array.from({ length: rows }, (_, row) => columns.map((column) => valueText(column, row) ?? ''));
}
