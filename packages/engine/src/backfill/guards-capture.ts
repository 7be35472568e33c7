import type { Guard, RunRequest } from '@brimful/model';
import { hasLostChanges } from '../capture/lost-changes.ts';
import type { PlanFacts } from './plan-facts.ts';

/** The guard that, once it is acknowledged, lets a run have the stream begin anew. */
export const BEGINS_ANEW = 'changes-lost';

/** A capture that has stopped would neither read nor stream. */
export function captureGuard(request: RunRequest, { captureProblem, bindings }: PlanFacts): readonly Guard[] {
  if (captureProblem === null) return [];
  const subject = bindings[0]?.collection ?? 'capture';
  const evidence = `${captureProblem.code}: ${captureProblem.message}`;
  if (!hasLostChanges(captureProblem)) {
    return [
      {
        id: 'capture-stopped',
        level: 'confirm',
        subject,
        message: 'The capture has stopped: the run waits until it goes on.',
        evidence,
        remedy: captureProblem.remedy,
      },
    ];
  }
  const refused = whyNot(request);
  return [
    {
      id: BEGINS_ANEW,
      level: refused === undefined ? 'confirm' : 'block',
      subject,
      message:
        refused ??
        'The source has forgotten changes that were not read. The stream begins anew: every table is marked as having lost changes and stays as it is until its next generation, read whole, takes its place. An undo would go back to what it is now.',
      evidence,
      remedy:
        refused === undefined
          ? null
          : `Order a reset of everything that is captured: brimful backfill plan ${request.task} --mode reset, without --binding and --keep-missing.`,
    },
  ];
}

/** Handoff rule H15 says why nothing less will do. */
function whyNot({ mode, bindings, missingRows }: RunRequest): string | undefined {
  if (mode !== 'reset')
    return 'The source has forgotten changes that were not read: nothing can be merged into what lacks them, since a change may rest on a row that was never seen.';
  if (bindings !== null)
    return 'The source has forgotten changes of all tables: the stream cannot begin anew for some of them.';
  return missingRows === 'keep'
    ? 'The source has forgotten changes that were not read: rows that were deleted meanwhile could not be told from those that are to be kept.'
    : undefined;
}
