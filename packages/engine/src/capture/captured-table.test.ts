import type { Schema } from '@brimful/model';
import { UNKNOWN } from '@brimful/model/testing';
import { describe, expect, test } from 'vitest';
import { leftOut } from './left-out.ts';
import { MemoryDisk } from '../testing/memory-store.ts';
import { ALL_PAGES, DOCS, LOG, TableFixture, snapshotOf } from '../testing/table-fixture.ts';

/** The counter-examples behind the rules of backfill/SPEC.md, by name. */
// Invariant 5
describe('a chunk beside the stream', () => {
  test('decoded before visible: the chunk holds the old row although it was read after the commit was streamed', async () => {
    const docs = await TableFixture.open(new MemoryDisk());
    await docs.begin();
    await docs.stream(10n, { operation: 'update', row: [1, 'new', 'new'] });
    const close = await docs.read([[1, 'old', 'old']], snapshotOf(20n, 10n));
    expect(await close()).toBe('appended');
    await docs.finish();
    expect(await docs.rows()).toEqual(['[1,"new","new"]']);
  });

  test('a row whose change the snapshot sees is newer than the stream', async () => {
    const docs = await TableFixture.open(new MemoryDisk());
    await docs.begin();
    await docs.stream(10n, { operation: 'update', row: [1, 'older', UNKNOWN] });
    const close = await docs.read([[1, 'newest', 'kept']], snapshotOf(20n));
    await close();
    await docs.stream(15n, { operation: 'update', row: [1, 'newest', UNKNOWN] });
    await docs.finish();
    expect(await docs.rows()).toEqual(['[1,"newest","kept"]']);
  });

  test('overtaken row with a TOAST mask: only the column that was left out comes from the chunk', async () => {
    const docs = await TableFixture.open(new MemoryDisk());
    await docs.begin();
    const close = await docs.read([[1, 'old', 'large']], snapshotOf(9n));
    await docs.stream(10n, { operation: 'update', row: [1, 'new', UNKNOWN] });
    await close();
    await docs.finish();
    expect(await docs.rows()).toEqual(['[1,"new","large"]']);
  });

  test('two masked updates leave different columns: the chunk supplies neither', async () => {
    const docs = await TableFixture.open(new MemoryDisk());
    await docs.begin();
    const close = await docs.read([[1, 'old', 'old']], snapshotOf(9n));
    await docs.stream(10n, { operation: 'update', row: [1, 'ten', UNKNOWN] });
    await docs.stream(11n, { operation: 'update', row: [1, UNKNOWN, 'eleven'] });
    await close();
    await docs.finish();
    expect(await docs.rows()).toEqual(['[1,"ten","eleven"]']);
  });

  test('delete after read: the row does not come back', async () => {
    const docs = await TableFixture.open(new MemoryDisk());
    await docs.begin();
    const close = await docs.read([[1, 'gone', null]], snapshotOf(9n));
    await docs.stream(10n, { operation: 'delete', row: [1, null, null] });
    await close();
    await docs.finish();
    expect(await docs.rows()).toEqual([]);
  });

  test('deleted and inserted again: the chunk has nothing to say about the new row', async () => {
    const docs = await TableFixture.open(new MemoryDisk());
    await docs.begin();
    const close = await docs.read([[1, 'first', 'large']], snapshotOf(9n));
    await docs.stream(
      10n,
      { operation: 'delete', row: [1, null, null] },
      { operation: 'insert', row: [1, 'second', null] },
    );
    await docs.stream(11n, { operation: 'update', row: [1, 'third', UNKNOWN] });
    await close();
    await docs.finish();
    expect(await docs.rows()).toEqual(['[1,"third",null]']);
  });

  test('row moving ahead of the scan: two chunks bring it, one copy stays', async () => {
    const docs = await TableFixture.open(new MemoryDisk());
    await docs.begin();
    const first = await docs.read([[1, 'old', 'large']], snapshotOf(9n), { from: null, to: '5' });
    await first();
    await docs.stream(10n, { operation: 'update', row: [1, 'new', UNKNOWN] });
    const second = await docs.read([[1, 'new', 'large']], snapshotOf(10n), { from: '5', to: '9' });
    await second();
    await docs.finish();
    expect(await docs.rows()).toEqual(['[1,"new","large"]']);
  });

  test('row moving behind the scan: no chunk brings it, the look-up does', async () => {
    const docs = await TableFixture.open(new MemoryDisk());
    await docs.begin();
    await (
      await docs.read([], snapshotOf(9n), { from: null, to: '5' })
    )();
    await docs.stream(10n, { operation: 'update', row: [1, 'new', UNKNOWN] });
    await (
      await docs.read([], snapshotOf(10n), { from: '5', to: '9' })
    )();
    await docs.table.covered();
    const wanted: number[] = [];
    const { from } = docs.table.backfill;
    const between = { from, until: docs.table.writer.head.next, movesOnly: false };
    for await (const batch of leftOut(docs.reader(), between, 10, new AbortController().signal))
      wanted.push(batch.rows);
    expect(wanted).toEqual([1]);
    await (
      await docs.read([[1, 'new', 'large']], snapshotOf(10n), null)
    )();
    await docs.table.complete();
    expect(await docs.rows()).toEqual(['[1,"new","large"]']);
  });
});

