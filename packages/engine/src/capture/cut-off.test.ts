import { WHOLE_TABLE } from '@brimful/model';
import { expect, test } from 'vitest';
import { CollectionWriter } from '../collection/collection-writer.ts';
import { MemoryDisk } from '../testing/memory-store.ts';
import { DOCS, TableFixture, memoryContext, snapshotOf } from '../testing/table-fixture.ts';
import { CapturedTable } from './captured-table.ts';
import type { CaptureCheckpoint } from './checkpoint.ts';

// Handoff rule H15, Invariant 4
test('a journal that is cut off takes nothing more; the next generation begins where the new stream is', async () => {
  const disk = new MemoryDisk();
  const docs = await TableFixture.open(disk);
  await docs.stream(900n, { operation: 'insert', row: [1, 'seen', null] });
  const before = disk.journals.get('shop/docs/1/0')?.entries.length;
  await docs.table.cutOff();
  // A server that was restored: its positions are smaller.
  await docs.table.beginAt({ position: '5' });
  await docs.stream(10n, { operation: 'update', row: [2, 'rests on a row that nobody saw', null] });
  const entries = (): number => disk.journals.get('shop/docs/1/0')?.entries.length ?? 0;
  expect(entries()).toBe(before);
  expect(docs.table.backfill.phase).toBe('gap');
  expect(docs.resource.resume).toEqual({ position: '10' });

  const writer = await CollectionWriter.open<CaptureCheckpoint>(memoryContext(disk), 'shop/docs', 2);
  const next = new CapturedTable(
    memoryContext(disk),
    { name: docs.table.resource, estimate: docs.table.estimate },
    writer,
  );
  await docs.resource.attach(next);
  await next.joined(DOCS, 0n);
  expect(next.resume).toEqual({ position: '10' });
  await docs.stream(12n, { operation: 'insert', row: [3, 'new', null] });
  expect(next.resume).toEqual({ position: '12' });
  expect(next.isCutOff).toBe(false);
  expect(entries()).toBe(before);

  // The next process finds it so.
  const again = await TableFixture.open(disk);
  expect(again.table.isCutOff).toBe(true);
  const known = entries();
  await again.stream(13n, { operation: 'insert', row: [4, 'new', null] });
  expect(entries()).toBe(known);
});

test('a read that was given up for one table alone begins anew when it is retried', async () => {
  const docs = await TableFixture.open(new MemoryDisk());
  await docs.begin();
  await (
    await docs.read([[1, 'a', null]], snapshotOf(9n))
  )();
  await docs.finish();
  const request = {
    run: 'run-1',
    scope: WHOLE_TABLE,
    columns: null,
    missingRows: 'remove',
    deleteLimitRows: 10,
  } as const;
  await docs.table.reread(request);
  expect(docs.table.isRead).toBe(false);
  await docs.table.cancelReread('run-1');
  expect(docs.table).toMatchObject({ isRead: true, backfill: { reread: { outcome: 'cancelled' } } });
  await docs.table.reread(request);
  expect(docs.table).toMatchObject({ isRead: false, backfill: { reread: { outcome: 'reading' } } });
});
