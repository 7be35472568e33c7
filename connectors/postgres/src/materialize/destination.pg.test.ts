import { describe, expect, test } from 'vitest';
import { createTestDatabase, sharedPostgres } from '@brimful/testbed/vitest';

import { applyTo, openDestination, requestOf, rowsOf } from './testing/destinations.ts';
import { batchOf, column, DECIMAL, INT64, keysOf, schemaOf, TEXT } from './testing/rows.ts';

const SCHEMA = schemaOf(
  [
    column('id', INT64, { nullable: false }),
    column('name', TEXT, { nullable: false }),
    column('price', DECIMAL),
  ],
  ['id'],
);

describe.for(sharedPostgres())('Postgres $majorVersion', (server) => {
  test('a table is loaded, keyed, merged into and completed, and its checkpoint goes along', async () => {
    await using database = await createTestDatabase(server);
    await using destination = await openDestination(database.url);
    const table = await destination.open(requestOf('orders', SCHEMA));
    expect(table.checkpoint).toBeUndefined();
    await applyTo(
      destination,
      table,
      [
        {
          kind: 'load',
          batch: batchOf(SCHEMA, [
            ['1', 'one', '1.10'],
            ['2', 'two', null],
          ]),
        },
        {
          kind: 'load',
          batch: batchOf(SCHEMA, [
            ['3', 'three', 'NaN'],
            ['1', 'newer one', '1.20'],
          ]),
        },
        { kind: 'touch', keys: keysOf(SCHEMA, [['1'], ['9']]), rows: 2 },
      ],
      { offset: 1 },
    );
    await applyTo(destination, table, [{ kind: 'index' }], { offset: 2 });
    expect(await rowsOf(database.url, 'SELECT id, count(*) FROM orders GROUP BY 1 ORDER BY 1')).toEqual([
      ['1', '1'],
      ['2', '1'],
      ['3', '1'],
    ]);
    await applyTo(
      destination,
      table,
      [
        {
          kind: 'merge',
          steps: [
            {
              kind: 'delete',
              schema: SCHEMA,
              keys: keysOf(SCHEMA, [['2'], ['77']]),
              rows: 2,
              committedAt: 0n,
            },
            {
              kind: 'upsert',
              batch: batchOf(SCHEMA, [
                ['1', 'one', '1.30'],
                ['4', 'four', '4'],
              ]),
              unknown: [],
            },
            {
              kind: 'upsert',
              batch: batchOf(SCHEMA, [
                ['3', 'drei', null],
                ['5', 'five', null],
              ]),
              unknown: [2],
            },
          ],
        },
        { kind: 'settle' },
      ],
      { offset: 3, nested: ['ä', null, 1.5] },
    );
    expect(await rowsOf(database.url, 'SELECT * FROM orders ORDER BY id')).toEqual([
      ['1', 'one', '1.30'],
      ['3', 'drei', 'NaN'],
      ['4', 'four', '4'],
      ['5', 'five', null],
    ]);
    await using again = await openDestination(database.url);
    expect((await again.open(requestOf('orders', SCHEMA))).checkpoint).toEqual({
      offset: 3,
      nested: ['ä', null, 1.5],
    });
    expect(
      await rowsOf(
        database.url,
        "SELECT attname FROM pg_attribute WHERE attrelid = 'orders'::regclass AND attnotnull AND attnum > 0 ORDER BY 1",
      ),
    ).toEqual([['id'], ['name']]);
    expect(await rowsOf(database.url, "SELECT obj_description('orders'::regclass)")).toEqual([
      [expect.stringContaining('test/orders')],
    ]);
  });
});
