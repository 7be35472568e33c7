import { UNKNOWN, valueAt } from '@brimful/model/testing';
import type { Column } from '@brimful/model';
import { expect, test } from 'vitest';
import { MemoryDisk } from '../testing/memory-store.ts';
import { DOCS, changesOf, memoryContext, rowsOf } from '../testing/table-fixture.ts';
import { CollectionReader } from './collection-reader.ts';
import { CollectionWriter } from './collection-writer.ts';

const never = new AbortController().signal;

async function opened(disk = new MemoryDisk()): Promise<{
  readonly disk: MemoryDisk;
  readonly writer: CollectionWriter<number>;
  readonly reader: CollectionReader;
}> {
  const context = memoryContext(disk);
  const writer = await CollectionWriter.open<number>(context, 'shop/docs', 1);
  return { disk, writer, reader: new CollectionReader(context, 'shop/docs', 1) };
}

// Invariant 2
test('what was put is written with the checkpoint at once; a turn that fails leaves nothing', async () => {
  const { disk, writer } = await opened();
  await expect(
    writer.exclusive(async () => {
      writer.putTruncate(1);
      throw new Error('no');
    }),
  ).rejects.toThrow('no');
  await writer.exclusive(async () => {
    writer.putComplete(2);
    await writer.commit(7);
  });
  expect(disk.journals.get('shop/docs/1/0')?.entries.map(({ kind }) => kind)).toEqual(['complete']);
  expect(writer.head).toMatchObject({ next: 1, checkpoint: 7 });
});

test('turns do not overlap', async () => {
  const { writer } = await opened();
  const order: string[] = [];
  await Promise.all(
    ['a', 'b', 'c'].map((name) =>
      writer.exclusive(async () => {
        order.push(name);
        await Promise.resolve();
        await Promise.resolve();
        order.push(name);
      }),
    ),
  );
  expect(order.join('')).toBe('aabbcc');
});

test('a staged segment comes back without the rows that were dropped', async () => {
  const { writer, reader } = await opened();
  const staged = await writer.stage(
    rowsOf(
      DOCS,
      [0, 1, 2, 3, 4].map((id) => [id, `row ${id}`, null]),
    ),
  );
  await writer.putStaged(staged, [0, 3], 5, 'scan');
  await writer.putStaged(await writer.stage(rowsOf(DOCS, [[9, 'looked up', null]])), [], 6, 'changes');
  await writer.commit(1);
  const entries = [];
  for await (const entry of reader.history(0, writer.head.next, never))
    if (entry.kind === 'rows') entries.push(entry);
  const [first, second] = await Promise.all(entries.map((entry) => reader.batch(entry)));
  expect([0, 1, 2].map((row) => valueAt(first?.columns[1] as Column, row))).toEqual([
    'row 1',
    'row 2',
    'row 4',
  ]);
  expect(second?.rows).toBe(1);
  expect(entries.map(({ meta }) => [meta.rows, meta.scanned])).toEqual([
    [3, 3],
    [1, 0],
  ]);
});

test('small batches travel inline, large ones as a segment, and read alike', async () => {
  const { disk, writer, reader } = await opened();
  const large = 'x'.repeat(900_000);
  await writer.putChanges(changesOf(DOCS, 1n, [{ operation: 'update', row: [1, 'a', UNKNOWN] }]), 5);
  await writer.putChanges(
    changesOf(DOCS, 2n, [
      { operation: 'insert', row: [1, large, large] },
      { operation: 'move', row: [2, 'b', UNKNOWN], oldKey: [1] },
    ]),
    6,
  );
  await writer.commit(1);
  expect(disk.blobs.size).toBe(1);
  const found = [];
  for await (const entry of reader.history(0, writer.head.next, never))
    if (entry.kind === 'rows') found.push({ entry, batch: await reader.batch(entry) });
  expect(found.map(({ entry }) => [entry.meta.rows, entry.meta.unknown, entry.blob !== undefined])).toEqual([
    [1, 1, false],
    [2, 1, true],
  ]);
  expect(valueAt(found[1]?.batch.columns[1] as Column, 0)).toBe(large);
  expect(valueAt(found[1]?.batch.changes?.oldKey?.[0] as Column, 1)).toBe(1);
});

test('a batch of an older shape is kept under its version', async () => {
  const { writer, reader } = await opened();
  const older = { ...DOCS, columns: DOCS.columns.slice(0, 2) };
  await writer.putSchema(older);
  await writer.putSchema(DOCS);
  await writer.putChanges(
    changesOf({ ...older, version: 99 }, 1n, [{ operation: 'insert', row: [1, 'a'] }]),
    5,
  );
  await writer.commit(1);
  const versions = [];
  for await (const entry of reader.history(0, writer.head.next, never)) versions.push(entry.meta.schema);
  expect(versions).toEqual([1, 2, 1]);
  expect((await reader.currentSchema())?.version).toBe(2);
});

test('half of a history does not pass for the whole', async () => {
  const { writer, reader } = await opened();
  for (let turn = 0; turn < 4; turn += 1) {
    writer.putTruncate(turn);
    await writer.commit(turn);
  }
  const stop = new AbortController();
  const offsets: number[] = [];
  const read = async (): Promise<void> => {
    for await (const { offset } of reader.history(0, 4, stop.signal)) {
      offsets.push(offset);
      if (offset === 1) stop.abort(new Error('stopped'));
    }
  };
  await expect(read()).rejects.toThrow('stopped');
  expect(offsets).toEqual([0, 1]);
});

// Invariant 6
test('an entry whose segment holds other rows than it says is refused', async () => {
  const { disk, writer, reader } = await opened();
  const staged = await writer.stage(rowsOf(DOCS, [[1, 'a', null]]));
  await writer.putStaged({ ...staged, rows: 2 }, [], 5, 'scan');
  await writer.commit(1);
  const entry = disk.journals.get('shop/docs/1/0')?.entries.find(({ kind }) => kind === 'rows');
  await expect(reader.batch(entry as NonNullable<typeof entry>)).rejects.toMatchObject({
    code: 'BRM-STORE-CORRUPT',
  });
});
