import { DuckDBInstance } from '@duckdb/node-api';
import { afterEach, beforeEach, expect, test } from 'vitest';
import type { DuckdbConfig } from '../config.ts';
import { nextLine, startChild } from '../testing/child.ts';
import { removeScratch, scratchConfig, testContext } from '../testing/scratch.ts';
import { batchOf, definition, requestFor, schemaOf } from '../testing/tables.ts';
import { DuckdbDestination } from './destination.ts';

const forever = new AbortController().signal;
const schema = schemaOf(
  [definition('id', { kind: 'int32' }, { nullable: false }), definition('note', { kind: 'text' })],
  ['id'],
);
const OWNER = 'shop/warehouse';

let config: DuckdbConfig;
let destination: DuckdbDestination;

beforeEach(() => {
  config = scratchConfig();
  destination = new DuckdbDestination(config, testContext());
});

afterEach(async () => {
  await destination[Symbol.asyncDispose]();
  removeScratch();
});

async function byHand(...statements: string[]): Promise<void> {
  await destination.idle();
  const instance = await DuckDBInstance.create(config.path);
  const connection = await instance.connect();
  for (const statement of statements) await connection.run(statement);
  connection.closeSync();
  instance.closeSync();
}

async function load(rows: number): Promise<void> {
  const table = await destination.open(requestFor('orders', schema));
  const batch = batchOf(
    schema,
    Array.from({ length: rows }, (_, index) => [index, `note ${index} ${'x'.repeat(index % 50)}`]),
  );
  const actions = [{ kind: 'load', batch } as const, { kind: 'index' } as const, { kind: 'settle' } as const];
  await destination.apply([{ table, actions, checkpoint: 1 }], forever);
}

test('before there is a file or a table there is nothing to survey, and nothing is made', async () => {
  expect(await destination.survey('orders', OWNER)).toBeUndefined();
  await byHand('CREATE TABLE others (id INTEGER)');
  expect(await destination.survey('orders', OWNER)).toBeUndefined();
  await load(1);
  expect(await destination.survey('others_', OWNER)).toBeUndefined();
});

test('rows, bytes and what hangs on the table, with what a swap cannot carry as guards', async () => {
  await load(100_000);
  await byHand(
    'CREATE INDEX by_note ON orders (note)',
    'CREATE VIEW direct AS SELECT * FROM main."orders" WHERE id > 5',
    'CREATE VIEW indirect AS SELECT count(*) FROM direct',
    'CREATE VIEW unrelated AS SELECT 1 AS orders_id',
  );
  const plain = await destination.survey('orders', OWNER);
  expect(plain).toMatchObject({ rows: 100_000, guards: [] });
  expect(plain!.bytes).toBeGreaterThan(100_000);
  expect(plain!.dependents.map(({ what, carried }) => [what, carried])).toEqual([
    ['view direct', true],
    ['view indirect', true],
    ['index "main"."by_note"', true],
  ]);
  await byHand('DROP INDEX by_note', 'ALTER TABLE orders ADD COLUMN mine INTEGER');
  const { guards, dependents } = (await destination.survey('orders', OWNER))!;
  expect(guards).toMatchObject([{ id: 'destination-column-lost:orders.mine', level: 'confirm' }]);
  expect(dependents).toContainEqual(expect.objectContaining({ what: 'column mine', carried: false }));
});

