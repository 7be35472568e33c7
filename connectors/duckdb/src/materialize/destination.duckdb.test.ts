import type { Action, TableRequest } from '@brimful/connector';
import type { Schema } from '@brimful/model';
import type { Value } from '@brimful/model/testing';
import { DuckDBInstance } from '@duckdb/node-api';
import { afterEach, beforeEach, expect, test } from 'vitest';
import type { DuckdbConfig } from '../config.ts';
import { query } from '../query.ts';
import type { TestContext } from '../testing/scratch.ts';
import { removeScratch, scratchConfig, testContext } from '../testing/scratch.ts';
import { batchOf, definition, keysOf, requestFor, schemaOf } from '../testing/tables.ts';
import { DuckdbDestination } from './destination.ts';

const forever = new AbortController().signal;
const text = { kind: 'text' } as const;
const int32 = { kind: 'int32' } as const;
const schema = schemaOf(
  [definition('id', int32, { nullable: false, sourceId: 1 }), definition('note', text, { sourceId: 2 })],
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
  const { rows } = await query(config, sql, context);
  return rows;
}

/** As a user would with a tool of their own. */
async function byHand(...statements: string[]): Promise<void> {
  await destination.idle();
  const instance = await DuckDBInstance.create(config.path);
  const connection = await instance.connect();
  for (const statement of statements) await connection.run(statement);
  connection.closeSync();
  instance.closeSync();
}

const load = (of: Schema, ...rows: Value[][]): Action => ({ kind: 'load', batch: batchOf(of, rows) });
const upsert = (of: Schema, ...rows: Value[][]): Action => ({
  kind: 'merge',
  steps: [{ kind: 'upsert', batch: batchOf(of, rows), unknown: [] }],
});
const remove = (of: Schema, key: Value, committedAt = 1_700_000_000_000_000n): Action => ({
  kind: 'merge',
  steps: [{ kind: 'delete', schema: of, keys: keysOf(of, [[key]]), rows: 1, committedAt }],
});

async function make(request: TableRequest, ...actions: Action[]): Promise<void> {
  const table = await destination.open(request);
  await destination.apply([{ table, actions, checkpoint: 'made' }], forever);
}

test('Invariant 3: who opens a table fences every earlier owner, and the checkpoint stays', async () => {
  const request = requestFor('orders', schema);
  const first = await destination.open(request);
  await destination.apply(
    [{ table: first, actions: [load(schema, [1, 'a'])], checkpoint: { offset: 7 } }],
    forever,
  );
  await using other = new DuckdbDestination(config, context);
  const second = await other.open(request);
  expect(second.checkpoint).toEqual({ offset: 7 });
  const late = destination.apply(
    [{ table: first, actions: [load(schema, [2, 'b'])], checkpoint: { offset: 8 } }],
    forever,
  );
  await expect(late).rejects.toMatchObject({ code: 'BRM-DUCKDB-FENCED', at: { table: 'orders' } });
  await other.apply(
    [{ table: second, actions: [load(schema, [3, 'c'])], checkpoint: { offset: 9 } }],
    forever,
  );
  expect(await ask('SELECT id FROM orders ORDER BY id')).toEqual([['1'], ['3']]);
});

test('Invariant 2: work on several tables is one transaction, and says whose data failed', async () => {
  const money = schemaOf(
    [definition('id', int32), definition('price', { kind: 'decimal', precision: 5, scale: 2 })],
    ['id'],
  );
  const orders = await destination.open(requestFor('orders', schema));
  const prices = await destination.open(requestFor('prices', money));
  const works = [
    { table: orders, actions: [load(schema, [1, 'a'])], checkpoint: 1 },
    { table: prices, actions: [load(money, [1, 'NaN'])], checkpoint: 1 },
  ];
  await expect(destination.apply(works, forever)).rejects.toMatchObject({
    code: 'BRM-DUCKDB-VALUE',
    at: { table: 'prices', column: 'price', row: 'id=1' },
  });
  expect(await ask('SELECT count(*) FROM orders')).toEqual([['0']]);
  expect(await ask('SELECT count(*) FROM brimful.checkpoints WHERE checkpoint IS NOT NULL')).toEqual([['0']]);
  await destination.apply(works.slice(0, 1), forever);
  expect(await ask('SELECT count(*) FROM orders')).toEqual([['1']]);
});

