import { atDesk } from '../../backfill/desk.ts';
import { followRun, pageOptions, showRun } from '../../backfill/follow-run.ts';
import { runId } from '../../backfill/run-id.ts';
import type { CommandContext } from '../../command-context.ts';
import type { ExitCodeNumber } from '../../exit-code.ts';
import { ExitCode } from '../../exit-code.ts';
import { print, printJson } from '../../output.ts';
import { runTable } from '../../terminal/run-table.ts';
import { showPlanAgain } from './plan.ts';

/** Runs and plans that were not applied. */
export async function list(context: CommandContext): Promise<ExitCodeNumber> {
  const { output } = context;
  const [runs, plans] = await atDesk(context, 'look', ({ backfills }) =>
    Promise.all([backfills.runs(), backfills.plans()]),
  );
  if (output.json) printJson(output, { runs, plans });
  else print(output, runTable(runs, plans, Date.now(), pageOptions(output)).join('\n'));
  return ExitCode.ok;
}

/** One run, or a plan. */
export async function show(
  context: CommandContext,
  id: string,
  flags: { readonly watch?: boolean },
): Promise<ExitCodeNumber> {
  if (id.startsWith('plan-')) return showPlanAgain(context, id);
  return atDesk(context, 'look', async (desk) => {
    if (flags.watch === true) return followRun(context, desk, runId(id));
    showRun(context, await desk.backfills.run(runId(id)));
    return ExitCode.ok;
  });
}
