import { setTimeout as sleep } from 'node:timers/promises';

import { DELETED_AT_COLUMN } from '@brimful/connector';
import type { Destination, TableHandle } from '@brimful/connector';
import type { Fingerprint, Json, Schema } from '@brimful/model';
import { addFingerprints, fingerprint, NO_ROWS } from '@brimful/model';
import { createTestDatabase, sharedPostgres } from '@brimful/testbed/vitest';
import { Client } from 'pg';
import { describe, expect, test } from 'vitest';

import { OWN_TYPES, TYPE_CASES } from '../types/testing/postgres-values.ts';
import { describeTable, openSession, scanTable } from '../types/testing/source-table.ts';
import { applyTo, openDestination, requestOf, rowsOf } from './testing/destinations.ts';
import { batchOf, column, INT32, INT64, keysOf, schemaOf, TEXT } from './testing/rows.ts';

const NEVER = new AbortController().signal;
const SCHEMA = schemaOf([column('id', INT32, { nullable: false }), column('name', TEXT)], ['id']);

async function readAll(
  destination: Destination,
  table: TableHandle,
  schema: Schema,
): Promise<{ checkpoint: Json | undefined; sum: Fingerprint; kinds: string[] }> {
  await using rows = await destination.read(table, schema, NEVER);
  let sum = NO_ROWS;
  let kinds: string[] = [];
  for await (const batch of rows.batches) {
    sum = addFingerprints(sum, fingerprint(batch.columns, batch.rows));
    kinds = batch.columns.map(({ type }) => type.kind);
  }
  return { checkpoint: rows.checkpoint, sum, kinds };
}

async function lockModes(url: string): Promise<string[]> {
  const rows = await rowsOf(
    url,
    "SELECT DISTINCT l.mode FROM pg_locks l JOIN pg_stat_activity a USING (pid) WHERE a.application_name LIKE 'brimful comparison%' AND l.locktype = 'relation'",
  );
  return rows.map(([mode]) => mode as string);
}

