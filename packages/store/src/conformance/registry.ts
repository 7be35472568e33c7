import { describe, expect, test } from 'vitest';
import type { RegistryChange } from '../registry.ts';
import { codeOf, eventually, type MakeStore, problemOf, withStore } from './harness.ts';

export function describeRegistry(makeStore: MakeStore): void {
  describe('registry', () => {
    test('compare and set', () =>
      withStore(makeStore, async ({ registry }) => {
        expect(await registry.get('k')).toBeUndefined();
        const first = await registry.put('k', { n: 1 }, 0);
        expect(await registry.get('k')).toEqual({ key: 'k', value: { n: 1 }, revision: first });
        const second = await registry.put('k', { n: 2 }, first);
        expect(second).toBeGreaterThan(first);
        const conflict = await problemOf(registry.put('k', { n: 3 }, first));
        expect(conflict).toMatchObject({ code: 'BRM-STORE-CONFLICT', at: { key: 'k', actual: second } });
        expect(await codeOf(registry.put('k', { n: 3 }, 0))).toBe('BRM-STORE-CONFLICT');
        expect(await codeOf(registry.put('other', 1, second))).toBe('BRM-STORE-CONFLICT');
        expect((await registry.get('k'))?.value).toEqual({ n: 2 });
        expect(await registry.put('k', 'whatever')).toBeGreaterThan(second);
      }));

    test('removing, and revisions that keep growing', () =>
      withStore(makeStore, async ({ registry }) => {
        const first = await registry.put('k', 1);
        expect(await codeOf(registry.remove('k', first + 1))).toBe('BRM-STORE-CONFLICT');
        await registry.remove('k', first);
        expect(await registry.get('k')).toBeUndefined();
        await registry.remove('k');
        await registry.remove('never');
        expect(await registry.put('k', 2, 0)).toBeGreaterThan(first);
      }));

    test('of many who put at once with one expectation, one wins', () =>
      withStore(makeStore, async ({ registry }) => {
        const start = await registry.put('k', 'start');
        const outcomes = await Promise.allSettled(
          Array.from({ length: 20 }, (_, who) => registry.put('k', who, start)),
        );
        const winners = outcomes.flatMap(({ status }, who) => (status === 'fulfilled' ? [who] : []));
        expect(winners.length).toBe(1);
        expect((await registry.get('k'))?.value).toBe(winners[0]);
      }));

    test('lists under a prefix, sorted; nobody can change a stored value from outside', () =>
      withStore(makeStore, async ({ registry }) => {
        const value = { list: [1] };
        for (const key of ['b/2', 'a', 'b/1', 'b', 'c']) await registry.put(key, value);
        value.list.push(2);
        expect((await registry.list('b/')).map(({ key }) => key)).toEqual(['b/1', 'b/2']);
        expect((await registry.list('')).map(({ key }) => key)).toEqual(['a', 'b', 'b/1', 'b/2', 'c']);
        (await registry.get<{ list: number[] }>('a'))?.value.list.push(3);
        expect((await registry.get('a'))?.value).toEqual({ list: [1] });
      }));

    describeReopening(makeStore);
    describeWatching(makeStore);
  });
}

function describeReopening(makeStore: MakeStore): void {
  test('records are there after the store was opened again', async () => {
    const harness = await makeStore();
    try {
      let revision = 0;
      {
        await using store = await harness.open();
        await store.registry.put('gone', 1);
        revision = await store.registry.put('kept', { text: 'ünï ☃' });
        await store.registry.remove('gone');
      }
      await using store = await harness.open();
      expect(await store.registry.list('')).toEqual([{ key: 'kept', value: { text: 'ünï ☃' }, revision }]);
      expect(await store.registry.put('gone', 2, 0)).toBeGreaterThan(revision);
    } finally {
      await harness.destroy();
    }
  });
}

function describeWatching(makeStore: MakeStore): void {
  test('watching gives the present state, then changes', () =>
    withStore(makeStore, async ({ registry }) => {
      await registry.put('w/1', 'one');
      await registry.put('other', 'x');
      const stop = new AbortController();
      const seen = new Map<string, unknown>();
      const changes: RegistryChange[] = [];
      const watching = (async (): Promise<void> => {
        for await (const change of registry.watch('w/', stop.signal)) {
          changes.push(change);
          if (change.kind === 'put') seen.set(change.record.key, change.record.value);
          else seen.delete(change.key);
        }
      })();
      await eventually('the present state arrives', () => seen.get('w/1') === 'one');
      await registry.put('w/2', 'two');
      await eventually('a new record arrives', () => seen.get('w/2') === 'two');
      for (let index = 0; index < 50; index += 1) await registry.put('w/1', index);
      await registry.put('other', 'y');
      await eventually('the last value arrives', () => seen.get('w/1') === 49);
      await registry.remove('w/1');
      await eventually('the removal arrives', () => !seen.has('w/1'));
      stop.abort();
      await watching;
      expect(changes.every((change) => change.kind === 'remove' || change.record.key.startsWith('w/'))).toBe(
        true,
      );
    }));
}