test('of rows with a touched key all copies but one go; others are left alone', async () => {
  const touch: Action = { kind: 'touch', keys: keysOf(schema, [[1], [null], [9]]), rows: 3 };
  await make(requestFor('orders', schema), load(schema, [1, 'a'], [2, 'b']), touch);
  const table = await destination.open(requestFor('orders', schema));
  await destination.apply(
    [{ table, actions: [load(schema, [1, 'a'], [3, 'c']), { kind: 'index' }], checkpoint: 2 }],
    forever,
  );
  expect(await ask('SELECT id FROM orders ORDER BY id')).toEqual([['1'], ['2'], ['3']]);
  expect(await ask("SELECT count(*) FROM duckdb_tables() WHERE table_name LIKE 'touched%'")).toEqual([['0']]);
});

test('NOT NULL is set when the table is settled, and follows the collection', async () => {
  const request = requestFor('orders', schema);
  const table = await destination.open(request);
  const nullable =
    "SELECT column_name, is_nullable FROM duckdb_columns() WHERE table_name = 'orders' ORDER BY column_index";
  await destination.apply(
    [{ table, actions: [load(schema, [1, 'a']), { kind: 'index' }], checkpoint: 1 }],
    forever,
  );
  expect(await ask(nullable)).toEqual([
    ['id', 'true'],
    ['note', 'true'],
  ]);
  // A delete in the same transaction must not be in the way.
  await destination.apply(
    [{ table, actions: [upsert(schema, [1, 'b']), { kind: 'settle' }], checkpoint: 2 }],
    forever,
  );
  expect(await ask(nullable)).toEqual([
    ['id', 'false'],
    ['note', 'true'],
  ]);
  const strict = schemaOf([schema.columns[0]!, { ...schema.columns[1]!, nullable: false }], ['id'], 2);
  await destination.apply(
    [
      {
        table,
        actions: [upsert(schema, [2, 'c']), { kind: 'evolve', schema: strict }, upsert(strict, [3, 'd'])],
        checkpoint: 3,
      },
    ],
    forever,
  );
  expect(await ask(nullable)).toEqual([
    ['id', 'false'],
    ['note', 'false'],
  ]);
  const loose = schemaOf(schema.columns, ['id'], 3);
  await destination.apply(
    [
      {
        table,
        actions: [remove(loose, 2), { kind: 'evolve', schema: loose }, upsert(loose, [4, null])],
        checkpoint: 4,
      },
    ],
    forever,
  );
  expect(await ask(nullable)).toEqual([
    ['id', 'false'],
    ['note', 'true'],
  ]);
  expect(await ask('SELECT id FROM orders ORDER BY id')).toEqual([['1'], ['3'], ['4']]);
  expect(context.warnings).toEqual([]);
});

test('columns are added with their first value, renamed, widened, and never dropped', async () => {
  const request = requestFor('orders', schema);
  const table = await destination.open(request);
  const wide = schemaOf(
    [
      definition('id', { kind: 'int64' }, { nullable: false, sourceId: 1 }),
      definition('price', { kind: 'decimal', precision: 6, scale: 2 }, { sourceId: 3, initial: '1.50' }),
      definition('born', { kind: 'date' }, { sourceId: 4, initial: '0044-03-15 BC' }),
      definition('raw', { kind: 'bytes' }, { sourceId: 5, initial: String.raw`\x00ff` }),
      definition('note', text, { sourceId: 6 }),
    ],
    ['id'],
    2,
  );
  const actions = [
    load(schema, [1, 'old']),
    { kind: 'evolve', schema: wide } as const,
    load(wide, [2n ** 40n, '9999.99', 0, new Uint8Array([1]), 'new']),
  ];
  await destination.apply([{ table, actions, checkpoint: 1 }], forever);
  expect(await ask('SELECT id, price, born, hex(raw), note, note_dropped FROM orders ORDER BY id')).toEqual([
    ['1', '1.50', '0044-03-15 (BC)', '00FF', null, 'old'],
    ['1099511627776', '9999.99', '1970-01-01', '01', 'new', null],
  ]);
  const wider = schemaOf(
    [
      wide.columns[0]!,
      { ...wide.columns[1]!, name: 'cost', type: { kind: 'decimal' } },
      ...wide.columns.slice(2),
    ],
    ['id'],
    3,
  );
  await destination.apply(
    [
      {
        table,
        actions: [{ kind: 'evolve', schema: wider }, load(wider, [3n, '1.000', null, null, null])],
        checkpoint: 2,
      },
    ],
    forever,
  );
  expect(await ask('SELECT id, cost, typeof(cost) FROM orders ORDER BY id')).toEqual([
    ['1', '1.50', 'VARCHAR'],
    ['3', '1.000', 'VARCHAR'],
    ['1099511627776', '9999.99', 'VARCHAR'],
  ]);
});

