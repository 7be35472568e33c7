import { setTimeout as sleep } from 'node:timers/promises';
import type { Action, TableHandle, TablePair } from '@brimful/connector';
import type { Schema } from '@brimful/model';
import type { Value } from '@brimful/model/testing';
import { DuckDBInstance } from '@duckdb/node-api';
import { afterEach, beforeEach, expect, test } from 'vitest';
import type { DuckdbConfig } from '../config.ts';
import { query } from '../query.ts';
import { startChild } from '../testing/child.ts';
import type { TestContext } from '../testing/scratch.ts';
import { removeScratch, scratchConfig, testContext } from '../testing/scratch.ts';
import { batchOf, definition, requestFor, schemaOf } from '../testing/tables.ts';
import { DuckdbDestination } from './destination.ts';

const forever = new AbortController().signal;
const text = { kind: 'text' } as const;
const schema = schemaOf(
  [
    definition('id', { kind: 'int32' }, { nullable: false, sourceId: 1 }),
    definition('note', text, { sourceId: 2 }),
  ],
  ['id'],
);
/** The shape of the next generation: a wider key, and a column more in front of the note. */
const wider = schemaOf(
  [
    definition('id', { kind: 'int64' }, { nullable: false, sourceId: 1 }),
    definition('price', { kind: 'float64' }, { sourceId: 3 }),
    definition('note', text, { sourceId: 2 }),
  ],
  ['id'],
);

let config: DuckdbConfig;
let context: TestContext;
let destination: DuckdbDestination;

beforeEach(() => {
  config = scratchConfig();
  context = testContext();
  destination = new DuckdbDestination(config, context);
});

afterEach(async () => {
  await destination[Symbol.asyncDispose]();
  removeScratch();
});

async function ask(sql: string): Promise<readonly (readonly (string | null)[])[]> {
  await destination.idle();
  return (await query(config, sql, context)).rows;
}

async function byHand(...statements: string[]): Promise<void> {
  await destination.idle();
  const instance = await DuckDBInstance.create(config.path);
  const connection = await instance.connect();
  for (const statement of statements) await connection.run(statement);
  connection.closeSync();
  instance.closeSync();
}

const upsert = (of: Schema, ...rows: Value[][]): Action => ({
  kind: 'merge',
  steps: [{ kind: 'upsert', batch: batchOf(of, rows), unknown: [] }],
});

function request(table: string, generation: number, of: Schema) {
  const base = requestFor(table, of);
  return { ...base, id: { ...base.id, generation } };
}

async function complete(
  table: string,
  generation: number,
  of: Schema,
  ...rows: Value[][]
): Promise<TableHandle> {
  const handle = await destination.open(request(table, generation, of));
  const actions: Action[] = [
    { kind: 'load', batch: batchOf(of, rows) },
    { kind: 'index' },
    { kind: 'settle' },
  ];
  await destination.apply([{ table: handle, actions, checkpoint: `generation ${generation}` }], forever);
  return handle;
}

async function pairOf(table: string): Promise<TablePair> {
  const live = await complete(table, 1, schema, [1, 'first'], [2, 'first']);
  const next = await complete(table, 2, wider, [1n, 1.5, 'second'], [2n, 2.5, 'second'], [3n, 3.5, 'second']);
  return { live, next };
}

test('Invariant 7: a further generation stays beside the live one until it is swapped in, and back', async () => {
  const { live, next } = await pairOf('orders');
  expect([live.place, next.place]).toEqual(['live', 'beside']);
  expect(await ask('SELECT DISTINCT note FROM orders')).toEqual([['first']]);
  expect(await ask('SHOW TABLES')).toEqual([['orders']]);
  await destination.swap([{ live, next }], forever);
  expect(await ask('show tables;')).toEqual([['orders']]);
  expect([live.place, next.place]).toEqual(['beside', 'live']);
  expect(await ask('SELECT count(*), any_value(note) FROM orders')).toEqual([['3', 'second']]);
  // What is applied after the swap lands in its own generation.
  await destination.apply(
    [
      { table: live, actions: [upsert(schema, [9, 'first, later'])], checkpoint: 'a' },
      { table: next, actions: [upsert(wider, [9n, null, 'second, later'])], checkpoint: 'b' },
    ],
    forever,
  );
  expect(await ask('SELECT note FROM orders WHERE id = 9')).toEqual([['second, later']]);
  await destination.swap([{ live: next, next: live }], forever);
  expect(await ask('SELECT note FROM orders WHERE id = 9')).toEqual([['first, later']]);
  expect(await ask('SELECT count(*) FROM orders')).toEqual([['3']]);
  expect([live.place, next.place]).toEqual(['live', 'beside']);
});

