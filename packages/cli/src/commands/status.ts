import type { RuntimeStatus } from '@brimful/model';
import { Problem } from '@brimful/model';
import type { CommandContext } from '../command-context.ts';
import { loadedConfig } from '../command-context.ts';
import type { ExitCodeNumber } from '../exit-code.ts';
import { ExitCode } from '../exit-code.ts';
import { print, printJson } from '../output.ts';
import { publishedStatus } from '../published-status.ts';
import { alertLines } from '../terminal/alert-lines.ts';
import { formatMilliseconds } from '../terminal/format.ts';
import { progressView } from '../terminal/progress-view.ts';
import { isShown } from '../terminal/run-lines.ts';

/** A running `up` publishes every second; silent for longer than this, it hangs. */
const SILENT_AFTER_MILLISECONDS = 10_000;
const DEFAULT_COLUMNS = 100;

/** What a running `up` says about itself, or the last it said. 1 when something has failed. */
export async function status(context: CommandContext): Promise<ExitCodeNumber> {
  const { dataDirectory } = await loadedConfig(context);
  const published = await publishedStatus(dataDirectory);
  if (published === undefined) {
    throw new Problem('BRM-STATUS-NONE', 'Nothing has run with this data directory yet.', {
      remedy: 'Start it with: brimful up',
      at: { directory: dataDirectory },
    });
  }
  const { status: value, running, runs, alerts } = published;
  const shown = runs.filter(isShown);
  const age = Date.now() - value.at;
  if (context.output.json) {
    printJson(context.output, { running, ageMilliseconds: age, ...value, runs: shown, alerts });
  } else {
    print(context.output, headline(value, running, age));
    const columns = context.output.stdout.columns ?? DEFAULT_COLUMNS;
    const options = { columns, rows: Infinity, colors: context.output.colors };
    const view = progressView(value, options, shown);
    print(context.output, view.join('\n'));
    // Old news would read as if it were so now.
    const lines = running ? alertLines(alerts, Date.now(), options) : [];
    if (lines.length > 0) print(context.output, ['', 'Alerts:', ...lines].join('\n'));
  }
  return hasFailed(value) || shown.some(({ state }) => state === 'failed') ? ExitCode.problem : ExitCode.ok;
}

function headline(value: RuntimeStatus, running: boolean, age: number): string {
  if (!running) {
    return `Not running. This is the state of ${new Date(value.at).toLocaleString()}; go on with: brimful up`;
  }
  const since = formatMilliseconds(Date.now() - value.startedAt);
  const silent = age > SILENT_AFTER_MILLISECONDS ? `, silent for ${formatMilliseconds(age)}` : '';
  const reloading = value.reloading === undefined ? '' : ` ${value.reloading}`;
  return `Running for ${since} (process ${value.pid}${silent}).${reloading}`;
}

function hasFailed(value: RuntimeStatus): boolean {
  return [...value.captures, ...value.materializations].some(
    (task) =>
      task.problem !== undefined ||
      task.bindings.some((binding) => binding.phase === 'failed' || binding.phase === 'gap'),
  );
}
