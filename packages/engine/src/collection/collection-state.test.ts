import type { Batch, Schema } from '@brimful/model';
import { alignBatch } from '@brimful/model';
import type { Value } from '@brimful/model/testing';
import { UNKNOWN, valueAt } from '@brimful/model/testing';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import type { EngineContext } from '../context.ts';
import type { Piece } from '../testing/journal-fixture.ts';
import { append, rowsOfState, tableOf } from '../testing/journal-fixture.ts';
import { MemoryDisk } from '../testing/memory-store.ts';
import type { Change } from '../testing/table-fixture.ts';
import { DOCS, LOG, changesOf, memoryContext, rowsOf } from '../testing/table-fixture.ts';
import { CollectionReader } from './collection-reader.ts';
import { readState } from './collection-state.ts';
import { CollectionWriter } from './collection-writer.ts';
import { compact, forgetBases } from './compaction.ts';
import { journalId } from './journal-id.ts';
import { nominate } from './nomination.ts';

const COLLECTION = 'shop/docs';
const { signal } = new AbortController();

/** A column renamed, one added. */
const WIDER: Schema = {
  ...DOCS,
  version: 2,
  columns: [
    column(0),
    { ...column(1), name: 'text' },
    column(2),
    { name: 'more', type: { kind: 'text' }, nullable: true, sourceType: 'text', sourceId: 4, initial: 'm' },
  ],
};

function column(index: number): Schema['columns'][number] {
  return DOCS.columns[index] as Schema['columns'][number];
}

interface Said {
  readonly operation: Change['operation'];
  readonly id: number;
  readonly from: number;
  readonly values: readonly Value[];
}
type Step =
  | { readonly kind: 'scan'; readonly rows: readonly Said[] }
  | { readonly kind: 'changes'; readonly rows: readonly Said[]; readonly lags: boolean }
  | { readonly kind: 'truncate' }
  | { readonly kind: 'wider' };

const id = fc.integer({ min: 0, max: 7 });
const known = fc.constantFrom<Value>('a', 'b', 'c', '', null);
const maybe = fc.oneof(known, fc.constant<Value>(UNKNOWN));
const said: fc.Arbitrary<Said> = fc
  .record({
    operation: fc.constantFrom<Change['operation']>('insert', 'update', 'update', 'move', 'move', 'delete'),
    id,
    from: id,
    all: fc.tuple(known, known, known),
    some: fc.tuple(maybe, maybe, maybe),
  })
  .map(({ operation, id: key, from, all, some }) => ({
    operation,
    id: key,
    from,
    values: operation === 'insert' || operation === 'delete' ? all : some,
  }));
const step: fc.Arbitrary<Step> = fc.oneof(
  {
    weight: 4,
    arbitrary: fc.record({ kind: fc.constant('scan' as const), rows: fc.array(said, { maxLength: 6 }) }),
  },
  {
    weight: 8,
    arbitrary: fc.record({
      kind: fc.constant('changes' as const),
      rows: fc.array(said, { maxLength: 6 }),
      lags: fc.boolean(),
    }),
  },
  { weight: 1, arbitrary: fc.constant({ kind: 'truncate' as const }) },
  { weight: 1, arbitrary: fc.constant({ kind: 'wider' as const }) },
);
const steps = fc.array(step, { maxLength: 10 });
/** From "nothing fits" to "everything does". */
const costBytes = fc.constantFrom(600, 2500, 9000, 1_000_000);

function cells(schema: Schema, key: number, values: readonly Value[]): Value[] {
  return [key, ...values].slice(0, schema.columns.length);
}

/** Transactions are numbered as the changes come. */
function batchOf(schema: Schema, rows: readonly Said[], transaction: bigint): Batch {
  return changesOf(
    schema,
    transaction,
    rows.map(({ operation, id: key, from, values }) => ({
      operation,
      row: cells(schema, key, values),
      ...(operation === 'move' ? { oldKey: cells(schema, from, []).slice(0, 1) } : {}),
    })),
  );
}

/**
 * A journal that a capture could have written: while the table is read, a key is read twice only if a change names it, and
 * then alike. `first` comes before the first `complete`, `then` after it.
 */
