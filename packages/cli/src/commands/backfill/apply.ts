import type { BackfillPlan, Run } from '@brimful/model';
import { Problem } from '@brimful/model';
import { author } from '../../backfill/author.ts';
import type { Desk } from '../../backfill/desk.ts';
import { atDesk } from '../../backfill/desk.ts';
import { followRun, pageOptions } from '../../backfill/follow-run.ts';
import type { PlanFlags } from '../../backfill/plan-flags.ts';
import { runDraft } from '../../backfill/plan-flags.ts';
import type { CommandContext } from '../../command-context.ts';
import type { ExitCodeNumber } from '../../exit-code.ts';
import { ExitCode } from '../../exit-code.ts';
import { print, printJson } from '../../output.ts';
import type { Ask } from '../../terminal/ask.ts';
import { obstacles } from '../../terminal/guard-lines.ts';
import { planPage, subjectText } from '../../terminal/plan-page.ts';
import { showPlan } from './plan.ts';

export interface ApplyFlags {
  readonly acknowledge?: readonly string[];
  readonly as?: string;
  readonly watch?: boolean;
}

/** Makes a run of a plan. */
export async function apply(
  context: CommandContext,
  planId: string,
  flags: ApplyFlags,
): Promise<ExitCodeNumber> {
  return atDesk(context, 'change', async (desk) => {
    const approval = { who: author(flags.as), acknowledged: flags.acknowledge ?? [] };
    const run = await desk.backfills.apply(planId, approval);
    return begun(context, desk, run, flags.watch === true);
  });
}

export interface RunFlags extends PlanFlags {
  readonly yes?: boolean;
  readonly watch?: boolean;
}

/** Plans, shows, asks, applies and watches. */
export async function run(
  context: CommandContext,
  task: string,
  flags: RunFlags,
  ask: Ask,
): Promise<ExitCodeNumber> {
  return atDesk(context, 'change', async (desk) => {
    const draft = runDraft(task, flags, desk.config.backfill, context.workingDirectory);
    const made = await desk.backfills.plan(draft);
    const { blocking } = obstacles(made);
    if (blocking.length > 0) {
      showPlan(context, made);
      return ExitCode.refused;
    }
    // How it goes on is asked below, not said.
    if (context.output.json) printJson(context.output, made);
    else print(context.output, `${planPage(made, pageOptions(context.output)).join('\n')}\n`);
    const acknowledged = await confirmed(made, flags, ask);
    if (acknowledged === undefined) {
      if (!context.output.json) print(context.output, 'Nothing was done.');
      return ExitCode.refused;
    }
    const started = await desk.backfills.apply(made.id, { who: draft.author, acknowledged });
    return begun(context, desk, started, flags.watch !== false);
  });
}

/** What is acknowledged on the way; undefined when somebody said no. `--yes` answers the question, never a guard's. */
export async function confirmed(
  made: BackfillPlan,
  flags: Pick<RunFlags, 'yes' | 'acknowledge'>,
  ask: Ask,
): Promise<readonly string[] | undefined> {
  const acknowledged = [...(flags.acknowledge ?? [])];
  const { unconfirmed } = obstacles(made, acknowledged);
  if (flags.yes === true && unconfirmed.length > 0) {
    const ids = [...new Set(unconfirmed.map(({ id }) => id))];
    throw new Problem('BRM-PLAN-CONFIRM', `Somebody has to acknowledge ${ids.join(', ')}.`, {
      remedy: `If that is what you want: ${ids.map((id) => `--acknowledge ${id}`).join(' ')}`,
      at: { plan: made.id },
    });
  }
  for (const { id, subject, message } of unconfirmed) {
    if (!(await ask(`${id}, ${subject}: ${message} Is that what you want?`))) return undefined;
    acknowledged.push(id);
  }
  if (flags.yes === true || (await ask(`Begin ${subjectText(made)}?`))) return [...new Set(acknowledged)];
  return undefined;
}

export async function begun(
  context: CommandContext,
  desk: Desk,
  started: Run,
  watch: boolean,
): Promise<ExitCodeNumber> {
  const { output } = context;
  const { id, plan } = started;
  if (watch && desk.pipe !== undefined) return followRun(context, desk, id);
  if (output.json) {
    printJson(output, started);
    return ExitCode.ok;
  }
  print(output, `${id} is approved: ${subjectText(plan)}.`);
  print(
    output,
    desk.pipe === undefined
      ? 'Nothing runs here at the moment: it begins with the next `brimful up`.'
      : `Watch it: brimful backfill show ${id} --watch`,
  );
  return ExitCode.ok;
}
