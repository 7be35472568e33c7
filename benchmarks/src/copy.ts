import { join } from 'node:path';
import type { PipeReport } from '@brimful/acceptance';
import { PipeProcess, captureAll, isSettled, materializeAll } from '@brimful/acceptance';
import type { Bench } from './bench-servers.ts';
import { sql } from './bench-servers.ts';
import type { BenchTable } from './bench-tables.ts';
import { psqlPipe, timed } from './reference.ts';
import type { Result } from './result.ts';
import { median, say } from './result.ts';

interface Run {
  readonly seconds: number;
  readonly cpuSeconds: number;
  readonly rssBytes: number;
}

const RUN_TIMEOUT_MILLISECONDS = 900_000;

/** From the start of our process (connecting, creating the slot, discovery, all of it) until every row is there and keyed. */
async function ourRun(
  bench: Bench,
  database: string,
  table: BenchTable,
  connector: string,
  config: object,
  run: number,
): Promise<Run> {
  const started = performance.now();
  const name = `bench${run}/postgres`;
  await using pipe = new PipeProcess({
    dataDirectory: join(bench.directory, `data-${connector}-${table.name}-${run}`),
    captures: [captureAll(name, bench.source.url(database))],
    materializations: [materializeAll(`bench${run}/copy`, connector, config, name)],
    reportMilliseconds: 50,
  });
  const report: PipeReport = await pipe.until(
    `${table.name} in ${connector}`,
    isSettled,
    RUN_TIMEOUT_MILLISECONDS,
  );
  const seconds = (performance.now() - started) / 1000;
  await pipe.stop();
  await sql(
    bench.source.url(database),
    'SELECT pg_drop_replication_slot(slot_name) FROM pg_replication_slots WHERE NOT active',
  );
  await sql(
    bench.source.url(database),
    "DO $$ DECLARE p text; BEGIN FOR p IN SELECT pubname FROM pg_publication LOOP EXECUTE format('DROP PUBLICATION %I', p); END LOOP; END $$",
  );
  return { seconds, cpuSeconds: report.cpuSeconds, rssBytes: report.maxRssBytes };
}

async function expectRows(url: string, table: BenchTable): Promise<void> {
  const [found] = await sql<{ n: string; keyed: boolean }>(
    url,
    `SELECT count(*) AS n, bool_or(EXISTS (SELECT 1 FROM pg_index WHERE indrelid = '${table.name}'::regclass AND indisprimary)) AS keyed FROM ${table.name}`,
  );
  if (Number(found?.n) !== table.rows || found?.keyed !== true) {
    throw new Error(
      `${table.name}: ${found?.n} rows in the sink, keyed ${found?.keyed}; expected ${table.rows}`,
    );
  }
}

async function fresh(bench: Bench, database: string): Promise<string> {
  await sql(bench.target.url(), `DROP DATABASE IF EXISTS ${database} WITH (FORCE)`);
  return bench.target.createDatabase(database);
}

export interface CopyOptions {
  readonly runs: number;
}

interface Measured {
  readonly a: number[];
  readonly control: number[];
  readonly b: number[];
  readonly drain: number[];
  readonly postgres: Run[];
  readonly nowhere: Run[];
  readonly duckdb: Run[];
}

/** One table into Postgres against both of psql's ways, into nothing against `COPY TO STDOUT`, into DuckDB on its own. */
export async function copyTable(bench: Bench, table: BenchTable, options: CopyOptions): Promise<Result[]> {
  const source = await bench.source.createDatabase(table.name);
  say(`${table.name}: filling ${table.rows} rows`);
  await sql(
    source,
    `${table.create}; ${table.fill}; ALTER TABLE ${table.name} ADD PRIMARY KEY (${table.primaryKey})`,
  );
  await sql(source, `VACUUM ANALYZE ${table.name}`);
  const measured: Measured = { a: [], control: [], b: [], drain: [], postgres: [], nowhere: [], duckdb: [] };
  for (let run = 0; run < options.runs; run += 1) {
    say(`${table.name}: run ${run + 1} of ${options.runs}`);
    measured.a.push(await psqlKeyed(bench, source, table));
    const ours = await fresh(bench, 'ours');
    measured.postgres.push(await ourRun(bench, table.name, table, 'postgres', { url: ours }, run));
    await expectRows(ours, table);
    measured.b.push(await psqlThenKey(bench, source, table));
    measured.control.push(await psqlKeyed(bench, source, table));
    measured.drain.push(
      await timed(
        `${bench.bin}/psql -qX "${source}" -c "COPY ${table.name} TO STDOUT (FORMAT binary)" > /dev/null`,
      ),
    );
    measured.nowhere.push(await ourRun(bench, table.name, table, 'null', {}, run));
    measured.duckdb.push(
      await ourRun(
        bench,
        table.name,
        table,
        'duckdb',
        { path: join(bench.directory, `${table.name}-${run}.duckdb`) },
        run,
      ),
    );
  }
  return results(table, measured);
}

function results(table: BenchTable, measured: Measured): Result[] {
  const result = (name: string, runs: readonly Run[], reference?: readonly number[]): Result => {
    const seconds = median(runs.map((run) => run.seconds));
    return {
      scenario: 'copy',
      case: `${table.name} ${name}`,
      rows: table.rows,
      seconds,
      rows_per_s: table.rows / seconds,
      ...(reference === undefined
        ? {}
        : { ratio: median(runs.map((run, index) => (reference[index] as number) / run.seconds)) }),
      cpu_s_per_million: (median(runs.map((run) => run.cpuSeconds)) / table.rows) * 1e6,
      rss_mb: Math.max(...runs.map((run) => run.rssBytes)) / 1e6,
    };
  };
  const reference = (name: string, seconds: readonly number[], ratio?: number): Result => ({
    scenario: 'copy',
    case: `${table.name} ${name}`,
    rows: table.rows,
    seconds: median(seconds),
    rows_per_s: table.rows / median(seconds),
    ...(ratio === undefined ? {} : { ratio }),
  });
  return [
    result('postgres→postgres (a)', measured.postgres, measured.a),
    result('postgres→postgres (b)', measured.postgres, measured.b),
    result('postgres→null', measured.nowhere, measured.drain),
    result('postgres→duckdb', measured.duckdb),
    reference('reference (a) psql | psql keyed', measured.a),
    reference('reference (b) psql | psql, then key', measured.b),
    reference('reference COPY TO STDOUT', measured.drain),
    reference(
      'control (a)/(a)',
      measured.control,
      median(measured.a.map((seconds, index) => seconds / (measured.control[index] as number))),
    ),
  ];
}

async function psqlKeyed(bench: Bench, source: string, table: BenchTable): Promise<number> {
  const target = await fresh(bench, 'reference');
  await sql(target, `${table.create}; ALTER TABLE ${table.name} ADD PRIMARY KEY (${table.primaryKey})`);
  const seconds = await timed(psqlPipe(bench.bin, source, target, table.name));
  await expectRows(target, table);
  return seconds;
}

async function psqlThenKey(bench: Bench, source: string, table: BenchTable): Promise<number> {
  const target = await fresh(bench, 'reference');
  await sql(target, table.create);
  const seconds = await timed(
    `${psqlPipe(bench.bin, source, target, table.name)} && ${bench.bin}/psql -qX "${target}" -c "ALTER TABLE ${table.name} ADD PRIMARY KEY (${table.primaryKey})"`,
  );
  await expectRows(target, table);
  return seconds;
}