describe.for(sharedPostgres())('Postgres $majorVersion', (server) => {
  const cases = TYPE_CASES.filter(
    ({ since = 0, type }) => since <= server.majorVersion && (type !== '"char"' || server.majorVersion >= 16),
  );

  // Invariant 6
  test('rows of every type read back equal to what the source had', async () => {
    await using source = await createTestDatabase(server);
    await using target = await createTestDatabase(server);
    const session = await openSession(source.url);
    await session.query(OWN_TYPES);
    await using destination = await openDestination(target.url);
    for (const [index, { type, values }] of cases.entries()) {
      const name = `case_${index}`;
      await session.query(`CREATE TABLE public.${name} (id int PRIMARY KEY, v ${type})`);
      const rows = values.map((value, row) => `(${row}, CAST(${value} AS ${type}))`);
      await session.query(`INSERT INTO public.${name} VALUES ${rows.join(', ')}, (-1, NULL)`);
      const batch = await scanTable(session, await describeTable(session, `public.${name}`));
      const table = await destination.open(requestOf(name, batch.schema));
      await applyTo(destination, table, [{ kind: 'load', batch }, { kind: 'index' }, { kind: 'settle' }]);
      const read = await readAll(destination, table, batch.schema);
      expect(read.sum, type).toEqual(fingerprint(batch.columns, batch.rows));
      expect(read.kinds, type).toEqual(batch.columns.map((one) => one.type.kind));
    }
    session.close();
  });

  test("columns come in the schema's order and types, from a wider table with columns of its own", async () => {
    await using database = await createTestDatabase(server);
    await rowsOf(
      database.url,
      `CREATE TABLE t (extra text DEFAULT 'x', name text, price numeric(24,4), id bigint PRIMARY KEY,
        double_id bigint GENERATED ALWAYS AS (id * 2) STORED)`,
    );
    await using destination = await openDestination(database.url);
    const schema = schemaOf(
      [column('id', INT32, { nullable: false }), column('price', INT64), column('name', TEXT)],
      ['id'],
    );
    const table = await destination.open(requestOf('t', schema, { adopt: true }));
    const batch = batchOf(schema, [
      ['1', '9007199254740993', 'one'],
      ['2', null, ''],
      ['3', '-1', null],
    ]);
    await applyTo(destination, table, [{ kind: 'load', batch }, { kind: 'settle' }]);
    const read = await readAll(destination, table, schema);
    expect(read).toMatchObject({ kinds: ['int32', 'int64', 'text'], sum: fingerprint(batch.columns, 3) });
    // Nobody's rounding hides a difference.
    await rowsOf(database.url, 'UPDATE t SET price = 0.5 WHERE id = 2');
    await expect(readAll(destination, table, schema)).rejects.toMatchObject({
      message: expect.stringContaining('inexact: 0.5') as string,
    });
  });

  test('rows that are softly deleted are left out', async () => {
    await using database = await createTestDatabase(server);
    await using destination = await openDestination(database.url);
    const table = await destination.open(requestOf('t', SCHEMA, { deletes: 'soft' }));
    const steps = [
      { kind: 'delete', schema: SCHEMA, keys: keysOf(SCHEMA, [['1']]), rows: 1, committedAt: 7n },
    ] as const;
    await applyTo(destination, table, [
      {
        kind: 'load',
        batch: batchOf(SCHEMA, [
          ['1', 'one'],
          ['2', 'two'],
        ]),
      },
      { kind: 'index' },
      { kind: 'settle' },
      { kind: 'merge', steps },
    ]);
    const left = batchOf(SCHEMA, [['2', 'two']]);
    expect((await readAll(destination, table, SCHEMA)).sum).toEqual(fingerprint(left.columns, 1));
    expect(await rowsOf(database.url, `SELECT count("${DELETED_AT_COLUMN}") FROM t`)).toEqual([['1']]);
  });

  // Invariant 2
  test('checkpoint and rows are of one moment while a writer goes on', async () => {
    await using database = await createTestDatabase(server);
    await using destination = await openDestination(database.url);
    const table = await destination.open(requestOf('t', SCHEMA));
    const version = (at: number): ReturnType<typeof batchOf> =>
      batchOf(
        SCHEMA,
        Array.from({ length: 2000 }, (_, id) => [String(id), `version ${at}`]),
      );
    await applyTo(
      destination,
      table,
      [{ kind: 'load', batch: version(0) }, { kind: 'index' }, { kind: 'settle' }],
      0,
    );
    let at = 0;
    let done = false;
    const writing = (async () => {
      while (!done) {
        at += 1;
        await applyTo(
          destination,
          table,
          [{ kind: 'merge', steps: [{ kind: 'upsert', batch: version(at), unknown: [] }] }],
          at,
        );
      }
    })();
    const seen = new Set<Json | undefined>();
    for (let round = 0; round < 25; round += 1) {
      const read = await readAll(destination, table, SCHEMA);
      seen.add(read.checkpoint);
      const expected = version(read.checkpoint as number);
      expect(read.sum).toEqual(fingerprint(expected.columns, 2000));
    }
    done = true;
    await writing;
    expect(seen.size).toBeGreaterThan(5);
  });

  test('a long reading locks no writer out, and an abort ends it here and in the server', async () => {
    await using database = await createTestDatabase(server);
    await using destination = await openDestination(database.url);
    const wide = 'x'.repeat(1000);
    const table = await destination.open(requestOf('t', SCHEMA));
    const rows = Array.from({ length: 30_000 }, (_, id) => [String(id), wide]);
    await applyTo(destination, table, [{ kind: 'load', batch: batchOf(SCHEMA, rows) }, { kind: 'index' }]);
    const stop = new AbortController();
    await using reading = await destination.read(table, SCHEMA, stop.signal);
    expect(await lockModes(database.url)).toEqual(['AccessShareLock']);
    const upsert = { kind: 'upsert', batch: batchOf(SCHEMA, [['1', 'new']]), unknown: [] } as const;
    await applyTo(destination, table, [{ kind: 'merge', steps: [upsert] }]);
    let batches = 0;
    const work = (async () => {
      for await (const batch of reading.batches) {
        batches += 1;
        expect(batch.rows).toBeLessThan(30_000);
        stop.abort();
      }
    })();
    await expect(work).rejects.toMatchObject({ kind: 'retry' });
    expect(batches).toBeGreaterThan(0);
    const client = new Client({ connectionString: database.url });
    await client.connect();
    const running = async (): Promise<number> => {
      const found = await client.query(
        "SELECT FROM pg_stat_activity WHERE application_name LIKE 'brimful comparison%' AND datname = current_database()",
      );
      return found.rowCount ?? 0;
    };
    for (let wait = 0; wait < 100 && (await running()) > 0; wait += 1) await sleep(20);
    expect(await running()).toBe(0);
    await client.end();
  });
});
