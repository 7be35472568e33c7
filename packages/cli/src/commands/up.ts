import type { Logger } from '@brimful/connector';
import type { Publication, Run, RuntimeStatus } from '@brimful/model';

import type { CommandContext } from '../command-context.ts';
import { loadedConfig } from '../command-context.ts';
import type { LoadedConfig } from '../config/load.ts';
import { openStore } from '../data-directory.ts';
import type { ExitCodeNumber } from '../exit-code.ts';
import { ExitCode } from '../exit-code.ts';
import { jsonLog, terminalLog } from '../log.ts';
import { print } from '../output.ts';
import { Pipe } from '../pipe.ts';
import { progressRecord, progressSummary } from '../progress-summary.ts';
import { stopSignals } from '../stop-signals.ts';
import { progressView } from '../terminal/progress-view.ts';
import { Screen } from '../terminal/screen.ts';

const REDRAW_EVERY_MILLISECONDS = 200;
/** Without a terminal: how often a line says how things are when nothing changes. */
const REPORT_EVERY_MILLISECONDS = 30_000;
const LOOK_EVERY_MILLISECONDS = 1000;
const CHANGES_SHOWN = 5;

export interface UpOptions {
  readonly verbose: boolean;
  /** Instead of the configuration's. */
  readonly port?: number;
}

/** Runs everything in this process until it is stopped. */
export async function up(context: CommandContext, options: UpOptions): Promise<ExitCodeNumber> {
  const written = await loadedConfig(context);
  const { port } = options;
  const config = port === undefined ? written : { ...written, server: { ...written.server, port } };
  return context.output.interactive
    ? inTerminal(context, config, options)
    : withLogs(context, config, options);
}

async function inTerminal(
  context: CommandContext,
  config: LoadedConfig,
  options: UpOptions,
): Promise<ExitCodeNumber> {
  const { output } = context;
  const screen = new Screen(output.stdout);
  const log = terminalLog(output, screen, options.verbose ? 'debug' : 'warn');
  let stopping = false;
  const draw = (status: RuntimeStatus, runs: readonly Run[], url: string | undefined): void => {
    const options = { columns: screen.columns, rows: screen.rows - 1, colors: output.colors };
    const view = progressView(status, options, runs);
    const footer = stopping
      ? 'Stopping (Ctrl-C again: at once) ...'
      : (status.reloading ??
        `Ctrl-C stops; nothing is lost. ${url === undefined ? 'Elsewhere: brimful status' : `In the browser: ${url}`}`);
    screen.draw([...view, output.colors.dim(footer)].map((line) => output.redact(line)));
  };
  try {
    return await run(context, config, log, {
      everyMilliseconds: REDRAW_EVERY_MILLISECONDS,
      onStatus: draw,
      onStopping: () => {
        stopping = true;
      },
    });
  } finally {
    screen.end();
  }
}

async function withLogs(
  context: CommandContext,
  config: LoadedConfig,
  options: UpOptions,
): Promise<ExitCodeNumber> {
  const log = jsonLog(context.output, options.verbose ? 'debug' : 'info');
  let reportedAt = 0;
  let reported = '';
  return run(context, config, log, {
    everyMilliseconds: LOOK_EVERY_MILLISECONDS,
    onStatus: (status, runs) => {
      const summary = progressSummary(status, runs);
      if (summary === reported && status.at - reportedAt < REPORT_EVERY_MILLISECONDS) return;
      reported = summary;
      reportedAt = status.at;
      log.info(progressRecord(status, runs), 'progress');
    },
    onStopping: () => log.info({}, 'stopping'),
  });
}

/** What is other than at the last start, in a few lines. */
function sayWhatChanged(publication: Publication | undefined, log: Logger): void {
  if (publication === undefined || publication.before === null) return;
  const { number, changes } = publication;
  log.warn({ publication: number }, 'The file was changed since it was applied last');
  for (const { sentence, effect } of changes.slice(0, CHANGES_SHOWN)) log.warn({}, `${sentence} ${effect}`);
  const more = changes.length - CHANGES_SHOWN;
  if (more > 0) log.warn({}, `And ${more} more: brimful publications show ${number}`);
}

interface Watcher {
  readonly everyMilliseconds: number;
  onStatus(status: RuntimeStatus, runs: readonly Run[], url: string | undefined): void;
  onStopping(): void;
}

async function run(
  context: CommandContext,
  config: LoadedConfig,
  log: Logger,
  watcher: Watcher,
): Promise<ExitCodeNumber> {
  using signals = stopSignals(() => process.exit(ExitCode.interrupted));
  const { startRuntime } = await import('@brimful/engine');
  await using pipe = await Pipe.start({
    config,
    connectors: context.connectors,
    log,
    openStore,
    startRuntime,
    environment: context.environment,
  });
  context.output.redact = pipe.redact;
  sayWhatChanged(pipe.changedFile, log);
  if (pipe.url !== undefined) log.info({ url: pipe.url }, 'pages and API');
  const look = setInterval(
    () => watcher.onStatus(pipe.status(), pipe.runs(), pipe.url),
    watcher.everyMilliseconds,
  );
  try {
    await Promise.race([signals.stopped, pipe.finished]);
    watcher.onStopping();
    watcher.onStatus(pipe.status(), pipe.runs(), pipe.url);
    await pipe.stop();
    watcher.onStatus(pipe.status(), pipe.runs(), pipe.url);
  } finally {
    clearInterval(look);
  }
  if (context.output.interactive) print(context.output, 'Stopped. Go on with: brimful up');
  return ExitCode.ok;
}
