import type { Action, MergeStep } from '@brimful/connector';
import type { ColumnDefinition, Schema } from '@brimful/model';
import type { Value } from '@brimful/model/testing';
import fc from 'fast-check';
import { afterEach, expect, test, vi } from 'vitest';
import { Connection } from '../database/connection.ts';
import { query } from '../query.ts';
import { removeScratch, scratchConfig, testContext } from '../testing/scratch.ts';
import { cellsOf, TableModel } from '../testing/table-model.ts';
import { batchOf, definition, keysOf, requestFor, schemaOf } from '../testing/tables.ts';
import { DuckdbDestination } from './destination.ts';

afterEach(removeScratch);

const forever = new AbortController().signal;
const SEED = 20_261_122;

const key = fc.tuple(
  fc.integer({ min: 1, max: 6 }),
  fc.constantFrom('a', 'B', 'long enough to be a pointer'),
);
type Key = readonly [number, string];

interface Random {
  readonly keys: fc.Arbitrary<Key[]>;
  readonly choose: (limit: number) => number;
}

/** Columns that come and go: `number` of them tells what the schema looks like. */
function nextSchema(schema: Schema, choice: number): Schema {
  const version = schema.version + 1;
  const others = schema.columns.slice(2);
  const fixed = schema.columns.slice(0, 2);
  const sourceId = version * 10;
  const text: ColumnDefinition = definition(
    `c${choice % 4}`,
    { kind: 'text' },
    { sourceId, initial: 'was there' },
  );
  let columns: ColumnDefinition[] = [...others];
  if (choice < 3 && !others.some(({ name }) => name === text.name)) columns.push(text);
  else if (choice === 3) columns = others.slice(1);
  else if (choice === 4 && others.length > 1) {
    const names = others.map(({ name }) => name).toReversed();
    columns = others.map((column, index) => ({ ...column, name: names[index] as string }));
  } else if (choice === 5)
    columns = columns.map((column) => ({ ...column, name: `${column.name}x`.slice(0, 6) }));
  else columns.push(definition(`n${version}`, { kind: 'int32' }, { sourceId }));
  if (choice === 6)
    return { ...schema, version, columns: [{ ...fixed[0]!, type: { kind: 'int64' } }, fixed[1]!, ...others] };
  return { ...schema, version, columns: [...fixed, ...columns] };
}

function rowFor(schema: Schema, [number, word]: Key, salt: number): Value[] {
  return schema.columns.map(({ type, name }, index) => {
    if (index === 0) return type.kind === 'int64' ? BigInt(number) : number;
    if (index === 1) return word;
    if ((salt + index) % 5 === 0) return null;
    return type.kind === 'text' ? `${name} ${salt}` : salt;
  });
}

function keyValue(schema: Schema, [number, word]: Key): Value[] {
  return [schema.columns[0]?.type.kind === 'int64' ? BigInt(number) : number, word];
}

/** Steps in which no key is named twice between moves. */
function steps(schema: Schema, keys: readonly Key[], choose: Random['choose']): MergeStep[] {
  const result: MergeStep[] = [];
  let used = new Set<string>();
  for (const next of keys) {
    const kind = choose(5);
    const unknown = schema.columns.flatMap((_, index) => (index > 1 && choose(3) === 0 ? [index] : []));
    const row = rowFor(schema, next, choose(1000));
    if (kind === 0) {
      const from = keys[choose(keys.length)] as Key;
      const oldKey = keysOf(schema, [keyValue(schema, from)]);
      result.push({
        kind: 'move',
        oldKey,
        batch: batchOf(schema, [row]),
        unknown: choose(2) === 0 ? [] : unknown,
      });
      used = new Set();
      continue;
    }
    if (used.has(next.join('|'))) continue;
    used.add(next.join('|'));
    if (kind === 1) {
      result.push({
        kind: 'delete',
        schema,
        keys: keysOf(schema, [keyValue(schema, next)]),
        rows: 1,
        committedAt: 1_700_000_000_000_000n,
      });
    } else {
      result.push({
        kind: 'upsert',
        batch: batchOf(schema, [row]),
        unknown: kind === 2 ? unknown : [],
        mostlySame: choose(2) === 0,
      });
    }
  }
  return result;
}

