import { describe, expect, test } from 'vitest';
import { createTestDatabase, sharedPostgres } from '@brimful/testbed/vitest';

import { applyTo, openDestination, requestOf, rowsOf } from './testing/destinations.ts';
import { batchOf, column, INT32, INT64, keysOf, schemaOf, TEXT } from './testing/rows.ts';

const V1 = schemaOf(
  [
    column('id', INT32, { sourceId: 1, nullable: false }),
    column('a', TEXT, { sourceId: 2, nullable: false }),
    column('b', TEXT, { sourceId: 3, nullable: false }),
    column('price', { kind: 'decimal', precision: 6, scale: 2 }, { sourceId: 4 }),
  ],
  ['id'],
);
/** The key is renamed and widened, a and b exchange names, price grows, b's first owner is gone, two are new. */
const V2 = schemaOf(
  [
    column('number', INT64, { sourceId: 1, nullable: false }),
    column('b', TEXT, { sourceId: 2, nullable: false }),
    column('price', { kind: 'decimal', precision: 10, scale: 3 }, { sourceId: 4 }),
    column('tags', { kind: 'other', name: 'integer[]' }, { sourceId: 5, initial: '{1,2}', nullable: false }),
    column('mood', { kind: 'other', name: 'public.mood' }, { sourceId: 6 }),
  ],
  ['number'],
  2,
);

describe.for(sharedPostgres())('Postgres $majorVersion', (server) => {
  test('columns are renamed, widened and added between two merges of one transaction; none is lost', async () => {
    await using database = await createTestDatabase(server);
    await using destination = await openDestination(database.url);
    const table = await destination.open(requestOf('t', V1));
    await applyTo(destination, table, [
      {
        kind: 'load',
        batch: batchOf(V1, [
          ['1', 'a1', 'b1', '1.50'],
          ['2', 'a2', 'b2', null],
        ]),
      },
      { kind: 'index' },
      { kind: 'settle' },
      {
        kind: 'merge',
        steps: [{ kind: 'upsert', batch: batchOf(V1, [['3', 'a3', 'b3', '3']]), unknown: [] }],
      },
    ]);
    const filenode = "SELECT pg_relation_filenode('t')";
    await applyTo(destination, table, [
      {
        kind: 'merge',
        steps: [{ kind: 'upsert', batch: batchOf(V1, [['4', 'a4', 'b4', null]]), unknown: [3] }],
      },
      { kind: 'evolve', schema: V2 },
      {
        kind: 'merge',
        steps: [
          {
            kind: 'upsert',
            batch: batchOf(V2, [['4294967296', 'new', '1234567.125', '{}', 'ok']]),
            unknown: [],
          },
          { kind: 'upsert', batch: batchOf(V2, [['1', 'changed', null, null, 'ok']]), unknown: [2, 3] },
          { kind: 'delete', schema: V2, keys: keysOf(V2, [['2']]), rows: 1, committedAt: 0n },
        ],
      },
    ]);
    const read = 'SELECT number, b, price, tags, mood, "b (dropped)" FROM t ORDER BY 1';
    const expected = [
      ['1', 'changed', '1.500', '{1,2}', 'ok', 'b1'],
      ['3', 'a3', '3.000', '{1,2}', null, 'b3'],
      ['4', 'a4', null, '{1,2}', null, 'b4'],
      ['4294967296', 'new', '1234567.125', '{}', 'ok', null],
    ];
    expect(await rowsOf(database.url, read)).toEqual(expected);
    const constraints =
      "SELECT attname FROM pg_attribute WHERE attrelid = 't'::regclass AND attnum > 0 AND attnotnull ORDER BY 1";
    expect(await rowsOf(database.url, constraints)).toEqual([['b'], ['number'], ['tags']]);
    expect(
      await rowsOf(database.url, "SELECT count(*) FROM pg_attrdef WHERE adrelid = 't'::regclass"),
    ).toEqual([['0']]);
    // A writer that comes later knows the shape, and adding a column does not rewrite the table.
    await using next = await openDestination(database.url);
    const again = await next.open(requestOf('t', V2));
    const before = await rowsOf(database.url, filenode);
    const V3 = schemaOf(
      [...V2.columns, column('added', INT64, { sourceId: 7, initial: '7' })],
      ['number'],
      3,
    );
    await applyTo(next, again, [{ kind: 'evolve', schema: V3 }]);
    expect(await rowsOf(database.url, filenode)).toEqual(before);
    expect(await rowsOf(database.url, 'SELECT DISTINCT added FROM t')).toEqual([['7']]);
    await expect(
      applyTo(next, again, [
        { kind: 'evolve', schema: schemaOf([column('number', TEXT, { sourceId: 1 })], ['number'], 4) },
      ]),
    ).rejects.toMatchObject({
      code: 'BRM-PG-TYPE-CHANGED',
    });
  });

  test('rows of the shape before still find their columns', async () => {
    await using database = await createTestDatabase(server);
    await using destination = await openDestination(database.url);
    const table = await destination.open(requestOf('t', V1));
    await applyTo(destination, table, [
      { kind: 'load', batch: batchOf(V1, [['2', 'was a', 'was b', '1']]) },
      { kind: 'touch', keys: keysOf(V1, [['2'], [null]]), rows: 2 },
      { kind: 'evolve', schema: V2 },
      { kind: 'touch', keys: keysOf(V2, [['4294967296']]), rows: 1 },
      { kind: 'load', batch: batchOf(V2, [['1', 'b', null, null, null]]) },
      { kind: 'load', batch: batchOf(V1, [['2', 'was a', 'was b', '1']]) },
      { kind: 'touch', keys: keysOf(V1, [['2']]), rows: 1 },
      { kind: 'index' },
    ]);
    expect(await rowsOf(database.url, 'SELECT number, b, "b (dropped)", price FROM t ORDER BY 1')).toEqual([
      ['1', 'b', null, null],
      ['2', 'was a', 'was b', '1.000'],
    ]);
  });

  test('a view on a column that must change its type is told as the reason', async () => {
    await using database = await createTestDatabase(server);
    await using destination = await openDestination(database.url);
    const table = await destination.open(requestOf('t', V1));
    await rowsOf(database.url, 'CREATE VIEW prices AS SELECT price FROM t');
    await expect(applyTo(destination, table, [{ kind: 'evolve', schema: V2 }])).rejects.toMatchObject({
      code: 'BRM-PG-TABLE-CHANGED',
      at: { table: 't' },
    });
    expect(await rowsOf(database.url, 'SELECT schema_version FROM brimful.tables')).toEqual([['1']]);
  });
});
