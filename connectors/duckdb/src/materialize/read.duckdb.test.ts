import type { Action, TableHandle } from '@brimful/connector';
import type { Batch, ColumnType, Schema } from '@brimful/model';
import { batchBytes, fingerprint, NO_ROWS, addFingerprints } from '@brimful/model';
import type { Value } from '@brimful/model/testing';
import { arbitraryValue, EVERY_TYPE, valueAt } from '@brimful/model/testing';
import fc from 'fast-check';
import { afterEach, beforeEach, expect, test } from 'vitest';
import type { DuckdbConfig } from '../config.ts';
import { removeScratch, scratchConfig, testContext } from '../testing/scratch.ts';
import { batchOf, definition, keysOf, requestFor, schemaOf } from '../testing/tables.ts';
import { DuckdbDestination } from './destination.ts';

const forever = new AbortController().signal;
const SEED = 20_261_123;
const int32 = { kind: 'int32' } as const;
const text = { kind: 'text' } as const;
const id = definition('id', int32, { nullable: false, sourceId: 1 });

let config: DuckdbConfig;
let destination: DuckdbDestination;

beforeEach(() => {
  config = scratchConfig();
  destination = new DuckdbDestination(config, testContext());
});

afterEach(async () => {
  await destination[Symbol.asyncDispose]();
  removeScratch();
});

async function readAll(
  table: TableHandle,
  schema: Schema,
): Promise<{ checkpoint: unknown; batches: Batch[] }> {
  await using rows = await destination.read(table, schema, forever);
  const batches: Batch[] = [];
  for await (const batch of rows.batches) batches.push(batch);
  return { checkpoint: rows.checkpoint, batches };
}

function cells(batches: readonly Batch[]): Value[][] {
  return batches.flatMap((batch) =>
    Array.from({ length: batch.rows }, (_, row) => batch.columns.map((column) => valueAt(column, row))),
  );
}

function fingerprintOf(batches: readonly Batch[]) {
  return batches
    .map(({ columns, rows }) => fingerprint(columns, rows))
    .reduce((sum, next) => addFingerprints(sum, next), NO_ROWS);
}

async function loaded(schema: Schema, batch: Batch, table = 'things'): Promise<TableHandle> {
  const handle = await destination.open(requestFor(table, schema));
  const actions: Action[] = [{ kind: 'load', batch }, { kind: 'index' }, { kind: 'settle' }];
  await destination.apply([{ table: handle, actions, checkpoint: 'loaded' }], forever);
  return handle;
}

/** What DuckDB holds; the rest is refused when it is loaded. */
function holdable(type: ColumnType): fc.Arbitrary<Value> {
  const value = arbitraryValue(type);
  if (type.kind === 'date') return value.filter((day) => day !== -(2 ** 31) + 1);
  if (type.kind === 'timestamp')
    return value.filter(
      (micros) => micros === -(2n ** 63n) || (micros as bigint) >= -9_200_000_000_000_000_000n,
    );
  return value;
}

/** Decimals with a width of each of the four sizes DuckDB keeps, besides those kept as text. */
const WIDTHS = [
  [4, 2],
  [9, 0],
  [18, 3],
  [38, 10],
  [38, 37],
] as const;

const decimals = WIDTHS.map(([precision, scale]) => {
  const largest = 10n ** BigInt(precision) - 1n;
  const value = fc
    .oneof(
      fc.bigInt({ min: -largest, max: largest }),
      fc.bigInt({ min: -11n, max: 11n }),
      fc.constantFrom(largest, -largest, 2n ** 53n, -(2n ** 53n), 2n ** 64n, -(2n ** 64n), -(2n ** 32n)),
    )
    .filter((number) => number >= -largest && number <= largest)
    .map((number): Value => {
      const digits = String(number < 0n ? -number : number).padStart(scale + 1, '0');
      const whole = digits.slice(0, digits.length - scale);
      return `${number < 0n ? '-' : ''}${whole}${scale === 0 ? '' : `.${digits.slice(-scale)}`}`;
    });
  return { type: { kind: 'decimal', precision, scale } as const, value };
});

test('every type comes back as it was loaded, hash for hash', async () => {
  const kinds = [...EVERY_TYPE.map((type) => ({ type, value: holdable(type) })), ...decimals];
  const schema = schemaOf([id, ...kinds.map(({ type }, index) => definition(`c${index}`, type))], ['id']);
  const row = fc.tuple(...kinds.map(({ value }) => fc.option(value, { nil: null, freq: 4 })));
  const [rows] = fc.sample(fc.array(row, { minLength: 5000, maxLength: 5000 }), { numRuns: 1, seed: SEED });
  const batch = batchOf(
    schema,
    (rows as Value[][]).map((values, index) => [index, ...values]),
  );
  const table = await loaded(schema, batch);
  const { batches } = await readAll(table, schema);
  expect(fingerprintOf(batches)).toEqual(fingerprintOf([batch]));
  const columns = batches[0]!.columns;
  for (const [index, column] of columns.entries()) {
    const expected = fingerprint([batch.columns[index]!], batch.rows);
    const given = batches
      .map((part) => fingerprint([part.columns[index]!], part.rows))
      .reduce((sum, next) => addFingerprints(sum, next), NO_ROWS);
    expect(given, `column of ${JSON.stringify(column.type)}`).toEqual(expected);
  }
});

