import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import type { PipeOptions } from '@brimful/acceptance';
import { PipeProcess, captureAll, isSettled, orderRun, tell, untilRun } from '@brimful/acceptance';
import type { Transaction } from './application.ts';
import { fillAccounts, runApplication } from './application.ts';
import type { Bench } from './bench-servers.ts';
import { sql } from './bench-servers.ts';
import { controlOf } from './pipe-control.ts';
import type { Result } from './result.ts';
import { median, percentile, say } from './result.ts';
import { StreamWatch } from './stream-watch.ts';

/** At a scale of 1. Read at full speed this takes about ten seconds, and a minute or two beside an application. */
const ROWS = 10_000_000;
const ROWS_PER_SCALE = 100_000;
const PER_SECOND = 500;
const SECONDS = 60;
/** Connecting and planning statements are not what is measured. */
const WARM_UP_SECONDS = 3;
const FIRST_READ_MILLISECONDS = 1_800_000;
const ANSWER_MILLISECONDS = 60_000;
const LOOK_MILLISECONDS = 100;

interface Phase {
  readonly name: string;
  readonly backfill: 'none' | 'governed' | 'ungoverned';
  readonly hasApplication: boolean;
}

/** Alone before and after: what the two differ by is noise. */
const PHASES: readonly Phase[] = [
  { name: 'application alone', backfill: 'none', hasApplication: true },
  { name: 'application + backfill', backfill: 'governed', hasApplication: true },
  { name: 'application + ungoverned backfill', backfill: 'ungoverned', hasApplication: true },
  { name: 'application alone (control)', backfill: 'none', hasApplication: true },
  { name: 'backfill alone', backfill: 'governed', hasApplication: false },
  { name: 'ungoverned backfill alone', backfill: 'ungoverned', hasApplication: false },
];

interface Measured {
  readonly transactions: readonly Transaction[];
  readonly read?: Read;
  readonly lagMilliseconds?: number;
  readonly retainedBytes?: number;
}

/** What was read of the table, from its first batch to its last one or to the phase's end. */
interface Read {
  readonly from: number;
  readonly to: number;
  readonly rows: number;
  readonly bytes: number;
}

export interface BackfillOptions {
  readonly runs: number;
  readonly scale: number;
  /** Of the application, a second. */
  readonly perSecond?: number;
}

interface Bed {
  readonly bench: Bench;
  readonly source: string;
  readonly rows: number;
  readonly perSecond: number;
  readonly seconds: number;
  readonly pipe: PipeOptions;
}

/** A large table is read again beside an application at a fixed rate: what does each do to the other? */
export async function backfillScenario(bench: Bench, options: BackfillOptions): Promise<Result[]> {
  const scale = Math.max(1, Math.round((ROWS * options.scale) / ROWS_PER_SCALE));
  const rows = scale * ROWS_PER_SCALE;
  const source = await bench.source.createDatabase('backfill');
  say(`backfill: filling ${rows} rows`);
  await fillAccounts(bench.bin, source, scale);
  await sql(source, 'DROP TABLE pgbench_history, pgbench_tellers, pgbench_branches; CHECKPOINT');
  const bed: Bed = {
    bench,
    source,
    rows,
    perSecond: options.perSecond ?? PER_SECOND,
    seconds: Math.max(15, SECONDS * Math.min(1, options.scale)),
    pipe: {
      dataDirectory: join(bench.directory, 'backfill'),
      captures: [captureAll('backfill/postgres', source)],
      // What a destination does is not the source's load, but would be its machine's.
      materializations: [],
      reportMilliseconds: LOOK_MILLISECONDS,
    },
  };
  say('backfill: the first read');
  await using first = new PipeProcess({ ...bed.pipe, governed: false });
  await first.until('the first read', isSettled, FIRST_READ_MILLISECONDS);
  await first.stop();
  const measured = PHASES.map((): Measured[] => []);
  for (let run = 0; run < options.runs; run += 1) {
    for (const [index, phase] of PHASES.entries()) {
      say(`backfill: ${phase.name}, run ${run + 1} of ${options.runs}`);
      measured[index]?.push(await measure(bed, phase, join(bench.directory, `backfill-${run}-${index}`)));
    }
  }
  return results(measured);
}

async function measure(bed: Bed, phase: Phase, directory: string): Promise<Measured> {
  await mkdir(directory);
  // The pipe streams in every phase: what that costs is not the backfill's.
  await using pipe = new PipeProcess({ ...bed.pipe, governed: phase.backfill !== 'ungoverned' });
  await pipe.until('the stream', isSettled, FIRST_READ_MILLISECONDS);
  const watch = new StreamWatch(bed.source, pipe);
  const seconds = bed.seconds + WARM_UP_SECONDS;
  const until = Date.now() + seconds * 1000;
  const application = phase.hasApplication
    ? runApplication({ ...bed, bin: bed.bench.bin, url: bed.source, seconds, directory })
    : Promise.resolve([]);
  application.catch(() => undefined);
  await pause(WARM_UP_SECONDS * 1000);
  const from = Date.now();
  const read = phase.backfill === 'none' ? undefined : await readAgain(bed, pipe, until);
  const transactions = await application;
  const currency = await watch.stop();
  await pipe.stop();
  const within = read ?? { from, to: until };
  return {
    transactions: transactions.filter(({ at }) => at >= within.from && at < within.to),
    ...(read === undefined ? {} : { read }),
    ...currency,
  };
}

