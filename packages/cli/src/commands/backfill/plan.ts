import type { BackfillPlan } from '@brimful/model';
import { atDesk } from '../../backfill/desk.ts';
import { pageOptions } from '../../backfill/follow-run.ts';
import type { PlanFlags } from '../../backfill/plan-flags.ts';
import { runDraft } from '../../backfill/plan-flags.ts';
import type { CommandContext } from '../../command-context.ts';
import type { ExitCodeNumber } from '../../exit-code.ts';
import { ExitCode } from '../../exit-code.ts';
import { print, printJson } from '../../output.ts';
import { obstacles } from '../../terminal/guard-lines.ts';
import type { PageOptions } from '../../terminal/page.ts';
import { planPage } from '../../terminal/plan-page.ts';

/** Plans a run and shows the plan. Nothing happens yet. */
export async function plan(context: CommandContext, task: string, flags: PlanFlags): Promise<ExitCodeNumber> {
  const made = await atDesk(context, 'change', ({ config, backfills }) =>
    backfills.plan(runDraft(task, flags, config.backfill, context.workingDirectory)),
  );
  showPlan(context, made);
  return readiness(made);
}

/** Shows a plan again. */
export async function showPlanAgain(context: CommandContext, id: string): Promise<ExitCodeNumber> {
  showPlan(context, await atDesk(context, 'look', ({ backfills }) => backfills.findPlan(id)));
  return ExitCode.ok;
}

export function showPlan({ output }: CommandContext, made: BackfillPlan): void {
  if (output.json) return printJson(output, made);
  print(output, planText(made, pageOptions(output)));
}

/** All that `brimful backfill plan` says: the plan, and how it goes on. */
export function planText(made: BackfillPlan, options: PageOptions): string {
  return [...planPage(made, options), '', ...ending(made)].join('\n');
}

/** Whether the plan can be applied as it stands, for scripts. */
function readiness(made: BackfillPlan): ExitCodeNumber {
  const { blocking, unconfirmed } = obstacles(made);
  return blocking.length + unconfirmed.length > 0 ? ExitCode.refused : ExitCode.ok;
}

function ending(made: BackfillPlan): string[] {
  const { blocking, unconfirmed } = obstacles(made);
  if (blocking.length > 0) {
    const ids = [...new Set(blocking.map(({ id }) => id))].join(', ');
    return [
      'Nothing has happened yet, and this plan cannot be applied.',
      `Mend what blocks it (${ids}), and plan again.`,
    ];
  }
  const flags = [...new Set(unconfirmed.map(({ id }) => ` --acknowledge ${id}`))].join('');
  return ['Nothing has happened yet. Apply it:', `  brimful backfill apply ${made.id}${flags}`];
}