test('a place is found again after reopening, and the fenced writer can swap no more', async () => {
  const pair = await pairOf('orders');
  await destination.swap([pair], forever);
  await using other = new DuckdbDestination(config, context);
  const live = await other.open(request('orders', 2, wider));
  const beside = await other.open(request('orders', 1, schema));
  expect([live.place, live.checkpoint]).toEqual(['live', 'generation 2']);
  expect([beside.place, beside.checkpoint]).toEqual(['beside', 'generation 1']);
  // Invariant 3: by the handle that has the fence, and by each of the two that does not.
  const back = { live: pair.next, next: pair.live };
  await expect(destination.swap([back], forever)).rejects.toMatchObject({ code: 'BRM-DUCKDB-FENCED' });
  await expect(destination.swap([{ live, next: pair.live }], forever)).rejects.toMatchObject({
    code: 'BRM-DUCKDB-FENCED',
    at: { table: 'orders' },
  });
  expect(await ask('SELECT any_value(note) FROM orders')).toEqual([['second']]);
  await other.swap([{ live, next: beside }], forever);
  expect(await ask('SELECT any_value(note) FROM orders')).toEqual([['first']]);
});

test('several pairs are swapped together or not at all; those that are swapped already are left alone', async () => {
  const orders = await pairOf('orders');
  const prices = await pairOf('prices');
  await byHand('CREATE VIEW prices__g1 AS SELECT 1 AS in_the_way');
  await expect(destination.swap([orders, prices], forever)).rejects.toMatchObject({
    code: 'BRM-DUCKDB-TABLE-EXISTS',
    at: { table: 'prices' },
  });
  expect(orders.live.place).toBe('live');
  expect(await ask('SELECT any_value(note) FROM orders')).toEqual([['first']]);
  await byHand('DROP VIEW prices__g1');
  await destination.swap([orders], forever);
  await destination.swap([orders, prices], forever);
  await destination.swap([orders, prices], forever);
  expect(await ask('SELECT o.note, p.note FROM orders o JOIN prices p USING (id) LIMIT 1')).toEqual([
    ['second', 'second'],
  ]);
});

test('views, indexes and comments go with the name, there and back, and are there after a restart', async () => {
  const { live, next } = await pairOf('orders');
  await byHand(
    'CREATE UNIQUE INDEX "by id" ON orders (id)',
    'CREATE INDEX by_note ON orders (note, (id + 1))',
    "COMMENT ON TABLE orders IS 'mine'",
    "COMMENT ON COLUMN orders.note IS 'what they said'",
    'CREATE VIEW everything AS SELECT * FROM orders',
    'CREATE VIEW ids AS SELECT id FROM everything',
  );
  const look = async (): Promise<unknown[]> => [
    await ask('SELECT id FROM ids ORDER BY id'),
    await ask("SELECT index_name FROM duckdb_indexes() WHERE table_name = 'orders' ORDER BY ALL"),
    await ask("SELECT comment FROM duckdb_tables() WHERE table_name = 'orders'"),
    await ask("SELECT comment FROM duckdb_columns() WHERE table_name = 'orders' AND column_name = 'note'"),
  ];
  const carried = [[['by id'], ['by_note']], [['mine']], [['what they said']]];
  await destination.swap([{ live, next }], forever);
  expect(await look()).toEqual([[['1'], ['2'], ['3']], ...carried]);
  expect(await ask('SELECT price FROM everything WHERE id = 2')).toEqual([['2.5']]);
  await destination.swap([{ live: next, next: live }], forever);
  expect(await look()).toEqual([[['1'], ['2']], ...carried]);
  expect(await ask("SELECT count(*) FROM duckdb_indexes() WHERE table_name <> 'orders'")).toEqual([['0']]);
});

test('a unique index that the next generation breaks, and a foreign key upon the table, stop the swap and leave all as it was', async () => {
  const { live, next } = await pairOf('orders');
  await byHand('CREATE UNIQUE INDEX notes ON orders (id, note)');
  await destination.apply(
    [
      {
        table: next,
        actions: [{ kind: 'load', batch: batchOf(wider, [[3n, 1, 'second']]) }],
        checkpoint: 1,
      },
    ],
    forever,
  );
  await expect(destination.swap([{ live, next }], forever)).rejects.toMatchObject({
    code: 'BRM-DUCKDB-CONSTRAINT',
  });
  expect(await ask('SELECT table_name FROM duckdb_indexes()')).toEqual([['orders']]);
  expect(await ask('SELECT any_value(note) FROM orders')).toEqual([['first']]);
  await byHand('DROP INDEX notes', 'CREATE TABLE parents (id INTEGER PRIMARY KEY)');
  const parents = requestFor('parents', schemaOf([schema.columns[0]!], ['id']), { adopt: true });
  const adopted = await destination.open(parents);
  const fresh = await destination.open({ ...parents, id: { ...parents.id, generation: 2 } });
  await byHand('CREATE TABLE children (id INTEGER REFERENCES parents (id))');
  await expect(destination.swap([{ live: adopted, next: fresh }], forever)).rejects.toMatchObject({
    code: 'BRM-DUCKDB-DEPENDENTS',
    remedy: 'Make children anew without the foreign key.',
  });
});

