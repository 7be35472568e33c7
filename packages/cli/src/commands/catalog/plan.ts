import type { PublicationPlan } from '@brimful/model';
import { author } from '../../backfill/author.ts';
import { pageOptions } from '../../backfill/follow-run.ts';
import type { CatalogDesk } from '../../catalog/desk.ts';
import { atCatalog } from '../../catalog/desk.ts';
import type { CommandContext } from '../../command-context.ts';
import type { ExitCodeNumber } from '../../exit-code.ts';
import { ExitCode } from '../../exit-code.ts';
import { print, printJson } from '../../output.ts';
import { catalogPlanPage, diffLines } from '../../terminal/catalog-page.ts';

export interface PlanCatalogFlags {
  readonly unchecked?: boolean;
  readonly diff?: boolean;
  readonly reason?: string;
  readonly as?: string;
}

/** The file against what was applied last. Changes nothing. */
export async function planCatalog(context: CommandContext, flags: PlanCatalogFlags): Promise<ExitCodeNumber> {
  return atCatalog(context, 'look', async (desk) => {
    const plan = await planOfFile(desk, flags);
    showCatalogPlan(context, plan, flags.diff === true);
    const code = readiness(plan);
    if (code === ExitCode.changes && !context.output.json)
      print(context.output, 'Nothing has happened yet. Apply it: brimful apply');
    return code;
  });
}

export function planOfFile(
  { config, catalog }: CatalogDesk,
  flags: PlanCatalogFlags,
): Promise<PublicationPlan> {
  return catalog.plan({
    text: config.text,
    reason: flags.reason ?? '',
    author: author(flags.as),
    unchecked: flags.unchecked === true,
  });
}

export function showCatalogPlan({ output }: CommandContext, plan: PublicationPlan, withDiff: boolean): void {
  if (output.json) return printJson(output, plan);
  const options = pageOptions(output);
  const diff = withDiff ? ['', ...diffLines(plan.diff, options)] : [];
  print(output, [...catalogPlanPage(shownPlan(plan), options), ...diff].join('\n'));
}

/** That nothing changes is said by itself, and is nothing in the way. */
function shownPlan(plan: PublicationPlan): PublicationPlan {
  return isNothing(plan) ? { ...plan, blocked: [] } : plan;
}

export function isNothing({ changes, diff, problems }: PublicationPlan): boolean {
  return changes.length === 0 && diff.length === 0 && problems.length === 0;
}

/** For scripts: whether there is anything to apply, and whether it can be. */
export function readiness(plan: PublicationPlan): ExitCodeNumber {
  if (plan.problems.length > 0) return ExitCode.usage;
  if (isNothing(plan)) return ExitCode.ok;
  return plan.blocked.length > 0 ? ExitCode.refused : ExitCode.changes;
}
