import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdir, readdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { Problem } from '@brimful/model';
import { describe, expect, test } from 'vitest';
import { blobPath } from './blob-path.ts';
import type { Append, Request, WriterCalls } from './calls.ts';
import { openForWriting } from './database.ts';
import { DirectoryWriter } from './directory-writer.ts';
import { openFileStore } from './file-store.ts';
import { layoutOf } from './layout.ts';
import { bytesFor, makeTestDirectory, META, rowsFor } from './testing-directory.ts';

async function startWriter(directory: string): Promise<{ pid: number; kill(): Promise<void> }> {
  const script = fileURLToPath(new URL('./appending-child.ts', import.meta.url));
  const child = spawn(process.execPath, ['--no-warnings', script, directory, '1', '1000000'], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  await once(child.stdout, 'data');
  child.stdout.resume();
  const ended = once(child, 'exit');
  const kill = async (): Promise<void> => {
    child.kill('SIGKILL');
    await ended;
  };
  return { pid: child.pid ?? 0, kill };
}

// Invariant 3
describe('one process writes a directory', () => {
  test('a second one is told who, and may write once the first was killed', async () => {
    await using directory = await makeTestDirectory();
    const writer = await startWriter(directory.path);
    try {
      const problem = await openFileStore(directory.path).catch((error: unknown) => error as Problem);
      expect(problem).toMatchObject({ code: 'BRM-STORE-LOCKED', kind: 'operator', at: { pid: writer.pid } });
      expect((problem as Problem).message).toContain(String(writer.pid));
      expect((problem as Problem).remedy).toMatch(/Stop that Brimful/);
    } finally {
      await writer.kill();
    }
    await using store = await openFileStore(directory.path);
    expect(await store.journals.list('')).toEqual(['j/0']);
  });

  test('also within one process', async () => {
    await using directory = await makeTestDirectory();
    await using store = await openFileStore(directory.path);
    await expect(openFileStore(directory.path)).rejects.toMatchObject({ code: 'BRM-STORE-LOCKED' });
    await store.registry.put('still', 'works');
  });

  test('others look on while it writes, and after it was killed', async () => {
    await using directory = await makeTestDirectory();
    const writer = await startWriter(directory.path);
    try {
      await using store = await openFileStore(directory.path, { readonly: true });
      const { next = 0 } = (await store.journals.state('j/0')) ?? {};
      const seen: number[] = [];
      for await (const { offset } of store.journals.read('j/0', next, AbortSignal.timeout(10_000))) {
        seen.push(offset);
        if (seen.length === 50) break;
      }
      expect(seen).toEqual(Array.from({ length: 50 }, (_, index) => next + index));
      const before = (await store.registry.get<number>('counter'))?.value ?? 0;
      for await (const change of store.registry.watch('counter', AbortSignal.timeout(10_000))) {
        if (change.kind === 'put' && Number(change.record.value) > before + 5) break;
      }
      await expect(store.journals.open('j/0')).rejects.toMatchObject({ code: 'BRM-STORE-READONLY' });
      await expect(store.registry.put('x', 1)).rejects.toMatchObject({ code: 'BRM-STORE-READONLY' });
      await expect(store.blobs.put('x', [])).rejects.toMatchObject({ code: 'BRM-STORE-READONLY' });
    } finally {
      await writer.kill();
    }
    await using later = await openFileStore(directory.path, { readonly: true });
    expect((await later.journals.state('j/0'))?.next).toBeGreaterThan(0);
  });
});

test('every commit is synced: killing a process cannot show that, cutting the power would', async () => {
  await using directory = await makeTestDirectory();
  new DirectoryWriter(directory.path).stop();
  const database = openForWriting(layoutOf(directory.path));
  const FULL = 2;
  expect(database.prepare('PRAGMA synchronous').get()).toEqual({ synchronous: FULL });
  expect(database.prepare('PRAGMA journal_mode').get()).toEqual({ journal_mode: 'wal' });
  database.close();
});

describe('what cannot be opened', () => {
  test('a directory that a newer Brimful wrote, untouched', async () => {
    await using directory = await makeTestDirectory();
    await (await openFileStore(directory.path))[Symbol.asyncDispose]();
    await writeFile(join(directory.path, 'format.json'), '{"format":99}\n');
    const before = await readdir(directory.path);
    for (const readonly of [false, true]) {
      const opening = openFileStore(directory.path, { readonly });
      await expect(opening).rejects.toMatchObject({
        code: 'BRM-STORE-VERSION',
        kind: 'operator',
        at: { format: 99 },
      });
    }
    expect(await readdir(directory.path)).toEqual(before);
    expect(await readFile(join(directory.path, 'format.json'), 'utf8')).toBe('{"format":99}\n');
  });

  test('a directory whose format is unreadable', async () => {
    await using directory = await makeTestDirectory();
    await (await openFileStore(directory.path))[Symbol.asyncDispose]();
    await writeFile(join(directory.path, 'format.json'), '');
    await expect(openFileStore(directory.path)).rejects.toMatchObject({ code: 'BRM-STORE-VERSION' });
  });

  test('nothing, when it is only to be read', async () => {
    await using directory = await makeTestDirectory();
    const opening = openFileStore(join(directory.path, 'missing'), { readonly: true });
    await expect(opening).rejects.toMatchObject({ code: 'BRM-STORE-MISSING' });
    expect(await readdir(directory.path)).toEqual([]);
  });

  test('a path below a file', async () => {
    await using directory = await makeTestDirectory();
    await writeFile(join(directory.path, 'file'), '');
    await expect(openFileStore(join(directory.path, 'file', 'x'))).rejects.toMatchObject({
      code: 'BRM-STORE-IO',
    });
  });
});

test('closing waits for appends under way and ends waiting readers', async () => {
  await using directory = await makeTestDirectory();
  const store = await openFileStore(directory.path);
  const writer = await store.journals.open('j');
  const waiting = (async (): Promise<void> => {
    for await (const _ of store.journals.read('j', 0, AbortSignal.timeout(10_000)));
  })();
  const outcome = expect(waiting).rejects.toMatchObject({ code: 'BRM-STORE-CLOSED' });
  await writer.append([rowsFor('j', 0, 10)], {});
  const append = writer.append([rowsFor('j', 1, 10)], {});
  await store[Symbol.asyncDispose]();
  expect((await append).next).toBe(2);
  await outcome;
  await expect(writer.append([], {})).rejects.toMatchObject({ code: 'BRM-STORE-CLOSED' });
  await expect(store.journals.open('j')).rejects.toMatchObject({ code: 'BRM-STORE-CLOSED' });
  await using again = await openFileStore(directory.path);
  expect((await again.journals.state('j'))?.next).toBe(2);
});

describe('what a process left behind', () => {
  test('blobs that no entry claims go when the store is opened again, not before', async () => {
    await using directory = await makeTestDirectory();
    const blobs = join(directory.path, 'blobs');
    {
      await using store = await openFileStore(directory.path);
      const writer = await store.journals.open('a');
      const { bytes } = await store.blobs.put('a/1/claimed', [bytesFor('a', 0, 100)]);
      await writer.append([{ kind: 'rows', meta: META, blob: { name: 'a/1/claimed', bytes } }], {});
      await store.blobs.put('a/2/waiting', [bytesFor('a', 1, 100)]);
      await using looker = await openFileStore(directory.path, { readonly: true });
      expect(await looker.blobs.list('')).toEqual(['a/1/claimed', 'a/2/waiting']);
    }
    await mkdir(join(blobs, 'b'));
    await writeFile(blobPath(blobs, 'b/torn'), 'half a blo');
    {
      await using looker = await openFileStore(directory.path, { readonly: true });
      expect((await looker.blobs.list('')).length).toBe(3);
    }
    await using store = await openFileStore(directory.path);
    expect(await store.blobs.list('')).toEqual(['a/1/claimed']);
    expect(await readdir(blobs)).toEqual(['a']);
    await store.blobs.put('b/torn', [bytesFor('b', 0, 10)]);
    expect(await store.blobs.get('a/1/claimed')).toEqual(new Uint8Array(bytesFor('a', 0, 100)));
  });

  test('entries of a drop that a crash cut short are deleted after the next start', async () => {
    await using directory = await makeTestDirectory();
    leaveHalfDropped(directory.path);
    await using store = await openFileStore(directory.path);
    expect(await store.journals.list('')).toEqual([]);
    const limit = performance.now() + 10_000;
    while ((await store.space()).usedBytes > 1_000_000 && performance.now() < limit) {
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
    // The log still holds what was deleted; the database no longer does.
    const writer = await store.journals.open('j');
    await writer.append([rowsFor('j', 0, 10)], {});
    expect(await store.journals.state('j')).toEqual({ first: 0, next: 1, bytes: 10 });
  });
});

/** What a process leaves that dies right after the drop was committed. */
function leaveHalfDropped(directory: string): void {
  const writer = new DirectoryWriter(directory);
  writer.start();
  const run = <Call extends keyof WriterCalls>(
    call: Call,
    argument: WriterCalls[Call][0],
  ): WriterCalls[Call][1] => {
    const [reply] = writer.commit([{ id: 1, call, argument } satisfies Request]);
    expect(reply).toHaveProperty('value');
    return (reply as { value: WriterCalls[Call][1] }).value;
  };
  const { number, epoch } = run('open', { name: 'j' });
  const count = 400;
  const entry = {
    kind: 'rows',
    meta: JSON.stringify(META),
    size: 5_000,
    bodyChecksum: 0,
    blob: null,
    blobBytes: null,
  } as const;
  const append: Append = {
    number,
    name: 'j',
    epoch,
    next: 0,
    entries: Array.from({ length: count }, () => entry),
    bodies: new Uint8Array(count * 5_000),
    checkpoint: null,
    now: undefined,
  };
  run('append', [append]);
  run('drop', { name: 'j' });
  writer.stop();
}