describe('keys that change', () => {
  test('key change with a mask: the old row supplies what the move left out', async () => {
    const docs = await TableFixture.open(new MemoryDisk());
    await docs.begin();
    const close = await docs.read([[1, 'old', 'large']], snapshotOf(9n));
    await docs.stream(10n, { operation: 'move', row: [2, 'new', UNKNOWN], oldKey: [1] });
    await close();
    await docs.finish();
    expect(await docs.rows()).toEqual(['[2,"new","large"]']);
  });

  test('a chain 1 → 2 → 3 with masks', async () => {
    const docs = await TableFixture.open(new MemoryDisk());
    await docs.begin();
    const close = await docs.read([[1, 'old', 'large']], snapshotOf(9n));
    await docs.stream(10n, { operation: 'move', row: [2, 'new', UNKNOWN], oldKey: [1] });
    await docs.stream(11n, { operation: 'move', row: [3, UNKNOWN, UNKNOWN], oldKey: [2] });
    await close();
    await docs.finish();
    expect(await docs.rows()).toEqual(['[3,"new","large"]']);
  });

  test('a swap through a third key with masks', async () => {
    const docs = await TableFixture.open(new MemoryDisk());
    await docs.begin();
    const close = await docs.read(
      [
        [1, 'a', 'large a'],
        [2, 'b', 'large b'],
      ],
      snapshotOf(9n),
    );
    await docs.stream(
      10n,
      { operation: 'move', row: [9, 'a', UNKNOWN], oldKey: [1] },
      { operation: 'move', row: [1, 'b', UNKNOWN], oldKey: [2] },
      { operation: 'move', row: [2, 'a', UNKNOWN], oldKey: [9] },
    );
    await close();
    await docs.finish();
    expect(await docs.rows()).toEqual(['[1,"b","large b"]', '[2,"a","large a"]']);
  });

  test('an update and then a move, both before a chunk that sees them: the replay does not wipe what was read', async () => {
    const docs = await TableFixture.open(new MemoryDisk());
    await docs.begin();
    await docs.stream(10n, { operation: 'update', row: [1, 'ten', UNKNOWN] });
    await docs.stream(11n, { operation: 'move', row: [2, 'eleven', UNKNOWN], oldKey: [1] });
    await (
      await docs.read([[2, 'eleven', 'large']], snapshotOf(11n))
    )();
    await docs.table.covered();
    // The look-up of what was left out.
    await (
      await docs.read([[2, 'eleven', 'large']], snapshotOf(11n), null)
    )();
    await docs.table.complete();
    expect(await docs.rows()).toEqual(['[2,"eleven","large"]']);
  });
});

