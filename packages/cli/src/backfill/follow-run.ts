import type { Run } from '@brimful/model';
import { Problem } from '@brimful/model';
import type { CommandContext } from '../command-context.ts';
import type { ExitCodeNumber } from '../exit-code.ts';
import { ExitCode } from '../exit-code.ts';
import { print, printJson } from '../output.ts';
import { stopSignals } from '../stop-signals.ts';
import { isOver, stateSentence } from '../terminal/run-lines.ts';
import { runPage } from '../terminal/run-page.ts';
import { Screen } from '../terminal/screen.ts';
import type { Desk } from './desk.ts';

/** Draws a run until nothing more happens to it by itself. Ctrl-C stops the watching, never the run. */
export async function followRun(context: CommandContext, desk: Desk, id: string): Promise<ExitCodeNumber> {
  const { output } = context;
  if (desk.pipe === undefined) {
    const run = await desk.backfills.run(id);
    showRun(context, run);
    if (!output.json && !isOver(run)) print(output, '\nNothing runs here. It goes on with: brimful up');
    return exitCodeOfRun(run);
  }
  const stop = new AbortController();
  using signals = stopSignals(() => process.exit(ExitCode.interrupted));
  void signals.stopped.then(() => stop.abort());
  const shown = output.interactive ? onScreen(context) : inLines(context);
  try {
    const last = await untilOver(desk, id, stop.signal, shown.show);
    shown.end(last);
    return exitCodeOfRun(last);
  } catch (thrown) {
    shown.end(undefined);
    if (!stop.signal.aborted) throw thrown;
    if (!output.json) print(output, `It goes on. Watch it again: brimful backfill show ${id} --watch`);
    return ExitCode.interrupted;
  }
}

export function showRun({ output }: CommandContext, run: Run): void {
  if (output.json) printJson(output, run);
  else print(output, runPage(run, pageOptions(output)).join('\n'));
}

const DEFAULT_COLUMNS = 100;

export function pageOptions({ stdout, colors }: CommandContext['output']): Parameters<typeof runPage>[1] {
  return { columns: stdout.columns ?? DEFAULT_COLUMNS, colors };
}

/** Scripts that watch a run want to know how it ended. */
export function exitCodeOfRun({ state }: Run): ExitCodeNumber {
  const bad = state === 'failed' || state === 'cancelled' || state === 'expired';
  return bad ? ExitCode.runFailed : ExitCode.ok;
}

async function untilOver(
  { backfills }: Desk,
  id: string,
  signal: AbortSignal,
  show: (run: Run) => void,
): Promise<Run> {
  // Before the watch, so that an id that is not there is said.
  let last = await backfills.run(id);
  show(last);
  if (isOver(last)) return last;
  for await (const run of backfills.watch(signal)) {
    if (run.id !== id) continue;
    last = run;
    show(run);
    if (isOver(run)) return run;
  }
  throw new Problem('BRM-CONTROL-LOST', 'The running pipe ended while the run was watched.', {
    kind: 'retry',
  });
}

interface Shown {
  show(run: Run): void;
  /** `last`: where the run came to its end. */
  end(last: Run | undefined): void;
}

/** A page that is drawn again and again; at the end the whole page stays. */
function onScreen(context: CommandContext): Shown {
  const { output } = context;
  const screen = new Screen(output.stdout);
  return {
    show: (run) => {
      const page = runPage(run, { columns: screen.columns, colors: output.colors });
      const footer = output.colors.dim('Ctrl-C stops watching; the run goes on.');
      screen.draw([...page, '', footer].map((line) => output.redact(line)));
    },
    end: (last) => {
      if (last !== undefined) screen.draw([]);
      screen.end();
      if (last !== undefined) showRun(context, last);
    },
  };
}

/** JSON: the run after each change. Otherwise a line where its state changes. */
function inLines(context: CommandContext): Shown {
  const { output } = context;
  let said = '';
  return {
    show: (run) => {
      if (output.json) return printJson(output, run);
      const sentence = `${run.id}: ${stateSentence(run)}`;
      if (sentence === said) return;
      said = sentence;
      print(output, sentence);
    },
    end: (last) => {
      if (last !== undefined && !output.json) showRun(context, last);
    },
  };
}
