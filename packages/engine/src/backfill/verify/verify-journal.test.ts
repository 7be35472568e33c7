import type { Destination } from '@brimful/connector';
import type { Batch } from '@brimful/model';
import { UNKNOWN } from '@brimful/model/testing';
import { expect, test } from 'vitest';
import { readState } from '../../collection/collection-state.ts';
import { rowsWhere, selectRows } from '../../collection/select-rows.ts';
import { ByteBudget } from '../../flow/byte-budget.ts';
import { MaterializationTask } from '../../materialization/materialization-task.ts';
import { MemoryDatabase, memoryConnector } from '../../testing/memory-destination.ts';
import { MemoryDisk } from '../../testing/memory-store.ts';
import { SeededRandom } from '../../testing/scheduler.ts';
import type { Change } from '../../testing/table-fixture.ts';
import { DOCS, TableFixture, memoryContext, snapshotOf } from '../../testing/table-fixture.ts';
import { COMPARISON_LEASE_BYTES } from './comparison.ts';
import type { StateReader } from './state-reader.ts';
import type { Verified } from './verified.ts';
import { verifyTable } from './verify-table.ts';

const COLLECTION = 'shop/docs';
const ROWS = 40;

/** Updates that leave a column out, changes of key, deletes and inserts. Keys are free or taken as `ids` says. */
function nextChange(random: SeededRandom, ids: Set<number>, next: number): Change {
  const id = random.pick([...ids]);
  const what = random.below(4);
  if (what === 0 && ids.size > 5) {
    ids.delete(id);
    return { operation: 'delete', row: [id, null, null] };
  }
  if (what === 1) return { operation: 'update', row: [id, `changed ${next}`, UNKNOWN] };
  ids.add(next);
  if (what === 2) return { operation: 'insert', row: [next, `new ${next}`, null] };
  ids.delete(id);
  return { operation: 'move', row: [next, UNKNOWN, `moved ${next}`], oldKey: [id] };
}

async function pause(): Promise<void> {
  await new Promise((resolve) => setImmediate(resolve));
}

// Invariant 4
test('a table and its journal are equal at whatever offset the table is caught, and a lost row is found there', async () => {
  const disk = new MemoryDisk();
  const fixture = await TableFixture.open(disk);
  await fixture.begin();
  const rows = Array.from({ length: ROWS }, (_, id) => [id, `read ${id}`, `large ${id}`]);
  await (
    await fixture.read(rows, snapshotOf(1n))
  )();
  await fixture.finish();

  const context = memoryContext(disk);
  const random = new SeededRandom(5);
  const connector = memoryConnector(new MemoryDatabase(), {
    turn: pause,
    applyFault: () => 'none',
    poison: () => undefined,
    random,
    lanes: 1,
    gatherMilliseconds: 0,
  });
  const spec = {
    name: 'copy',
    connector: 'memory',
    config: {},
    source: undefined,
    bindings: [],
    deletes: 'hard' as const,
    adopt: false,
  };
  const task = new MaterializationTask(context, spec, connector);
  task.add(COLLECTION);
  const stop = new AbortController();
  const ended = task.run(stop.signal);
  while (task.feeds.get(COLLECTION)?.applied.phase !== 'live') await pause();

  const state: StateReader = async function* (asOf, options) {
    for await (const { batch } of readState(context, COLLECTION, 1, { ...options, asOf })) yield batch;
  };
  let count = 0;
  const verify = (read: Destination['read']): Promise<Verified> => {
    const feed = task.feeds.get(COLLECTION);
    if (feed === undefined) throw new Error('the table is fed');
    count += 1;
    return verifyTable({
      subject: 'copy: docs',
      destination: { read },
      table: feed.handle,
      schema: { ...DOCS, version: feed.applied.schema },
      level: 'full',
      state,
      blobs: context.store.blobs,
      scratch: `verify/${count}`,
      memory: new ByteBudget(COMPARISON_LEASE_BYTES),
      now: () => 0,
      signal: stop.signal,
    });
  };

  let isOver = false;
  const ids = new Set(rows.map(([id]) => id as number));
  const write = async (): Promise<void> => {
    for (let next = ROWS; !isOver; next += 1) {
      await fixture.stream(BigInt(next), nextChange(random, ids, next));
      await pause();
    }
  };
  const written = write();
  const places = new Set<string>();
  const { destination } = task;
  for (let round = 0; round < 15; round += 1) {
    const { report } = await verify((...read) => destination.read(...read));
    expect(report).toMatchObject({ verdict: 'equal', onlyLeft: 0, onlyRight: 0, different: 0 });
    places.add(report.asOf);
  }
  expect(places.size).toBeGreaterThan(5);
  const { report, differing } = await verify(async (...read) => {
    const found = await destination.read(...read);
    return {
      checkpoint: found.checkpoint,
      batches: withoutOne(found.batches),
      [Symbol.asyncDispose]: () => found[Symbol.asyncDispose](),
    };
  });
  expect(report).toMatchObject({ verdict: 'divergent', onlyLeft: 1, onlyRight: 0, different: 0 });
  expect(differing.keys).toHaveLength(1);
  isOver = true;
  await written;
  stop.abort();
  await ended;
});

async function* withoutOne(batches: AsyncIterable<Batch>): AsyncGenerator<Batch, void, undefined> {
  let isFirst = true;
  for await (const batch of batches) {
    const dropped = isFirst && batch.rows > 0 ? 0 : -1;
    if (batch.rows > 0) isFirst = false;
    yield selectRows(
      batch,
      rowsWhere(batch.rows, (row) => row !== dropped),
    );
  }
}
