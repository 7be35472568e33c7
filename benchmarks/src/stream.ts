import { join } from 'node:path';
import { PipeProcess, captureAll, hasPassed, isSettled, materializeAll } from '@brimful/acceptance';
import { Client } from 'pg';
import type { Bench } from './bench-servers.ts';
import { sql } from './bench-servers.ts';
import { orders } from './bench-tables.ts';
import { timed } from './reference.ts';
import type { Result } from './result.ts';
import { median, percentile, say } from './result.ts';

const TIMEOUT_MILLISECONDS = 900_000;
/** Changes in one transaction of the bulk update. */
const ROWS_PER_TRANSACTION = 10_000;

export async function endOfLog(url: string): Promise<bigint> {
  const [row] = await sql<{ end: string }>(
    url,
    "SELECT pg_logical_emit_message(true, 'bench', ''), (pg_current_wal_insert_lsn() - '0/0')::text AS end",
  );
  return BigInt(row?.end ?? 0);
}

/** Updates every row once, in transactions of some thousand. Returns the end of the log. */
export async function update(url: string, rows: number): Promise<bigint> {
  for (let from = 1; from <= rows; from += ROWS_PER_TRANSACTION) {
    await sql(
      url,
      `UPDATE orders SET quantity = quantity + 1, note = 'changed' WHERE id >= ${from} AND id < ${from + ROWS_PER_TRANSACTION}`,
    );
  }
  return endOfLog(url);
}

interface Drain {
  readonly seconds: number;
  readonly cpuSeconds: number;
  readonly rssBytes: number;
}

/** A pipe that had caught up and was stopped takes in what piled up meanwhile; timed from the start of its process. */
async function drain(
  bench: Bench,
  source: string,
  connector: string,
  config: object,
  rows: number,
  run: number,
): Promise<Drain> {
  const name = `drain${connector}${run}/postgres`;
  const options = {
    dataDirectory: join(bench.directory, `stream-${connector}-${run}`),
    captures: [captureAll(name, source)],
    materializations: [materializeAll(`drain${connector}${run}/copy`, connector, config, name)],
    reportMilliseconds: 50,
  };
  {
    await using first = new PipeProcess(options);
    await first.until('the first read', isSettled, TIMEOUT_MILLISECONDS);
    await first.stop();
  }
  const end = await update(source, rows);
  const started = performance.now();
  await using pipe = new PipeProcess(options);
  const passed = connector === 'null' ? journaled(end) : hasPassed(end);
  const report = await pipe.until('all changes', passed, TIMEOUT_MILLISECONDS);
  const seconds = (performance.now() - started) / 1000;
  await pipe.stop();
  await sql(source, 'SELECT pg_drop_replication_slot(slot_name) FROM pg_replication_slots WHERE NOT active');
  return { seconds, cpuSeconds: report.cpuSeconds, rssBytes: report.maxRssBytes };
}

function journaled(end: bigint): Parameters<PipeProcess['until']>[1] {
  return ({ status }) => status.captures.every((capture) => BigInt(capture.position ?? 0) >= end);
}

/** What pg_recvlogical takes to write the same changes to nowhere. */
async function recvlogical(bench: Bench, source: string, rows: number): Promise<number> {
  await sql(source, "SELECT pg_create_logical_replication_slot('reference', 'pgoutput')");
  await sql(source, 'DROP PUBLICATION IF EXISTS reference; CREATE PUBLICATION reference FOR TABLE orders');
  const end = await update(source, rows);
  const lsn = `${(end >> 32n).toString(16)}/${(end & 0xffffffffn).toString(16)}`;
  const seconds = await timed(
    `${bench.bin}/pg_recvlogical -d "${source}" --slot reference --start --no-loop --endpos=${lsn} -o proto_version=1 -o publication_names=reference -f /dev/null`,
  );
  await sql(source, "SELECT pg_drop_replication_slot('reference')");
  return seconds;
}