describe('chunks that are read again', () => {
  test('truncate between snapshot and append', async () => {
    const docs = await TableFixture.open(new MemoryDisk());
    await docs.begin();
    const close = await docs.read([[1, 'gone', null]], snapshotOf(9n));
    await docs.truncate(10n);
    expect(await close()).toBe('again');
    const again = await docs.read([], snapshotOf(10n));
    expect(await again()).toBe('appended');
    await docs.finish();
    expect(await docs.rows()).toEqual([]);
  });

  test('a change that was streamed while the table waited for its turn must be seen', async () => {
    const docs = await TableFixture.open(new MemoryDisk());
    await docs.stream(10n, { operation: 'insert', row: [1, 'waited', null] });
    await docs.begin();
    expect(await (await docs.read([], snapshotOf(20n, 10n)))()).toBe('again');
    expect(await (await docs.read([[1, 'waited', null]], snapshotOf(20n)))()).toBe('appended');
  });

  test('a restart makes chunks that were open void', async () => {
    const docs = await TableFixture.open(new MemoryDisk());
    await docs.begin();
    const close = await docs.read([[1, 'moved', null]], snapshotOf(20n));
    await docs.table.restart();
    await docs.begin();
    expect(await close()).toBe('again');
  });

  test('after a restart, chunks must see all that was streamed before', async () => {
    const docs = await TableFixture.open(new MemoryDisk());
    await docs.begin();
    await docs.stream(10n, { operation: 'insert', row: [1, 'a', null] });
    const void_ = await docs.read([], snapshotOf(9n));
    await docs.table.restart();
    expect(await void_()).toBe('again');
    await docs.begin();
    // Journaled before the truncation that the restart wrote: the chunk alone can bring it.
    expect(await (await docs.read([], snapshotOf(20n, 10n)))()).toBe('again');
    expect(await (await docs.read([[1, 'a', null]], snapshotOf(20n)))()).toBe('appended');
    await docs.finish();
    expect(await docs.rows()).toEqual(['[1,"a",null]']);
  });

  test('a shape that was left behind while the chunk was read, but not one that is yet to come', async () => {
    const docs = await TableFixture.open(new MemoryDisk());
    await docs.begin();
    const { resource } = docs.table;
    const older = { ...DOCS, columns: DOCS.columns.slice(0, 2) };
    const close = await docs.read([[1, 'a', 'large']], snapshotOf(9n));
    await docs.resource.follow([{ kind: 'schema', resource, schema: older }]);
    expect(await close()).toBe('again');
    // Still the same shape, although it was read after the stream told of the other: the stream lags.
    const again = await docs.read([[1, 'a', 'large']], snapshotOf(9n));
    expect(await again()).toBe('appended');
    await docs.finish();
    expect(await docs.rows()).toEqual(['[1,"a","large"]']);
  });
});

describe('the shape of a table', () => {
  test('a stream that is behind what join saw is no change back', async () => {
    const disk = new MemoryDisk();
    const older = { ...DOCS, columns: DOCS.columns.slice(0, 2) };
    await TableFixture.open(disk, older);
    const docs = await TableFixture.open(disk, DOCS);
    const { resource } = docs.table;
    const tell = (schema: Schema): Promise<void> =>
      docs.resource.follow([{ kind: 'schema', resource, schema: { ...schema, version: 7 } }]);
    for (const schema of [older, older, DOCS, DOCS]) await tell(schema);
    expect(docs.table.writer.schema?.version).toBe(2);
    // From here on the stream's own changes count, back and forth.
    for (const schema of [older, DOCS]) await tell(schema);
    expect(docs.table.writer.schema?.version).toBe(4);
  });
});