/** Random work in an order the engine could give it in. Duplicates of touched keys are followed by their truth. */
function script(choose: Random['choose'], initial: Schema, keys: readonly Key[][]): Action[] {
  let schema = initial;
  const actions: Action[] = [];
  const loaded = new Map<string, Key>();
  const maybeEvolve = (): void => {
    if (choose(3) !== 0) return;
    schema = nextSchema(schema, choose(8));
    actions.push({ kind: 'evolve', schema });
  };
  for (const group of keys.slice(0, 3)) {
    maybeEvolve();
    for (const next of group) loaded.set(next.join('|'), next);
    actions.push({
      kind: 'load',
      batch: batchOf(
        schema,
        group.map((next) => rowFor(schema, next, choose(1000))),
      ),
    });
    if (choose(2) === 0)
      actions.push({
        kind: 'touch',
        keys: keysOf(
          schema,
          group.map((next) => keyValue(schema, next)),
        ),
        rows: group.length,
      });
  }
  // Whatever was loaded twice was changed meanwhile.
  const all = [...loaded.values()];
  actions.push({
    kind: 'touch',
    keys: keysOf(
      schema,
      all.map((next) => keyValue(schema, next)),
    ),
    rows: all.length,
  });
  actions.push({ kind: 'index' });
  const truth = batchOf(
    schema,
    all.map((next) => rowFor(schema, next, choose(1000))),
  );
  actions.push({
    kind: 'merge',
    steps: [{ kind: 'upsert', batch: truth, unknown: [], mostlySame: choose(2) === 0 }],
  });
  for (const group of keys.slice(3)) {
    maybeEvolve();
    if (choose(12) === 0) actions.push({ kind: 'truncate' });
    actions.push({ kind: 'merge', steps: steps(schema, group, choose) });
    if (choose(4) === 0) actions.push({ kind: 'settle' });
  }
  return actions;
}

const sorted = (rows: readonly (readonly (string | null)[])[]): string[] =>
  rows.map((row) => JSON.stringify(row)).toSorted();

test.for(['hard', 'soft'] as const)(
  'Invariant 4: any work under %s deletes leaves what the contract says, over reopens and however it is cut into transactions',
  async (deletes) => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.array(key, { minLength: 1, maxLength: 6 }), { minLength: 4, maxLength: 9 }),
        fc.gen(),
        async (keys, gen) => {
          const choose = (limit: number): number => gen(fc.nat, { max: limit - 1 });
          const schema = schemaOf(
            [
              definition('id', { kind: 'int32' }, { nullable: false, sourceId: 1 }),
              definition('ID', { kind: 'text' }, { nullable: false, sourceId: 2 }),
              definition('c9', { kind: 'text' }, { sourceId: 3 }),
            ],
            ['id', 'ID'],
          );
          const config = scratchConfig();
          const context = testContext();
          const actions = script(choose, schema, keys);
          const model = new TableModel(schema);
          let destination = new DuckdbDestination(config, context);
          const request = requestFor('orders', schema, { deletes });
          let table = await destination.open(request);
          for (let at = 0; at < actions.length;) {
            const some = actions.slice(at, at + 1 + choose(4));
            await destination.apply([{ table, actions: some, checkpoint: { at } }], forever);
            for (const action of some) model.apply(action);
            at += some.length;
            if (choose(4) !== 0) continue;
            await destination[Symbol.asyncDispose]();
            destination = new DuckdbDestination(config, context);
            table = await destination.open(request);
            expect(table.checkpoint).toEqual({ at: at - some.length });
          }
          await destination[Symbol.asyncDispose]();
          const names = model.schema.columns
            .map(({ name }) => (name === 'ID' ? '"ID_1"' : `"${name}"`))
            .join(', ');
          const alive = deletes === 'soft' ? 'WHERE _brimful_deleted_at IS NULL' : '';
          const { rows } = await query(config, `SELECT ${names} FROM orders ${alive}`, context);
          expect(sorted(rows)).toEqual(sorted(model.rows));
          expect(context.warnings).toEqual([]);
        },
      ),
      { numRuns: 40, seed: SEED, endOnFailure: true },
    );
  },
);

