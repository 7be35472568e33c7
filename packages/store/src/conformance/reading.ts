import { describe, expect, test } from 'vitest';
import type { Entry, Writer } from '../journals.ts';
import type { Store } from '../store.ts';
import { codeOf, eventually, type MakeStore, pattern, rows, sleep, take, withStore } from './harness.ts';

/** Reads until aborted, remembering what came. */
interface Tailing {
  readonly entries: Entry[];
  readonly ended: Promise<void>;
}

function tail(store: Store, id: string, from: number, signal: AbortSignal): Tailing {
  const entries: Entry[] = [];
  const ended = (async (): Promise<void> => {
    for await (const entry of store.journals.read(id, from, signal)) entries.push(entry);
  })();
  return { entries, ended };
}

async function appendPatterns(writer: Writer<unknown>, count: number, bytes: number): Promise<void> {
  for (let index = 0; index < count; index += 1) {
    await writer.append([rows(pattern(bytes, writer.head.next))], index);
  }
}

function expectPatterns(entries: readonly Entry[], bytes: number): void {
  for (const { offset, body } of entries) {
    expect(Buffer.compare(body ?? new Uint8Array(0), pattern(bytes, offset)), `entry ${offset}`).toBe(0);
  }
}

export function describeReading(makeStore: MakeStore): void {
  describe('reading', () => {
    test('history, then the live tail, without a hole or a repetition', () =>
      withStore(makeStore, async (store) => {
        const writer = await store.journals.open('a');
        const start = writer.head.next;
        await appendPatterns(writer, 50, 100);
        const stop = new AbortController();
        const { entries, ended } = tail(store, 'a', start, stop.signal);
        await appendPatterns(writer, 50, 100);
        await eventually('all entries arrive', () => entries.length === 100);
        await appendPatterns(writer, 50, 100);
        await eventually('all later entries arrive', () => entries.length === 150);
        stop.abort();
        await ended;
        expect(entries.map(({ offset }) => offset)).toEqual(
          Array.from({ length: 150 }, (_, index) => start + index),
        );
        expectPatterns(entries, 100);
      }));

    test('from the middle', () =>
      withStore(makeStore, async (store) => {
        const writer = await store.journals.open('a');
        const start = writer.head.next;
        await appendPatterns(writer, 10, 10);
        expect((await take(store, 'a', start + 7, 3)).map(({ offset }) => offset)).toEqual([
          start + 7,
          start + 8,
          start + 9,
        ]);
      }));

    test('more than is read ahead', () =>
      withStore(makeStore, async (store) => {
        const writer = await store.journals.open('a');
        const start = writer.head.next;
        const bytes = 300_000;
        await appendPatterns(writer, 40, bytes);
        expectPatterns(await take(store, 'a', start, 40), bytes);
      }));

    test('a journal that does not exist yet is waited for', () =>
      withStore(makeStore, async (store) => {
        const stop = new AbortController();
        const { entries, ended } = tail(store, 'later', 0, stop.signal);
        await sleep(50);
        await appendPatterns(await store.journals.open('later'), 3, 10);
        await eventually('its entries arrive', () => entries.length === 3);
        stop.abort();
        await ended;
      }));

    test('beyond the end is refused: the store is older than its reader', () =>
      withStore(makeStore, async (store) => {
        const writer = await store.journals.open('a');
        await appendPatterns(writer, 2, 10);
        expect(await codeOf(take(store, 'a', writer.head.next + 1, 1))).toBe('BRM-STORE-AHEAD');
      }));

    describeEnding(makeStore);
    describeReaders(makeStore);
  });
}

function describeEnding(makeStore: MakeStore): void {
  test('aborting ends a waiting reader without an error', () =>
    withStore(makeStore, async (store) => {
      const stop = new AbortController();
      const writer = await store.journals.open('a');
      const waiting = tail(store, 'a', writer.head.next, stop.signal);
      const missing = tail(store, 'missing', 0, stop.signal);
      await appendPatterns(writer, 1, 10);
      await eventually('the reader has arrived', () => waiting.entries.length === 1);
      stop.abort();
      await Promise.all([waiting.ended, missing.ended]);
      const late = tail(store, 'a', 0, stop.signal);
      await late.ended;
      expect(late.entries).toEqual([]);
    }));

  test('aborting in the middle of the history ends it there', () =>
    withStore(makeStore, async (store) => {
      const writer = await store.journals.open('a');
      await appendPatterns(writer, 20, 10);
      const stop = new AbortController();
      let count = 0;
      for await (const _ of store.journals.read('a', 0, stop.signal)) {
        count += 1;
        if (count === 5) stop.abort();
      }
      expect(count).toBe(5);
    }));
}

function describeReaders(makeStore: MakeStore): void {
  test('several readers of one journal see the same', () =>
    withStore(makeStore, async (store) => {
      const writer = await store.journals.open('a');
      const stop = new AbortController();
      const readers = [0, 1, 2].map(() => tail(store, 'a', writer.head.next, stop.signal));
      await appendPatterns(writer, 30, 50);
      await eventually('all have all', () => readers.every(({ entries }) => entries.length === 30));
      stop.abort();
      await Promise.all(readers.map(({ ended }) => ended));
      for (const { entries } of readers) expectPatterns(entries, 50);
    }));

  test('a hundred waiting readers: only the one concerned gets something', () =>
    withStore(makeStore, async (store) => {
      const stop = new AbortController();
      const ids = Array.from({ length: 100 }, (_, index) => `tail/${index}`);
      const readers = ids.map((id) => tail(store, id, 0, stop.signal));
      await appendPatterns(await store.journals.open('tail/42'), 5, 10);
      await eventually('its reader has all', () => readers[42]?.entries.length === 5);
      stop.abort();
      await Promise.all(readers.map(({ ended }) => ended));
      expect(readers.reduce((sum, { entries }) => sum + entries.length, 0)).toBe(5);
    }));

  test('a reader that stands still while much is appended gets the same bytes later', () =>
    withStore(makeStore, async (store) => {
      const writer = await store.journals.open('a');
      const bytes = 250_000;
      await appendPatterns(writer, 1, bytes);
      const stop = new AbortController();
      const entries: Entry[] = [];
      for await (const entry of store.journals.read('a', writer.head.next - 1, stop.signal)) {
        entries.push(entry);
        if (entries.length === 1) await appendPatterns(writer, 99, bytes);
        if (entries.length === 100) stop.abort();
      }
      expectPatterns(entries, bytes);
    }));
}
