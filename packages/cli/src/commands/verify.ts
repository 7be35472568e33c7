import { ControlClient } from '@brimful/control';
import type { VerifyProgress, VerifyRequest } from '@brimful/control';
import type { VerificationReport } from '@brimful/model';
import { Problem } from '@brimful/model';
import { author } from '../backfill/author.ts';
import { atDesk } from '../backfill/desk.ts';
import { pageOptions } from '../backfill/follow-run.ts';
import type { CommandContext } from '../command-context.ts';
import { loadedConfig } from '../command-context.ts';
import type { ExitCodeNumber } from '../exit-code.ts';
import { ExitCode } from '../exit-code.ts';
import { print, printJson } from '../output.ts';
import { begun, confirmed } from './backfill/apply.ts';
import { showPlan } from './backfill/plan.ts';
import type { Ask } from '../terminal/ask.ts';
import { askOn } from '../terminal/ask.ts';
import { obstacles } from '../terminal/guard-lines.ts';
import { stopSignals } from '../stop-signals.ts';
import { formatCount } from '../terminal/format.ts';
import { Screen } from '../terminal/screen.ts';
import { isPass, verificationPage } from '../terminal/verification-page.ts';
import { clip, harmless } from '../terminal/width.ts';

export interface VerifyFlags {
  readonly binding?: readonly string[];
  readonly level?: VerifyRequest['level'];
  /** Applies the repairs that were planned, one after the other. */
  readonly repair?: boolean;
  readonly acknowledge?: readonly string[];
  readonly yes?: boolean;
  readonly as?: string;
}

/**
 * Compares source, collections and tables while changes flow. What differs gets a plan of the smallest run that mends it; with
 * `--repair` that is applied. 6 unless all of it is equal, or was repaired.
 */
export async function verify(
  context: CommandContext,
  target: string,
  flags: VerifyFlags,
  ask: Ask = askOn(context.output, 'Add --yes if you are sure.'),
): Promise<ExitCodeNumber> {
  const { output } = context;
  const { dataDirectory } = await loadedConfig(context);
  const pipe = await ControlClient.find(dataDirectory);
  if (pipe === undefined) {
    throw new Problem(
      'BRM-VERIFY-OFFLINE',
      'Nothing runs here: both sides are compared while changes flow.',
      {
        kind: 'retry',
        remedy: 'Start it with: brimful up',
      },
    );
  }
  const stop = new AbortController();
  using signals = stopSignals(() => process.exit(ExitCode.interrupted));
  void signals.stopped.then(() => stop.abort());
  const request: VerifyRequest = {
    target,
    bindings: flags.binding ?? null,
    level: flags.level ?? 'full',
    author: author(flags.as),
  };
  const screen = output.interactive ? new Screen(output.stdout) : undefined;
  try {
    const reports = await pipe.verify(request, stop.signal, (progress) =>
      screen?.draw([clip(progressText(progress), screen.columns)]),
    );
    screen?.draw([]);
    screen?.end();
    if (output.json) printJson(output, reports);
    else print(output, verificationPage(reports, pageOptions(output)).join('\n'));
    if (flags.repair === true && reports.some(({ repairPlan }) => repairPlan !== undefined))
      return await repair(context, reports, flags, ask);
    return reports.length > 0 && reports.every(isPass) ? ExitCode.ok : ExitCode.divergent;
  } catch (thrown) {
    screen?.end();
    if (stop.signal.aborted) return ExitCode.interrupted;
    throw thrown;
  }
}

/** What was planned, one run after the other: each is shown, asked about, applied and watched to its end. */
async function repair(
  context: CommandContext,
  reports: readonly VerificationReport[],
  flags: VerifyFlags,
  ask: Ask,
): Promise<ExitCodeNumber> {
  const plans = new Set(reports.flatMap(({ repairPlan }) => repairPlan ?? []));
  return atDesk(context, 'change', async (desk) => {
    for (const id of plans) {
      const plan = await desk.backfills.findPlan(id);
      showPlan(context, plan);
      if (obstacles(plan).blocking.length > 0) return ExitCode.refused;
      const acknowledged = await confirmed(plan, flags, ask);
      if (acknowledged === undefined) return ExitCode.divergent;
      const run = await desk.backfills.apply(id, { who: author(flags.as), acknowledged });
      const code = await begun(context, desk, run, true);
      if (code !== ExitCode.ok) return code;
    }
    // What no run was planned for still differs.
    const isMended = reports.every((report) => isPass(report) || report.repairPlan !== undefined);
    return isMended ? ExitCode.ok : ExitCode.divergent;
  });
}

function progressText({ subject, stage, rows }: VerifyProgress): string {
  return harmless(`${subject}: ${stage}, ${formatCount(rows)} rows`);
}
