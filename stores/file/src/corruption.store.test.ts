import { cp, readFile, truncate, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { Problem } from '@brimful/model';
import type { Entry } from '@brimful/store';
import { describe, expect, test } from 'vitest';
import { blobPath } from './blob-path.ts';
import { openFileStore } from './file-store.ts';
import { bytesFor, makeTestDirectory, META, rowsFor } from './testing-directory.ts';

/** Reads until the end or the problem. */
async function readUntilProblem(
  directory: string,
  count: number,
): Promise<{ entries: Entry[]; problem: Problem | undefined }> {
  await using store = await openFileStore(directory);
  const entries: Entry[] = [];
  try {
    for await (const entry of store.journals.read('j', 0, AbortSignal.timeout(10_000))) {
      entries.push(entry);
      if (entries.length === count) break;
    }
    return { entries, problem: undefined };
  } catch (error) {
    return { entries, problem: error as Problem };
  }
}

/** Flips one bit where `needle` begins, plus `shift` bytes. */
async function flipBit(path: string, needle: Uint8Array | string, shift = 0): Promise<void> {
  const file = await readFile(path);
  const at = file.indexOf(needle);
  expect(at, 'the bytes are in the file').toBeGreaterThanOrEqual(0);
  file[at + shift] = (file[at + shift] ?? 0) ^ 0x10;
  await writeFile(path, file);
}

async function writeSome(directory: string): Promise<void> {
  await using store = await openFileStore(directory);
  const writer = await store.journals.open('j');
  await writer.append(
    [0, 1, 2, 3].map((offset) => rowsFor('j', offset, 20_000)),
    { position: 'checkpoint-of-j' },
  );
  const { bytes } = await store.blobs.put('j/4', [bytesFor('j', 4, 50_000)]);
  await writer.append(
    [{ kind: 'rows', meta: { ...META, note: 'note-of-4' }, blob: { name: 'j/4', bytes } }],
    {
      position: 'checkpoint-of-j',
    },
  );
  await store.registry.put('catalog', 'value-of-catalog');
}

describe('damage to the database is refused', () => {
  test('in the body of an entry, naming journal and offset, after the entries before it', async () => {
    await using directory = await makeTestDirectory();
    await writeSome(directory.path);
    await flipBit(join(directory.path, 'store.db'), '<j@2:20000><j@2:20000>', 5_000);
    const { entries, problem } = await readUntilProblem(directory.path, 5);
    expect(problem).toMatchObject({ code: 'BRM-STORE-CORRUPT', at: { journal: 'j', offset: 2 } });
    expect(problem?.remedy).toMatch(/offset 2/);
    expect(entries.length).toBeLessThanOrEqual(2);
    for (const { offset, body } of entries)
      expect(body).toEqual(new Uint8Array(bytesFor('j', offset, 20_000)));
  });

  test('in the description of an entry', async () => {
    await using directory = await makeTestDirectory();
    await writeSome(directory.path);
    await flipBit(join(directory.path, 'store.db'), 'note-of-4');
    const { problem } = await readUntilProblem(directory.path, 5);
    expect(problem).toMatchObject({ code: 'BRM-STORE-CORRUPT', at: { journal: 'j', offset: 4 } });
  });

  test('in a checkpoint', async () => {
    await using directory = await makeTestDirectory();
    await writeSome(directory.path);
    await flipBit(join(directory.path, 'store.db'), 'checkpoint-of-j');
    await using store = await openFileStore(directory.path);
    const opening = store.journals.open('j');
    await expect(opening).rejects.toMatchObject({ code: 'BRM-STORE-CORRUPT', at: { journal: 'j' } });
  });

  test('in a record of the registry', async () => {
    await using directory = await makeTestDirectory();
    await writeSome(directory.path);
    await flipBit(join(directory.path, 'store.db'), 'value-of-catalog');
    const opening = openFileStore(directory.path);
    await expect(opening).rejects.toMatchObject({ code: 'BRM-STORE-CORRUPT', at: { key: 'catalog' } });
  });

  test('anywhere: whatever bit flips, what is read is right or refused', async () => {
    await using directory = await makeTestDirectory();
    await writeSome(directory.path);
    const whole = await readFile(join(directory.path, 'store.db'));
    for (let round = 0; round < 40; round += 1) {
      const damaged = Buffer.from(whole);
      const at = Math.floor(Math.random() * whole.length);
      damaged[at] = (damaged[at] ?? 0) ^ (1 << Math.floor(Math.random() * 8));
      await writeFile(join(directory.path, 'store.db'), damaged);
      // A damaged record or header is met when opening.
      const read = readUntilProblem(directory.path, 5).catch((error: unknown) => ({
        entries: [],
        problem: error,
      }));
      const { entries, problem } = await read;
      expect(problem === undefined || problem instanceof Problem, `byte ${at}: ${problem}`).toBe(true);
      expect(problem === undefined ? entries.length : 5, `byte ${at}`).toBe(5);
      for (const { offset, body } of entries.slice(0, 4)) {
        expect(Buffer.compare(body ?? new Uint8Array(0), bytesFor('j', offset, 20_000)), `byte ${at}`).toBe(
          0,
        );
      }
    }
  });
});

describe('damage to a blob is refused, naming journal, offset and blob', () => {
  const damages: readonly (readonly [string, (path: string) => Promise<void>])[] = [
    ['a flipped bit', (path) => flipBit(path, '<j@4:50000><j@4', 30_000)],
    ['a torn tail', (path) => truncate(path, 49_000)],
    ['a tail torn inside its end', (path) => truncate(path, 50_010)],
    ['an empty file', (path) => truncate(path, 0)],
    [
      'a file grown longer',
      async (path) => writeFile(path, Buffer.concat([await readFile(path), Buffer.alloc(3)])),
    ],
  ];

  test.each(damages)('%s', async (_, damage) => {
    await using directory = await makeTestDirectory();
    await writeSome(directory.path);
    await damage(blobPath(join(directory.path, 'blobs'), 'j/4'));
    await using store = await openFileStore(directory.path);
    const at = { journal: 'j', offset: 4, blob: 'j/4' };
    await expect(store.blobs.get('j/4')).rejects.toMatchObject({ code: 'BRM-STORE-CORRUPT', at });
  });
});

test('a log torn at any place leaves whole appends with their checkpoint', async () => {
  await using directory = await makeTestDirectory();
  await using copy = await makeTestDirectory();
  await using store = await openFileStore(directory.path);
  const writer = await store.journals.open<{ end: number }>('j');
  for (let round = 0; round < 30; round += 1) {
    const { next } = writer.head;
    await writer.append([rowsFor('j', next, 3_000), rowsFor('j', next + 1, 9_000)], { end: next + 2 });
  }
  const log = await readFile(join(directory.path, 'store.db-wal'));
  await cp(directory.path, copy.path, { recursive: true, filter: (path) => !/lock\.db|-shm/.test(path) });
  const database = await readFile(join(copy.path, 'store.db'));
  const seen = new Set<number>();
  for (let round = 0; round < 30; round += 1) {
    const cut = Math.floor((log.length * (round + Math.random())) / 30);
    await writeFile(join(copy.path, 'store.db'), database);
    await writeFile(join(copy.path, 'store.db-wal'), log.subarray(0, cut));
    await using torn = await openFileStore(copy.path);
    const { head } = await torn.journals.open<{ end: number }>('j');
    expect(head.checkpoint?.end ?? 0).toBe(head.next);
    expect(head.next % 2).toBe(0);
    seen.add(head.next);
  }
  expect(seen.size).toBeGreaterThan(10);
});
