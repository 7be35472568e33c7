import type { RunOrder } from '@brimful/engine';
import type { RunVerb } from '@brimful/model';
import { author } from '../../backfill/author.ts';
import { atDesk } from '../../backfill/desk.ts';
import { followRun } from '../../backfill/follow-run.ts';
import { runId } from '../../backfill/run-id.ts';
import type { ThrottleFlags } from '../../backfill/throttle-flags.ts';
import { changedThrottle } from '../../backfill/throttle-flags.ts';
import type { CommandContext } from '../../command-context.ts';
import type { ExitCodeNumber } from '../../exit-code.ts';
import { ExitCode } from '../../exit-code.ts';
import { print, printJson } from '../../output.ts';
import { stateSentence } from '../../terminal/run-lines.ts';

export interface OrderFlags extends ThrottleFlags {
  readonly binding?: string;
  readonly reason?: string;
  readonly as?: string;
  readonly watch?: boolean;
}

/** Tells a run what to do. A running pipe follows at once, else the next one. */
export async function order(
  context: CommandContext,
  verb: Exclude<RunVerb, 'apply'>,
  written: string,
  flags: OrderFlags,
): Promise<ExitCodeNumber> {
  const { output } = context;
  const id = runId(written);
  return atDesk(context, 'change', async (desk) => {
    const wanted: RunOrder = {
      verb,
      who: author(flags.as),
      why: flags.reason ?? null,
      ...(flags.binding === undefined ? {} : { collection: flags.binding }),
      ...(verb === 'throttle'
        ? { throttle: changedThrottle((await desk.backfills.run(id)).throttle, flags) }
        : {}),
    };
    const run = await desk.backfills.order(id, wanted);
    if (flags.watch === true) return followRun(context, desk, id);
    if (output.json) {
      printJson(output, run);
      return ExitCode.ok;
    }
    const about = flags.binding === undefined ? id : `${flags.binding} of ${id}`;
    print(output, `${verb} ${about}: the run is ${stateSentence(run)}.`);
    if (desk.pipe === undefined)
      print(output, 'Nothing runs here at the moment: the next `brimful up` follows.');
    return ExitCode.ok;
  });
}