export async function streamScenario(bench: Bench, rows: number, runs: number): Promise<Result[]> {
  const table = orders(rows);
  const source = await bench.source.createDatabase('stream');
  say(`stream: filling ${rows} rows`);
  await sql(source, `${table.create}; ${table.fill}; ALTER TABLE orders ADD PRIMARY KEY (id)`);
  const reference: number[] = [];
  const journal: Drain[] = [];
  const postgres: Drain[] = [];
  for (let run = 0; run < runs; run += 1) {
    say(`stream: run ${run + 1} of ${runs}`);
    reference.push(await recvlogical(bench, source, rows));
    journal.push(await drain(bench, source, 'null', {}, rows, run));
    await sql(bench.target.url(), 'DROP DATABASE IF EXISTS stream WITH (FORCE)');
    const target = await bench.target.createDatabase('stream');
    postgres.push(await drain(bench, source, 'postgres', { url: target }, rows, run));
    const [check] = await sql<{ n: string }>(
      target,
      "SELECT count(*) AS n FROM orders WHERE note = 'changed'",
    );
    if (Number(check?.n) !== rows) throw new Error(`${check?.n} changed rows in the sink, expected ${rows}`);
    await sql(source, 'VACUUM orders');
  }
  const result = (name: string, drains: readonly Drain[]): Result => {
    const seconds = median(drains.map((each) => each.seconds));
    return {
      scenario: 'stream',
      case: name,
      rows,
      seconds,
      rows_per_s: rows / seconds,
      ratio: median(drains.map((each, index) => (reference[index] as number) / each.seconds)),
      cpu_s_per_million: (median(drains.map((each) => each.cpuSeconds)) / rows) * 1e6,
      rss_mb: Math.max(...drains.map((each) => each.rssBytes)) / 1e6,
    };
  };
  const seconds = median(reference);
  return [
    result('updates → journal', journal),
    result('updates → postgres', postgres),
    { scenario: 'stream', case: 'reference pg_recvlogical', rows, seconds, rows_per_s: rows / seconds },
  ];
}

/** Single-row transactions at a fixed rate; how long after its commit is each visible at the destination. */
export async function latencyScenario(bench: Bench, perSecond: number, seconds: number): Promise<Result> {
  const source = await bench.source.createDatabase('latency');
  const target = await bench.target.createDatabase('latency');
  await sql(source, 'CREATE TABLE ticks (id bigint PRIMARY KEY, at timestamptz, payload text)');
  await using pipe = new PipeProcess({
    dataDirectory: join(bench.directory, 'latency'),
    captures: [captureAll('latency/postgres', source)],
    materializations: [materializeAll('latency/copy', 'postgres', { url: target }, 'latency/postgres')],
    reportMilliseconds: 500,
  });
  await pipe.until('the first read', isSettled, TIMEOUT_MILLISECONDS);
  const latencies = await tick(source, target, perSecond, seconds);
  const report = pipe.last;
  await pipe.stop();
  const sorted = latencies.toSorted((a, b) => a - b);
  return {
    scenario: 'stream',
    case: `commit→visible postgres ${perSecond} tx/s`,
    rows: sorted.length,
    p50_ms: percentile(sorted, 0.5),
    p99_ms: percentile(sorted, 0.99),
    max_ms: sorted.at(-1) ?? 0,
    rss_mb: (report?.maxRssBytes ?? 0) / 1e6,
  };
}

const WRITERS = 4;

/** The reader polls the greatest id without pause: an id is visible no later than the answer that first shows it. */
async function tick(source: string, target: string, perSecond: number, seconds: number): Promise<number[]> {
  const committed = new Map<number, number>();
  const seen: number[] = [];
  let writing = true;
  let id = 0;
  const started = performance.now();
  const write = async (): Promise<void> => {
    const client = new Client({ connectionString: source });
    await client.connect();
    while (writing) {
      const mine = (id += 1);
      const due = started + (mine / perSecond) * 1000;
      const wait = due - performance.now();
      if (wait > 1) await new Promise((resolve) => setTimeout(resolve, wait));
      await client.query({
        name: 'tick',
        text: 'INSERT INTO ticks VALUES ($1, clock_timestamp(), $2)',
        values: [mine, 'x'],
      });
      committed.set(mine, performance.now());
      if (performance.now() - started > seconds * 1000) break;
    }
    await client.end();
  };
  const read = async (): Promise<void> => {
    const client = new Client({ connectionString: target });
    await client.connect();
    const left = new Set<number>();
    let asked = 0;
    while (writing || left.size > 0) {
      for (; asked < id; asked += 1) left.add(asked + 1);
      const { rows } = await client.query<{ id: string }>({
        name: 'seen',
        text: 'SELECT id FROM ticks WHERE id > $1',
        values: [Math.max(0, Math.min(...left, id) - 1)],
      });
      const now = performance.now();
      for (const row of rows) {
        const each = Number(row.id);
        const at = committed.get(each);
        if (left.delete(each) && at !== undefined) seen.push(Math.max(0, now - at));
      }
      await new Promise((resolve) => setTimeout(resolve, 1));
    }
    await client.end();
  };
  const reader = read();
  await Promise.all(Array.from({ length: WRITERS }, write));
  writing = false;
  await reader;
  return seen;
}
