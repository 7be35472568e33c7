import { spawnSync } from 'node:child_process';
import { mkdir, readdir, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { toProblem } from '@brimful/model';
import type { Writer } from '@brimful/store';
import { expect, test } from 'vitest';
import { ArmedFaults } from './faults.ts';
import { type FileStore, openFileStore } from './file-store.ts';
import { bytesFor, makeTestDirectory, rowsFor } from './testing-directory.ts';

async function expectWhole(store: FileStore, count: number, size: number): Promise<void> {
  const stop = new AbortController();
  let expected = 0;
  for await (const { offset, body } of store.journals.read('j', 0, stop.signal)) {
    expect(offset).toBe(expected);
    expect(Buffer.compare(body ?? new Uint8Array(0), bytesFor('j', offset, size))).toBe(0);
    expected += 1;
    if (expected === count) stop.abort();
  }
}

/** Appends until it fails. Answers with the code. */
async function fill(writer: Writer<{ end: number }>, size: number): Promise<string> {
  for (;;) {
    const { next } = writer.head;
    try {
      await writer.append([rowsFor('j', next, size)], { end: next + 1 });
    } catch (error) {
      return toProblem(error).code;
    }
  }
}

test('a full disk: nothing half, and work goes on once there is space', async ({ skip }) => {
  await using directory = await makeTestDirectory();
  const mounted =
    spawnSync('/bin/mount', ['-t', 'tmpfs', '-o', 'size=12m', 'tmpfs', directory.path]).status === 0;
  if (!mounted) return skip('mounting a small file system takes root; the injected fault is tested anyway');
  try {
    const size = 40_000;
    await writeFile(join(directory.path, 'ballast'), Buffer.alloc(6_000_000));
    await using store = await openFileStore(join(directory.path, 'data'));
    const writer = await store.journals.open<{ end: number }>('j');
    expect(await fill(writer, size)).toBe('BRM-STORE-FULL');
    const { next } = writer.head;
    expect(next).toBeGreaterThan(20);
    await expectWhole(store, next, size);
    const large = store.blobs.put('j/large', [new Uint8Array(4_000_000)]);
    await expect(large).rejects.toMatchObject({ code: 'BRM-STORE-FULL', kind: 'retry' });
    expect(await store.blobs.list('')).toEqual([]);
    expect(await readdir(join(directory.path, 'data', 'blobs', 'j')).catch(() => [])).toEqual([]);

    await rm(join(directory.path, 'ballast'));
    const again = await store.journals.open<{ end: number }>('j');
    expect(again.head).toMatchObject({ next, checkpoint: { end: next } });
    for (let round = 0; round < 20; round += 1) {
      const { next: offset } = again.head;
      await again.append([rowsFor('j', offset, size)], { end: offset + 1 });
    }
    await store.blobs.put('j/large', [new Uint8Array(1_000_000)]);
    await expectWhole(store, next + 20, size);
  } finally {
    spawnSync('/bin/umount', ['-l', directory.path]);
  }
});

test('a refusal for want of space leaves the other appends of its group alone', async () => {
  await using directory = await makeTestDirectory();
  const faults = new ArmedFaults();
  await using store = await openFileStore(directory.path, { faults });
  const writers = await Promise.all(['a', 'b', 'c'].map((id) => store.journals.open<null>(id)));
  faults.arm('append', 'full');
  const outcomes = await Promise.allSettled(
    writers.map((writer, index) => writer.append([rowsFor('j', index, 10)], null)),
  );
  expect(outcomes.map(({ status }) => status)).toEqual(['rejected', 'fulfilled', 'fulfilled']);
  expect(outcomes[0]).toMatchObject({ reason: { code: 'BRM-STORE-FULL', kind: 'retry' } });
  expect((await store.journals.state('a'))?.next).toBe(0);
  const again = await store.journals.open('a');
  expect((await again.append([rowsFor('a', 0, 10)], null)).next).toBe(1);
  faults.arm('put', 'full');
  await expect(store.registry.put('k', 1)).rejects.toMatchObject({ code: 'BRM-STORE-FULL' });
  faults.arm('blob', 'full');
  await expect(store.blobs.put('k', [])).rejects.toMatchObject({ code: 'BRM-STORE-FULL' });
});

test('trimming gives space back to new entries', async () => {
  await using directory = await makeTestDirectory();
  await mkdir(directory.path, { recursive: true });
  await using store = await openFileStore(directory.path);
  const writer = await store.journals.open('j');
  const entries = Array.from({ length: 100 }, (_, index) => rowsFor('j', index, 50_000));
  await writer.append(entries, {});
  const { bytes: put } = await store.blobs.put('j/1', [new Uint8Array(3_000_000)]);
  await writer.append([{ ...rowsFor('j', 0, 1), blob: { name: 'j/1', bytes: put } }], {});
  const full = await store.space();
  await store.journals.trim('j', writer.head.next);
  const trimmed = await store.space();
  expect(trimmed.freeBytes).toBeGreaterThan(full.freeBytes - 20_000_000);
  expect(full.usedBytes - trimmed.usedBytes).toBeGreaterThan(2_000_000);
  expect(full.usedBytes).toBeGreaterThan(8_000_000);
});
