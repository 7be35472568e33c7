/**
 * A writer under continuous load: `write-forever.ts <path> <crash point or none> <after how many times>`. Each apply adds
 * 5000 rows, replaces one, and counts in its checkpoint; each commit is told on a line.
 */
import { DuckdbDestination } from '../materialize/destination.ts';
import { duckdbConfig } from '../config.ts';
import { testContext } from './scratch.ts';
import { batchOf, definition, requestFor, schemaOf } from './tables.ts';

const ROWS = 5000;
const [path = '', point = 'none', times = '0'] = process.argv.slice(2);
let reached = 0;
const context = testContext((name) => {
  if (name !== point) return;
  reached += 1;
  if (reached > Number(times)) process.kill(process.pid, 'SIGKILL');
});
const schema = schemaOf(
  [definition('id', { kind: 'int64' }, { nullable: false }), definition('note', { kind: 'text' })],
  ['id'],
);
const destination = new DuckdbDestination(duckdbConfig.parse({ path, memoryLimit: '256MB' }), context);
const table = await destination.open(requestFor('numbers', schema));
const forever = new AbortController().signal;
let count = (table.checkpoint as number | undefined) ?? 0;
for (;;) {
  const rows = Array.from({ length: ROWS }, (_, row) => [
    BigInt(count * ROWS + row),
    `row ${row} of apply ${count}, long enough`,
  ]);
  const first = batchOf(schema, [[0n, `replaced by ${count}`]]);
  await destination.apply(
    [
      {
        table,
        actions: [
          { kind: 'merge', steps: [{ kind: 'upsert', batch: batchOf(schema, rows), unknown: [] }] },
          { kind: 'merge', steps: [{ kind: 'upsert', batch: first, unknown: [] }] },
        ],
        checkpoint: count + 1,
      },
    ],
    forever,
  );
  count += 1;
  process.stdout.write(`${count}\n`);
}
