import type { Problem } from '@brimful/model';

/** What the process ends with. Stable: scripts depend on it. `brimful --help` lists them. */
export const ExitCode = {
  ok: 0,
  /** Something is wrong that somebody must mend; also `check` when it found errors. */
  problem: 1,
  /** The command line or the configuration file is wrong. Nothing was started. */
  usage: 2,
  /** Something is not there at the moment (network, server): trying again later may be enough. */
  unavailable: 3,
  /** A defect in Brimful. */
  bug: 4,
  /** Not done: a guard blocks it or wants to be acknowledged, or things are no longer as the plan saw them. */
  refused: 5,
  /** A comparison did not end in "equal". */
  divergent: 6,
  /** A run that was watched failed, expired or was cancelled. */
  runFailed: 7,
  /** `plan`: the file has changes that were not applied yet, and they can be. */
  changes: 8,
  /** A second interrupt: stopped at once; or watching a run was interrupted. */
  interrupted: 130,
} as const;
export type ExitCodeNumber = (typeof ExitCode)[keyof typeof ExitCode];

const USAGE =
  /^BRM-(CONFIG|USAGE|REQUEST)|^BRM-(PLAN|RUN)-UNKNOWN$|^BRM-VERIFY-TARGET$|^BRM-PUBLICATION-UNKNOWN$/;
const REFUSED =
  /^BRM-PLAN-(BLOCKED|CONFIRM|DRIFT|EXPIRED|APPLIED)$|^BRM-RUN-REFUSED$|^BRM-CATALOG-(BLOCKED|CHANGED|REFUSED|FIRST)$/;

export function exitCodeOf(problems: readonly Problem[]): ExitCodeNumber {
  if (problems.some((problem) => problem.kind === 'bug')) return ExitCode.bug;
  if (problems.some((problem) => USAGE.test(problem.code))) return ExitCode.usage;
  if (problems.some((problem) => REFUSED.test(problem.code))) return ExitCode.refused;
  if (problems.length > 0 && problems.every((problem) => problem.kind === 'retry'))
    return ExitCode.unavailable;
  return ExitCode.problem;
}
