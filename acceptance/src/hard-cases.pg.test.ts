import { newestPostgres } from '@brimful/testbed/vitest';
import { describe, expect, test } from 'vitest';
import { PipeBed } from './pipe-bed.ts';
import { isSettled } from './pipe-process.ts';

const MINUTES = 60_000;
/** `BRIMFUL_LONG=1` runs the sizes of the specification; without it they are smaller, with the same bounds. */
const LONG = process.env['BRIMFUL_LONG'] === '1';
const TABLES = LONG ? 1000 : 200;
const TRANSACTION_ROWS = LONG ? 1_000_000 : 150_000;
const RSS_LIMIT_BYTES = 400e6;

describe('the pipe', () => {
  test(`${TABLES} tables arrive, and stay current`, { timeout: 10 * MINUTES }, async () => {
    const tables = Array.from({ length: TABLES }, (_, index) => index);
    const create = tables.map(
      (n) =>
        `CREATE TABLE t${n} (id int PRIMARY KEY, v text); INSERT INTO t${n} SELECT i, 'v' || i FROM generate_series(1, ${n % 10}) i;`,
    );
    await using bed = await PipeBed.create(newestPostgres(), create.join('\n'));
    await using pipe = bed.start();
    await pipe.until('the first read', isSettled, 8 * MINUTES);
    await bed.query(tables.map((n) => `INSERT INTO t${n} VALUES (100, 'later')`).join(';'));
    expect(await bed.differences(pipe)).toEqual([]);
  });

  // Invariant 9
  test(
    'a transaction larger than memory arrives within bounded memory',
    { timeout: 10 * MINUTES },
    async () => {
      await using bed = await PipeBed.create(
        newestPostgres(),
        'CREATE TABLE large (id bigint PRIMARY KEY, payload text); ALTER TABLE large ALTER payload SET STORAGE PLAIN',
        ({ materializations }) => ({
          materializations: materializations.slice(0, 1),
          reportMilliseconds: 250,
        }),
      );
      const onlyPostgres = { ...bed.options, materializations: bed.options.materializations.slice(0, 1) };
      Object.assign(bed, { options: onlyPostgres });
      await using pipe = bed.start();
      await pipe.until('the first read', isSettled, MINUTES);
      await bed.query(
        `INSERT INTO large SELECT i, repeat(md5(i::text), 32) FROM generate_series(1, ${TRANSACTION_ROWS}) i`,
      );
      const report = await bed.arrived(pipe);
      expect(report.maxRssBytes).toBeLessThan(RSS_LIMIT_BYTES);
      expect(await bed.differences(pipe)).toEqual([]);
    },
  );

  test('tables that appear, go and change their shape are followed', { timeout: 5 * MINUTES }, async () => {
    await using bed = await PipeBed.create(
      newestPostgres(),
      "CREATE TABLE shapes (id int PRIMARY KEY, a text, b int); INSERT INTO shapes SELECT i, 'a' || i, i FROM generate_series(1, 1000) i; CREATE TABLE doomed (id int PRIMARY KEY)",
    );
    await using pipe = bed.start();
    await pipe.until('the first read', isSettled, 2 * MINUTES);
    // One change after another; with BRIMFUL_LONG in one burst.
    const change = async (sql: string): Promise<void> => {
      await bed.query(sql);
      if (!LONG) await bed.arrived(pipe);
    };
    await change(
      "ALTER TABLE shapes ADD c numeric DEFAULT 1.50; INSERT INTO shapes VALUES (2000, 'new', 1, 2.5)",
    );
    await change("ALTER TABLE shapes RENAME a TO renamed; UPDATE shapes SET renamed = 'r' WHERE id < 10");
    await change(
      'ALTER TABLE shapes ALTER b TYPE bigint; UPDATE shapes SET b = 9223372036854775807 WHERE id = 5',
    );
    await change(
      "CREATE TABLE late (id int PRIMARY KEY, v text); INSERT INTO late SELECT i, 'l' FROM generate_series(1, 5000) i",
    );
    await pipe.until(
      'the new table',
      ({ status }) =>
        status.captures[0]?.bindings.some((binding) => binding.resource === 'public.late') === true,
      MINUTES,
    );
    await change('DROP TABLE doomed');
    await pipe.until(
      'the dropped table',
      ({ status }) =>
        status.captures[0]?.bindings.every((binding) => binding.resource !== 'public.doomed') === true,
      MINUTES,
    );
    await change('CREATE TABLE doomed (id int PRIMARY KEY); INSERT INTO doomed VALUES (7)');
    await pipe.until(
      'the table that came back',
      ({ status }) =>
        status.captures[0]?.bindings.some((binding) => binding.resource === 'public.doomed') === true,
      MINUTES,
    );
    const found = await bed.differences(pipe);
    expect(found, found.join('\n')).toEqual([]);
  });

  // Invariant 8
  test(
    'a value one destination cannot hold stops that table there and nothing else',
    { timeout: 5 * MINUTES },
    async () => {
      await using bed = await PipeBed.create(
        newestPostgres(),
        "CREATE TABLE poisoned (id int PRIMARY KEY, n numeric(10,2)); CREATE TABLE healthy (id int PRIMARY KEY); INSERT INTO poisoned VALUES (1, 1.5), (42, 'NaN')",
      );
      await using pipe = bed.start();
      const failed = await pipe.until(
        'the failure',
        ({ status }) =>
          status.materializations[1]?.bindings.some((binding) => binding.phase === 'failed') === true,
        2 * MINUTES,
      );
      const binding = failed.status.materializations[1]?.bindings.find((each) => each.phase === 'failed');
      expect(binding?.problem).toMatchObject({ at: { table: 'poisoned', column: 'n' } });
      expect(JSON.stringify(binding?.problem)).toContain('42');
      await bed.query('INSERT INTO healthy SELECT generate_series(1, 10)');
      await pipe.until(
        'the healthy table',
        ({ status }) =>
          status.materializations[1]?.bindings.some(
            (each) => each.table === 'healthy' && each.phase === 'live' && each.rowsWritten >= 10,
          ) === true,
        2 * MINUTES,
      );
      await pipe.stop();
    },
  );
});