test('a table of nulls, an empty table, and one whose rows are all beyond a batch', async () => {
  const schema = schemaOf([id, ...EVERY_TYPE.map((type, index) => definition(`c${index}`, type))], ['id']);
  const nulls = batchOf(schema, [[1], [2], [3]]);
  expect(fingerprintOf((await readAll(await loaded(schema, nulls), schema)).batches)).toEqual(
    fingerprintOf([nulls]),
  );
  const empty = await destination.open(requestFor('empty', schema));
  expect(await readAll(empty, schema)).toEqual({ checkpoint: undefined, batches: [] });
  const wide = schemaOf([id, definition('a', text), definition('b', { kind: 'bytes' })], ['id']);
  const large = Array.from({ length: 6 }, (_, index) => [
    index,
    `${index}é`.repeat(1_500_000),
    new Uint8Array(700_000).fill(index),
  ]);
  const { batches } = await readAll(await loaded(wide, batchOf(wide, large), 'large'), wide);
  expect(batches.map(({ rows }) => rows)).toEqual([1, 1, 1, 1, 1, 1]);
  expect(fingerprintOf(batches)).toEqual(fingerprintOf([batchOf(wide, large)]));
});

test('Invariant 9: batches are small, and the first comes long before the last', async () => {
  const schema = schemaOf([id, definition('note', text)], ['id']);
  const rows = Array.from({ length: 200_000 }, (_, index) => [
    index,
    index % 5 === 0 ? null : `a note of some length, number ${index}${index % 3 === 0 ? '' : '!'.repeat(60)}`,
  ]);
  const batch = batchOf(schema, rows);
  const table = await loaded(schema, batch);
  await using read = await destination.read(table, schema, forever);
  const seen: Batch[] = [];
  for await (const part of read.batches) {
    expect(batchBytes(part)).toBeLessThan(4.5 * 2 ** 20);
    seen.push(part);
  }
  expect(seen.length).toBeGreaterThan(2);
  expect(fingerprintOf(seen)).toEqual(fingerprintOf([batch]));
});

test('columns are found by identity: wider ones, renamed ones, ones that the table has not yet', async () => {
  const schema = schemaOf(
    [id, definition('price', { kind: 'decimal', precision: 5, scale: 2 }, { sourceId: 2 })],
    ['id'],
  );
  const table = await loaded(
    schema,
    batchOf(schema, [
      [1, '9.50'],
      [2, null],
    ]),
  );
  const later = schemaOf(
    [
      definition('born', { kind: 'date' }, { sourceId: 3, initial: '2024-02-29' }),
      definition('cost', { kind: 'decimal' }, { sourceId: 2 }),
      definition('id', { kind: 'int64' }, { sourceId: 1 }),
    ],
    ['id'],
    2,
  );
  expect(cells((await readAll(table, later)).batches)).toEqual([
    [19_782, '9.50', 1n],
    [19_782, null, 2n],
  ]);
  await destination.apply([{ table, actions: [{ kind: 'evolve', schema: later }], checkpoint: 2 }], forever);
  expect(cells((await readAll(table, schema)).batches)).toEqual([
    [1, '9.50'],
    [2, null],
  ]);
});

test('rows that are softly deleted are left out', async () => {
  const schema = schemaOf([id, definition('note', text)], ['id']);
  const table = await destination.open(requestFor('soft', schema, { deletes: 'soft' }));
  const actions: Action[] = [
    {
      kind: 'load',
      batch: batchOf(schema, [
        [1, 'a'],
        [2, 'b'],
      ]),
    },
    { kind: 'index' },
    {
      kind: 'merge',
      steps: [{ kind: 'delete', schema, keys: keysOf(schema, [[1]]), rows: 1, committedAt: 5n }],
    },
  ];
  await destination.apply([{ table, actions, checkpoint: 1 }], forever);
  expect(cells((await readAll(table, schema)).batches)).toEqual([[2, 'b']]);
});

