import { writeFileSync } from 'node:fs';
import { DuckDBInstance } from '@duckdb/node-api';
import { afterEach, expect, test } from 'vitest';
import { check } from './check.ts';
import { connector } from './connector.ts';
import type { DuckdbConfig } from './config.ts';
import { query } from './query.ts';
import { removeScratch, scratchConfig, testContext } from './testing/scratch.ts';

afterEach(removeScratch);

const context = testContext();

async function made(): Promise<DuckdbConfig> {
  const config = scratchConfig();
  const instance = await DuckDBInstance.create(config.path);
  const connection = await instance.connect();
  await connection.run("CREATE TABLE t AS SELECT range AS a, 'x' AS b FROM range(3)");
  connection.closeSync();
  instance.closeSync();
  return config;
}

test('values come as text, columns keep their names and rows their order', async () => {
  const config = await made();
  const sql =
    "SELECT a, 1.0::DOUBLE AS a, NULL AS n, '2024-01-01 12:00:00+02'::TIMESTAMPTZ AS z, [1, 2] AS l FROM t ORDER BY t.a DESC -- done";
  expect(await query(config, sql, context)).toEqual({
    columns: ['a', 'a', 'n', 'z', 'l'],
    rows: ['2', '1', '0'].map((a) => [a, '1.0', null, '2024-01-01 10:00:00+00', '[1, 2]']),
  });
  expect((await query(config, 'SELECT 1;\n', context)).rows).toEqual([['1']]);
  expect((await query(config, 'DESCRIBE t', context)).rows[0]?.slice(0, 2)).toEqual(['a', 'BIGINT']);
  expect((await query(config, 'SHOW TABLES', context)).rows).toEqual([['t']]);
  expect((await query(config, 'FROM t LIMIT 0', context)).rows).toEqual([]);
});

test.for([
  'DROP TABLE t',
  'INSERT INTO t VALUES (1, 2)',
  'SELECT 1; DROP TABLE t',
  'COMMIT',
  "COPY t TO '/tmp/x.csv'",
  'SELEC',
  '',
])('the file is not changed by %s', async (sql) => {
  const config = await made();
  await expect(query(config, sql, context)).rejects.toMatchObject({
    code: 'BRM-DUCKDB-QUERY',
    kind: 'operator',
  });
  expect((await query(config, 'SELECT count(*) FROM t', context)).rows).toEqual([['3']]);
});

test('a file that is missing, or is no database, is told apart, by query and by check', async () => {
  const config = scratchConfig();
  await expect(query(config, 'SELECT 1', context)).rejects.toMatchObject({ code: 'BRM-DUCKDB-MISSING' });
  expect(await check(config, context)).toEqual([expect.objectContaining({ level: 'ok', subject: 'path' })]);
  writeFileSync(config.path, 'no database at all, but long enough to be looked into\n'.repeat(300));
  await expect(query(config, 'SELECT 1', context)).rejects.toMatchObject({
    code: 'BRM-DUCKDB-NOT-A-DATABASE',
  });
  expect(await check(config, context)).toContainEqual(
    expect.objectContaining({ level: 'error', subject: 'database' }),
  );
  const nowhere = { ...config, path: '/nowhere/at/all.duckdb' };
  expect(await check(nowhere, context)).toEqual([
    expect.objectContaining({ level: 'error', remedy: 'mkdir -p /nowhere/at' }),
  ]);
  await expect(
    connector.destination
      ?.open(nowhere, context)
      .then(async (it) => it.drop({ materialization: 'm', table: 't', generation: 1 })),
  ).rejects.toMatchObject({
    code: 'BRM-DUCKDB-OPEN',
    kind: 'operator',
  });
});

test('a good file is a good sign', async () => {
  const config = await made();
  expect((await check(config, context)).map(({ level }) => level)).toEqual(['ok', 'ok']);
});

test('a configuration says what is wrong with it', () => {
  const { config } = connector.destination ?? {};
  expect(config?.parse({ path: 'a.duckdb' })).toEqual({
    path: 'a.duckdb',
    schema: 'main',
    memoryLimit: '1GB',
    threads: 2,
  });
  expect(config?.safeParse({ path: 'a.duckdb', memoryLimit: 'lots' }).error?.message).toContain('512MB');
  expect(config?.safeParse({ path: 'a.duckdb', pth: 'x' }).success).toBe(false);
  expect(
    connector.destination?.whereabouts({ path: 'a.duckdb', schema: 'main', memoryLimit: '1GB', threads: 2 }),
  ).toContain('duckdb -readonly a.duckdb');
});
