import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DuckDBInstance } from '@duckdb/node-api';
import type { PostgresServer } from '@brimful/testbed';
import { startPostgres } from '@brimful/testbed';
import { Client } from 'pg';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { fillShop, shopSize } from '../shop/fill.ts';
import { TABLES } from '../shop/schema.ts';
import { startWriter } from '../shop/writer.ts';
import { compareTables } from './compare.ts';
import { duckdbRows } from './duckdb-rows.ts';
import { postgresRows } from './postgres-rows.ts';
import { tableShape } from './table-shape.ts';

let server: PostgresServer;
let shop: string;

beforeAll(async () => {
  server = await startPostgres();
  shop = await server.createDatabase('shop');
  await fillShop(shop, shopSize(3000));
});

afterAll(() => server[Symbol.asyncDispose]());

async function sql(url: string, text: string): Promise<void> {
  const client = new Client({ connectionString: url });
  await client.connect();
  try {
    await client.query(text);
  } finally {
    await client.end();
  }
}

describe('the shop', () => {
  test('is filled the same every time', async () => {
    const again = await server.createDatabase('again');
    await fillShop(again, shopSize(3000));
    for (const table of TABLES) {
      const shape = await tableShape(shop, table);
      const compared = await compareTables(shape, postgresRows(shop, shape), postgresRows(again, shape));
      expect(compared, compared.examples.join('\n')).toMatchObject({ equal: true });
      expect(compared.sourceRows).toBeGreaterThan(0);
    }
  });

  test('is changed by a writer at about the pace asked for, and stops when told', async () => {
    const changed = await server.createDatabase('changed');
    await fillShop(changed, shopSize(1000));
    const writer = await startWriter(changed, shopSize(1000), 200);
    await expect.poll(() => writer.status.transactions, { timeout: 20_000 }).toBeGreaterThan(200);
    await writer.stop();
    const { transactions } = writer.status;
    const shape = await tableShape(changed, 'orders');
    const compared = await compareTables(shape, postgresRows(changed, shape), postgresRows(shop, shape));
    expect(compared.equal).toBe(false);
    expect(writer.status.transactions).toBe(transactions);
  });
});

describe('values of a table are compared with DuckDB as Postgres prints them', () => {
  test('types, infinities, years before Christ, empty and null', async () => {
    const url = await server.createDatabase('typed');
    await sql(
      url,
      `CREATE TABLE t (id int PRIMARY KEY, b boolean, by bytea, f real, d double precision, n numeric(10,3),
         day date, ts timestamp, tz timestamptz, tm time, u uuid, j jsonb, x text);
       INSERT INTO t VALUES
         (1, true, '\\x00ff', 0.1, 1e20, -12.5, '2024-02-29', '2024-02-29 12:00:00.5', '2024-02-29 12:00:00+02', '23:59:59.000001',
          '00000000-0000-0000-0000-0000000000ff', '{"a": 1}', E'tab\\t\\\\ new\\nline'),
         (2, false, '', 'NaN', '-Infinity', 0, 'infinity', '-infinity', 'infinity', '00:00', NULL, '[]', ''),
         (10, NULL, NULL, NULL, NULL, NULL, '0044-03-15 BC', '0044-03-15 12:00:00 BC', NULL, NULL, NULL, NULL, NULL)`,
    );
    const directory = mkdtempSync(join(tmpdir(), 'brimful-compare-'));
    try {
      const path = join(directory, 'typed.duckdb');
      const instance = await DuckDBInstance.create(path);
      const connection = await instance.connect();
      await connection.run(
        `CREATE TABLE t (id INTEGER, b BOOLEAN, "by" BLOB, f FLOAT, d DOUBLE, n DECIMAL(10,3), day DATE, ts TIMESTAMP,
           tz TIMESTAMPTZ, tm TIME, u UUID, j JSON, x VARCHAR);
         INSERT INTO t VALUES
           (10, NULL, NULL, NULL, NULL, NULL, '0044-03-15 (BC)', '0044-03-15 (BC) 12:00:00', NULL, NULL, NULL, NULL, NULL),
           (1, true, '\\x00\\xFF', 0.1, 1e20, -12.5, '2024-02-29', '2024-02-29 12:00:00.5', '2024-02-29 10:00:00+00', '23:59:59.000001',
            '00000000-0000-0000-0000-0000000000ff', '{"a": 1}', 'tab' || chr(9) || '\\ new' || chr(10) || 'line'),
           (2, false, '', 'NaN', '-Infinity', 0, 'infinity', '-infinity', 'infinity', '00:00', NULL, '[]', '')`,
      );
      connection.closeSync();
      instance.closeSync();
      const shape = await tableShape(url, 't');
      const compare = () => compareTables(shape, postgresRows(url, shape), duckdbRows(path, shape));
      expect(await compare()).toMatchObject({ examples: [], equal: true, sourceRows: 3 });
      await sql(url, `UPDATE t SET n = n + 0.001 WHERE id = 1; UPDATE t SET x = NULL WHERE id = 2`);
      expect(await compare()).toMatchObject({ different: 2, equal: false });
    } finally {
      rmSync(directory, { recursive: true, force: true });
    }
  });
});
