import { describe, expect, test } from 'vitest';
import { INLINE_LIMIT_BYTES, type NewEntry } from '../journals.ts';
import {
  codeOf,
  type MakeStore,
  META,
  pattern,
  problemOf,
  rows,
  sleep,
  take,
  takeAll,
  withStore,
} from './harness.ts';

export function describeAppending(makeStore: MakeStore): void {
  describe('appending', () => {
    test('a new journal starts at 0 without a checkpoint', () =>
      withStore(makeStore, async ({ journals }) => {
        expect(await journals.state('a')).toBeUndefined();
        const writer = await journals.open('a');
        expect(writer.head.checkpoint).toBeUndefined();
        const before = writer.head.next;
        const head = await writer.append([rows(pattern(10, 1)), rows(pattern(10, 2))], { at: 1 });
        expect(head).toMatchObject({ next: before + 2, checkpoint: { at: 1 } });
        expect(writer.head).toEqual(head);
      }));

    test('what is read is what was appended', () => withStore(makeStore, sameAsAppended));

    test('offsets are dense and in the order of appending', () =>
      withStore(makeStore, async (store) => {
        const writer = await store.journals.open('a');
        const start = writer.head.next;
        for (const count of [1, 3, 0, 2]) {
          const { next } = writer.head;
          const entries = Array.from({ length: count }, (_, index) => rows(pattern(20, next + index)));
          expect((await writer.append(entries, { next })).next).toBe(next + count);
        }
        const found = await take(store, 'a', start, 6);
        expect(found.map(({ offset }) => offset)).toEqual([0, 1, 2, 3, 4, 5].map((index) => start + index));
        for (const { offset, body } of found) expect(body).toEqual(pattern(20, offset));
      }));

    test('an empty append moves only the checkpoint', () =>
      withStore(makeStore, async ({ journals }) => {
        const writer = await journals.open('a');
        await writer.append([rows(pattern(5, 1))], 'first');
        const { next } = writer.head;
        expect(await writer.append([], 'second')).toMatchObject({ next, checkpoint: 'second' });
        expect((await journals.open('a')).head.checkpoint).toBe('second');
      }));

    test('bytes count what entries hold, blobs included', () =>
      withStore(makeStore, async ({ journals, blobs }) => {
        const writer = await journals.open('a');
        const blob = { name: 'a/1', ...(await blobs.put('a/1', [pattern(1000, 1)])) };
        await writer.append([rows(pattern(50, 1)), { kind: 'rows', meta: META, blob }], {});
        expect((await journals.state('a'))?.bytes).toBe(1050);
      }));

    describeRefusals(makeStore);
    describeDurability(makeStore);
  });
}

async function sameAsAppended(store: Parameters<Parameters<typeof withStore>[1]>[0]): Promise<void> {
  const shared = pattern(300, 3);
  const note = 'quotes " and \\ and ünïcode ☃ and a line\nbreak';
  const entries: NewEntry[] = [
    rows(pattern(1, 1)),
    rows(new Uint8Array(0)),
    rows(pattern(INLINE_LIMIT_BYTES, 2)),
    // Views into one buffer, as an encoder hands them out.
    rows(shared.subarray(10, 20), note),
    rows(shared.subarray(20, 300)),
    { kind: 'schema', meta: { ...META, schema: 7, note } },
    { kind: 'truncate', meta: META },
    { kind: 'complete', meta: { ...META, rows: 0 }, body: Buffer.from('a Node buffer') },
  ];
  const writer = await store.journals.open('collection/with spaces/ünï/1/0');
  const { next } = writer.head;
  const before = Date.now();
  await writer.append(entries, {});
  const found = await take(store, 'collection/with spaces/ünï/1/0', next, entries.length);
  found.forEach((entry, index) => {
    const { kind, meta, body } = entries[index] as NewEntry;
    expect(entry).toMatchObject({ kind, meta, offset: next + index });
    expect(entry.body === undefined ? undefined : [...entry.body.subarray(0, 400)]).toEqual(
      body === undefined ? undefined : [...body.subarray(0, 400)],
    );
    expect(Buffer.compare(entry.body ?? new Uint8Array(0), body ?? new Uint8Array(0))).toBe(0);
    expect(entry.blob).toBeUndefined();
    expect(entry.appendedAt).toBeGreaterThanOrEqual(before - 1);
    expect(entry.appendedAt).toBeLessThanOrEqual(Date.now() + 1);
  });
  expect(shared, 'the caller keeps its bytes').toEqual(pattern(300, 3));
}