test('Invariant 6: a change of type that would alter values is refused', async () => {
  const table = await destination.open(requestFor('orders', schema));
  const other = schemaOf([schema.columns[0]!, definition('note', int32, { sourceId: 2 })], ['id'], 2);
  const applied = destination.apply(
    [{ table, actions: [{ kind: 'evolve', schema: other }], checkpoint: 1 }],
    forever,
  );
  await expect(applied).rejects.toMatchObject({
    code: 'BRM-DUCKDB-WIDEN',
    at: { table: 'orders', column: 'note' },
  });
});

test('soft deletes keep the row and say when; a row that comes back is alive', async () => {
  const request = requestFor('orders', schema, { deletes: 'soft' });
  await make(
    request,
    load(schema, [1, 'a'], [2, 'b'], [3, 'c']),
    { kind: 'index' },
    remove(schema, 1),
    remove(schema, 2),
    upsert(schema, [2, 'again']),
  );
  expect(await ask('SELECT id, note, _brimful_deleted_at FROM orders ORDER BY id')).toEqual([
    ['1', 'a', '2023-11-14 22:13:20+00'],
    ['2', 'again', null],
    ['3', 'c', null],
  ]);
  const table = await destination.open(request);
  await destination.apply([{ table, actions: [{ kind: 'truncate' }], checkpoint: 2 }], forever);
  expect(await ask('SELECT count(*) FROM orders WHERE _brimful_deleted_at IS NULL')).toEqual([['0']]);
  expect(await ask("SELECT count(*) FROM orders WHERE _brimful_deleted_at < '2024-01-01'")).toEqual([['1']]);
});

test('thousands of moved keys are one statement, chains and exchanges included', async () => {
  const rows = Array.from({ length: 3000 }, (_, id) => [id, `row ${id}`]);
  await make(requestFor('orders', schema), load(schema, ...rows), { kind: 'index' });
  const table = await destination.open(requestFor('orders', schema));
  const steps = rows.toReversed().map(([id]) => ({
    kind: 'move' as const,
    oldKey: keysOf(schema, [[id as number]]),
    batch: batchOf(schema, [[(id as number) + 1, null]]),
    unknown: [1],
  }));
  await destination.apply([{ table, actions: [{ kind: 'merge', steps }], checkpoint: 2 }], forever);
  const wrong = "SELECT count(*), count(*) FILTER (note <> 'row ' || (id - 1)) FROM orders";
  expect(await ask(wrong)).toEqual([['3000', '0']]);
});

test('a move whose old row is missing keeps what its new key holds then, not what it held before the group', async () => {
  const request = requestFor('orders', schema);
  await make(request, load(schema, [1, 'one'], [2, 'two']), { kind: 'index' });
  const table = await destination.open(request);
  const move = (from: number, to: number) =>
    ({
      kind: 'move',
      oldKey: keysOf(schema, [[from]]),
      batch: batchOf(schema, [[to, null]]),
      unknown: [1],
    }) as const;
  const steps = [move(1, 5), move(9, 1), move(8, 2)];
  await destination.apply([{ table, actions: [{ kind: 'merge', steps }], checkpoint: 2 }], forever);
  expect(await ask('SELECT id, note FROM orders ORDER BY id')).toEqual([
    ['1', null],
    ['2', 'two'],
    ['5', 'one'],
  ]);
});

test('a dropped column that was NOT NULL does not stop new rows', async () => {
  const strict = schemaOf([schema.columns[0]!, { ...schema.columns[1]!, nullable: false }], ['id']);
  await make(requestFor('orders', strict), load(strict, [1, 'a']), { kind: 'index' }, { kind: 'settle' });
  const table = await destination.open(requestFor('orders', strict));
  const less = schemaOf([schema.columns[0]!], ['id'], 2);
  const actions: Action[] = [{ kind: 'evolve', schema: less }, upsert(less, [1], [2])];
  await destination.apply([{ table, actions, checkpoint: 2 }], forever);
  expect(await ask('SELECT id, note FROM orders ORDER BY id')).toEqual([
    ['1', 'a'],
    ['2', null],
  ]);
});

