import { describe, expect, test } from 'vitest';
import { MemoryDisk } from '../testing/memory-store.ts';
import { DOCS } from '../testing/table-fixture.ts';
import { SchemaHistory } from './schema-history.ts';

const WIDER = {
  ...DOCS,
  columns: [
    ...DOCS.columns,
    { name: 'more', type: { kind: 'text' as const }, nullable: true, sourceType: 'text', sourceId: 9 },
  ],
};

function historyOn(disk: MemoryDisk): SchemaHistory {
  return new SchemaHistory(disk.open().registry, 'shop/docs', 1);
}

describe('the history of schemas', () => {
  test('counts from 1, whatever the source counted, and keeps equal shapes apart from new ones', async () => {
    const history = historyOn(new MemoryDisk());
    await history.load();
    expect(history.current).toBeUndefined();
    expect(await history.register({ ...DOCS, version: 42 })).toEqual({ schema: DOCS, isNew: true });
    expect(await history.register({ ...DOCS, version: 43 })).toEqual({ schema: DOCS, isNew: false });
    expect((await history.register(WIDER)).schema.version).toBe(2);
    expect(history.find(DOCS)?.version).toBe(1);
  });

  test('going back to an older shape is a change, too', async () => {
    const history = historyOn(new MemoryDisk());
    await history.load();
    for (const schema of [DOCS, WIDER, DOCS]) await history.register(schema);
    expect(history.current?.version).toBe(3);
    expect(history.find(DOCS)?.version, 'the newest that looks so').toBe(3);
    expect((await history.version(1)).columns.length).toBe(3);
  });

  test('what makes two shapes different', async () => {
    const [id, ...others] = DOCS.columns;
    const change = (changes: object): typeof DOCS => ({
      ...DOCS,
      columns: [{ ...(id as (typeof DOCS.columns)[number]), ...changes }, ...others],
    });
    const shapes = [
      change({ name: 'key' }),
      change({ nullable: true }),
      change({ sourceType: 'int' }),
      change({ sourceId: 77 }),
      change({ initial: '0' }),
      change({ type: { kind: 'int64' } }),
      { ...DOCS, key: [] },
      { ...DOCS, columns: others },
    ];
    const history = historyOn(new MemoryDisk());
    await history.load();
    await history.register(DOCS);
    for (const shape of shapes) expect(history.find(shape)).toBeUndefined();
  });

  test('a reader learns of versions that came after it began; an unknown one is corruption', async () => {
    const disk = new MemoryDisk();
    const writer = historyOn(disk);
    const reader = historyOn(disk);
    await writer.load();
    await reader.load();
    await writer.register(DOCS);
    expect(await reader.version(1)).toEqual(DOCS);
    await expect(reader.version(2)).rejects.toMatchObject({ code: 'BRM-STORE-CORRUPT' });
  });

  // Invariant 3
  test('of two writers one wins', async () => {
    const disk = new MemoryDisk();
    const [one, other] = [historyOn(disk), historyOn(disk)];
    await one.load();
    await other.load();
    await one.register(DOCS);
    await expect(other.register(WIDER)).rejects.toMatchObject({ code: 'BRM-STORE-CONFLICT' });
  });
});
