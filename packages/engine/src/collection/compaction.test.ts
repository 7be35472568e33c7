import type { Schema } from '@brimful/model';
import { batchBytes, hashRows } from '@brimful/model';
import { UNKNOWN } from '@brimful/model/testing';
import { expect, test } from 'vitest';
import type { EngineContext } from '../context.ts';
import { ByteBudget } from '../flow/byte-budget.ts';
import type { Piece } from '../testing/journal-fixture.ts';
import { append, rowsOfState, tableOf } from '../testing/journal-fixture.ts';
import { MemoryDisk } from '../testing/memory-store.ts';
import type { Change } from '../testing/table-fixture.ts';
import { DOCS, changesOf, memoryContext, rowsOf, schemaWith } from '../testing/table-fixture.ts';
import { currentBase, openBase } from './base.ts';
import type { ReadStateOptions } from './collection-state.ts';
import { readState } from './collection-state.ts';
import { CollectionWriter } from './collection-writer.ts';
import { compact, forgetBases } from './compaction.ts';
import { heldFrom, holdHistory } from './history-hold.ts';
import { journalId } from './journal-id.ts';
import { nominate } from './nomination.ts';

const COLLECTION = 'shop/docs';
const { signal } = new AbortController();

function scan(schema: Schema, from: number, rows: number): Piece {
  const list = Array.from({ length: rows }, (_, index) => [from + index, `body ${from + index}`, 'x']);
  return { kind: 'scan', batch: rowsOf(schema, list) };
}

function change(...changes: readonly Change[]): Piece {
  return { kind: 'changes', batch: changesOf(DOCS, 1n, changes) };
}

async function written(...pieces: readonly Piece[]): Promise<{
  readonly disk: MemoryDisk;
  readonly context: EngineContext;
  readonly writer: CollectionWriter<number>;
}> {
  const disk = new MemoryDisk();
  const context = memoryContext(disk);
  const writer = await CollectionWriter.open<number>(context, COLLECTION, 1);
  await append(writer, pieces);
  return { disk, context, writer };
}

function read(
  context: EngineContext,
  options: Omit<ReadStateOptions, 'signal'>,
): ReturnType<typeof readState> {
  return readState(context, COLLECTION, 1, { ...options, signal });
}

const begin: Piece = { kind: 'schema', schema: DOCS };
const complete: Piece = { kind: 'complete' };
const ROWS = 20_000;
const manyRows = Array.from({ length: 20 }, (_, index) => scan(DOCS, index * 1000, 1000));

// Invariant 9
test('a state much larger than its memory comes in parts that fit', async () => {
  const { disk, context, writer } = await written(begin, ...manyRows, complete);
  const memory = new ByteBudget(10_000_000);
  const costBytes = 150_000;
  const sizes: number[] = [];
  let rows = 0;
  for await (const { partition, batch } of read(
    { ...context, states: memory },
    { asOf: writer.head.next, costBytes },
  )) {
    sizes[partition] = (sizes[partition] ?? 0) + batchBytes(batch) + batch.rows * 56;
    rows += batch.rows;
    expect(memory.takenBytes, 'while it is read').toBe(costBytes * 2.5);
  }
  expect(rows).toBe(ROWS);
  expect(sizes.length).toBeGreaterThan(10);
  expect(Math.max(...sizes)).toBeLessThanOrEqual(costBytes);
  expect(memory.takenBytes).toBe(0);
  expect([...disk.blobs.keys()].filter((name) => name.startsWith('scratch/'))).toEqual([]);
});

test('whoever stops reading early leaves nothing behind', async () => {
  const { disk, context, writer } = await written(begin, ...manyRows, complete);
  const memory = new ByteBudget(10_000_000);
  const options = { asOf: writer.head.next, costBytes: 150_000 };
  for await (const { partition } of read({ ...context, states: memory }, options)) if (partition > 2) break;
  expect(memory.takenBytes).toBe(0);
  expect(heldFrom(context.store, COLLECTION, 1)).toBe(Infinity);
  expect([...disk.blobs.keys()].filter((name) => name.startsWith('scratch/'))).toEqual([]);
});

test('a long history of few rows needs no disk', async () => {
  const updates = Array.from({ length: 300 }, (_, index) =>
    change(
      ...Array.from({ length: 20 }, (__, id): Change => ({
        operation: 'update',
        row: [id, `${index}`, UNKNOWN],
      })),
    ),
  );
  const { context, writer } = await written(begin, scan(DOCS, 0, 20), complete, ...updates);
  const compression = {
    ...context.compression,
    compress: (): Promise<never> => Promise.reject(new Error('nothing is put aside')),
  };
  const asOf = writer.head.next;
  const found = await rowsOfState(read({ ...context, compression }, { asOf, costBytes: 100_000 }));
  expect(found).toEqual(await tableOf(context, COLLECTION, asOf, DOCS));
});

