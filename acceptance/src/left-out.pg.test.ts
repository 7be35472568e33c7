import { newestPostgres } from '@brimful/testbed/vitest';
import { expect, test } from 'vitest';
import { orderRun, untilRun } from './order-run.ts';
import { PipeBed } from './pipe-bed.ts';

const MINUTES = 60_000;

const TABLES = `
  CREATE TABLE kept (id int PRIMARY KEY); INSERT INTO kept VALUES (1);
  CREATE TABLE made_anew (id int PRIMARY KEY, note text); INSERT INTO made_anew SELECT i, 'old' FROM generate_series(1, 100) i;`;

// Invariant 4
test(
  'a table that was dropped, forgotten and made anew while nothing ran is not taken for the old one',
  { timeout: 5 * MINUTES },
  async () => {
    await using bed = await PipeBed.create(newestPostgres(), TABLES);
    await using first = bed.start();
    await bed.arrived(first);
    await bed.query('DROP TABLE made_anew');
    await first.until(
      'it is forgotten',
      ({ status }) =>
        status.captures[0]?.bindings.every(({ resource }) => resource === 'public.kept') === true,
      2 * MINUTES,
    );
    await first.kill();
    await bed.query(
      "CREATE TABLE made_anew (id int PRIMARY KEY, note text); INSERT INTO made_anew SELECT i, 'new' FROM generate_series(51, 200) i",
    );
    await using second = bed.start();
    const { status } = await second.until(
      'it is seen again',
      ({ status: { captures } }) =>
        captures[0]?.bindings.some(
          ({ resource, phase }) => resource === 'public.made_anew' && phase === 'gap',
        ) === true,
      2 * MINUTES,
    );
    const again = status.captures[0]?.bindings.find(({ resource }) => resource === 'public.made_anew');
    expect(again?.problem?.code).toBe('BRM-CAPTURE-LEFT-OUT');
    const control = (): ReturnType<PipeBed['control']> => bed.control();
    const bindings = ['shop/made_anew'];
    const { run } = await orderRun(await control(), {
      mode: 'reset',
      task: 'shop/postgres',
      undo: '0',
      bindings,
    });
    await untilRun(control, run.id, 'done');
    expect(await bed.differences(second)).toEqual([]);
  },
);
