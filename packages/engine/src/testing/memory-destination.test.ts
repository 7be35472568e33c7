import type { Destination, TableHandle } from '@brimful/connector';
import type { Schema } from '@brimful/model';
import { columnOf, valueAt } from '@brimful/model/testing';
import type { Value } from '@brimful/model/testing';
import { expect, test } from 'vitest';
import type { ApplyFault } from './memory-destination.ts';
import { MemoryDatabase, memoryConnector } from './memory-destination.ts';
import { MemoryDisk } from './memory-store.ts';
import { SeededRandom } from './scheduler.ts';
import { memoryContext } from './table-fixture.ts';

const forever = new AbortController().signal;
const schema: Schema = {
  version: 1,
  columns: [
    { name: 'id', type: { kind: 'int32' }, nullable: false, sourceType: 'integer' },
    { name: 'note', type: { kind: 'text' }, nullable: true, sourceType: 'text' },
  ],
  key: ['id'],
};

async function open(
  database: MemoryDatabase,
  swapFault: () => ApplyFault = () => 'none',
): Promise<Destination> {
  const connector = memoryConnector(database, {
    turn: () => Promise.resolve(),
    applyFault: () => 'none',
    swapFault,
    poison: () => undefined,
    random: new SeededRandom(1),
    lanes: 1,
    gatherMilliseconds: 0,
  });
  return connector.open({}, memoryContext(new MemoryDisk()));
}

async function take(destination: Destination, generation: number): Promise<TableHandle> {
  const id = { materialization: 'copy', table: 'docs', generation };
  return destination.open({ id, collection: 'shop/docs', schema, deletes: 'hard', adopt: false });
}

async function load(destination: Destination, table: TableHandle, note: string, rows: number): Promise<void> {
  const columns = [
    columnOf(
      { kind: 'int32' },
      Array.from({ length: rows }, (_, row) => row),
    ),
    columnOf(
      { kind: 'text' },
      Array.from({ length: rows }, () => note),
    ),
  ];
  const batch = { schema, rows, columns, changes: undefined };
  const actions = [{ kind: 'load', batch } as const, { kind: 'index' } as const, { kind: 'settle' } as const];
  await destination.apply([{ table, actions, checkpoint: note }], forever);
}

async function two(database: MemoryDatabase, destination: Destination) {
  const live = await take(destination, 1);
  const next = await take(destination, 2);
  await load(destination, live, 'first', 2);
  await load(destination, next, 'second', 9);
  expect(database.rows('docs', schema)).toHaveLength(2);
  return { live, next };
}

test('two generations change places, there and back, and what is written lands in its own', async () => {
  const database = new MemoryDatabase();
  await using destination = await open(database);
  const { live, next } = await two(database, destination);
  expect([live.place, next.place]).toEqual(['live', 'beside']);
  await destination.swap([{ live, next }], forever);
  await destination.swap([{ live, next }], forever);
  expect([live.place, next.place]).toEqual(['beside', 'live']);
  expect(database.rows('docs', schema)).toHaveLength(9);
  await destination.apply([{ table: live, actions: [{ kind: 'truncate' }], checkpoint: 'emptied' }], forever);
  expect(database.rows('docs', schema)).toHaveLength(9);
  await using other = await open(database);
  const again = await take(other, 2);
  expect([again.place, again.checkpoint]).toEqual(['live', 'second']);
  // Invariant 3.
  await expect(destination.swap([{ live: next, next: live }], forever)).rejects.toMatchObject({
    code: 'BRM-SIM-FENCED',
  });
  await other.drop({ materialization: 'copy', table: 'docs', generation: 1 });
  expect([...database.tables.keys()]).toEqual(['docs']);
});

test.for(['refused', 'lost'] as const)('a swap that was %s is done or not, and never half', async (fault) => {
  const database = new MemoryDatabase();
  await using destination = await open(database, () => fault);
  const pair = await two(database, destination);
  await expect(destination.swap([pair], forever)).rejects.toMatchObject({ kind: 'retry' });
  expect((await take(destination, 2)).place).toBe(fault === 'lost' ? 'live' : 'beside');
  expect(database.rows('docs', schema)).toHaveLength(fault === 'lost' ? 9 : 2);
});

test('a reading is one snapshot with its checkpoint, in several batches', async () => {
  const database = new MemoryDatabase();
  await using destination = await open(database);
  const { live, next } = await two(database, destination);
  await using rows = await destination.read(next, schema, forever);
  await destination.apply([{ table: next, actions: [{ kind: 'truncate' }], checkpoint: 'emptied' }], forever);
  await destination.swap([{ live, next }], forever);
  const read: Value[] = [];
  let batches = 0;
  for await (const batch of rows.batches) {
    for (let row = 0; row < batch.rows; row += 1) read.push(valueAt(batch.columns[0]!, row));
    batches += 1;
  }
  expect(read).toEqual([0, 1, 2, 3, 4, 5, 6, 7, 8]);
  expect(batches).toBeGreaterThan(1);
  expect(rows.checkpoint).toBe('second');
});