function describeRefusals(makeStore: MakeStore): void {
  test('a body over the limit is refused, and nothing of its append is written', () =>
    withStore(makeStore, async (store) => {
      const writer = await store.journals.open('a');
      const { next } = writer.head;
      const tooLarge = [rows(pattern(1, 1)), rows(new Uint8Array(INLINE_LIMIT_BYTES + 1))];
      expect(await codeOf(writer.append(tooLarge, 'no'))).toBe('BRM-STORE-TOO-LARGE');
      expect((await store.journals.state('a'))?.next).toBe(next);
      expect(await writer.append([rows(pattern(1, 1))], 'yes')).toMatchObject({ next: next + 1 });
    }));

  test('two appends at once are a bug', () =>
    withStore(makeStore, async ({ journals }) => {
      const writer = await journals.open('a');
      const first = writer.append([rows(pattern(1, 1))], 1);
      expect((await problemOf(writer.append([rows(pattern(1, 2))], 2))).kind).toBe('bug');
      expect(await first).toMatchObject({ checkpoint: 1 });
    }));

  test('an entry cannot claim a blob that is not there', () =>
    withStore(makeStore, async (store) => {
      const writer = await store.journals.open('a');
      const { next } = writer.head;
      const claim: NewEntry = { kind: 'rows', meta: META, blob: { name: 'a/gone', bytes: 5 } };
      expect((await problemOf(writer.append([rows(pattern(1, 1)), claim], 'no'))).kind).toBe('bug');
      expect((await store.journals.state('a'))?.next).toBe(next);
    }));
}

function describeDurability(makeStore: MakeStore): void {
  // Invariant 2
  test('entries and checkpoint are there after the store was opened again', async () => {
    const harness = await makeStore();
    try {
      {
        await using store = await harness.open();
        const writer = await store.journals.open('a');
        await writer.append([rows(pattern(100, 1)), rows(pattern(100, 2))], { position: '0/1' });
      }
      await using store = await harness.open();
      const writer = await store.journals.open('a');
      expect(writer.head.checkpoint).toEqual({ position: '0/1' });
      const found = await takeAll(store, 'a');
      expect(found.map(({ body }) => body)).toEqual([pattern(100, 1), pattern(100, 2)]);
    } finally {
      await harness.destroy();
    }
  });

  // Invariant 2
  test('after an answer was lost the writer refuses, and the head tells what was written', ({ skip }) =>
    withStore(makeStore, async (store, harness) => {
      if (harness.loseNextAnswer === undefined) return skip('this adapter cannot lose an answer on purpose');
      const writer = await store.journals.open('a');
      await writer.append([rows(pattern(1, 1))], 'known');
      const { next } = writer.head;
      const reading = store.journals.read('a', next - 1, AbortSignal.timeout(20_000))[Symbol.asyncIterator]();
      await reading.next();
      const waiting = reading.next();
      await sleep(50);
      harness.loseNextAnswer();
      expect((await problemOf(writer.append([rows(pattern(9, 9))], 'unknown'))).kind).toBe('retry');
      expect(await codeOf(writer.append([rows(pattern(9, 9))], 'unknown'))).toBe('BRM-STORE-UNKNOWN');
      const again = await store.journals.open('a');
      expect(again.head.checkpoint).toBe('unknown');
      expect((await waiting).value, 'who was waiting gets it too').toMatchObject({ body: pattern(9, 9) });
      await reading.return?.();
      await again.append([rows(pattern(2, 2))], 'further');
      expect((await takeAll(store, 'a')).length).toBe(3);
    }));

  test('many journals at once, each in its own order', () =>
    withStore(makeStore, async (store) => {
      const ids = Array.from({ length: 100 }, (_, index) => `many/${index}`);
      await Promise.all(
        ids.map(async (id, journal) => {
          const writer = await store.journals.open(id);
          for (let step = 0; step < 5; step += 1)
            await writer.append([rows(pattern(30, journal * 10 + step))], step);
        }),
      );
      expect((await store.journals.list('many/')).length).toBe(100);
      for (const [journal, id] of ids.entries()) {
        const bodies = (await takeAll(store, id)).map(({ body }) => body);
        expect(bodies).toEqual([0, 1, 2, 3, 4].map((step) => pattern(30, journal * 10 + step)));
      }
    }));
}