describe('a table without a key', () => {
  test('keyless double: what the snapshot saw is not in twice, what it did not see is not missing', async () => {
    const log = await TableFixture.open(new MemoryDisk(), LOG);
    await log.begin();
    await log.stream(10n, { operation: 'insert', row: [1, 'seen', null] });
    await log.stream(11n, { operation: 'insert', row: [2, 'unseen', null] });
    const close = await log.read(
      [
        [0, 'before', null],
        [1, 'seen', null],
      ],
      snapshotOf(20n, 11n),
    );
    expect(await close()).toBe('appended');
    await log.stream(12n, { operation: 'insert', row: [1, 'seen', null] });
    await log.finish();
    expect(await log.rows()).toEqual([
      '[0,"before",null]',
      '[1,"seen",null]',
      '[1,"seen",null]',
      '[2,"unseen",null]',
    ]);
  });

  test('changes of an earlier session are in the chunk, not replayed', async () => {
    const disk = new MemoryDisk();
    const first = await TableFixture.open(disk, LOG);
    await first.begin();
    await first.stream(10n, { operation: 'insert', row: [1, 'a', null] });
    const log = await TableFixture.open(disk, LOG);
    // A transaction number that this snapshot does not know: another life of the source's counter.
    const close = await log.read([[1, 'a', null]], snapshotOf(5n));
    await close();
    await log.finish();
    expect(await log.rows()).toEqual(['[1,"a",null]']);
  });

  // Invariant 4
  test('a crash before the replay has ended starts the table over', async () => {
    const disk = new MemoryDisk();
    let appends = Infinity;
    const log = await TableFixture.open(disk, LOG, {
      reach: (point) => {
        if (point !== 'journal.after-append') return;
        appends -= 1;
        if (appends <= 0) throw new Error('killed');
      },
    });
    await log.begin();
    await log.stream(10n, { operation: 'insert', row: [1, 'a', null] });
    await log.stream(11n, { operation: 'insert', row: [2, 'b', null] });
    const close = await log.read([[0, 'z', null]], snapshotOf(9n));
    appends = 2;
    await expect(close()).rejects.toThrow('killed');
    const again = await TableFixture.open(disk, LOG);
    expect(again.table.remaining).toEqual([ALL_PAGES]);
    const rows = [
      [0, 'z', null],
      [1, 'a', null],
      [2, 'b', null],
    ];
    await (
      await again.read(rows, snapshotOf(11n))
    )();
    await again.finish();
    expect(await again.rows()).toEqual(['[0,"z",null]', '[1,"a",null]', '[2,"b",null]']);
  });
});

describe('crashes', () => {
  // Invariant 2
  test('between stage and append: an orphan segment, nothing else, and it is collected', async () => {
    const disk = new MemoryDisk();
    const docs = await TableFixture.open(disk);
    await docs.begin();
    await docs.read([[1, 'a', null]], snapshotOf(9n));
    expect(disk.blobs.size).toBe(1);
    const again = await TableFixture.open(disk);
    expect(disk.blobs.size).toBe(0);
    expect(again.table.remaining).toEqual([ALL_PAGES]);
    await (
      await again.read([[1, 'a', null]], snapshotOf(9n))
    )();
    await again.finish();
    expect(await again.rows()).toEqual(['[1,"a",null]']);
  });

  // Invariant 1
  test('between append and acknowledgement: the checkpoint tells the session what to leave out', async () => {
    const disk = new MemoryDisk();
    const docs = await TableFixture.open(disk);
    await docs.stream(10n, { operation: 'insert', row: [1, 'a', null] });
    const again = await TableFixture.open(disk);
    expect(again.table.resume).toEqual({ position: '10' });
  });

  // Invariant 2
  test('a turn that fails leaves nothing behind for the next one to write', async () => {
    const disk = new MemoryDisk();
    const docs = await TableFixture.open(disk, LOG);
    await docs.begin();
    const { resource } = docs.table;
    const broken = { kind: 'rows', resource, batch: undefined, resume: { position: '11' } } as never;
    const truncated = {
      kind: 'truncate',
      resource,
      transaction: 10n,
      committedAt: 0n,
      resume: { position: '10' },
    } as const;
    await expect(docs.resource.follow([truncated, broken])).rejects.toThrow(TypeError);
    await docs.stream(9n, { operation: 'insert', row: [1, 'a', null] });
    const kinds = disk.journals.get('shop/docs/1/0')?.entries.map(({ kind }) => kind);
    expect(kinds).toEqual(['schema', 'rows']);
  });

  test('a table the stream lost while it is read is a gap, not a bug', async () => {
    const disk = new MemoryDisk();
    const docs = await TableFixture.open(disk);
    await docs.begin();
    const { resource } = docs.table;
    const problem = { code: 'BRM-X', kind: 'operator', message: 'm', remedy: null, at: {} } as const;
    await docs.resource.follow([{ kind: 'failed', resource, problem }]);
    expect(docs.table.backfill.phase).toBe('gap');
    await expect(docs.table.complete()).rejects.toMatchObject({ kind: 'bug' });
    const kinds = disk.journals.get('shop/docs/1/0')?.entries.map(({ kind }) => kind);
    expect(kinds).not.toContain('complete');
    const again = await TableFixture.open(disk);
    expect(again.table.problem).toEqual(problem);
  });
});
