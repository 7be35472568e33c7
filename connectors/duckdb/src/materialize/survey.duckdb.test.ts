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
