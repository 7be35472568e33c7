import { describe, expect, test } from 'vitest';
import { codeOf, type MakeStore, pattern, rows, takeAll, withStore } from './harness.ts';

// Invariant 3
export function describeFencing(makeStore: MakeStore): void {
  describe('fencing', () => {
    test('a later open fences the earlier writer, which can change nothing', () =>
      withStore(makeStore, async (store) => {
        const old = await store.journals.open('a');
        await old.append([rows(pattern(1, 1))], 'old');
        const young = await store.journals.open('a');
        expect(young.head.epoch).toBeGreaterThan(old.head.epoch);
        expect(young.head.checkpoint).toBe('old');
        expect(await codeOf(old.append([rows(pattern(1, 2))], 'late'))).toBe('BRM-STORE-FENCED');
        expect(await codeOf(old.append([], 'late'))).toBe('BRM-STORE-FENCED');
        await young.append([rows(pattern(1, 3))], 'young');
        expect(await codeOf(old.append([], 'later'))).toBe('BRM-STORE-FENCED');
        expect((await takeAll(store, 'a')).map(({ body }) => body)).toEqual([pattern(1, 1), pattern(1, 3)]);
        expect((await store.journals.open('a')).head.checkpoint).toBe('young');
      }));

    test('of an append and an open at once, the append is wholly in or wholly out', () =>
      withStore(makeStore, async (store) => {
        for (let round = 0; round < 20; round += 1) {
          const id = `race/${round}`;
          const old = await store.journals.open<string>(id);
          const append = old.append([rows(pattern(1, 1)), rows(pattern(1, 2))], 'old').then(
            () => true,
            () => false,
          );
          const young = await store.journals.open<string>(id);
          const isIn = await append;
          expect(young.head.checkpoint).toBe(isIn ? 'old' : undefined);
          expect((await takeAll(store, id)).length).toBe(isIn ? 2 : 0);
        }
      }));

    test('one fenced append leaves appends to other journals alone', () =>
      withStore(makeStore, async (store) => {
        const old = await store.journals.open('a');
        const other = await store.journals.open('b');
        await store.journals.open('a');
        const [fenced, fine] = await Promise.allSettled([
          old.append([rows(pattern(1, 1))], 1),
          other.append([rows(pattern(1, 2))], 2),
        ]);
        expect(fenced).toMatchObject({ status: 'rejected', reason: { code: 'BRM-STORE-FENCED' } });
        expect(fine).toMatchObject({ status: 'fulfilled' });
        expect(await takeAll(store, 'a')).toEqual([]);
        expect((await takeAll(store, 'b')).length).toBe(1);
      }));

    describeOtherFences(makeStore);
    describeTogether(makeStore);
  });
}

function describeOtherFences(makeStore: MakeStore): void {
  test('a dropped journal fences its writer, also when it began anew', () =>
    withStore(makeStore, async (store) => {
      const old = await store.journals.open('a');
      await store.journals.drop('a');
      expect(await codeOf(old.append([rows(pattern(1, 1))], 1))).toBe('BRM-STORE-FENCED');
      const young = await store.journals.open('a');
      expect(await codeOf(old.append([rows(pattern(1, 1))], 1))).toBe('BRM-STORE-FENCED');
      await young.append([rows(pattern(1, 2))], 2);
      expect((await takeAll(store, 'a')).map(({ body }) => body)).toEqual([pattern(1, 2)]);
    }));

  test('a store elsewhere fences too', ({ skip }) =>
    withStore(makeStore, async (store, harness) => {
      if (harness.isShared !== true) return skip('this adapter lets one process write at a time');
      await using elsewhere = await harness.open();
      const old = await store.journals.open('a');
      const young = await elsewhere.journals.open('a');
      expect(await codeOf(old.append([rows(pattern(1, 1))], 1))).toBe('BRM-STORE-FENCED');
      await young.append([rows(pattern(1, 2))], 2);
      expect((await takeAll(store, 'a')).map(({ body }) => body)).toEqual([pattern(1, 2)]);
    }));
}

function describeTogether(makeStore: MakeStore): void {
  test('an append to several journals is in all of them', () =>
    withStore(makeStore, async (store) => {
      const a = await store.journals.open<string>('a');
      const b = await store.journals.open<string>('b');
      await a.append([rows(pattern(1, 1))], 'first');
      await store.journals.appendTogether([
        { writer: a, entries: [rows(pattern(1, 2)), rows(pattern(1, 3))], checkpoint: 'both' },
        { writer: b, entries: [rows(pattern(1, 4))], checkpoint: 'both' },
      ]);
      expect([a.head, b.head]).toMatchObject([
        { next: 3, checkpoint: 'both' },
        { next: 1, checkpoint: 'both' },
      ]);
      await b.append([], 'on');
      expect((await takeAll(store, 'a')).map(({ body }) => body)).toEqual(
        [1, 2, 3].map((n) => pattern(1, n)),
      );
      expect((await takeAll(store, 'b')).map(({ body }) => body)).toEqual([pattern(1, 4)]);
    }));

  // Invariants 2, 3
  test('an append to several journals of which one is fenced is in none', () =>
    withStore(makeStore, async (store) => {
      const a = await store.journals.open<string>('a');
      const b = await store.journals.open<string>('b');
      const young = await store.journals.open<string>('b');
      const together = store.journals.appendTogether([
        { writer: a, entries: [rows(pattern(1, 2))], checkpoint: 'late' },
        { writer: b, entries: [rows(pattern(1, 4))], checkpoint: 'late' },
      ]);
      expect(await codeOf(together)).toBe('BRM-STORE-FENCED');
      expect(await takeAll(store, 'a')).toEqual([]);
      expect(await takeAll(store, 'b')).toEqual([]);
      expect((await store.journals.open('a')).head.checkpoint).toBeUndefined();
      await young.append([rows(pattern(1, 5))], 'young');
      expect((await takeAll(store, 'b')).length).toBe(1);
    }));
}
