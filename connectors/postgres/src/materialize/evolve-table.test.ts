import type { ColumnDefinition, ColumnType } from '@brimful/model';
import { Problem } from '@brimful/model';
import { describe, expect, test } from 'vitest';

import { planEvolution } from './evolve-table.ts';
import { shapeOf } from './table-shape.ts';
import { column, INT32, INT64, schemaOf, TEXT } from './testing/rows.ts';

const numbered = (
  columns: readonly [number, string, ColumnType, Partial<ColumnDefinition>?][],
): ColumnDefinition[] =>
  columns.map(([sourceId, name, type, more]) => column(name, type, { sourceId, ...more }));

function plan(before: readonly ColumnDefinition[], after: readonly ColumnDefinition[], complete = false) {
  return planEvolution(shapeOf(schemaOf(before, []), 't'), schemaOf(after, [], 2), 't', complete);
}

describe('a table takes the next shape of its collection', () => {
  test('nothing is done where nothing changed', () => {
    const columns = numbered([
      [1, 'id', INT64],
      [2, 'a', TEXT],
    ]);
    expect(plan(columns, columns)).toMatchObject({ renames: [], clauses: [], afterwards: [] });
  });

  test('a column with a value for old rows gets it without a rewrite, and loses the default again', () => {
    const { clauses, afterwards } = plan(
      numbered([[1, 'id', INT64]]),
      numbered([
        [1, 'id', INT64],
        [2, "it's", TEXT, { initial: "o'k\\", nullable: false }],
      ]),
      true,
    );
    expect(clauses).toEqual([`ADD COLUMN "it's" text DEFAULT  E'o''k\\\\' NOT NULL`]);
    expect(afterwards).toEqual([`ALTER COLUMN "it's" DROP DEFAULT`]);
  });

  test('exchanged names take a detour', () => {
    const { renames, shape } = plan(
      numbered([
        [1, 'a', INT64],
        [2, 'b', TEXT],
        [3, 'c', TEXT],
      ]),
      numbered([
        [1, 'b', INT64],
        [2, 'a', TEXT],
        [3, 'd', TEXT],
      ]),
    );
    expect(renames).toEqual([
      { from: 'a', to: 'brimful renaming 0' },
      { from: 'b', to: 'brimful renaming 1' },
      { from: 'brimful renaming 0', to: 'b' },
      { from: 'brimful renaming 1', to: 'a' },
      { from: 'c', to: 'd' },
    ]);
    expect(shape.columns.map(({ name, sourceId }) => [name, sourceId])).toEqual([
      ['b', 1],
      ['a', 2],
      ['d', 3],
    ]);
  });

  test('a dropped column stays, and makes way when its name comes again', () => {
    const first = plan(
      numbered([
        [1, 'id', INT64],
        [2, 'x', INT32],
      ]),
      numbered([[1, 'id', INT64]]),
    );
    expect(first).toMatchObject({ renames: [], clauses: [] });
    const again = planEvolution(
      first.shape,
      schemaOf(
        numbered([
          [1, 'id', INT64],
          [3, 'x', TEXT],
        ]),
        [],
        3,
      ),
      't',
      false,
    );
    expect(again.renames).toEqual([{ from: 'x', to: 'x (dropped)' }]);
    expect(again.clauses).toEqual(['ADD COLUMN "x" text']);
    expect(again.shape.columns.map(({ name, present }) => [name, present])).toEqual([
      ['id', true],
      ['x', true],
      ['x (dropped)', false],
    ]);
  });

  test.for<[ColumnType, ColumnType, string | undefined]>([
    [INT32, INT64, 'bigint'],
    [INT64, { kind: 'decimal' }, 'numeric'],
    [
      { kind: 'decimal', precision: 10, scale: 2 },
      { kind: 'decimal', precision: 12, scale: 4 },
      'numeric(12,4)',
    ],
    [{ kind: 'float32' }, { kind: 'float64' }, 'double precision'],
    [{ kind: 'json', binary: true }, { kind: 'json', binary: false }, 'json'],
    [{ kind: 'other', name: 'bit varying(5)' }, { kind: 'other', name: 'bit varying(9)' }, 'bit varying(9)'],
    [
      { kind: 'other', name: 'character varying(5)[]' },
      { kind: 'other', name: 'character varying[]' },
      'character varying[]',
    ],
    [{ kind: 'other', name: 'public.mood' }, TEXT, undefined],
    [INT64, INT32, undefined],
  ])('%j becomes %j', ([from, to, type]) => {
    const { clauses } = plan([column('v', from)], [column('v', to)]);
    expect(clauses).toEqual(type === undefined ? [] : [`ALTER COLUMN "v" TYPE ${type} USING "v"::${type}`]);
  });

  test.for<[ColumnType, ColumnType]>([
    [TEXT, INT64],
    [INT64, { kind: 'float64' }],
    [
      { kind: 'timestamp', zoned: true },
      { kind: 'timestamp', zoned: false },
    ],
    [
      { kind: 'other', name: 'bit(5)' },
      { kind: 'other', name: 'bit(9)' },
    ],
  ])('%j cannot become %j: the column and the remedy are named', ([from, to]) => {
    expect(() => plan([column('v', from)], [column('v', to)])).toThrow(
      expect.objectContaining({
        code: 'BRM-PG-TYPE-CHANGED',
        kind: 'operator',
        at: { table: 't', column: 'v' },
        remedy: expect.stringContaining('reset'),
      }),
    );
  });

  test('another key is refused', () => {
    const columns = [column('a', INT64), column('b', INT64)];
    expect(() =>
      planEvolution(shapeOf(schemaOf(columns, ['a']), 't'), schemaOf(columns, ['b'], 2), 't', false),
    ).toThrow(Problem);
    expect(() =>
      planEvolution(shapeOf(schemaOf(columns, ['a']), 't'), schemaOf(columns, ['a'], 2), 't', false),
    ).not.toThrow();
  });
});
