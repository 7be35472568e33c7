import type { Publication, PublicationPlan } from '@brimful/model';
import { author } from '../../backfill/author.ts';
import type { CatalogDesk } from '../../catalog/desk.ts';
import { atCatalog } from '../../catalog/desk.ts';
import type { CommandContext } from '../../command-context.ts';
import type { ExitCodeNumber } from '../../exit-code.ts';
import { ExitCode } from '../../exit-code.ts';
import { print, printJson } from '../../output.ts';
import type { Ask } from '../../terminal/ask.ts';
import type { PlanCatalogFlags } from './plan.ts';
import { isNothing, planOfFile, readiness, showCatalogPlan } from './plan.ts';

export interface ApplyCatalogFlags extends PlanCatalogFlags {
  readonly yes?: boolean;
}

/** Plans the file, shows, asks, applies. */
export async function applyCatalog(
  context: CommandContext,
  flags: ApplyCatalogFlags,
  ask: Ask,
): Promise<ExitCodeNumber> {
  return atCatalog(context, 'change', async (desk) =>
    carryOut(context, desk, await planOfFile(desk, flags), flags, ask),
  );
}

/** Plans to go back to the text before a publication, shows, asks, applies. */
export async function revertPublication(
  context: CommandContext,
  number: number,
  flags: ApplyCatalogFlags,
  ask: Ask,
): Promise<ExitCodeNumber> {
  return atCatalog(context, 'change', async (desk) => {
    const draft = {
      reason: flags.reason ?? '',
      author: author(flags.as),
      unchecked: flags.unchecked === true,
    };
    const plan = await desk.catalog.planRevert(number, draft);
    return carryOut(context, desk, plan, { ...flags, diff: true }, ask);
  });
}

async function carryOut(
  context: CommandContext,
  { catalog, isRunning }: CatalogDesk,
  plan: PublicationPlan,
  flags: ApplyCatalogFlags,
  ask: Ask,
): Promise<ExitCodeNumber> {
  const { output } = context;
  showCatalogPlan(context, plan, flags.diff === true);
  if (isNothing(plan)) return ExitCode.ok;
  const code = readiness(plan);
  if (code !== ExitCode.changes) return code;
  if (flags.yes !== true && !(await ask('Apply this?'))) {
    if (!output.json) print(output, 'Nothing was done.');
    return ExitCode.refused;
  }
  const applied = await catalog.apply(plan.id, { who: plan.author, origin: 'command line' });
  if (output.json) printJson(output, applied);
  else print(output, ending(applied, isRunning));
  return ExitCode.ok;
}

function ending({ number }: Publication, isRunning: boolean): string {
  return isRunning
    ? `Publication ${number} is applied: what runs has followed.`
    : `Publication ${number} is applied. Nothing runs here at the moment: the next \`brimful up\` follows.`;
}
