import { fork } from 'node:child_process';
import { once } from 'node:events';
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { Answer } from '@brimful/api';
import { Client as Api } from '@brimful/api';
import type { Child } from '@brimful/testbed';
import { startChild } from '@brimful/testbed';
import type { Bench } from './bench-servers.ts';
import { sql } from './bench-servers.ts';
import { orders } from './bench-tables.ts';
import type { CrowdReport } from './crowd-main.ts';
import type { Result } from './result.ts';
import { median, percentile, say } from './result.ts';
import { endOfLog, update } from './stream.ts';

const CLIENTS = 200;
const TIMEOUT_MILLISECONDS = 900_000;
/** In both cases alike: whoever measures asks, too. */
const LOOK_MILLISECONDS = 100;
const PORT = 46_461;
const MAIN = fileURLToPath(new URL('../../packages/cli/src/main.ts', import.meta.url));
const CROWD = fileURLToPath(new URL('crowd-main.ts', import.meta.url));

interface Drain {
  readonly seconds: number;
  readonly rssBytes: number;
  readonly crowd: CrowdReport | undefined;
}

/** Changes that piled up are taken in by `brimful up`, with nobody looking and with two hundred open pages, in turn. */
export async function clientsScenario(bench: Bench, rows: number, runs: number): Promise<Result[]> {
  const table = orders(rows);
  const source = await bench.source.createDatabase('clients');
  const target = await bench.target.createDatabase('clients');
  say(`clients: filling ${rows} rows`);
  await sql(source, `${table.create}; ${table.fill}; ALTER TABLE orders ADD PRIMARY KEY (id)`);
  const directory = join(bench.directory, 'clients');
  await mkdir(directory);
  await writeFile(join(directory, 'brimful.yaml'), configOf(source, target));
  await drain(directory, await endOfLog(source), false);
  const phases = { alone: [] as Drain[], crowded: [] as Drain[], control: [] as Drain[] };
  for (let run = 0; run < runs; run += 1) {
    for (const [name, drains] of Object.entries(phases)) {
      say(`clients: run ${run + 1} of ${runs}, ${name}`);
      drains.push(await drain(directory, await update(source, rows), name === 'crowded'));
      await sql(source, 'VACUUM orders');
    }
  }
  const result = (name: string, drains: readonly Drain[]): Result => {
    const seconds = median(drains.map((each) => each.seconds));
    return {
      scenario: 'clients',
      case: name,
      rows,
      seconds,
      rows_per_s: rows / seconds,
      ratio: median(drains.map((each, index) => (phases.alone[index]?.seconds ?? 0) / each.seconds)),
      rss_mb: Math.max(...drains.map((each) => each.rssBytes)) / 1e6,
      ...heardBy(drains),
    };
  };
  return [
    result('updates → postgres, nobody looks', phases.alone),
    result(`the same with ${CLIENTS} open pages`, phases.crowded),
    result('nobody looks (control)', phases.control),
  ];
}

function heardBy(drains: readonly Drain[]): Partial<Result> {
  const crowds = drains.flatMap(({ crowd }) => (crowd === undefined ? [] : [crowd]));
  if (crowds.length === 0) return {};
  const missing = crowds.find(({ pages }) => pages < CLIENTS);
  if (missing !== undefined) throw new Error(`only ${missing.pages} of ${CLIENTS} pages heard anything`);
  const calls = crowds.flatMap((crowd) => crowd.calls).toSorted((a, b) => a - b);
  return {
    events: crowds.reduce((sum, crowd) => sum + crowd.events, 0),
    errors: crowds.reduce((sum, crowd) => sum + crowd.errors, 0),
    reads: calls.length,
    p50_ms: percentile(calls, 0.5),
    p99_ms: percentile(calls, 0.99),
  };
}

/** From the start of the process until all up to `end` is in the destination. */
async function drain(directory: string, end: bigint, isCrowded: boolean): Promise<Drain> {
  const origin = `http://127.0.0.1:${PORT}`;
  const crowd = isCrowded ? fork(CROWD, [origin, String(CLIENTS)], { execArgv: [] }) : undefined;
  const began = performance.now();
  try {
    await using pipe = startChild({
      script: MAIN,
      arguments: ['up', '--port', String(PORT)],
      cwd: directory,
      env: { NODE_ENV: 'production' },
    });
    await untilPassed(pipe, new Api({ origin }), end);
    const seconds = (performance.now() - began) / 1000;
    const rssBytes = await peakOf(pipe.pid);
    let report: CrowdReport | undefined;
    if (crowd !== undefined) {
      const said = once(crowd, 'message');
      crowd.send('stop');
      [report] = (await said) as [CrowdReport];
    }
    await pipe.kill('SIGTERM');
    return { seconds, rssBytes, crowd: report };
  } finally {
    crowd?.kill();
  }
}

async function untilPassed(pipe: Child, api: Api, end: bigint): Promise<void> {
  const deadline = Date.now() + TIMEOUT_MILLISECONDS;
  while (!(await hasPassed(api, end))) {
    if (!pipe.running) throw new Error(`the pipe ended\n${pipe.stdout()}\n${pipe.stderr()}`);
    if (Date.now() > deadline) throw new Error('the changes did not arrive in time');
    await new Promise((resolve) => setTimeout(resolve, LOOK_MILLISECONDS));
  }
}

async function hasPassed(api: Api, end: bigint): Promise<boolean> {
  let status: Answer<'getStatus'>;
  try {
    status = await api.call('getStatus', {});
  } catch {
    // It is still starting.
    return false;
  }
  const [capture] = status.captures;
  const [copy] = status.materializations;
  return (
    capture !== undefined &&
    BigInt(capture.position ?? 0) >= end &&
    copy?.bindings.length === 1 &&
    copy.bindings.every(({ phase, offset, next }) => phase === 'live' && offset >= next)
  );
}

async function peakOf(pid: number): Promise<number> {
  const status = await readFile(`/proc/${pid}/status`, 'utf8');
  return Number(/^VmHWM:\s+(\d+) kB$/m.exec(status)?.[1] ?? 0) * 1024;
}

function configOf(source: string, target: string): string {
  return `captures:
  crowd/postgres:
    connector: postgres
    config: { url: "${source}" }
    autoDiscover: { schemas: [public] }
materializations:
  crowd/copy:
    connector: postgres
    config: { url: "${target}" }
    source: crowd/postgres
`;
}
