import type { ProblemRecord } from '@brimful/model';
import { Problem } from '@brimful/model';

/** The source has forgotten changes of all tables of a capture, or is no longer what was followed. */
const LOST_CODES: ReadonlySet<string> = new Set([
  'BRM-PG-SLOT-LOST',
  'BRM-PG-SLOT-RECREATED',
  'BRM-PG-SERVER-BEHIND',
  'BRM-PG-SERVER-RESTORED',
  'BRM-PG-PUBLICATION-LOST',
]);

/** Of a table whose journal ends where the stream was lost. */
const CUT_OFF_CODE = 'BRM-CAPTURE-CUT-OFF';

/** Whether a capture stopped because its stream cannot go on where it was. */
export function hasLostChanges(problem: ProblemRecord | null | undefined): boolean {
  return problem !== null && problem !== undefined && LOST_CODES.has(problem.code);
}

/** Whether a table's journal ends where the stream was lost: only its next generation can be followed. (Handoff rule H15) */
export function isCutOff(problem: ProblemRecord | null | undefined): boolean {
  return problem?.code === CUT_OFF_CODE;
}

export function cutOff(collection: string): ProblemRecord {
  return cutOffProblem(collection).toJSON();
}

export function cutOffProblem(collection: string): Problem {
  return new Problem(
    CUT_OFF_CODE,
    `The stream of ${collection}'s table was lost, and began anew behind changes that nobody has seen: it can only be followed in the next generation.`,
    { remedy: 'Let the reset go on that reads it, or order one.', at: { collection } },
  );
}
