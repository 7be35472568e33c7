import { join } from 'node:path';
import {
  PipeProcess,
  captureAll,
  isSettled,
  materializeAll,
  orderRun,
  tell,
  untilRun,
} from '@brimful/acceptance';
import { Client } from 'pg';
import type { Bench } from './bench-servers.ts';
import { sql } from './bench-servers.ts';
import { orders } from './bench-tables.ts';
import { controlOf } from './pipe-control.ts';
import type { Result } from './result.ts';
import { percentile, say } from './result.ts';
import type { Ask, Readings } from './swap-reader.ts';
import { WHOLE, duckdbReader, holdInLoop, postgresReader, readInLoop } from './swap-reader.ts';

/** Read as a whole by every question. */
const ROWS = 50_000;
const READERS = 2;
/** Reads without any swap, to compare with. */
const ALONE_MILLISECONDS = 10_000;
const HOLD_MILLISECONDS = 5_000;
/** Longer than a swap waits between two tries. */
const BETWEEN_HOLDS_MILLISECONDS = 2_500;
const POSTGRES_REST_MILLISECONDS = 2;
/** A DuckDB file that somebody reads cannot be written by another process. */
const DUCKDB_REST_MILLISECONDS = 50;
const CHANGE_MILLISECONDS = 100;
const FIRST_READ_MILLISECONDS = 600_000;

interface Readers {
  readonly asks: readonly Ask[];
  readonly restMilliseconds: number;
  /** Has somebody hold the table until aborted. */
  hold(signal: AbortSignal): Promise<void>;
}

/**
 * Readers in loops while a table is rebuilt, swapped in, swapped back and so on, and while it streams. `runs`: how often it
 * is taken back and made again.
 */
export async function swapScenario(bench: Bench, runs: number, scale: number): Promise<Result[]> {
  const rows = Math.max(1000, Math.round(ROWS * scale));
  const table = orders(rows);
  const source = await bench.source.createDatabase('swap');
  await sql(
    source,
    `${table.create}; ${table.fill}; ALTER TABLE orders ADD PRIMARY KEY (id); ANALYZE orders`,
  );
  const target = await bench.target.createDatabase('swap');
  const path = join(bench.directory, 'swap.duckdb');
  const results: Result[] = [];
  {
    await using first = await postgresReader(target);
    await using second = await postgresReader(target);
    const readers: Readers = {
      asks: [first.ask, second.ask].slice(0, READERS),
      restMilliseconds: POSTGRES_REST_MILLISECONDS,
      hold: (signal) => holdInLoop(target, HOLD_MILLISECONDS, BETWEEN_HOLDS_MILLISECONDS, signal),
    };
    results.push(...(await swaps(bench, source, 'postgres', { url: target }, readers, runs)));
  }
  const readers: Readers = {
    asks: [duckdbReader(path)],
    restMilliseconds: DUCKDB_REST_MILLISECONDS,
    // While another process has the file open, nobody can write it: a swap would wait, and no reader with it.
    hold: () => Promise.resolve(),
  };
  results.push(...(await swaps(bench, source, 'duckdb', { path }, readers, runs)));
  return results;
}