/** Has the whole table read again, until it is, or until time is up. */
async function readAgain(bed: Bed, pipe: PipeProcess, until: number): Promise<Read> {
  const control = () => controlOf(bed.pipe.dataDirectory);
  const { run } = await orderRun(await control(), {
    mode: 'incremental',
    task: 'backfill/postgres',
    bindings: ['backfill/pgbench_accounts'],
    // To find what the source no longer has is work on the journal, not on the source.
    missingRows: 'keep',
  });
  await pipe.until('the first rows', (report) => readOf(report).rows > 0, ANSWER_MILLISECONDS);
  const begun = readOf(pipe.last);
  let last = begun;
  while (Date.now() < until) {
    const now = readOf(pipe.last);
    if (!now.isReading) break;
    last = now;
    await pause(LOOK_MILLISECONDS);
  }
  const { state, because } = await (await control()).backfills.run(run.id);
  say(`  ${state}${because === null ? '' : `: ${because}`}`);
  if (last.isReading && Date.now() >= until) await tell(await control(), run.id, 'cancel');
  await untilRun(control, run.id, 'done', 'cancelled');
  return { from: begun.at, to: last.at, rows: last.rows - begun.rows, bytes: last.bytes - begun.bytes };
}

function readOf(report: PipeProcess['last']): {
  readonly at: number;
  readonly isReading: boolean;
  readonly rows: number;
  readonly bytes: number;
} {
  const binding = report?.status.captures[0]?.bindings[0];
  const isReading = binding?.phase === 'backfilling';
  return {
    at: report?.status.at ?? 0,
    isReading,
    rows: isReading ? binding.rowsRead : 0,
    bytes: isReading ? binding.bytesRead : 0,
  };
}

function pause(milliseconds: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, milliseconds));
}

/** Percentiles are the median of the runs' own. */
function results(measured: readonly (readonly Measured[])[]): Result[] {
  const rateOf = ({ read }: Measured, what: 'rows' | 'bytes'): number =>
    read === undefined ? 0 : (read[what] * 1000) / Math.max(1, read.to - read.from);
  const p95Of = ({ transactions }: Measured): number => percentile(sorted(transactions), 0.95);
  // Of the same run: what the machine did meanwhile is in both.
  const aloneP95 = (run: number): number => {
    const alone = PHASES.flatMap(({ backfill }, at) => (backfill === 'none' ? [measured[at]?.[run]] : []));
    return median(alone.flatMap((one) => (one === undefined ? [] : [p95Of(one)])));
  };
  return PHASES.map((phase, index): Result => {
    const runs = measured[index] ?? [];
    const full = PHASES.findIndex(
      ({ backfill, hasApplication }) => backfill === 'ungoverned' && hasApplication === phase.hasApplication,
    );
    const latency = (share: number): number =>
      median(runs.map(({ transactions }) => percentile(sorted(transactions), share)));
    return {
      scenario: 'backfill',
      case: phase.name,
      ...(phase.hasApplication
        ? {
            p50_ms: latency(0.5),
            p95_ms: latency(0.95),
            p99_ms: latency(0.99),
            max_ms: latency(1),
            // The aim: at most 2, while `ratio` is at least 0.1. For the phases without a backfill it is noise.
            extra_p95_ms: median(runs.map((one, run) => p95Of(one) - aloneP95(run))),
            read_p95_ms: median(runs.map(({ transactions }) => ofKind(transactions, false))),
            write_p95_ms: median(runs.map(({ transactions }) => ofKind(transactions, true))),
            transactions: runs.reduce((sum, { transactions }) => sum + transactions.length, 0),
          }
        : {}),
      ...(phase.backfill === 'none'
        ? {}
        : {
            rows: median(runs.map(({ read }) => read?.rows ?? 0)),
            seconds: median(runs.map(({ read }) => ((read?.to ?? 0) - (read?.from ?? 0)) / 1000)),
            rows_per_s: median(runs.map((run) => rateOf(run, 'rows'))),
            mb_per_s: median(runs.map((run) => rateOf(run, 'bytes'))) / 1e6,
            ratio: median(
              runs.map((run, at) => rateOf(run, 'rows') / rateOf(measured[full]?.[at] ?? run, 'rows')),
            ),
          }),
      lag_ms: Math.max(...runs.map(({ lagMilliseconds }) => lagMilliseconds ?? 0)),
      retained_mb: Math.max(...runs.map(({ retainedBytes }) => retainedBytes ?? 0)) / 1e6,
    };
  });
}

function sorted(transactions: readonly Transaction[]): number[] {
  return transactions.map(({ milliseconds }) => milliseconds).toSorted((left, right) => left - right);
}

function ofKind(transactions: readonly Transaction[], isWrite: boolean): number {
  return percentile(sorted(transactions.filter((each) => each.isWrite === isWrite)), 0.95);
}
