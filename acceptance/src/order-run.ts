import type { ControlClient } from '@brimful/control';
import type { RunDraft, RunOrder } from '@brimful/engine';
import type { BackfillPlan, Run, RunState } from '@brimful/model';

/** Generous, as everywhere. */
const RUN_MILLISECONDS = 240_000;
const LOOK_MILLISECONDS = 50;

/** Plans a run and applies it, with every guard that only asks acknowledged. */
export async function orderRun(
  control: ControlClient,
  draft: Omit<RunDraft, 'author' | 'reason'>,
): Promise<{ readonly plan: BackfillPlan; readonly run: Run }> {
  const plan = await control.backfills.plan({ ...draft, author: 'test', reason: 'a test' });
  const acknowledged = plan.guards.filter(({ level }) => level === 'confirm').map(({ id }) => id);
  const run = await control.backfills.apply(plan.id, { who: 'test', acknowledged });
  return { plan, run };
}

/** The run when it has come to one of the states; fails when it ends elsewhere. */
export async function untilRun(
  control: () => Promise<ControlClient>,
  id: string,
  ...states: readonly RunState[]
): Promise<Run> {
  return untilRunIs(control, id, states.join(), (run) => states.includes(run.state));
}

/** A cancelled run has its tables until all that it had made is taken back: only then may another run have them. */
export function untilTakenBack(control: () => Promise<ControlClient>, id: string): Promise<Run> {
  return untilRunIs(
    control,
    id,
    'taken back',
    ({ state, report, startedAt }) => state === 'cancelled' && (report !== null || startedAt === null),
    new Set<RunState>(['done', 'failed', 'expired']),
  );
}

async function untilRunIs(
  control: () => Promise<ControlClient>,
  id: string,
  what: string,
  isSo: (run: Run) => boolean,
  ends: ReadonlySet<RunState> = ENDS,
): Promise<Run> {
  const deadline = Date.now() + RUN_MILLISECONDS;
  for (;;) {
    const run = await lookAt(control, id);
    if (run !== undefined && isSo(run)) return run;
    const isEnded = run !== undefined && ends.has(run.state);
    if (isEnded || Date.now() > deadline)
      throw new Error(`waited for ${what}:\n${JSON.stringify(run, null, 1)}`);
    await new Promise((resolve) => setTimeout(resolve, LOOK_MILLISECONDS));
  }
}

const ENDS: ReadonlySet<RunState> = new Set(['done', 'cancelled', 'failed', 'expired']);

/** Undefined while no pipe answers: it may just have been killed. */
async function lookAt(control: () => Promise<ControlClient>, id: string): Promise<Run | undefined> {
  try {
    return await (await control()).backfills.run(id);
  } catch (thrown) {
    if (thrown instanceof Error && 'code' in thrown && String(thrown.code).startsWith('BRM-CONTROL'))
      return undefined;
    throw thrown;
  }
}

export function tell(
  control: ControlClient,
  id: string,
  verb: RunOrder['verb'],
  more: Partial<RunOrder> = {},
): Promise<Run> {
  return control.backfills.order(id, { verb, who: 'test', why: null, ...more });
}
