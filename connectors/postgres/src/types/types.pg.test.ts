import { createTestDatabase, newestPostgres, sharedPostgres } from '@brimful/testbed/vitest';
import { describe, expect, test } from 'vitest';
import { destinationType } from './destination-type.ts';
import { typeName } from './postgres-type.ts';
import { OWN_TYPES, TYPE_CASES } from './testing/postgres-values.ts';
import { describeTable, openSession, scanTable } from './testing/source-table.ts';

describe.for(sharedPostgres())('Postgres $majorVersion', ({ majorVersion, url }) => {
  const server = sharedPostgres().find((candidate) => candidate.url === url) ?? newestPostgres();
  const types = TYPE_CASES.filter(({ since = 0 }) => since <= majorVersion).map(({ type }) => type);

  test('types are spelled as the server spells them, with their modifiers', async () => {
    await using database = await createTestDatabase(server);
    const session = await openSession(database.url);
    const more = [
      'interval hour to minute',
      'interval(0)',
      'timetz(2)',
      'bit varying(3)[]',
      'interval second(2)[]',
    ];
    const columns = [...types, ...more].map((type, index) => `c${index} ${type}`);
    await session.query(`${OWN_TYPES}; CREATE TABLE public.spelled (${columns.join(', ')})`);
    const table = await describeTable(session, 'public.spelled');
    const rows = await session.query(
      `SELECT format_type(atttypid, atttypmod) FROM pg_attribute
       WHERE attrelid = 'public.spelled'::regclass AND attnum > 0 ORDER BY attnum`,
    );
    expect(table.columns.map(({ type }) => typeName(type))).toEqual(rows.map((row) => row[0]));
    session.close();
  });

  test('a destination gets the type itself where every server has it, else text', async () => {
    await using database = await createTestDatabase(server);
    const session = await openSession(database.url);
    const wanted: Readonly<Record<string, string>> = {
      'numeric(12,2)': 'numeric(12,2)',
      'numeric(5,5)': 'numeric(5,5)',
      'character varying(20)': 'text',
      'character(5)[]': 'character(5)[]',
      'timestamptz(3)': 'timestamp with time zone',
      'interval day to second(3)': 'interval day to second(3)',
      oid: 'bigint',
      inet: 'inet',
      'tstzrange[]': 'tstzrange[]',
      regclass: 'text',
      'public.mood': 'text',
      'public.mood[]': 'text',
      'public.pair': 'text',
      'public.textrange': 'text',
      'public.address': 'inet',
      'public.flags': 'bit(4)',
      'public.twice': 'numeric(10,2)',
      'public.tags': 'text[]',
      'public.twice[]': 'text',
    };
    const columns = Object.keys(wanted).map((type, index) => `c${index} ${type}`);
    await session.query(`${OWN_TYPES}; CREATE TABLE public.wanted (${columns.join(', ')})`);
    const table = await describeTable(session, 'public.wanted');
    expect(table.schema.columns.map(destinationType)).toEqual(Object.values(wanted));
    session.close();
  });

  // Invariant 6
  test('a cast to text of their own does not change what types of the database are read as', async () => {
    await using database = await createTestDatabase(server);
    const session = await openSession(database.url);
    await session.query(`
      CREATE TYPE public.pair AS (x int, y int);
      CREATE FUNCTION public.odd(public.pair) RETURNS text LANGUAGE sql AS $$ SELECT 'odd' $$;
      CREATE CAST (public.pair AS text) WITH FUNCTION public.odd(public.pair);
      CREATE TABLE public.cast_away (id int PRIMARY KEY, v public.pair);
      INSERT INTO public.cast_away VALUES (1, '(1,2)'), (2, '(,)'), (3, NULL)`);
    const table = await describeTable(session, 'public.cast_away');
    const batch = await scanTable(session, table);
    const [, column] = batch.columns;
    expect(column?.type).toEqual({ kind: 'other', name: 'public.pair' });
    expect(new TextDecoder().decode(column?.values)).toBe('(1,2)(,)');
    expect([...(column?.offsets ?? [])]).toEqual([0, 5, 8, 8]);
    session.close();
  });
});
