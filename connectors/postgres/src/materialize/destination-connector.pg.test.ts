import { describe, expect, test } from 'vitest';
import { createTestDatabase, newestPostgres, sharedPostgres } from '@brimful/testbed/vitest';

import { postgresDestinationConfig } from './config.ts';
import { postgresDestination } from './destination-connector.ts';
import { openDestination, requestOf, rowsOf, testContext } from './testing/destinations.ts';
import { column, INT64, schemaOf } from './testing/rows.ts';

const configOf = (url: string, more: object = {}) => postgresDestinationConfig.parse({ url, ...more });

describe.for(sharedPostgres())('Postgres $majorVersion', (server) => {
  test('a query reads where the tables are, as text, and cannot write', async () => {
    await using database = await createTestDatabase(server);
    await rowsOf(
      database.url,
      'CREATE SCHEMA "my tables"; CREATE TABLE "my tables".t AS SELECT 1 AS n, NULL::text AS nothing, 1.50 AS d, true AS b',
    );
    const config = configOf(database.url, { schema: 'my tables' });
    const context = testContext();
    expect(await postgresDestination.query(config, 'SELECT *, n AS n FROM t', context)).toEqual({
      columns: ['n', 'nothing', 'd', 'b', 'n'],
      rows: [['1', null, '1.50', 't', '1']],
    });
    for (const sql of [
      'INSERT INTO t VALUES (2)',
      'COMMIT; DROP TABLE t',
      'SELECT * FROM nowhere',
      'SELEKT',
    ]) {
      await expect(postgresDestination.query(config, sql, context), sql).rejects.toMatchObject({
        code: 'BRM-PG-QUERY',
        kind: 'operator',
      });
    }
    await expect(
      postgresDestination.query(config, 'SELECT generate_series(1, 200000)', context),
    ).rejects.toThrow(/more than 100000 rows/);
    expect(await rowsOf(database.url, 'SELECT count(*) FROM "my tables".t')).toEqual([['1']]);
  });

  test('check finds nothing wrong for an owner, and names the statement that mends each lack', async () => {
    await using database = await createTestDatabase(server);
    const context = testContext();
    const fine = await postgresDestination.check(configOf(database.url), context);
    expect(fine.map(({ level }) => level)).toEqual(fine.map(() => 'ok'));
    const role = `role ${database.name}`;
    await rowsOf(database.url, `CREATE ROLE "${role}" LOGIN CONNECTION LIMIT 2`);
    try {
      const url = new URL(database.url);
      url.username = encodeURIComponent(role);
      const found = await postgresDestination.check(configOf(url.href, { schema: 'elsewhere' }), context);
      const errors = found.filter(({ level }) => level === 'error');
      expect(errors.map(({ subject }) => subject)).toEqual([
        'schema elsewhere',
        'schema brimful',
        'connections',
      ]);
      for (const { remedy } of errors.slice(0, 2))
        await rowsOf(database.url, (remedy ?? '').split('--')[0] ?? '');
      await rowsOf(database.url, `ALTER ROLE "${role}" CONNECTION LIMIT -1`);
      const mended = await postgresDestination.check(configOf(url.href, { schema: 'elsewhere' }), context);
      expect(mended.filter(({ level }) => level === 'error')).toEqual([]);
      // What check calls enough is enough.
      await using destination = await openDestination(url.href, { schema: 'elsewhere' });
      await destination.open(requestOf('t', schemaOf([column('id', INT64)], ['id'])));
    } finally {
      await rowsOf(database.url, `DROP OWNED BY "${role}"`);
      await rowsOf(database.url, `DROP ROLE "${role}"`);
    }
  });

  test('a missing right is an operator problem, an unreachable server one to try again', async () => {
    await using database = await createTestDatabase(server);
    const url = new URL(database.url);
    url.pathname = '/not_there';
    await expect(openDestination(url.href)).rejects.toMatchObject({
      code: 'BRM-PG-REFUSED',
      kind: 'operator',
    });
    url.port = '1';
    await expect(openDestination(url.href)).rejects.toMatchObject({
      code: 'BRM-PG-CONNECTION',
      kind: 'retry',
    });
  });
});

test('where the result is, without secrets', () => {
  const text = postgresDestination.whereabouts(
    configOf('postgres://me:hush@db.example:5433/warehouse?sslpassword=hush'),
  );
  expect(text).not.toContain('hush');
  expect(text).toContain('postgres://me@db.example:5433/warehouse');
});

// Invariant 10
test('no problem repeats the password', async () => {
  const url = new URL(newestPostgres().url);
  url.password = 'hush-hush';
  url.port = '1';
  const error: unknown = await openDestination(url.href).catch((thrown: unknown) => thrown);
  expect(JSON.stringify(error)).not.toContain('hush');
});
