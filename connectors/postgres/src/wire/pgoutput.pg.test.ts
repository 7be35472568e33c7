import type { Batch, Column } from '@brimful/model';
import { Operation } from '@brimful/model';
import type { Value } from '@brimful/model/testing';
import { UNKNOWN, valueAt } from '@brimful/model/testing';
import { createTestDatabase, newestPostgres, sharedPostgres } from '@brimful/testbed/vitest';
import { describe, expect, test } from 'vitest';
import type { SourceTable } from '../types/testing/source-table.ts';
import { describeTable, openSession, readSlot } from '../types/testing/source-table.ts';
import type { RawSession } from './raw-session.ts';

const OPERATIONS = ['read', 'insert', 'update', 'move', 'delete'];

/** Each change as `[operation, values…, [old key…]]`; long values by their length. */
function told(batch: Batch): Value[][] {
  const short = (value: Value): Value =>
    typeof value === 'string' && value.length > 50 ? value.length : value;
  return Array.from({ length: batch.rows }, (_, row) => {
    const operation = batch.changes?.operations[row] as number;
    const values = batch.columns.map((column) => short(valueAt(column, row)));
    const oldKey = operation === Operation.move ? (batch.changes?.oldKey ?? []) : [];
    return [
      OPERATIONS[operation] ?? '?',
      ...values,
      ...oldKey.map((column: Column) => short(valueAt(column, row))),
    ];
  });
}

describe.for(sharedPostgres())('Postgres $majorVersion', ({ url }) => {
  const server = sharedPostgres().find((candidate) => candidate.url === url) ?? newestPostgres();

  async function stream(
    setUp: string,
    key: readonly string[],
    changes: readonly string[],
  ): Promise<Value[][]> {
    await using database = await createTestDatabase(server);
    const session: RawSession = await openSession(database.url);
    try {
      await session.query(`${setUp}; CREATE PUBLICATION pub FOR TABLE public.t`);
      await session.query(`SELECT pg_create_logical_replication_slot('slot_${database.name}', 'pgoutput')`);
      const described = await describeTable(session, 'public.t');
      const table: SourceTable = { ...described, schema: { ...described.schema, key } };
      for (const sql of changes) await session.query(sql);
      return told(await readSlot(session, `slot_${database.name}`, 'pub', table));
    } finally {
      session.close();
    }
  }

  // Stored out of line and not compressed, so that an update that leaves it alone leaves it out of the log.
  const LONG = `(SELECT string_agg(md5(g::text), '') FROM generate_series(1, 400) g)`;
  const LONG_LENGTH = 400 * 32;

  test('TOASTed values that an update leaves alone are unknown, also when the key changes', async () => {
    const rows = await stream(
      `CREATE TABLE public.t (id int PRIMARY KEY, body text, n int);
       ALTER TABLE public.t ALTER body SET STORAGE EXTERNAL`,
      ['id'],
      [
        `INSERT INTO public.t VALUES (1, ${LONG}, 1)`,
        'UPDATE public.t SET n = 2',
        'UPDATE public.t SET id = 5',
        `UPDATE public.t SET body = 'short', id = 6`,
        'DELETE FROM public.t',
      ],
    );
    expect(rows).toEqual([
      ['insert', 1, LONG_LENGTH, 1],
      ['update', 1, UNKNOWN, 2],
      ['move', 5, UNKNOWN, 2, 1],
      ['move', 6, 'short', 2, 5],
      ['delete', 6, null, null],
    ]);
  });

  test('under replica identity full nothing is unknown', async () => {
    const rows = await stream(
      `CREATE TABLE public.t (id int PRIMARY KEY, body text, n int);
       ALTER TABLE public.t ALTER body SET STORAGE EXTERNAL, REPLICA IDENTITY FULL`,
      ['id'],
      [
        `INSERT INTO public.t VALUES (1, ${LONG}, 1)`,
        'UPDATE public.t SET n = 2',
        'UPDATE public.t SET id = 5',
      ],
    );
    expect(rows).toEqual([
      ['insert', 1, LONG_LENGTH, 1],
      ['update', 1, LONG_LENGTH, 2],
      ['move', 5, LONG_LENGTH, 2, 1],
    ]);
  });

  test('a keyless table is told by whole rows', async () => {
    const rows = await stream(
      'CREATE TABLE public.t (a int, b text); ALTER TABLE public.t REPLICA IDENTITY FULL',
      [],
      [
        `INSERT INTO public.t VALUES (1, NULL), (1, NULL)`,
        `UPDATE public.t SET b = 'x'`,
        'DELETE FROM public.t',
      ],
    );
    expect(rows).toEqual([
      ['insert', 1, null],
      ['insert', 1, null],
      ['delete', 1, null],
      ['insert', 1, 'x'],
      ['delete', 1, null],
      ['insert', 1, 'x'],
      ['delete', 1, 'x'],
      ['delete', 1, 'x'],
    ]);
  });

  test('another index than the primary key names rows, and a long part of it is known when left alone', async () => {
    const rows = await stream(
      `CREATE TABLE public.t (id int PRIMARY KEY, "Schlüssel" text NOT NULL, n int NOT NULL);
       CREATE UNIQUE INDEX by_name ON public.t (n, "Schlüssel");
       ALTER TABLE public.t ALTER "Schlüssel" SET STORAGE EXTERNAL, REPLICA IDENTITY USING INDEX by_name`,
      ['n', 'Schlüssel'],
      [
        `INSERT INTO public.t VALUES (1, repeat('k', 2500), 1)`,
        'UPDATE public.t SET id = 2',
        'UPDATE public.t SET n = 7',
        'DELETE FROM public.t',
      ],
    );
    expect(rows).toEqual([
      ['insert', 1, 2500, 1],
      ['update', 2, 2500, 1],
      ['move', 2, 2500, 7, 1, 2500],
      ['delete', null, 2500, 7],
    ]);
  });
});