test('keys in a long chain of moves that leave values out are followed in windows', async () => {
  const moves = Array.from({ length: 200 }, (_, index) =>
    change({ operation: 'move', row: [1000 + index, `moved ${index}`, UNKNOWN], oldKey: [999 + index] }),
  );
  const { context, writer } = await written(begin, scan(DOCS, 0, 1000), complete, ...moves);
  const asOf = writer.head.next;
  const found = await rowsOfState(read(context, { asOf, costBytes: 40_000 }));
  expect(found).toEqual(await tableOf(context, COLLECTION, asOf, DOCS));
  expect(found).toContain('[1199,"moved 199","x"]');
});

test('only the keys that are asked for, with what they took from others', async () => {
  const move = change({ operation: 'move', row: [50_000, 'moved', UNKNOWN], oldKey: [7] });
  const { context, writer } = await written(begin, ...manyRows, complete, move);
  const key = rowsOf(DOCS, [[50_000, null, null]]).columns.slice(0, 1);
  const hash = hashRows(key, 1);
  const only = (high: number, low: number): boolean => high === hash.high[0] && low === hash.low[0];
  for (const costBytes of [100_000, 100_000_000])
    expect(await rowsOfState(read(context, { asOf: writer.head.next, only, costBytes }))).toEqual([
      '[50000,"moved","x"]',
    ]);
});

test('a key is one however it is written, and in whichever type', async () => {
  const columns = (id: 'int32' | 'int64'): Schema => ({
    ...schemaWith(
      [
        ['id', { kind: id }],
        ['part', { kind: 'decimal' }],
        ['body', { kind: 'text' }],
      ],
      ['id', 'part'],
    ),
  });
  const [narrow, wide] = [columns('int32'), columns('int64')];
  const moved = changesOf(wide, 1n, [
    { operation: 'update', row: [1n, '1.0', 'new'] },
    { operation: 'move', row: [2n, '2.00', UNKNOWN], oldKey: [2n, '2'] },
  ]);
  const { context, writer } = await written(
    { kind: 'schema', schema: narrow },
    { kind: 'scan', batch: rowsOf(narrow, [[1, '1', 'a'], [2, '2', 'b']]) }, // prettier-ignore
    complete,
    { kind: 'schema', schema: wide },
    { kind: 'changes', batch: moved },
  );
  for (const costBytes of [600, 1_000_000])
    expect(await rowsOfState(read(context, { asOf: writer.head.next, costBytes }))).toEqual([
      '["1n","1.0","new"]',
      '["2n","2.00","b"]',
    ]);
});

test('a collection that is still being read has no base', async () => {
  const { context, writer } = await written(begin, scan(DOCS, 0, 3));
  await expect(compact(context, COLLECTION, 1, { asOf: writer.head.next, signal })).rejects.toMatchObject({
    code: 'BRM-COMPACT-EARLY',
  });
  const options = {
    from: writer.head.next,
    until: writer.head.next,
    inScope: () => () => true,
    columns: [],
    signal,
  };
  const nominated = nominate(context, COLLECTION, 1, options)[Symbol.asyncIterator]();
  await expect(nominated.next()).rejects.toMatchObject({ code: 'BRM-BUG' });
});

test.each(['compaction.before-append', 'compaction.before-record', 'compaction.after-record'])(
  'after a crash at %s everything is as before, or done',
  async (point) => {
    const { disk, context, writer } = await written(begin, ...manyRows, complete);
    const middle = writer.head.next;
    await compact(context, COLLECTION, 1, { asOf: middle, signal });
    await append(writer, [change({ operation: 'delete', row: [3, null, null] })]);
    const asOf = writer.head.next;
    const expected = await tableOf(context, COLLECTION, asOf, DOCS);
    const store = disk.open({}, false);
    const reach = (at: string): void => {
      if (at !== point) return;
      // Whatever would tidy up does not get to.
      void store[Symbol.asyncDispose]();
      throw new Error('power cut');
    };
    const crashing = memoryContext(disk, { store, reach });
    await expect(compact(crashing, COLLECTION, 1, { asOf, signal, costBytes: 100_000 })).rejects.toThrow(
      /power cut|closed/,
    );

    const next = memoryContext(disk);
    const found = await currentBase(next.store.registry, COLLECTION, 1);
    expect(found?.asOf).toBe(point === 'compaction.after-record' ? asOf : middle);
    expect(await rowsOfState(read(next, { asOf }))).toEqual(expected);
    await compact(next, COLLECTION, 1, { asOf, signal });
    await next.store.journals.trim(journalId(COLLECTION, 1), asOf);
    await forgetBases(next, COLLECTION, 1, asOf);
    expect(await rowsOfState(read(next, { asOf }))).toEqual(expected);
    expect([...disk.journals.keys()].sort()).toEqual([
      journalId(COLLECTION, 1),
      `${COLLECTION}/1/base-${asOf}`,
    ]);
    expect([...disk.blobs.keys()].every((name) => disk.claimed().has(name))).toBe(true);
  },
);