test('Invariant 7: a reader in a loop never misses the table nor finds part of it, while it is swapped, written and indexed', async () => {
  const { live, next } = await pairOf('orders');
  await byHand('CREATE INDEX by_note ON orders (note)', 'CREATE VIEW seen AS SELECT note FROM orders');
  let swaps = 0;
  let answers = 0;
  const kinds = new Set<string>();
  const reading = (async () => {
    while (swaps < 40) {
      const { rows } = await query(config, 'SELECT count(*), min(note), max(note) FROM seen', context);
      kinds.add((rows[0] as string[]).join(' '));
      answers += 1;
    }
  })();
  let [from, to] = [live, next];
  for (; swaps < 40; swaps += 1) {
    await destination.swap([{ live: from, next: to }], forever);
    [from, to] = [to, from];
    // Row 1 is deleted and written again in both.
    await destination.apply(
      [
        { table: live, actions: [upsert(schema, [1, 'first'])], checkpoint: swaps },
        { table: next, actions: [upsert(wider, [1n, 1.5, 'second'])], checkpoint: swaps },
      ],
      forever,
    );
    await sleep(2);
  }
  await reading;
  expect([...kinds].sort()).toEqual(['2 first first', '3 second second']);
  expect(answers).toBeGreaterThan(20);
});

test.for(['duckdb.swap.before-commit', 'duckdb.swap.committed'])(
  'Invariant 2: killed at %s, the file has one order of names or the other, and the writer goes on from it',
  async (point) => {
    const { live, next } = await pairOf('orders');
    const other = await pairOf('prices');
    await byHand('CREATE INDEX by_note ON orders (note)');
    await destination.idle();
    expect([live.place, next.place, other.live.place]).toEqual(['live', 'beside', 'live']);
    for (const round of [1, 2, 3]) {
      const child = startChild('./swap-and-die.ts', config.path, point);
      await child.exited;
      const after = point === 'duckdb.swap.committed' && round % 2 === 1;
      await using reopened = new DuckdbDestination(config, context);
      for (const table of ['orders', 'prices']) {
        const first = await reopened.open(request(table, 1, schema));
        const second = await reopened.open(request(table, 2, wider));
        expect([first.place, second.place]).toEqual(after ? ['beside', 'live'] : ['live', 'beside']);
        // What was written after the last commit is there too, in the right table.
        expect([first.checkpoint, second.checkpoint]).toEqual(['generation 1', 'generation 2']);
        await reopened.idle();
        const { rows } = await query(config, `SELECT DISTINCT note FROM ${table}`, context);
        expect(rows).toEqual([[after ? 'second' : 'first']]);
      }
      const { rows } = await query(config, 'SELECT table_name FROM duckdb_indexes()', context);
      expect(rows).toEqual([['orders']]);
    }
  },
);

test('a swap is given up with its signal, and nothing has changed', async () => {
  const aborting = new AbortController();
  const stopped = testContext((point) => {
    if (point === 'duckdb.swap.before-commit') aborting.abort(new Error('enough'));
  });
  const pair = await pairOf('orders');
  await using other = new DuckdbDestination(config, stopped);
  const live = await other.open(pair.live.request);
  const next = await other.open(pair.next.request);
  await expect(other.swap([{ live, next }], aborting.signal)).rejects.toThrow('enough');
  expect([live.place, next.place]).toEqual(['live', 'beside']);
  expect(await ask('SELECT any_value(note) FROM orders')).toEqual([['first']]);
});

test('after a swap the earlier generation can be dropped, and a third be built', async () => {
  const { live, next } = await pairOf('orders');
  await destination.swap([{ live, next }], forever);
  await destination.drop(live.request.id);
  const third = await complete('orders', 3, schema, [7, 'third']);
  expect(third.place).toBe('beside');
  expect(await ask("SELECT table_name FROM duckdb_tables() WHERE schema_name = 'main' ORDER BY ALL")).toEqual(
    [['orders'], ['orders__g3']],
  );
  await destination.swap([{ live: next, next: third }], forever);
  expect(await ask('SELECT note FROM orders')).toEqual([['third']]);
});

test('an index that cannot be built while an older snapshot is read is tried again until it can', async () => {
  const made: TableHandle[] = [];
  for (const generation of [1, 2]) {
    const table = await destination.open({ ...request('orders', generation, schema), deletes: 'soft' });
    const batch = batchOf(schema, [
      [1, 'a'],
      [2, 'b'],
    ]);
    const actions: Action[] = [{ kind: 'load', batch }, { kind: 'index' }, { kind: 'settle' }];
    await destination.apply([{ table, actions, checkpoint: 1 }], forever);
    made.push(table);
  }
  const [live, next] = made as [TableHandle, TableHandle];
  await byHand('CREATE INDEX by_deletion ON orders (_brimful_deleted_at)');
  const rows = await destination.read(next, schema, forever);
  await destination.apply([{ table: next, actions: [{ kind: 'truncate' }], checkpoint: 2 }], forever);
  const swapping = destination.swap([{ live, next }], forever);
  await sleep(250);
  expect(next.place).toBe('beside');
  await rows[Symbol.asyncDispose]();
  const { attempts } = await swapping;
  expect(attempts).toBeGreaterThan(1);
  expect(next.place).toBe('live');
  expect(await ask('SELECT table_name FROM duckdb_indexes()')).toEqual([['orders']]);
});
