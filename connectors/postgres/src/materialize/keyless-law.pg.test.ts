import type { MergeStep } from '@brimful/connector';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { createTestDatabase, sharedPostgres } from '@brimful/testbed/vitest';

import { applyTo, openDestination, requestOf, rowsOf, testContext } from './testing/destinations.ts';
import { batchOf, column, DECIMAL, INT32, schemaOf, TEXT } from './testing/rows.ts';
import type { TextRow } from './testing/rows.ts';

/** Some never null, to be found by a hash; some whose types know no equality. */
const COLUMNS = [
  column('n', INT32, { nullable: false }),
  column('d', DECIMAL, { nullable: false }),
  column('text', TEXT),
  column('document', { kind: 'json', binary: false }),
  column('place', { kind: 'other', name: 'point' }),
];

const row = fc.tuple(
  fc.constantFrom('1', '2'),
  fc.constantFrom('1.0', '1.00'),
  fc.constantFrom(null, '', 'NULL'),
  fc.constantFrom(null, '{"a":1}', '{"a": 1}'),
  fc.constantFrom(null, '(1,2)'),
);

const sorted = (rows: readonly TextRow[]): string[] => rows.map((one) => JSON.stringify(one)).sort();

describe.for(sharedPostgres())('Postgres $majorVersion', (server) => {
  const cases = [
    { way: 'arrays', nullable: false, tuning: {} },
    { way: 'staging, all nullable', nullable: true, tuning: { arrayValues: 0 } },
  ];

  test.for(cases)('a table without a key is a bag of rows: $way', async ({ nullable, tuning }) => {
    await using database = await createTestDatabase(server);
    const context = testContext();
    await using destination = await openDestination(database.url, {}, context, {
      arrayBytes: 1e6,
      ...tuning,
    });
    const schema = schemaOf(nullable ? COLUMNS.map((one) => ({ ...one, nullable })) : COLUMNS, []);
    let runs = 0;
    const property = fc.asyncProperty(
      fc.array(row, { maxLength: 8 }),
      fc.array(fc.tuple(fc.array(row, { maxLength: 4 }), fc.array(fc.nat(50), { maxLength: 5 })), {
        maxLength: 5,
      }),
      async (first, changes) => {
        runs += 1;
        const table = await destination.open(requestOf(`run ${runs}`, schema));
        const bag: TextRow[] = [...first];
        await applyTo(destination, table, [
          { kind: 'load', batch: batchOf(schema, first) },
          { kind: 'index' },
          { kind: 'settle' },
        ]);
        for (const [added, picked] of changes) {
          bag.push(...added);
          const removed: TextRow[] = [];
          for (const pick of picked) if (bag.length > 0) removed.push(...bag.splice(pick % bag.length, 1));
          const steps: MergeStep[] = [
            { kind: 'append', batch: batchOf(schema, added) },
            { kind: 'remove', batch: batchOf(schema, removed) },
          ];
          await applyTo(destination, table, [{ kind: 'merge', steps }]);
        }
        expect(sorted(await rowsOf(database.url, `SELECT * FROM "run ${runs}"`))).toEqual(sorted(bag));
      },
    );
    await fc.assert(property, { numRuns: 30 });
    expect(context.warnings).toEqual([]);
  });

  test('a row that is not there to be removed is worth a warning; soft removal marks one copy', async () => {
    await using database = await createTestDatabase(server);
    const context = testContext();
    await using destination = await openDestination(database.url, {}, context);
    const schema = schemaOf([column('n', INT32)], []);
    const table = await destination.open(requestOf('bag', schema, { deletes: 'soft' }));
    const batch = batchOf(schema, [['1'], ['1'], [null]]);
    await applyTo(destination, table, [{ kind: 'load', batch }, { kind: 'index' }]);
    await applyTo(destination, table, [
      { kind: 'merge', steps: [{ kind: 'remove', batch: batchOf(schema, [['1'], [null]]) }] },
    ]);
    expect(
      await rowsOf(database.url, 'SELECT n, _brimful_deleted_at IS NULL FROM bag ORDER BY 1, 2'),
    ).toEqual([
      ['1', 'f'],
      ['1', 't'],
      [null, 'f'],
    ]);
    expect(context.warnings).toEqual([]);
    await applyTo(destination, table, [
      { kind: 'merge', steps: [{ kind: 'remove', batch: batchOf(schema, [['1'], [null]]) }] },
    ]);
    expect(await rowsOf(database.url, 'SELECT count(*) FROM bag WHERE _brimful_deleted_at IS NULL')).toEqual([
      ['0'],
    ]);
    expect(context.warnings).toHaveLength(1);
  });
});