// Invariant 6
test('what a table cannot take: another type, another key, a column that somebody changed, values without a place', async () => {
  await load(10);
  const misfits = async (
    next: typeof schema,
    extremes: { column: string; value: string }[] = [],
  ): Promise<string[]> => {
    const survey = await destination.survey('orders', OWNER, { schema: next, extremes });
    return survey!.misfits.map(({ kind, column, why }) => `${kind} ${column}: ${why}`);
  };
  const id = definition('id', { kind: 'int32' }, { nullable: false });
  const note = definition('note', { kind: 'text' });
  expect(await misfits(schema)).toEqual([]);
  // The widest it can become, and the first that it cannot.
  const wide = definition('id', { kind: 'int64' }, { nullable: false });
  expect(
    await misfits(schemaOf([wide, note, definition('more', { kind: 'json', binary: true })], ['id'])),
  ).toEqual([]);
  expect(
    await misfits(schemaOf([definition('id', { kind: 'uuid' }, { nullable: false }), note], ['id'])),
  ).toEqual(['shape id: column id of orders is INTEGER, which cannot become UUID without changing values']);
  expect(await misfits(schemaOf([id, note], ['id', 'note']))).toEqual([
    'shape null: orders was built with the key (id), its source has (id, note).',
  ]);
  const price = definition('price', { kind: 'decimal', precision: 10, scale: 2 });
  const free = definition('free', { kind: 'decimal' });
  const at = definition('at', { kind: 'timestamp', zoned: true });
  const rich = schemaOf([id, note, price, free, at], ['id']);
  const extremes = [
    { column: 'price', value: 'NaN' },
    { column: 'price', value: '99999999.99' },
    { column: 'free', value: 'NaN' },
    { column: 'at', value: 'infinity' },
    { column: 'at', value: '294275-12-31 00:00:00+00' },
    { column: 'at', value: '12026-01-01 00:00:00+00' },
    { column: 'at', value: '4713-11-24 00:00:00+00 BC' },
    { column: 'gone', value: 'NaN' },
  ];
  expect(await misfits(rich, extremes)).toEqual([
    "value price: price holds NaN, which is none of DuckDB's DECIMAL(10,2)",
    "value at: at holds 294275-12-31 00:00:00+00, which is after DuckDB's last timestamp",
  ]);
  await byHand('ALTER TABLE orders ALTER note TYPE BLOB USING note::BLOB');
  expect(await misfits(schema)).toEqual([
    'shape note: column note of orders was made BLOB by somebody, and was VARCHAR',
  ]);
  expect((await destination.survey('orders', OWNER))!.misfits).toEqual([]);
});

test('a table that is not ours, a view, and one that others refer to cannot be swapped', async () => {
  await byHand(
    'CREATE TABLE theirs (id INTEGER PRIMARY KEY)',
    'CREATE TABLE children (id INTEGER REFERENCES theirs (id))',
    'CREATE VIEW seen AS SELECT 1 AS id',
  );
  const { guards } = (await destination.survey('theirs', OWNER))!;
  expect(guards.map(({ id, level }) => [id, level])).toEqual([
    ['destination-table-taken', 'block'],
    ['destination-constraint-lost:theirs', 'confirm'],
    ['destination-foreign-key:theirs.children', 'block'],
  ]);
  expect((await destination.survey('seen', OWNER))!.guards).toMatchObject([
    { id: 'destination-table-taken', level: 'block' },
  ]);
  await load(1);
  expect((await destination.survey('orders', 'shop/another'))!.guards).toMatchObject([
    { id: 'destination-table-taken', message: expect.stringContaining(OWNER) },
  ]);
});

test('a survey looks at the generation that has the name, beside its writer', async () => {
  await load(10);
  const base = requestFor('orders', schema);
  const live = await destination.open(base);
  const next = await destination.open({ ...base, id: { ...base.id, generation: 2 } });
  expect(await destination.survey('orders', OWNER)).toMatchObject({ rows: 10, guards: [] });
  await destination.swap([{ live, next }], forever);
  expect(await destination.survey('orders', OWNER)).toMatchObject({ rows: 0, guards: [] });
});

test('while another program has the file, a survey says so', async () => {
  await load(1);
  await destination.idle();
  const user = startChild('./hold-file.ts', config.path, 'READ_WRITE');
  expect(await nextLine(user)).toBe('held');
  let now = 0;
  const impatient = { ...testContext(), now: () => (now += 5000) };
  await using other = new DuckdbDestination(config, impatient);
  await expect(other.survey('orders', OWNER)).rejects.toMatchObject({
    code: 'BRM-DUCKDB-IN-USE',
    kind: 'retry',
  });
  await user.finish();
});
