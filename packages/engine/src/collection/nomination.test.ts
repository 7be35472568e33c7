import type { Batch } from '@brimful/model';
import { valueAt } from '@brimful/model/testing';
import { expect, test, vi } from 'vitest';
import { append } from '../testing/journal-fixture.ts';
import { MemoryDisk } from '../testing/memory-store.ts';
import { SeededRandom } from '../testing/scheduler.ts';
import { DOCS, memoryContext, rowsOf } from '../testing/table-fixture.ts';
import { CollectionWriter } from './collection-writer.ts';
import { nominate } from './nomination.ts';

const { signal } = new AbortController();
const ROWS = 4_000;
const RANDOM = new SeededRandom(1);
/** Incompressible, and many times as wide as its key. */
const WIDE = Array.from({ length: ROWS }, () =>
  Array.from({ length: 400 }, () => Math.floor(RANDOM.next() * 36).toString(36)).join(''),
);

test('of wide rows only what decides is put aside: keys, and what the scope goes by', async () => {
  const disk = new MemoryDisk();
  const context = memoryContext(disk);
  const writer = await CollectionWriter.open<number>(context, 'shop/docs', 1);
  const wide = (ids: readonly number[]): Batch =>
    rowsOf(
      DOCS,
      ids.map((id) => [id, id % 2 === 0 ? 'even' : 'odd', WIDE[id] ?? '']),
    );
  const all = Array.from({ length: ROWS }, (_, id) => id);
  await append(writer, [
    { kind: 'schema', schema: DOCS },
    { kind: 'scan', batch: wide(all) },
    { kind: 'complete' },
  ]);
  const from = writer.head.next;
  await append(writer, [{ kind: 'scan', batch: wide(all.filter((id) => id >= 10)) }]);
  const put = vi.spyOn(context.store.blobs, 'put');
  const found: unknown[] = [];
  for await (const { keys, rows } of nominate(context, 'shop/docs', 1, {
    from,
    until: writer.head.next,
    columns: ['body'],
    inScope: (batch) => (row) => valueAt(batch.columns[1] as Batch['columns'][number], row) === 'even',
    costBytes: 100_000,
    signal,
  }))
    for (let row = 0; row < rows; row += 1) found.push(valueAt(keys[0] as Batch['columns'][number], row));
  expect(found.map(Number).sort((a, b) => a - b)).toEqual([0, 2, 4, 6, 8]);
  const putAside = put.mock.calls.flatMap(([, parts]) => parts).reduce((sum, { length }) => sum + length, 0);
  expect(putAside, 'it did not fit into memory').toBeGreaterThan(0);
  expect(putAside).toBeLessThan(ROWS * 100);
});
