import { relative } from 'node:path';
import { startRuntime } from '@brimful/engine';
import type { Output, Pipe as RunningPipe } from 'brimful';
import { builtInConnectors, formatBytes, loadConfig, openStore, Pipe, terminalLog } from 'brimful';
import { Client } from 'pg';
import { arrivalOf, isDrained } from './arrival.ts';
import type { Environment } from './environment.ts';
import { createEnvironment } from './environment.ts';
import type { DemoOptions } from './options.ts';
import { playReset, resetText } from './reset/play-reset.ts';
import type { ResetOutcome } from './reset/play-reset.ts';
import type { ShopSize } from './shop/fill.ts';
import { fillShop, shopSize } from './shop/fill.ts';
import { TABLES } from './shop/schema.ts';
import type { LiveWriter } from './shop/writer.ts';
import { startWriter } from './shop/writer.ts';
import type { Stage } from './stage.ts';
import { compareAll, isEqual, verdictText } from './verdict.ts';
import { Watch } from './watch.ts';

/** Runs the demo to its end and returns the exit code. `stopped` resolves when the audience has seen enough. */
export async function runDemo(
  options: DemoOptions,
  output: Output,
  stage: Stage,
  stopped: Promise<void>,
): Promise<number> {
  await using environment = await stage.step('Postgres 18 from npm is running', createEnvironment);
  const size = shopSize(options.orders);
  await stage.step(
    `A shop with ${size.orders.toLocaleString('en-US')} orders in ${TABLES.length} tables is in it`,
    () => fillShop(environment.sourceUrl, size),
  );
  const writer = await beginWriting(environment, size, options, stage);
  const pipe = await startPipe(environment, output, stage);
  if (pipe.url !== undefined && !options.exit) stage.say(`  Watch it in the browser: ${pipe.url}`);
  let reset: ResetOutcome | undefined;
  try {
    const watch = new Watch(pipe, writer, stage, stopped);
    let complete = await watch.until((status) => arrivalOf(status, TABLES.length).kind === 'complete');
    if (complete) stage.say(whereabouts(environment, options, pipe.url));
    if (complete && options.runs) {
      reset = await playReset({ environment, pipe, watch, stage, output });
      complete = reset !== undefined;
    }
    if (complete && !options.exit) await watch.until(() => false);
    if (!complete || !options.exit) {
      stage.say('Stopping. The servers go; configuration, journals and the DuckDB file stay in demo/.run.');
      return options.exit ? 1 : 0;
    }
    await writer?.stop();
    stage.say(`The writer has stopped after ${writer?.status.transactions ?? 0} transactions; draining.`);
    const position = await endOfLog(environment.sourceUrl);
    if (!(await watch.until((status) => isDrained(status, position)))) return 1;
  } finally {
    // Both, whatever comes of the other: the server goes next.
    await Promise.allSettled([writer?.stop(), pipe.stop()]);
  }
  return await conclude(environment, stage, reset);
}

async function beginWriting(
  environment: Environment,
  size: ShopSize,
  options: DemoOptions,
  stage: Stage,
): Promise<LiveWriter | undefined> {
  if (options.rate === 0) return undefined;
  const writer = await startWriter(environment.sourceUrl, size, options.rate);
  stage.say(`  Customers change it all the while, about ${options.rate} transactions a second.`);
  return writer;
}

/** The same code path as `brimful up` on the same file. */
async function startPipe(environment: Environment, output: Output, stage: Stage): Promise<RunningPipe> {
  const config = await loadConfig(environment.configFile, {
    connectors: builtInConnectors,
    environment: process.env,
    workingDirectory: process.cwd(),
  });
  output.redact = config.redact;
  const log = terminalLog(output, stage.screen, 'warn');
  return Pipe.start({ config, connectors: builtInConnectors, log, openStore, startRuntime });
}

/** Where the source's log ends now: everything that committed before lies below. */
async function endOfLog(url: string): Promise<bigint> {
  const client = new Client({ connectionString: url });
  await client.connect();
  try {
    const { rows } = await client.query<{ position: string }>(
      "SELECT (pg_current_wal_insert_lsn() - '0/0'::pg_lsn)::text AS position",
    );
    // One more transaction behind it, so that the stream has something to deliver that lies beyond.
    await client.query("SELECT pg_logical_emit_message(true, 'demo', 'end')");
    return BigInt(rows[0]?.position ?? 0);
  } finally {
    await client.end();
  }
}

function whereabouts(environment: Environment, { exit }: DemoOptions, url: string | undefined): string {
  const config = relative(process.cwd(), environment.configFile);
  const lines = [
    'All tables are complete, and stay current.',
    `  DuckDB file         ${relative(process.cwd(), environment.duckdbPath)}`,
    `  Postgres database   ${environment.replicaUrl}`,
    `  source              ${environment.sourceUrl}`,
  ];
  if (exit) return lines.join('\n');
  return [
    ...lines,
    ...(url === undefined ? [] : [`  pages               ${url}`]),
    'In another terminal, while it runs:',
    `  npx brimful -c ${config} status`,
    `  npx brimful -c ${config} query shop/warehouse "SELECT status, count(*), sum(total) FROM orders GROUP BY ALL"`,
    `  npx brimful -c ${config} query shop/replica "SELECT max(placed_at) FROM orders"`,
    `  npx brimful -c ${config} preview shop/orders`,
    `  psql ${environment.sourceUrl}      # change something, and look again`,
    'Ctrl-C ends it.',
  ].join('\n');
}

async function conclude(
  environment: Environment,
  stage: Stage,
  reset: ResetOutcome | undefined,
): Promise<number> {
  const verdicts = await stage.step('Source and destinations are compared row by row', () =>
    compareAll(environment, TABLES, ({ table }) => stage.screen?.draw([`… compared ${table}`])),
  );
  stage.say([verdictText(verdicts), ...(reset === undefined ? [] : [resetText(reset)])].join('\n'));
  const peak = formatBytes(process.resourceUsage().maxRSS * 1024);
  stage.say(`Peak memory of this process: ${peak}, the comparison included.`);
  return verdicts.every(isEqual) && (reset?.passed ?? true) ? 0 : 1;
}
