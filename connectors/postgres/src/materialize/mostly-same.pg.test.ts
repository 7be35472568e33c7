import { describe, expect, test } from 'vitest';
import { createTestDatabase, sharedPostgres } from '@brimful/testbed/vitest';

import { applyTo, openDestination, requestOf, rowsOf, testContext } from './testing/destinations.ts';
import { batchOf, column, INT32, keysOf, schemaOf, TEXT } from './testing/rows.ts';

const SCHEMA = schemaOf(
  [
    column('id', INT32, { nullable: false }),
    column('price', { kind: 'decimal', precision: 12, scale: 2 }),
    column('doc', { kind: 'json', binary: false }),
    column('note', TEXT),
  ],
  ['id'],
);
const ROWS = [
  ['1', '1.10', '{"a":1}', 'one'],
  ['2', '2', null, null],
  ['3', 'NaN', '[]', 'three'],
  ['4', '4.00', null, 'four'],
] as const;
const CHANGED = ROWS.map((row) => (row[0] === '2' ? (['2', '2.00', '1', null] as const) : row));
const NEW = ['9', null, null, 'nine'] as const;

describe.for(sharedPostgres())('Postgres $majorVersion', (server) => {
  test.for([
    ['whole rows by arrays', [], 1e9, 'hard'],
    ['whole rows by staging', [], 0, 'soft'],
    ['parts of rows by arrays', [3], 1e9, 'soft'],
    ['parts of rows by staging', [3], 0, 'hard'],
  ] as const)(
    'rows that were read again and are the same are not written: %s',
    async ([, unknown, arrayValues, deletes]) => {
      await using database = await createTestDatabase(server);
      await using destination = await openDestination(database.url, {}, testContext(), { arrayValues });
      const table = await destination.open(requestOf('t', SCHEMA, { deletes }));
      await applyTo(destination, table, [
        { kind: 'load', batch: batchOf(SCHEMA, ROWS) },
        { kind: 'index' },
        { kind: 'settle' },
        {
          kind: 'merge',
          steps: [
            { kind: 'delete', schema: SCHEMA, keys: keysOf(SCHEMA, [['4']]), rows: 1, committedAt: 0n },
            { kind: 'upsert', batch: batchOf(SCHEMA, [ROWS[0]]), unknown: [] },
          ],
        },
      ]);
      const before = await rowsOf(database.url, 'SELECT id, xmin, ctid FROM t ORDER BY id');
      const again = { batch: batchOf(SCHEMA, [...CHANGED, NEW]), unknown: [...unknown] };
      await applyTo(destination, table, [
        { kind: 'merge', steps: [{ kind: 'upsert', ...again, mostlySame: true }] },
      ]);
      const after = await rowsOf(database.url, 'SELECT id, xmin, ctid FROM t ORDER BY id');
      const same = after.filter((row) => before.some((old) => old.join() === row.join()));
      expect(same.map(([id]) => id)).toEqual(['1', '3']);
      const back = unknown.length > 0 && deletes === 'hard' ? null : 'four';
      expect(await rowsOf(database.url, 'SELECT id, price, doc, note FROM t ORDER BY id')).toEqual([
        ROWS[0],
        ['2', '2.00', '1', null],
        ROWS[2],
        ['4', '4.00', null, back],
        unknown.length > 0 ? ['9', null, null, null] : NEW,
      ]);
      const marked = "SELECT count(*) FROM t WHERE to_jsonb(t) ->> '_brimful_deleted_at' IS NOT NULL";
      expect(await rowsOf(database.url, marked)).toEqual([['0']]);
    },
  );

  test('rows are written without it, as ever', async () => {
    await using database = await createTestDatabase(server);
    await using destination = await openDestination(database.url);
    const table = await destination.open(requestOf('t', SCHEMA));
    const upsert = { kind: 'upsert', batch: batchOf(SCHEMA, ROWS), unknown: [3] } as const;
    await applyTo(destination, table, [{ kind: 'index' }, { kind: 'settle' }]);
    await applyTo(destination, table, [{ kind: 'merge', steps: [upsert] }]);
    const [before] = await rowsOf(database.url, 'SELECT max(xmin::text::bigint) FROM t');
    await applyTo(destination, table, [{ kind: 'merge', steps: [upsert] }]);
    const [after] = await rowsOf(database.url, 'SELECT min(xmin::text::bigint) FROM t');
    expect(Number(after?.[0])).toBeGreaterThan(Number(before?.[0]));
  });
});
