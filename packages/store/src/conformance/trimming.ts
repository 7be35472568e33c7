import { describe, expect, test } from 'vitest';
import type { NewEntry } from '../journals.ts';
import type { Store } from '../store.ts';
import { codeOf, type MakeStore, META, pattern, rows, sleep, take, takeAll, withStore } from './harness.ts';

async function putBlob(store: Store, name: string): Promise<NewEntry> {
  const { bytes } = await store.blobs.put(name, [pattern(500, 1)]);
  return { kind: 'rows', meta: META, blob: { name, bytes } };
}

export function describeTrimming(makeStore: MakeStore): void {
  describe('trimming', () => {
    test('forgets what is below, keeps the rest and its offsets', () =>
      withStore(makeStore, async (store) => {
        const writer = await store.journals.open('a');
        const start = writer.head.next;
        const bodies = Array.from({ length: 10 }, (_, index) => pattern(100, index));
        await writer.append(
          bodies.map((body) => rows(body)),
          {},
        );
        await store.journals.trim('a', start + 6);
        await store.journals.trim('a', start + 6);
        await store.journals.trim('a', start + 2);
        expect(await store.journals.state('a')).toEqual({ first: start + 6, next: start + 10, bytes: 400 });
        expect(await codeOf(take(store, 'a', start + 5, 1))).toBe('BRM-STORE-TRIMMED');
        expect((await takeAll(store, 'a')).map(({ body }) => body)).toEqual(bodies.slice(6));
        expect((await writer.append([rows(pattern(1, 1))], {})).next).toBe(start + 11);
      }));

    test('not beyond the end', () =>
      withStore(makeStore, async (store) => {
        const writer = await store.journals.open('a');
        const { next } = await writer.append([rows(pattern(10, 1))], 'kept');
        await store.journals.trim('a', next + 100);
        await store.journals.trim('missing', 5);
        expect(await store.journals.state('a')).toEqual({ first: next, next, bytes: 0 });
        await writer.append([rows(pattern(10, 2))], 'kept');
        expect((await take(store, 'a', next, 1))[0]?.body).toEqual(pattern(10, 2));
      }));

    test('a waiting reader whose next entry is still to come goes on', () =>
      withStore(makeStore, async (store) => {
        const writer = await store.journals.open('a');
        const { next } = await writer.append([rows(pattern(10, 1))], {});
        const waiting = take(store, 'a', next, 1);
        await store.journals.trim('a', next);
        await writer.append([rows(pattern(10, 2))], {});
        expect((await waiting)[0]?.body).toEqual(pattern(10, 2));
      }));

    test('much at once, while others append', () =>
      withStore(makeStore, async (store) => {
        const writer = await store.journals.open('a');
        const other = await store.journals.open('b');
        const entries = Array.from({ length: 500 }, (_, index) => rows(pattern(5_000, index)));
        for (let round = 0; round < 4; round += 1) await writer.append(entries, round);
        let isTrimmed = false;
        const trim = store.journals.trim('a', writer.head.next - 1).then(() => (isTrimmed = true));
        while (!isTrimmed) await other.append([rows(pattern(10, 1))], {});
        await trim;
        expect(await store.journals.state('a')).toMatchObject({ bytes: 5_000 });
        expect((await takeAll(store, 'a'))[0]?.body).toEqual(pattern(5_000, 499));
      }));

    describeDropping(makeStore);
    describeClaims(makeStore);
  });
}

function describeDropping(makeStore: MakeStore): void {
  test('a dropped journal is gone and begins anew', () =>
    withStore(makeStore, async (store) => {
      const writer = await store.journals.open('a/1');
      await store.journals.open('a/2');
      await writer.append([rows(pattern(10, 1)), rows(pattern(10, 2))], 'old');
      await store.journals.drop('a/1');
      await store.journals.drop('a/1');
      expect(await store.journals.state('a/1')).toBeUndefined();
      expect(await store.journals.list('a/')).toEqual(['a/2']);
      const again = await store.journals.open('a/1');
      expect(again.head.checkpoint).toBeUndefined();
      await again.append([rows(pattern(10, 3))], 'new');
      expect((await takeAll(store, 'a/1')).map(({ body }) => body)).toEqual([pattern(10, 3)]);
    }));

  test('a reader that waits is told when its journal is dropped', () =>
    withStore(makeStore, async (store) => {
      const writer = await store.journals.open('a');
      await writer.append([rows(pattern(10, 1))], {});
      const reading = store.journals
        .read('a', writer.head.next - 1, AbortSignal.timeout(20_000))
        [Symbol.asyncIterator]();
      await reading.next();
      // Once more, so that it is a live reader that waits.
      await writer.append([rows(pattern(10, 2))], {});
      await reading.next();
      const waiting = codeOf(reading.next());
      await sleep(50);
      await store.journals.drop('a');
      expect(await waiting).toBe('BRM-STORE-TRIMMED');
    }));

  test('a reader of a dropped journal is told, and not given the next one', () =>
    withStore(makeStore, async (store) => {
      const writer = await store.journals.open('a');
      await writer.append([rows(pattern(10, 1)), rows(pattern(10, 2))], {});
      const { next } = writer.head;
      const waiting = codeOf(take(store, 'a', next - 1, 2));
      await sleep(50);
      await store.journals.drop('a');
      const again = await store.journals.open('a');
      for (let index = 0; index < 5; index += 1) await again.append([rows(pattern(10, 9))], {});
      expect(await waiting).toBe('BRM-STORE-TRIMMED');
    }));
}

function describeClaims(makeStore: MakeStore): void {
  test('blobs go with the last entry that claims them', () =>
    withStore(makeStore, async (store) => {
      const a = await store.journals.open('a');
      const b = await store.journals.open('b');
      const [mine, shared, later] = await Promise.all(
        ['x/mine', 'x/shared', 'x/later'].map((name) => putBlob(store, name)),
      );
      await a.append([mine, shared] as NewEntry[], {});
      const middle = a.head.next;
      await a.append([later] as NewEntry[], {});
      await b.append([shared] as NewEntry[], {});
      expect(await store.blobs.list('x/')).toEqual(['x/later', 'x/mine', 'x/shared']);
      await store.journals.trim('a', middle);
      expect(await store.blobs.list('x/')).toEqual(['x/later', 'x/shared']);
      await store.journals.drop('a');
      expect(await store.blobs.list('x/')).toEqual(['x/shared']);
      expect(await store.blobs.get('x/shared')).toEqual(pattern(500, 1));
      await store.journals.drop('b');
      expect(await store.blobs.list('x/')).toEqual([]);
    }));

  test('a claim comes back with its entry', () =>
    withStore(makeStore, async (store) => {
      const writer = await store.journals.open('a');
      const { next } = writer.head;
      await writer.append(
        [await putBlob(store, 'x/1'), { ...rows(pattern(3, 3)), ...(await putBlob(store, 'x/2')) }],
        {},
      );
      const found = await take(store, 'a', next, 2);
      expect(found.map(({ blob }) => blob)).toEqual([
        { name: 'x/1', bytes: 500 },
        { name: 'x/2', bytes: 500 },
      ]);
      expect(found[1]?.body).toEqual(pattern(3, 3));
    }));
}