function journal(first: readonly Step[], then: readonly Step[]): Piece[] {
  const pieces: Piece[] = [{ kind: 'schema', schema: DOCS }];
  let schema: Schema = DOCS;
  let read = new Map<number, readonly Value[]>();
  let transaction = 0n;
  const changed = (after: number): Set<number> => {
    const rest = first.slice(after);
    const end = rest.findIndex(({ kind }) => kind === 'truncate');
    const start = first.slice(0, after).findLastIndex(({ kind }) => kind === 'truncate') + 1;
    const some = first.slice(start, end === -1 ? undefined : after + end);
    return new Set(some.flatMap((one) => (one.kind === 'changes' ? one.rows.flatMap(keysOf) : [])));
  };
  const take = (one: Step, place: number | undefined): void => {
    if (one.kind === 'truncate') {
      read = new Map();
      pieces.push({ kind: 'truncate' });
    } else if (one.kind === 'wider') {
      schema = WIDER;
      pieces.push({ kind: 'schema', schema });
    } else if (one.kind === 'changes') {
      transaction += 1n;
      const shape = one.lags ? DOCS : schema;
      pieces.push({ kind: 'changes', batch: batchOf(shape, one.rows, transaction) });
    } else {
      const rows = new Map<number, Value[]>();
      for (const row of one.rows) {
        const values = row.values.map((value) => (value === UNKNOWN ? null : value));
        if (place !== undefined && read.has(row.id)) {
          if (!changed(place).has(row.id)) continue;
        } else if (place !== undefined) read.set(row.id, [...values.slice(0, 2), 'm']);
        // The column that was added later is read as it was everywhere before.
        rows.set(row.id, cells(schema, row.id, place === undefined ? values : (read.get(row.id) ?? [])));
      }
      pieces.push({ kind: 'scan', batch: rowsOf(schema, [...rows.values()]) });
    }
  };
  first.forEach((one, place) => take(one, place));
  pieces.push({ kind: 'complete' });
  for (const one of then) take(one, undefined);
  return pieces;
}

function keysOf({ operation, id: key, from }: Said): number[] {
  return operation === 'move' ? [key, from] : [key];
}

async function written(pieces: readonly Piece[]): Promise<{
  readonly context: EngineContext;
  readonly disk: MemoryDisk;
  readonly end: number;
  readonly complete: number;
}> {
  const disk = new MemoryDisk();
  const context = memoryContext(disk);
  const writer = await CollectionWriter.open<number>(context, COLLECTION, 1);
  await append(writer, pieces);
  const entries = disk.journals.get(journalId(COLLECTION, 1))?.entries ?? [];
  const complete = entries.findIndex(({ kind }) => kind === 'complete') + 1;
  return { context, disk, end: entries.length, complete };
}

async function shapeAt(context: EngineContext, asOf: number): Promise<Schema> {
  const reader = new CollectionReader(context, COLLECTION, 1);
  let version = 1;
  for await (const { meta } of reader.history(0, asOf, signal)) version = Math.max(version, meta.schema);
  return reader.schema(version);
}

// Invariants 4 and 5
test('a state equals what a table makes of the journal, in whatever memory', async () => {
  await fc.assert(
    fc.asyncProperty(steps, steps, costBytes, fc.nat(), async (first, then, cost, at) => {
      const { context, disk, end, complete } = await written(journal(first, then));
      const asOf = complete + (at % (end - complete + 1));
      const expected = await tableOf(context, COLLECTION, asOf, await shapeAt(context, asOf));
      const options = { asOf, costBytes: cost, signal };
      expect(await rowsOfState(readState(context, COLLECTION, 1, options))).toEqual(expected);
      expect([...disk.blobs.keys()].filter((name) => name.startsWith('scratch/'))).toEqual([]);
    }),
    { numRuns: 250 },
  );
});

// Invariant 7
test('a state from a base and the entries since equals one from the whole history', async () => {
  await fc.assert(
    fc.asyncProperty(steps, steps, costBytes, fc.nat(), fc.nat(), async (first, then, cost, at, again) => {
      const { context, disk, end, complete } = await written(journal(first, then));
      const expected = await tableOf(context, COLLECTION, end, await shapeAt(context, end));
      const early = complete + (at % (end - complete + 1));
      const late = early + (again % (end - early + 1));
      for (const asOf of [early, late]) {
        const base = await compact(context, COLLECTION, 1, { asOf, costBytes: cost, signal });
        await context.store.journals.trim(journalId(COLLECTION, 1), base.asOf);
      }
      await forgetBases(context, COLLECTION, 1, end);
      expect([...disk.journals.keys()]).toEqual([journalId(COLLECTION, 1), `${COLLECTION}/1/base-${late}`]);
      const options = { asOf: end, costBytes: cost, signal };
      expect(await rowsOfState(readState(context, COLLECTION, 1, options))).toEqual(expected);
    }),
    { numRuns: 120 },
  );
});

