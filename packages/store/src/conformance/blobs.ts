import { describe, expect, test } from 'vitest';
import { codeOf, type MakeStore, META, pattern, problemOf, take, withStore } from './harness.ts';

const NAMES = [
  'a',
  'a/b',
  'A/b',
  'a/b.arrow',
  'a/B.arrow',
  'a.blob/x',
  'ünï/☃ and space/%2e',
  'a/b/c/.hidden',
  'dot./x',
];

export function describeBlobs(makeStore: MakeStore): void {
  describe('blobs', () => {
    test('come back as the concatenation of their parts', () =>
      withStore(makeStore, async ({ blobs }) => {
        const whole = pattern(3_000_000, 7);
        const small = Array.from({ length: 1_000 }, (_, index) =>
          whole.subarray(index * 100, index * 100 + 100),
        );
        const parts = [
          ...small,
          whole.subarray(100_000, 2_000_000),
          new Uint8Array(0),
          whole.subarray(2_000_000),
        ];
        expect(await blobs.put('shop/orders/1', parts)).toEqual({ bytes: whole.byteLength });
        const found = await blobs.get('shop/orders/1');
        expect(Buffer.compare(found, whole)).toBe(0);
        expect(found.byteOffset % 8, 'typed arrays can be laid over it').toBe(0);
        expect(await blobs.put('empty', [])).toEqual({ bytes: 0 });
        expect((await blobs.get('empty')).byteLength).toBe(0);
      }));

    test('keep apart whatever their names, and list by prefix', () =>
      withStore(makeStore, async ({ blobs }) => {
        for (const [index, name] of NAMES.entries()) await blobs.put(name, [pattern(20, index)]);
        for (const [index, name] of NAMES.entries())
          expect(await blobs.get(name)).toEqual(pattern(20, index));
        expect(await blobs.list('')).toEqual([...NAMES].sort());
        expect(await blobs.list('a/b')).toEqual(NAMES.filter((name) => name.startsWith('a/b')).sort());
        expect(await blobs.list('none')).toEqual([]);
      }));

    test('a name is written once', () =>
      withStore(makeStore, async ({ blobs }) => {
        await blobs.put('once', [pattern(5, 1)]);
        expect((await problemOf(blobs.put('once', [pattern(5, 2)]))).kind).toBe('bug');
        expect(await blobs.get('once')).toEqual(pattern(5, 1));
        const both = await Promise.allSettled([
          blobs.put('race', [pattern(5, 1)]),
          blobs.put('race', [pattern(5, 1)]),
        ]);
        expect(both.map(({ status }) => status).sort()).toEqual(['fulfilled', 'rejected']);
      }));

    describeBlobRefusals(makeStore);
  });
}

function describeBlobRefusals(makeStore: MakeStore): void {
  test('names that are no paths are refused', () =>
    withStore(makeStore, async ({ blobs }) => {
      for (const name of ['', '/', 'a//b', '../x', 'a/../b', './a', 'a/']) {
        expect((await problemOf(blobs.put(name, [])).catch(() => undefined))?.kind, name).toBe('bug');
      }
      expect(await blobs.list('')).toEqual([]);
    }));

  test('a missing one is corruption; removing is idempotent', () =>
    withStore(makeStore, async ({ blobs }) => {
      expect(await codeOf(blobs.get('never'))).toBe('BRM-STORE-CORRUPT');
      await blobs.put('x/1', [pattern(5, 1)]);
      await blobs.remove('x/1');
      await blobs.remove('x/1');
      expect(await blobs.list('x/')).toEqual([]);
      expect(await codeOf(blobs.get('x/1'))).toBe('BRM-STORE-CORRUPT');
    }));

  test('a claimed one is there after the store was opened again', async () => {
    const harness = await makeStore();
    try {
      {
        await using store = await harness.open();
        const writer = await store.journals.open('a');
        const blob = { name: 'x/1', ...(await store.blobs.put('x/1', [pattern(10_000, 1)])) };
        await writer.append([{ kind: 'rows', meta: META, blob }], {});
      }
      await using store = await harness.open();
      const { first = 0 } = (await store.journals.state('a')) ?? {};
      const [entry] = await take(store, 'a', first, 1);
      expect(await store.blobs.get(entry?.blob?.name ?? '')).toEqual(pattern(10_000, 1));
    } finally {
      await harness.destroy();
    }
  });
}