test('an unfinished base is dropped even if nobody compacts again', async () => {
  const { disk, context, writer } = await written(begin, ...manyRows, complete);
  const appendFault = (id: string): 'none' | 'lost' => (id.includes('base-') ? 'lost' : 'none');
  const failing = memoryContext(disk, { store: disk.open({ appendFault }) });
  const options = { asOf: writer.head.next, signal };
  await expect(compact(failing, COLLECTION, 1, options)).rejects.toMatchObject({ code: 'BRM-STORE-FAULT' });
  expect(disk.journals.size).toBe(2);
  await forgetBases(context, COLLECTION, 1, 0);
  expect([...disk.journals.keys()]).toEqual([journalId(COLLECTION, 1)]);
});

// Invariant 6
test('a blob that was cut short or is missing is corruption, wherever it is read', async () => {
  const { disk, context, writer } = await written(begin, ...manyRows, complete);
  const asOf = writer.head.next;
  const cut: EngineContext = {
    ...context,
    compression: {
      compress: async (parts) => Buffer.concat(parts),
      decompress: async (bytes) => (bytes.length > 100_000 ? bytes : bytes.subarray(0, bytes.length - 8)),
    },
  };
  const corrupt = { code: 'BRM-STORE-CORRUPT' };
  await expect(rowsOfState(read(cut, { asOf, costBytes: 100_000 }))).rejects.toMatchObject(corrupt);
  await compact(context, COLLECTION, 1, { asOf, signal });
  const [name] = [...disk.blobs.keys()].filter((blob) => blob.includes('base-'));
  disk.blobs.delete(name as string);
  await expect(rowsOfState(read(context, { asOf }))).rejects.toMatchObject(corrupt);
  expect([...disk.blobs.keys()].filter((blob) => blob.startsWith('scratch/'))).toEqual([]);
});

test('a base stays while somebody reads it or needs what is before the next', async () => {
  const { disk, context, writer } = await written(begin, scan(DOCS, 0, 3), complete);
  const first = writer.head.next;
  await compact(context, COLLECTION, 1, { asOf: first, signal });
  const open = await openBase(context, COLLECTION, 1);
  await append(writer, [change({ operation: 'delete', row: [1, null, null] })]);
  const second = writer.head.next;
  await compact(context, COLLECTION, 1, { asOf: second, signal });
  const bases = (): string[] => [...disk.journals.keys()].filter((id) => id.includes('base-'));
  await forgetBases(context, COLLECTION, 1, second);
  expect(bases(), 'while it is read').toEqual([
    `${COLLECTION}/1/base-${first}`,
    `${COLLECTION}/1/base-${second}`,
  ]);
  const entries = [];
  for await (const entry of open?.reader.history(0, open.base.end, signal) ?? []) entries.push(entry);
  expect(entries.map(({ kind, meta }) => [kind, meta.scanned])).toEqual([
    ['schema', 0],
    ['rows', 3],
    ['complete', 0],
  ]);
  open?.[Symbol.dispose]();
  const hold = holdHistory(context.store, COLLECTION, 1, second - 1);
  await forgetBases(context, COLLECTION, 1, second);
  expect(bases().length, 'for a state before the second').toBe(2);
  expect((await rowsOfState(read(context, { asOf: second - 1 }))).length).toBe(3);
  hold[Symbol.dispose]();
  await forgetBases(context, COLLECTION, 1, second - 1);
  expect(bases().length, 'for a run that goes on from there').toBe(2);
  await forgetBases(context, COLLECTION, 1, second);
  expect(bases()).toEqual([`${COLLECTION}/1/base-${second}`]);
});