test('without a key, a state has as many copies of a row as a table has', async () => {
  const row = fc.record({ add: fc.boolean(), cells: fc.tuple(fc.constantFrom(1, 2), known, known) });
  const some = fc.array(
    fc.oneof(
      fc.array(row, { maxLength: 8 }).map((rows): Piece => ({
        kind: 'changes',
        batch: changesOf(
          LOG,
          1n,
          rows.map(({ add, cells: values }) => ({ operation: add ? 'insert' : 'delete', row: values })),
        ),
      })),
      fc.array(row, { maxLength: 8 }).map((rows): Piece => ({
        kind: 'scan',
        batch: rowsOf(
          LOG,
          rows.map(({ cells: values }) => values),
        ),
      })),
      fc.constant<Piece>({ kind: 'truncate' }),
    ),
    { maxLength: 6 },
  );
  await fc.assert(
    fc.asyncProperty(some, some, costBytes, fc.boolean(), async (first, then, cost, compacts) => {
      const pieces: Piece[] = [{ kind: 'schema', schema: LOG }, ...first, { kind: 'complete' }, ...then];
      const { context, end, complete } = await written(pieces);
      const expected = await tableOf(context, COLLECTION, end, LOG);
      if (compacts) await compact(context, COLLECTION, 1, { asOf: complete, costBytes: cost, signal });
      const options = { asOf: end, costBytes: cost, signal };
      expect(await rowsOfState(readState(context, COLLECTION, 1, options))).toEqual(expected);
    }),
    { numRuns: 120 },
  );
});

test('changes of transactions that are not seen are left out, from an offset on', async () => {
  await fc.assert(
    fc.asyncProperty(
      steps,
      steps,
      costBytes,
      fc.nat(),
      fc.boolean(),
      async (first, then, cost, at, compacts) => {
        const pieces = journal(first, then);
        const isUnseen = (transaction: bigint): boolean => transaction % 3n === 1n;
        const { context, end, complete } = await written(pieces);
        const seesFrom = complete + (at % (end - complete + 1));
        if (compacts) await compact(context, COLLECTION, 1, { asOf: seesFrom, signal });
        const shape = await shapeAt(context, end);
        const other = await written(
          pieces.filter(
            (piece, index) =>
              piece.kind !== 'changes' ||
              entriesBefore(pieces, index) < seesFrom ||
              !isUnseen(piece.batch.changes?.transactions[0] ?? 0n),
          ),
        );
        const sees = (transaction: bigint): boolean => !isUnseen(transaction);
        const options = { asOf: end, sees, seesFrom, costBytes: cost, signal };
        const found = await rowsOfState(readState(context, COLLECTION, 1, options));
        expect(found).toEqual(await tableOf(other.context, COLLECTION, other.end, shape));
      },
    ),
    { numRuns: 120 },
  );
});

/** Pieces without rows make no entry, a shape that is known makes none either; the first append opens with a fence-free journal. */
function entriesBefore(pieces: readonly Piece[], index: number): number {
  let shapes = 0;
  return pieces.slice(0, index).filter((piece) => {
    if (piece.kind === 'schema') {
      shapes += 1;
      return shapes <= 2;
    }
    return !('batch' in piece) || piece.batch.rows > 0;
  }).length;
}

test('nominated are the keys of the state in scope that nothing has mentioned since', async () => {
  await fc.assert(
    fc.asyncProperty(steps, steps, costBytes, fc.nat(), async (first, then, cost, at) => {
      const { context, disk, end, complete } = await written(journal(first, then));
      const from = complete + (at % (end - complete + 1));
      const reader = new CollectionReader(context, COLLECTION, 1);
      const expected = new Set<number>();
      const shape = await shapeAt(context, end);
      for await (const { batch } of readState(context, COLLECTION, 1, { asOf: from, signal })) {
        const rows = alignBatch(batch, shape);
        for (let row = 0; row < rows.rows; row += 1)
          if (valueAt(columnAt(rows, 1), row) !== 'b') expected.add(Number(valueAt(columnAt(rows, 0), row)));
      }
      for await (const entry of reader.history(from, end, signal)) {
        if (entry.kind === 'truncate') expected.clear();
        if (entry.kind !== 'rows') continue;
        const batch = await reader.batch(entry);
        for (let row = 0; row < batch.rows; row += 1) {
          expected.delete(Number(valueAt(columnAt(batch, 0), row)));
          const old = batch.changes?.oldKey?.[0];
          const before = old === undefined ? null : valueAt(old, row);
          if (before !== null) expected.delete(Number(before));
        }
      }
      // A base beyond `from` is of no use here.
      await compact(context, COLLECTION, 1, { asOf: end, costBytes: cost, signal });
      const found: number[] = [];
      const inScope =
        (batch: Batch) =>
        (row: number): boolean =>
          valueAt(columnAt(batch, 1), row) !== 'b';
      const columns = [shape.columns[1]?.name ?? ''];
      const options = { from, until: end, inScope, columns, costBytes: cost, signal };
      for await (const { keys, rows } of nominate(context, COLLECTION, 1, options))
        for (let row = 0; row < rows; row += 1)
          found.push(Number(valueAt(keys[0] as Batch['columns'][0], row)));
      expect(new Set(found)).toEqual(expected);
      expect(found.length, 'each once').toBe(expected.size);
      expect([...disk.blobs.keys()].filter((name) => name.startsWith('scratch/'))).toEqual([]);
    }),
    { numRuns: 120 },
  );
});

function columnAt(batch: Batch, index: number): Batch['columns'][number] {
  return batch.columns[index] as Batch['columns'][number];
}