test('a table without a key is a multiset: rows come and go one copy at a time, told apart exactly', async () => {
  const schema = schemaOf(
    [
      definition('f', { kind: 'float64' }),
      definition('t', { kind: 'text' }),
      definition('d', { kind: 'decimal' }),
      definition('j', { kind: 'json', binary: false }),
    ],
    [],
  );
  const row = fc.tuple(
    fc.constantFrom(0, -0, NaN, Infinity, 1.5, null),
    fc.constantFrom('', 'a', null),
    fc.constantFrom('1.0', '1.00', null),
    fc.constantFrom('{}', '{ }'),
  );
  const step = fc.tuple(
    fc.constantFrom('append', 'append', 'remove', 'truncate'),
    fc.array(row, { maxLength: 5 }),
  );
  await fc.assert(
    fc.asyncProperty(
      fc.constantFrom('hard', 'soft'),
      fc.array(row),
      fc.array(step, { maxLength: 8 }),
      async (deletes, first, steps) => {
        const config = scratchConfig();
        const context = testContext();
        const left = cellsOf(batchOf(schema, first)).map((cells) => JSON.stringify(cells));
        await using destination = new DuckdbDestination(config, context);
        const table = await destination.open(requestFor('log', schema, { deletes }));
        const actions: Action[] = [{ kind: 'load', batch: batchOf(schema, first) }, { kind: 'index' }];
        for (const [kind, rows] of steps) {
          if (kind === 'truncate') {
            left.length = 0;
            actions.push({ kind });
            continue;
          }
          const batch = batchOf(schema, rows);
          actions.push({ kind: 'merge', steps: [{ kind, batch }] });
          for (const cells of cellsOf(batch).map((each) => JSON.stringify(each))) {
            if (kind === 'append') left.push(cells);
            else if (left.includes(cells)) left.splice(left.indexOf(cells), 1);
          }
        }
        await destination.apply([{ table, actions, checkpoint: 1 }], forever);
        const alive = deletes === 'soft' ? 'WHERE _brimful_deleted_at IS NULL' : '';
        const { rows } = await query(config, `SELECT f, t, d, j FROM log ${alive}`, context);
        const spelled = rows.map(([f, ...rest]) =>
          JSON.stringify([typeof f === 'string' ? spell(f) : null, ...rest]),
        );
        expect(spelled.toSorted()).toEqual(left.toSorted());
      },
    ),
    { numRuns: 40, seed: SEED },
  );
});

/** DuckDB's texts of the floats above, as JavaScript writes them; -0 stays apart from 0. */
function spell(text: string): string {
  return { '0.0': '0', '-0.0': '-0', nan: 'NaN', inf: 'Infinity' }[text] ?? text;
}

test.for(['hard', 'soft'] as const)(
  'of rows read again only those that differ are written, to the last bit (%s deletes)',
  async (deletes) => {
    const config = scratchConfig();
    await using destination = new DuckdbDestination(config, testContext());
    const schema = schemaOf(
      [
        definition('id', { kind: 'decimal' }),
        definition('note', { kind: 'text' }),
        definition('share', { kind: 'float64' }),
        definition('large', { kind: 'text' }),
      ],
      ['id'],
    );
    const table = await destination.open(requestFor('things', schema, { deletes }));
    const before: Value[][] = [
      ['1', 'same', NaN, 'x'],
      ['2.0', null, -0, 'x'],
      ['3', null, 0, 'x'],
      ['4', 'a', null, 'x'],
      ['5', '', 1, 'x'],
      ['6', 'was deleted', 1, 'x'],
    ];
    const actions: Action[] = [
      { kind: 'load', batch: batchOf(schema, before) },
      { kind: 'index' },
      {
        kind: 'merge',
        steps: [{ kind: 'delete', schema, keys: keysOf(schema, [['6']]), rows: 1, committedAt: 5n }],
      },
    ];
    await destination.apply([{ table, actions, checkpoint: 1 }], forever);
    const again: Value[][] = [
      ['1', 'same', NaN, null],
      ['2.0', null, -0, null],
      ['3', null, -0, null],
      ['4', null, null, null],
      ['5', '', 1, null],
      ['6', 'came back', 1, null],
      ['7', 'new', 1, null],
    ];
    const step = { kind: 'upsert', batch: batchOf(schema, again), unknown: [3], mostlySame: true } as const;
    const work = [{ table, actions: [{ kind: 'merge', steps: [step] } as const], checkpoint: 2 }];
    const run = vi.spyOn(Connection.prototype, 'run');
    await destination.apply(work, forever);
    const changed = async (statement: RegExp): Promise<number[]> => {
      const results = run.mock.calls.map(async ([sql], index) =>
        statement.test(sql) ? [await (run.mock.results[index]?.value as Promise<number>)] : [],
      );
      return (await Promise.all(results)).flat();
    };
    expect(await changed(/^INSERT INTO "main"\."things"/u)).toEqual([4]);
    expect(await changed(/^DELETE FROM "main"\."things"/u)).toEqual([deletes === 'soft' ? 3 : 2]);
    run.mockRestore();
    await destination.idle();
    const alive = deletes === 'soft' ? 'WHERE _brimful_deleted_at IS NULL' : '';
    const sql = `SELECT id, note, share, large FROM things ${alive} ORDER BY id::DOUBLE`;
    const { rows } = await query(config, sql, testContext());
    expect(rows).toEqual([
      ['1', 'same', 'nan', 'x'],
      ['2.0', null, '-0.0', 'x'],
      ['3', null, '-0.0', 'x'],
      ['4', null, null, 'x'],
      ['5', '', '1.0', 'x'],
      ['6', 'came back', '1.0', null],
      ['7', 'new', '1.0', null],
    ]);
  },
);
