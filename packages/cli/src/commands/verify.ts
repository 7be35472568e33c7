import { ControlClient } from '@brimful/control';
import type { VerifyProgress, VerifyRequest } from '@brimful/control';
import { Problem } from '@brimful/model';
import { pageOptions } from '../backfill/follow-run.ts';
import type { CommandContext } from '../command-context.ts';
import { loadedConfig } from '../command-context.ts';
import type { ExitCodeNumber } from '../exit-code.ts';
import { ExitCode } from '../exit-code.ts';
import { print, printJson } from '../output.ts';
import { stopSignals } from '../stop-signals.ts';
import { formatCount } from '../terminal/format.ts';
import { Screen } from '../terminal/screen.ts';
import { isPass, verificationPage } from '../terminal/verification-page.ts';
import { clip, harmless } from '../terminal/width.ts';

export interface VerifyFlags {
  readonly binding?: readonly string[];
  readonly level?: VerifyRequest['level'];
}

/** Compares source, collections and tables while changes flow. Changes nothing. 6 unless all of it is equal. */
export async function verify(
  context: CommandContext,
  target: string,
  flags: VerifyFlags,
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
  const request: VerifyRequest = { target, bindings: flags.binding ?? null, level: flags.level ?? 'full' };
  const screen = output.interactive ? new Screen(output.stdout) : undefined;
  try {
    const reports = await pipe.verify(request, stop.signal, (progress) =>
      screen?.draw([clip(progressText(progress), screen.columns)]),
    );
    screen?.draw([]);
    screen?.end();
    if (output.json) printJson(output, reports);
    else print(output, verificationPage(reports, pageOptions(output)).join('\n'));
    return reports.length > 0 && reports.every(isPass) ? ExitCode.ok : ExitCode.divergent;
  } catch (thrown) {
    screen?.end();
    if (stop.signal.aborted) return ExitCode.interrupted;
    throw thrown;
  }
}

function progressText({ subject, stage, rows }: VerifyProgress): string {
  return harmless(`${subject}: ${stage}, ${formatCount(rows)} rows`);
}
