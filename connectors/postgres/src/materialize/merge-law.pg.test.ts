import type { ColumnDefinition, Schema } from '@brimful/model';
import type { Action, MergeStep } from '@brimful/connector';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { createTestDatabase, sharedPostgres } from '@brimful/testbed/vitest';

import { postgresDestinationConfig } from './config.ts';
import { PostgresDestination } from './destination.ts';
import { TUNING } from './tuning.ts';
import { applyTo, requestOf, rowsOf, testContext } from './testing/destinations.ts';
import { MergeModel } from './testing/merge-model.ts';
import type { ModelStep } from './testing/merge-model.ts';
import { batchOf, column, DECIMAL, INT32, INT64, keysOf, schemaOf, TEXT } from './testing/rows.ts';
import type { TextRow } from './testing/rows.ts';

interface KeyCase {
  readonly name: string;
  readonly columns: readonly ColumnDefinition[];
  /** Few, so that rows meet. */
  readonly keys: readonly TextRow[];
  readonly identity: (key: TextRow) => string;
}

const byText = (key: TextRow): string => JSON.stringify(key);

const KEY_CASES: readonly KeyCase[] = [
  {
    name: 'number',
    columns: [column('id', INT64)],
    keys: ['0', '1', '2', '-9223372036854775808', '9223372036854775807', '9007199254740993'].map((id) => [
      id,
    ]),
    identity: byText,
  },
  {
    name: 'awkward',
    columns: [column('the "key" \\ ü', TEXT), column('select', INT32)],
    keys: [
      ['', '1'],
      ['', '2'],
      ['a,b', '1'],
      ['{"\\"}', '1'],
      ['NULL', '1'],
      ['é\n\t\\N', '7'],
    ],
    identity: byText,
  },
  {
    name: 'decimal',
    columns: [column('amount', DECIMAL)],
    keys: [['1'], ['1.0'], ['1.00'], ['2'], ['2.0'], ['NaN'], ['-3']],
    identity: ([amount]) => String(Number(amount)),
  },
];

const REST: readonly ColumnDefinition[] = [
  column('note', TEXT, { nullable: false }),
  column('amount of it', DECIMAL),
  column('tags', { kind: 'other', name: 'integer[]' }),
  column('document', { kind: 'json', binary: false }),
];

const cells = fc.tuple(
  fc.constantFrom('', 'x', 'NULL', 'a"b\\c', '{1,2}'),
  fc.constantFrom(null, '0', '1.50', 'NaN'),
  fc.constantFrom(null, '{}', '{1,NULL,3}', '{{1,2},{3,4}}'),
  fc.constantFrom(null, '{"a": 1}', '{ "a":1,  "a":2}'),
);

/** Columns whose value may be left out, counted from the first behind the key. */
const masks = fc.constantFrom<readonly number[]>([], [], [0], [1, 3], [0, 1, 2, 3]);

function stepsOf(keyCase: KeyCase): fc.Arbitrary<ModelStep[]> {
  const keys = keyCase.keys;
  const width = keyCase.columns.length;
  const shift = (mask: readonly number[]): number[] => mask.map((index) => index + width);
  const key = fc.constantFrom(...keys);
  const move = fc.tuple(key, key, cells, masks).map(([oldKey, newKey, values, mask]): ModelStep => ({
    kind: 'move',
    oldKey,
    row: [...newKey, ...values],
    unknown: shift(mask),
  }));
  // Between moves a key comes once: each is put into one of the steps, or none.
  const folded = fc
    .tuple(
      fc.uniqueArray(key, { selector: keyCase.identity }),
      fc.array(fc.tuple(fc.nat(2), cells), { minLength: 8, maxLength: 8 }),
      fc.tuple(masks, masks),
    )
    .map(([chosen, fates, unknown]): ModelStep[] => {
      const of = (fate: number): TextRow[] => chosen.filter((_, index) => fates[index]?.[0] === fate);
      const row = (one: TextRow): TextRow => [...one, ...(fates[chosen.indexOf(one)]?.[1] ?? [])];
      return [
        { kind: 'delete', keys: of(0) },
        { kind: 'upsert', rows: of(1).map(row), unknown: shift(unknown[0]) },
        { kind: 'upsert', rows: of(2).map(row), unknown: shift(unknown[1]) },
      ];
    });
  return fc
    .array(fc.oneof({ weight: 2, arbitrary: folded }, { weight: 3, arbitrary: move.map((step) => [step]) }), {
      maxLength: 6,
    })
    .map((steps) => steps.flat());
}

function actionOf(schema: Schema, steps: readonly ModelStep[]): Action {
  const own = steps.map((step): MergeStep => {
    switch (step.kind) {
      case 'upsert':
        return { kind: 'upsert', batch: batchOf(schema, step.rows), unknown: step.unknown };
      case 'delete':
        return {
          kind: 'delete',
          schema,
          keys: keysOf(schema, step.keys),
          rows: step.keys.length,
          committedAt: 5n,
        };
      case 'move':
        return {
          kind: 'move',
          oldKey: keysOf(schema, [step.oldKey]),
          batch: batchOf(schema, [step.row]),
          unknown: step.unknown,
        };
    }
  });
  return { kind: 'merge', steps: own };
}

const sorted = (rows: readonly (readonly (string | null)[])[]): string[] =>
  rows.map((row) => JSON.stringify(row)).sort();

describe.for(sharedPostgres())('Postgres $majorVersion', (server) => {
  const ways = [
    ['arrays', TUNING],
    ['staging', { ...TUNING, arrayValues: 0 }],
  ] as const;
  const cases = KEY_CASES.flatMap((keyCase) =>
    ways.flatMap(([way, tuning]) =>
      (['hard', 'soft'] as const).map((deletes) => ({
        name: `${keyCase.name}, ${way}, ${deletes}`,
        keyCase,
        tuning,
        deletes,
      })),
    ),
  );

  test.for(cases)('merges do what the contract says: $name', async ({ keyCase, tuning, deletes }) => {
    await using database = await createTestDatabase(server);
    await using destination = new PostgresDestination(
      postgresDestinationConfig.parse({ url: database.url }),
      testContext(),
      tuning,
    );
    const schema = schemaOf(
      [...keyCase.columns, ...REST],
      keyCase.columns.map(({ name }) => name),
    );
    let runs = 0;
    const property = fc.asyncProperty(
      fc.array(
        fc.oneof(
          { weight: 9, arbitrary: stepsOf(keyCase) },
          { weight: 1, arbitrary: fc.constant('truncate' as const) },
        ),
        { maxLength: 5 },
      ),
      async (transactions) => {
        runs += 1;
        const name = `run ${runs}`;
        const table = await destination.open(requestOf(name, schema, { deletes }));
        const model = new MergeModel(keyCase.columns.length, deletes === 'soft', keyCase.identity);
        await applyTo(destination, table, [{ kind: 'index' }]);
        for (const steps of transactions) {
          if (steps === 'truncate') model.truncate();
          else for (const step of steps) model.apply(step);
          await applyTo(destination, table, [
            steps === 'truncate' ? { kind: 'truncate' } : actionOf(schema, steps),
          ]);
        }
        const mark = deletes === 'soft' ? ', _brimful_deleted_at IS NOT NULL' : '';
        const columns = schema.columns
          .map((definition) => `"${definition.name.replaceAll('"', '""')}"`)
          .join(', ');
        expect(sorted(await rowsOf(database.url, `SELECT ${columns}${mark} FROM "${name}"`))).toEqual(
          sorted(model.rows()),
        );
      },
    );
    await fc.assert(property, { numRuns: 25 });
  });
});