test('a table that somebody else made is refused, unless adopted, and adopted only empty and fitting', async () => {
  await byHand(
    'CREATE TABLE orders (id INTEGER, note VARCHAR, mine DOUBLE DEFAULT 7)',
    'CREATE VIEW seen AS SELECT 1 AS id',
    "INSERT INTO orders VALUES (1, 'mine', 1)",
  );
  await expect(destination.open(requestFor('orders', schema))).rejects.toMatchObject({
    code: 'BRM-DUCKDB-TABLE-EXISTS',
  });
  await expect(destination.open(requestFor('seen', schema))).rejects.toMatchObject({
    code: 'BRM-DUCKDB-TABLE-EXISTS',
  });
  const adopting = requestFor('orders', schema, { adopt: true });
  await expect(destination.open(adopting)).rejects.toMatchObject({
    code: 'BRM-DUCKDB-ADOPT',
    message: expect.stringContaining('rows'),
  });
  await byHand('DELETE FROM orders');
  const misfit = schemaOf([schema.columns[0]!, definition('note', int32)], ['id']);
  await expect(destination.open(requestFor('orders', misfit, { adopt: true }))).rejects.toMatchObject({
    code: 'BRM-DUCKDB-ADOPT',
  });
  await make(adopting, load(schema, [1, 'a']), { kind: 'index' });
  expect(await ask('SELECT id, note, mine FROM orders')).toEqual([['1', 'a', '7.0']]);
  // Only what Brimful made goes with it.
  await destination.drop(adopting.id);
  expect(await ask('SELECT count(*) FROM orders')).toEqual([['1']]);
});

test('columns that somebody adds to a table keep their values through merges', async () => {
  const table = await destination.open(requestFor('orders', schema));
  await destination.apply(
    [{ table, actions: [load(schema, [1, 'a'], [2, 'b']), { kind: 'index' }], checkpoint: 1 }],
    forever,
  );
  await byHand('ALTER TABLE orders ADD COLUMN mine VARCHAR', "UPDATE orders SET mine = 'kept ' || id");
  await destination.apply(
    [{ table, actions: [upsert(schema, [1, 'changed'], [3, 'new'])], checkpoint: 2 }],
    forever,
  );
  expect(await ask('SELECT * FROM orders ORDER BY id')).toEqual([
    ['1', 'changed', 'kept 1'],
    ['2', 'b', 'kept 2'],
    ['3', 'new', null],
  ]);
});

test('a table that somebody dropped stops alone, and says so', async () => {
  const table = await destination.open(requestFor('orders', schema));
  const other = await destination.open(requestFor('others', schema));
  await byHand('DROP TABLE orders');
  const work = (of: typeof table) => [{ table: of, actions: [load(schema, [1, 'a'])], checkpoint: 1 }];
  await expect(destination.apply(work(table), forever)).rejects.toMatchObject({
    code: 'BRM-DUCKDB-TABLE-GONE',
    at: { table: 'orders' },
  });
  await destination.apply(work(other), forever);
  await expect(destination.open(requestFor('orders', schema))).rejects.toMatchObject({
    code: 'BRM-DUCKDB-TABLE-GONE',
  });
});

test('two tables whose names differ in case only are told apart by a clear refusal', async () => {
  await destination.open(requestFor('orders', schema));
  await expect(destination.open(requestFor('Orders', schema))).rejects.toMatchObject({
    code: 'BRM-DUCKDB-TABLE-TAKEN',
  });
});

test('names with quotes, dots, spaces and other scripts are names', async () => {
  const strange = schemaOf(
    [
      definition('a"b', int32),
      definition("it's", text),
      definition('größe.€ x', text),
      definition('rowid', text),
    ],
    ['a"b'],
  );
  const request = requestFor('we"ird.tab\'le ☃', strange);
  await make(
    request,
    load(strange, [1, 'x', 'y', 'z']),
    { kind: 'touch', keys: keysOf(strange, [[1]]), rows: 1 },
    { kind: 'index' },
    upsert(strange, [1, 'u', 'v', 'w']),
    { kind: 'settle' },
  );
  expect(await ask('SELECT * FROM "we""ird.tab\'le ☃"')).toEqual([['1', 'u', 'v', 'w']]);
  await destination.drop(request.id);
  expect(await ask("SELECT count(*) FROM duckdb_tables() WHERE schema_name = 'main'")).toEqual([['0']]);
});

test('the tables live in the schema that was asked for', async () => {
  const own = { ...config, schema: 'shop "data"' };
  await using other = new DuckdbDestination(own, context);
  const table = await other.open(requestFor('orders', schema));
  await other.apply([{ table, actions: [load(schema, [1, 'a'])], checkpoint: 1 }], forever);
  await other.idle();
  expect((await query(own, 'SELECT * FROM orders', context)).rows).toEqual([['1', 'a']]);
});
