import { Problem } from '@brimful/model';
import { Client } from 'pg';
import { describe, expect, test } from 'vitest';
import { createTestDatabase, sharedPostgres } from '@brimful/testbed/vitest';

import { applyTo, openDestination, requestOf, rowsOf, testContext } from './testing/destinations.ts';
import { batchOf, column, DECIMAL, INT32, INT64, keysOf, schemaOf, TEXT } from './testing/rows.ts';

const SCHEMA = schemaOf([column('id', INT64, { nullable: false }), column('name', TEXT)], ['id']);
const NEVER = new AbortController().signal;

async function problemFrom(work: Promise<unknown>): Promise<Problem> {
  const outcome = await work.then(
    () => undefined,
    (error: unknown) => error,
  );
  if (outcome instanceof Problem) return outcome;
  throw new Error(`expected a problem, got ${String(outcome)}`);
}

describe.for(sharedPostgres())('Postgres $majorVersion', (server) => {
  test('of doubled rows with touched keys one stays; of untouched ones the key is named', async () => {
    await using database = await createTestDatabase(server);
    await using destination = await openDestination(database.url);
    const schema = schemaOf([column('a "b"', TEXT), column('n', DECIMAL), column('v', TEXT)], ['n', 'a "b"']);
    const table = await destination.open(requestOf('doubled', schema));
    const rows = [
      ['x', '1', 'one'],
      ['x', '1.0', 'two'],
      ['x', '2', 'three'],
      ['y', '1', 'four'],
      ['x', '2', 'five'],
    ];
    await applyTo(destination, table, [
      { kind: 'load', batch: batchOf(schema, rows) },
      { kind: 'touch', keys: keysOf(schema, [['1', 'x']]), rows: 1 },
    ]);
    const problem = await problemFrom(applyTo(destination, table, [{ kind: 'index' }]));
    expect(problem).toMatchObject({ code: 'BRM-PG-DUPLICATE-KEY', at: { table: 'doubled', key: '2, x' } });
    await applyTo(destination, table, [
      {
        kind: 'touch',
        keys: keysOf(schema, [
          ['2.00', 'x'],
          ['1', 'x'],
          ['7', 'q'],
        ]),
        rows: 3,
      },
      { kind: 'index' },
    ]);
    expect(await rowsOf(database.url, 'SELECT n::int, "a ""b""" FROM doubled ORDER BY 1, 2')).toEqual([
      ['1', 'x'],
      ['1', 'y'],
      ['2', 'x'],
    ]);
    expect(await rowsOf(database.url, "SELECT relname FROM pg_class WHERE relname LIKE 'touched%'")).toEqual(
      [],
    );
  });

  test('a row whose unknown columns are NOT NULL here is still merged into', async () => {
    await using database = await createTestDatabase(server);
    await using destination = await openDestination(database.url);
    const schema = schemaOf(
      [
        column('id', INT64, { nullable: false }),
        column('big', TEXT, { nullable: false }),
        column('n', INT32),
      ],
      ['id'],
    );
    const table = await destination.open(requestOf('t', schema));
    await applyTo(destination, table, [
      {
        kind: 'load',
        batch: batchOf(schema, [
          ['1', 'kept', '1'],
          ['2', 'kept too', '1'],
        ]),
      },
      { kind: 'index' },
      { kind: 'settle' },
    ]);
    await applyTo(destination, table, [
      {
        kind: 'merge',
        steps: [
          { kind: 'upsert', batch: batchOf(schema, [['1', null, '2']]), unknown: [1] },
          {
            kind: 'move',
            oldKey: keysOf(schema, [['2']]),
            batch: batchOf(schema, [['3', null, '2']]),
            unknown: [1],
          },
        ],
      },
    ]);
    expect(await rowsOf(database.url, 'SELECT * FROM t ORDER BY 1')).toEqual([
      ['1', 'kept', '2'],
      ['3', 'kept too', '2'],
    ]);
    const problem = await problemFrom(
      applyTo(destination, table, [
        {
          kind: 'merge',
          steps: [{ kind: 'upsert', batch: batchOf(schema, [['9', null, '2']]), unknown: [1] }],
        },
      ]),
    );
    expect(problem).toMatchObject({ code: 'BRM-PG-CONSTRAINT', at: { table: 't', column: 'big' } });
  });

  test('renumbered and exchanged keys', async () => {
    await using database = await createTestDatabase(server);
    await using destination = await openDestination(database.url);
    const table = await destination.open(requestOf('t', SCHEMA));
    const ids = Array.from({ length: 1200 }, (_, id) => id);
    await applyTo(destination, table, [
      {
        kind: 'load',
        batch: batchOf(
          SCHEMA,
          ids.map((id) => [String(id), `was ${id}`]),
        ),
      },
      { kind: 'index' },
    ]);
    const move = (from: number, to: number) =>
      ({
        kind: 'move',
        oldKey: keysOf(SCHEMA, [[String(from)]]),
        batch: batchOf(SCHEMA, [[String(to), null]]),
        unknown: [1],
      }) as const;
    // 0 and 1 exchange places by way of -1; then everything moves up, over where others stood.
    await applyTo(destination, table, [{ kind: 'merge', steps: [move(0, -1), move(1, 0), move(-1, 1)] }]);
    await applyTo(destination, table, [
      { kind: 'merge', steps: ids.toReversed().map((id) => move(id, id + 1)) },
    ]);
    await applyTo(destination, table, [{ kind: 'merge', steps: ids.map((id) => move(id + 1, id + 5001)) }]);
    expect(
      await rowsOf(
        database.url,
        "SELECT id, name FROM t WHERE name IN ('was 0', 'was 1', 'was 1199') ORDER BY id",
      ),
    ).toEqual([
      ['5001', 'was 1'],
      ['5002', 'was 0'],
      ['6200', 'was 1199'],
    ]);
    expect(await rowsOf(database.url, 'SELECT count(*) FROM t')).toEqual([['1200']]);
  });

  test('soft deletes keep the row, say when, and are taken back by an upsert', async () => {
    await using database = await createTestDatabase(server);
    await using destination = await openDestination(database.url);
    const table = await destination.open(requestOf('t', SCHEMA, { deletes: 'soft' }));
    await applyTo(destination, table, [
      {
        kind: 'load',
        batch: batchOf(SCHEMA, [
          ['1', 'one'],
          ['2', 'two'],
          ['3', 'three'],
        ]),
      },
      { kind: 'index' },
    ]);
    const remove = (key: string, at: bigint) =>
      ({ kind: 'delete', schema: SCHEMA, keys: keysOf(SCHEMA, [[key]]), rows: 1, committedAt: at }) as const;
    await applyTo(destination, table, [
      { kind: 'merge', steps: [remove('1', 1_700_000_000_123_456n), remove('2', 5n)] },
    ]);
    await applyTo(destination, table, [
      {
        kind: 'merge',
        steps: [remove('1', 9n), { kind: 'upsert', batch: batchOf(SCHEMA, [['2', 'two']]), unknown: [] }],
      },
    ]);
    expect(await rowsOf(database.url, 'SELECT id, name, _brimful_deleted_at FROM t ORDER BY id')).toEqual([
      ['1', 'one', '2023-11-14 22:13:20.123456+00'],
      ['2', 'two', null],
      ['3', 'three', null],
    ]);
    await applyTo(destination, table, [{ kind: 'truncate' }]);
    expect(await rowsOf(database.url, 'SELECT count(*), count(_brimful_deleted_at) FROM t')).toEqual([
      ['3', '3'],
    ]);
  });

  test('awkward names, sixty columns, and rows of every size in one transaction', async () => {
    await using database = await createTestDatabase(server);
    await using destination = await openDestination(database.url, { schema: 'Größe "x"' });
    const columns = Array.from({ length: 60 }, (_, index) =>
      column(`Spalte "${index}" 列\\'`, index % 2 === 0 ? TEXT : INT32),
    );
    const schema = schemaOf(columns, [columns[1]?.name ?? '']);
    const request = requestOf('tâble; DROP "x"', schema);
    const table = await destination.open(request);
    const rows = Array.from({ length: 700 }, (_, row) =>
      columns.map((_, index) => (index % 2 === 0 ? `v${row}` : String(row))),
    );
    await applyTo(destination, table, [
      { kind: 'load', batch: batchOf(schema, rows.slice(0, 300)) },
      { kind: 'touch', keys: keysOf(schema, [['1']]), rows: 1 },
      { kind: 'index' },
      {
        kind: 'merge',
        steps: [
          { kind: 'upsert', batch: batchOf(schema, rows), unknown: [] },
          { kind: 'delete', schema, keys: keysOf(schema, [['699']]), rows: 1, committedAt: 0n },
        ],
      },
      {
        kind: 'merge',
        steps: [{ kind: 'upsert', batch: batchOf(schema, rows.slice(0, 600)), unknown: [4, 6] }],
      },
    ]);
    expect(await rowsOf(database.url, `SELECT count(*) FROM "Größe ""x"""."tâble; DROP ""x""" AS t`)).toEqual(
      [['699']],
    );
    await destination.drop(request.id);
    expect(
      await rowsOf(
        database.url,
        "SELECT (SELECT count(*) FROM brimful.tables), (SELECT count(*) FROM pg_class WHERE relname LIKE 'tâble%')",
      ),
    ).toEqual([['0', '0']]);
  });

  // Invariant 6
  test('a value the destination cannot hold is named by table, column and row key, and nothing is written', async () => {
    await using database = await createTestDatabase(server);
    await using destination = await openDestination(database.url);
    const schema = schemaOf(
      [column('id', INT64), column('address', { kind: 'other', name: 'inet' })],
      ['id'],
    );
    const table = await destination.open(requestOf('t', schema));
    const good = await destination.open(requestOf('good', SCHEMA));
    const bad = [
      {
        kind: 'load',
        batch: batchOf(schema, [
          ['1', '::1'],
          ['42', 'nowhere'],
        ]),
      },
    ] as const;
    const problem = await problemFrom(
      destination.apply(
        [
          { table: good, actions: [{ kind: 'load', batch: batchOf(SCHEMA, [['1', 'x']]) }], checkpoint: 1 },
          { table, actions: bad, checkpoint: 1 },
        ],
        NEVER,
      ),
    );
    expect(problem).toMatchObject({
      code: 'BRM-PG-VALUE',
      kind: 'operator',
      at: { table: 't', column: 'address', key: '42' },
    });
    expect(await rowsOf(database.url, 'SELECT count(*) FROM good')).toEqual([['0']]);
    expect(
      await rowsOf(database.url, 'SELECT count(*) FROM brimful.tables WHERE checkpoint IS NOT NULL'),
    ).toEqual([['0']]);
    await applyTo(destination, good, [{ kind: 'load', batch: batchOf(SCHEMA, [['1', 'x']]) }]);
    await applyTo(destination, table, [{ kind: 'index' }]);
    const merge = {
      kind: 'merge',
      steps: [{ kind: 'upsert', batch: batchOf(schema, [['42', 'nowhere']]), unknown: [] }],
    } as const;
    expect(await problemFrom(applyTo(destination, table, [merge]))).toMatchObject({
      code: 'BRM-PG-VALUE',
      at: { table: 't' },
    });
  });

  // Invariant 7
  test("a table of somebody else's is refused, or adopted if it fits", async () => {
    await using database = await createTestDatabase(server);
    await using destination = await openDestination(database.url);
    await rowsOf(database.url, 'CREATE TABLE t (id numeric, name varchar(5), extra int NOT NULL)');
    await rowsOf(database.url, "INSERT INTO t VALUES (1, 'old', 5), (2, 'older', 5)");
    const refused = await problemFrom(destination.open(requestOf('t', SCHEMA)));
    expect(refused).toMatchObject({ code: 'BRM-PG-FOREIGN-TABLE', kind: 'operator', at: { table: 't' } });
    expect(refused.remedy).toContain('adopt: true');
    const request = requestOf('t', SCHEMA, { adopt: true });
    const unfit = await problemFrom(destination.open(request));
    expect(unfit.code).toBe('BRM-PG-ADOPT');
    expect(unfit.message).toContain('"name" is character varying(5) where text is needed');
    expect(unfit.message).toContain('"extra" is NOT NULL without a default');
    await rowsOf(database.url, 'ALTER TABLE t ALTER name TYPE varchar');
    await rowsOf(database.url, 'ALTER TABLE t ALTER extra SET DEFAULT 9');
    expect((await problemFrom(destination.open(request))).remedy).toContain('ADD PRIMARY KEY ("id")');
    await rowsOf(database.url, 'ALTER TABLE t ADD PRIMARY KEY (id)');
    const table = await destination.open(request);
    await applyTo(destination, table, [
      {
        kind: 'load',
        batch: batchOf(SCHEMA, [
          ['1', 'new'],
          ['3', 'three'],
        ]),
      },
      { kind: 'index' },
      { kind: 'settle' },
    ]);
    expect(await rowsOf(database.url, 'SELECT * FROM t ORDER BY id')).toEqual([
      ['1', 'new', '5'],
      ['2', 'older', '5'],
      ['3', 'three', '9'],
    ]);
    // What was adopted is given back.
    await destination.drop(request.id);
    expect(await rowsOf(database.url, 'SELECT count(*) FROM t')).toEqual([['3']]);
  });

  test('two materializations cannot write one table; generations of one stand side by side', async () => {
    await using database = await createTestDatabase(server);
    await using destination = await openDestination(database.url);
    await destination.open(requestOf('t', SCHEMA));
    const other = requestOf('t', SCHEMA, { id: { materialization: 'other', table: 't', generation: 1 } });
    expect((await problemFrom(destination.open(other))).code).toBe('BRM-PG-TABLE-TAKEN');
    const next = await destination.open(
      requestOf('t', SCHEMA, { id: { materialization: 'test/warehouse', table: 't', generation: 2 } }),
    );
    await applyTo(destination, next, [{ kind: 'load', batch: batchOf(SCHEMA, [['1', 'x']]) }]);
    expect(
      await rowsOf(
        database.url,
        'SELECT (SELECT count(*) FROM t), (SELECT count(*) FROM "t (generation 2)")',
      ),
    ).toEqual([['0', '1']]);
  });

  test('a table that was removed by hand is told, not made anew without its rows', async () => {
    await using database = await createTestDatabase(server);
    await using destination = await openDestination(database.url);
    await destination.open(requestOf('t', SCHEMA));
    await rowsOf(database.url, 'DROP TABLE t');
    expect((await problemFrom(destination.open(requestOf('t', SCHEMA)))).code).toBe('BRM-PG-TABLE-GONE');
  });

  test('readers that hold on to a table do not keep it from being emptied', async () => {
    await using database = await createTestDatabase(server);
    await using destination = await openDestination(database.url, {}, testContext(), {
      exclusiveLockMilliseconds: 20,
    });
    const table = await destination.open(requestOf('t', SCHEMA));
    const load = { kind: 'load', batch: batchOf(SCHEMA, [['1', 'x']]) } as const;
    await applyTo(destination, table, [load, { kind: 'index' }]);
    const reader = new Client({ connectionString: database.url });
    await reader.connect();
    try {
      await reader.query('BEGIN; SELECT * FROM t');
      await applyTo(destination, table, [
        { kind: 'truncate' },
        { kind: 'merge', steps: [{ kind: 'upsert', batch: batchOf(SCHEMA, [['2', 'y']]), unknown: [] }] },
      ]);
      expect(await rowsOf(database.url, 'SELECT id FROM t')).toEqual([['2']]);
    } finally {
      await reader.end();
    }
    await applyTo(destination, table, [{ kind: 'truncate' }]);
    expect(await rowsOf(database.url, 'SELECT id FROM t')).toEqual([]);
  });

  test('narrower values go into wider columns the same way by COPY, by arrays and by staging', async () => {
    await using database = await createTestDatabase(server);
    await rowsOf(
      database.url,
      'CREATE TABLE wide (id bigint PRIMARY KEY, f double precision, n numeric(30,4), j json, tags int[])',
    );
    const schema = schemaOf(
      [
        column('id', INT32, { nullable: false }),
        column('f', { kind: 'float32' }),
        column('n', { kind: 'int64' }),
        column('j', { kind: 'json', binary: true }),
        column('tags', { kind: 'other', name: 'integer[]' }),
      ],
      ['id'],
    );
    const row = (id: string): string[] => [id, '0.1', '-7', '{"a": 1}', '{1}'];
    for (const [id, arrayValues] of [
      ['1', 1_000],
      ['2', 0],
    ] as const) {
      await using destination = await openDestination(database.url, {}, testContext(), { arrayValues });
      const table = await destination.open(requestOf('wide', schema, { adopt: true }));
      await applyTo(destination, table, [
        { kind: 'merge', steps: [{ kind: 'upsert', batch: batchOf(schema, [row(id)]), unknown: [] }] },
      ]);
    }
    const values = ['0.10000000149011612', '-7.0000', '{"a": 1}', '{1}'];
    expect(await rowsOf(database.url, 'SELECT * FROM wide ORDER BY 1')).toEqual([
      ['1', ...values],
      ['2', ...values],
    ]);
  });

  test('many writers that start at the same moment all open the same new tables', async () => {
    await using database = await createTestDatabase(server);
    const destinations = await Promise.all(
      Array.from({ length: 6 }, async () => openDestination(database.url, { schema: 'new' })),
    );
    try {
      await Promise.all(
        destinations.flatMap((one) => ['a', 'b'].map(async (name) => one.open(requestOf(name, SCHEMA)))),
      );
      expect(await rowsOf(database.url, 'SELECT table_name, epoch FROM brimful.tables ORDER BY 1')).toEqual([
        ['a', '6'],
        ['b', '6'],
      ]);
    } finally {
      for (const destination of destinations) await destination[Symbol.asyncDispose]();
    }
  });
});