async function swaps(
  bench: Bench,
  source: string,
  connector: string,
  config: object,
  readers: Readers,
  runs: number,
): Promise<Result[]> {
  const capture = `swap${connector}/postgres`;
  const dataDirectory = join(bench.directory, `swap-${connector}`);
  await using pipe = new PipeProcess({
    dataDirectory,
    captures: [captureAll(capture, source)],
    materializations: [materializeAll(`swap${connector}/copy`, connector, config, capture)],
  });
  await pipe.until('the first read', isSettled, FIRST_READ_MILLISECONDS);
  const [whole] = await sql<{ n: string; s: string }>(
    source,
    WHOLE.replace('::text,', '::text AS n,').replace('::text FROM', '::text AS s FROM'),
  );
  const expected = [whole?.n ?? '', whole?.s ?? ''];
  const stop = new AbortController();
  const changing = changeInLoop(source, stop.signal);
  say(`swap: ${connector}, reading alone`);
  const alone = await read(
    readers,
    expected,
    () => new Promise((resolve) => setTimeout(resolve, ALONE_MILLISECONDS)),
  );
  const times: number[] = [];
  const during = await read(readers, expected, () =>
    swapAgain(dataDirectory, connector, readers, runs, times),
  );
  stop.abort();
  await changing;
  await pipe.stop();
  await sql(source, 'SELECT pg_drop_replication_slot(slot_name) FROM pg_replication_slots WHERE NOT active');
  const held = connector === 'postgres' ? ', another reader holding 5 s' : '';
  return [
    result(`${connector}, no swap`, alone, []),
    result(`${connector}, ${times.length} swaps${held}`, during, times),
  ];
}

/** A reset, and then it is taken back and made again. `times`: seconds from each order to its swap. */
async function swapAgain(
  dataDirectory: string,
  connector: string,
  readers: Readers,
  runs: number,
  times: number[],
): Promise<void> {
  const control = () => controlOf(dataDirectory);
  const stop = new AbortController();
  const holding = readers.hold(stop.signal);
  holding.catch(() => undefined);
  try {
    const timed = async (work: () => Promise<unknown>): Promise<void> => {
      const started = performance.now();
      await work();
      times.push((performance.now() - started) / 1000);
    };
    let id = '';
    say(`swap: ${connector}, reset`);
    await timed(async () => {
      const { run } = await orderRun(await control(), {
        mode: 'reset',
        task: `swap${connector}/postgres`,
        undo: '1h',
      });
      id = run.id;
      await untilRun(control, id, 'swapped');
    });
    for (let round = 0; round < runs; round += 1) {
      say(`swap: ${connector}, undo and redo ${round + 1} of ${runs}`);
      for (const [verb, state] of [
        ['undo', 'undone'],
        ['redo', 'swapped'],
      ] as const) {
        await timed(async () => {
          await tell(await control(), id, verb);
          await untilRun(control, id, state);
        });
      }
    }
  } finally {
    stop.abort();
    await holding;
  }
}

/** All that the readers met with while something was done. */
async function read(
  { asks, restMilliseconds }: Readers,
  whole: readonly string[],
  meanwhile: () => Promise<void>,
): Promise<readonly Readings[]> {
  const stop = new AbortController();
  const reading = Promise.all(asks.map((ask) => readInLoop(ask, whole, restMilliseconds, stop.signal)));
  try {
    await meanwhile();
  } finally {
    stop.abort();
  }
  return reading;
}

/** The table streams all the while; what readers ask for stays the same. */
async function changeInLoop(source: string, signal: AbortSignal): Promise<void> {
  const client = new Client({ connectionString: source });
  await client.connect();
  for (let change = 0; !signal.aborted; change += 1) {
    await client.query(`UPDATE orders SET quantity = ${change} WHERE id % 1000 = ${change % 1000}`);
    await new Promise((resolve) => setTimeout(resolve, CHANGE_MILLISECONDS));
  }
  await client.end();
}

function result(name: string, readings: readonly Readings[], times: readonly number[]): Result {
  const sorted = readings.flatMap(({ milliseconds }) => milliseconds).toSorted((left, right) => left - right);
  const errors = readings.flatMap((each) => each.errors);
  for (const error of new Set(errors)) say(`swap: ${name}: ${error}`);
  return {
    scenario: 'swap',
    case: name,
    reads: sorted.length,
    errors: errors.length,
    partial: readings.reduce((sum, { partial }) => sum + partial, 0),
    p50_ms: percentile(sorted, 0.5),
    p99_ms: percentile(sorted, 0.99),
    max_ms: sorted.at(-1) ?? 0,
    ...(times.length === 0 ? {} : { seconds: Math.max(...times) }),
  };
}