test('the checkpoint is that of the rows, while changes are applied, shapes change and names are swapped', async () => {
  const schema = schemaOf([id, definition('turn', int32, { sourceId: 2 })], ['id']);
  const rows = (turn: number): Value[][] => Array.from({ length: 30_000 }, (_, index) => [index, turn]);
  const live = await loaded(schema, batchOf(schema, rows(0)));
  const base = requestFor('things', schema);
  const next = await destination.open({ ...base, id: { ...base.id, generation: 2 } });
  let turn = 0;
  let writing = true;
  const writer = (async () => {
    let [from, to] = [live, next];
    let shape = schema;
    for (turn = 1; turn <= 12; turn += 1) {
      const actions: Action[] = [];
      if (turn % 4 === 0) {
        const column = definition(`more${turn}`, text, { sourceId: 10 + turn });
        shape = schemaOf([...shape.columns, column], ['id'], shape.version + 1);
        actions.push({ kind: 'evolve', schema: shape });
      }
      const batch = batchOf(shape, rows(turn));
      actions.push({ kind: 'merge', steps: [{ kind: 'upsert', batch, unknown: [] }] });
      await destination.apply([{ table: live, actions, checkpoint: turn }], forever);
      await destination.swap([{ live: from, next: to }], forever);
      [from, to] = [to, from];
    }
    writing = false;
  })();
  let reads = 0;
  const checkpoints = new Set<unknown>();
  while (writing) {
    const { checkpoint, batches } = await readAll(live, schema);
    expect(batches.reduce((sum, batch) => sum + batch.rows, 0)).toBe(30_000);
    const turns = new Set(cells(batches).map(([, value]) => value));
    expect([...turns]).toEqual([checkpoint === 'loaded' ? 0 : checkpoint]);
    checkpoints.add(checkpoint);
    reads += 1;
  }
  await writer;
  expect(reads).toBeGreaterThan(3);
  expect(checkpoints.size).toBeGreaterThan(2);
});

test('a reading that rests half way holds up no writer, and still shows its snapshot', async () => {
  const schema = schemaOf([id, definition('note', text)], ['id']);
  const rows = Array.from({ length: 150_000 }, (_, index) => [index, `before, number ${index} of very many`]);
  const live = await loaded(schema, batchOf(schema, rows));
  const base = requestFor('things', schema);
  const next = await destination.open({ ...base, id: { ...base.id, generation: 2 } });
  await using read = await destination.read(live, schema, forever);
  const parts = read.batches[Symbol.asyncIterator]();
  const first = (await parts.next()).value as Batch;
  expect(first.rows).toBeLessThan(150_000);
  const changed = batchOf(schema, [[1, 'after']]);
  const actions: Action[] = [
    { kind: 'evolve', schema: schemaOf([...schema.columns, definition('x', int32)], ['id'], 2) },
    { kind: 'truncate' },
    { kind: 'merge', steps: [{ kind: 'upsert', batch: { ...changed }, unknown: [] }] },
  ];
  await destination.apply([{ table: live, actions: actions.slice(1), checkpoint: 2 }], forever);
  await destination.apply([{ table: live, actions: actions.slice(0, 1), checkpoint: 3 }], forever);
  await destination.idle();
  await destination.swap([{ live, next }], forever);
  await destination.drop(live.request.id);
  const seen = [first];
  for (let part = await parts.next(); part.done !== true; part = await parts.next()) seen.push(part.value);
  expect(read.checkpoint).toBe('loaded');
  expect(fingerprintOf(seen)).toEqual(fingerprintOf([batchOf(schema, rows)]));
});

test('a reading ends with its signal and with the destination, and lets go of the file', async () => {
  const schema = schemaOf([id, definition('note', text)], ['id']);
  const rows = Array.from({ length: 150_000 }, (_, index) => [index, `number ${index} of very many`]);
  const table = await loaded(schema, batchOf(schema, rows));
  const aborting = new AbortController();
  const drain = async (signal: AbortSignal, then: () => unknown): Promise<void> => {
    await using read = await destination.read(table, schema, signal);
    for await (const _ of read.batches) await then();
  };
  await expect(drain(aborting.signal, () => aborting.abort(new Error('enough')))).rejects.toThrow('enough');
  await expect(drain(aborting.signal, () => undefined)).rejects.toThrow('enough');
  await expect(drain(forever, async () => destination[Symbol.asyncDispose]())).rejects.toMatchObject({
    code: 'BRM-DUCKDB-CLOSED',
  });
  const { DatabaseFile } = await import('../database/database-file.ts');
  expect(DatabaseFile.at(config.path).isOpen).toBe(false);
});

test('a generation that was dropped is not read', async () => {
  const schema = schemaOf([id], ['id']);
  const table = await loaded(schema, batchOf(schema, [[1]]));
  await destination.drop(table.request.id);
  await expect(destination.read(table, schema, forever)).rejects.toMatchObject({
    code: 'BRM-DUCKDB-TABLE-GONE',
    at: { table: 'things' },
  });
});
