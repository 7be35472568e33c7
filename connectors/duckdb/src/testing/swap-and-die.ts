/**
 * A writer that is killed while it swaps: `swap-and-die.ts <path> <crash point>`. Exchanges generations 1 and 2 of tables
 * `orders` and `prices`, whichever of them has the name now.
 */
import type { TablePair } from '@brimful/connector';
import { duckdbConfig } from '../config.ts';
import { DuckdbDestination } from '../materialize/destination.ts';
import { testContext } from './scratch.ts';
import { definition, requestFor, schemaOf } from './tables.ts';

const [path = '', point = ''] = process.argv.slice(2);
const context = testContext((name) => {
  if (name === point) process.kill(process.pid, 'SIGKILL');
});
// The shape is in the file already.
const schema = schemaOf([definition('id', { kind: 'int32' })], ['id']);
const destination = new DuckdbDestination(duckdbConfig.parse({ path, memoryLimit: '256MB' }), context);
const pairs: TablePair[] = [];
for (const name of ['orders', 'prices']) {
  const request = requestFor(name, schema);
  const first = await destination.open(request);
  const second = await destination.open({ ...request, id: { ...request.id, generation: 2 } });
  pairs.push(first.place === 'live' ? { live: first, next: second } : { live: second, next: first });
}
await destination.swap(pairs, new AbortController().signal);
