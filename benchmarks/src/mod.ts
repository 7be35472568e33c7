import { parseArgs } from 'node:util';
import { backfillScenario } from './backfill.ts';
import { startBench } from './bench-servers.ts';
import { accounts, orders } from './bench-tables.ts';
import { clientsScenario } from './clients.ts';
import { copyTable } from './copy.ts';
import type { Result } from './result.ts';
import { print } from './result.ts';
import { latencyScenario, streamScenario } from './stream.ts';
import { swapScenario } from './swap.ts';

const HELP = `npm run bench -- <scenario> [--json] [--runs 3] [--scale 1]

  copy      wide orders (5 M rows) and narrow accounts (10 M rows) into Postgres, DuckDB and nowhere
  stream    1 M updates into the journal and into Postgres; commit→visible latency at 1,000 tx/s
  latency   only the latter
  backfill  10 M rows read again beside an application at 500 tx/s, with and without governor, and with nobody there
  swap      a table that is read all the time is rebuilt, swapped in, taken back, swapped in … in Postgres and DuckDB
  clients   250,000 updates into Postgres by \`brimful up\`, with nobody looking and with 200 open pages

  --scale   a share of the rows, for a quick look: --scale 0.1
  --rate    transactions a second of backfill's application
METHODOLOGY.md says what is measured and how.
`;

const SCENARIOS = ['copy', 'stream', 'latency', 'backfill', 'swap', 'clients'];

const { positionals, values } = parseArgs({
  allowPositionals: true,
  options: {
    json: { type: 'boolean', default: false },
    runs: { type: 'string', default: '3' },
    scale: { type: 'string', default: '1' },
    rate: { type: 'string' },
    help: { type: 'boolean' },
  },
});
const runs = Number(values.runs);
const scale = Number(values.scale);
const [scenario] = positionals;
if (values.help === true || scenario === undefined || !SCENARIOS.includes(scenario)) {
  process.stdout.write(HELP);
  process.exit(values.help === true ? 0 : 2);
}
await using bench = await startBench();
const show = (results: readonly Result[]): void => {
  for (const result of results) print(result, values.json);
};
if (scenario === 'copy') {
  show(await copyTable(bench, orders(5_000_000 * scale), { runs }));
  show(await copyTable(bench, accounts(10_000_000 * scale), { runs }));
}
if (scenario === 'stream') show(await streamScenario(bench, 1_000_000 * scale, runs));
if (scenario === 'stream' || scenario === 'latency')
  show([await latencyScenario(bench, 1000, 20 * Math.max(scale, 0.25))]);
if (scenario === 'backfill')
  show(
    await backfillScenario(bench, {
      runs,
      scale,
      ...(values.rate === undefined ? {} : { perSecond: Number(values.rate) }),
    }),
  );
if (scenario === 'swap') show(await swapScenario(bench, runs, scale));
if (scenario === 'clients') show(await clientsScenario(bench, 250_000 * scale, runs));
