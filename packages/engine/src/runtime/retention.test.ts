import fc from 'fast-check';
import { expect, test } from 'vitest';
import { currentBase } from '../collection/base.ts';
import { readState } from '../collection/collection-state.ts';
import { CollectionWriter } from '../collection/collection-writer.ts';
import { holdHistory } from '../collection/history-hold.ts';
import { journalId } from '../collection/journal-id.ts';
import type { EngineContext } from '../context.ts';
import type { Piece } from '../testing/journal-fixture.ts';
import { append, rowsOfState, tableOf } from '../testing/journal-fixture.ts';
import { MemoryDisk } from '../testing/memory-store.ts';
import { DOCS, changesOf, memoryContext, rowsOf } from '../testing/table-fixture.ts';
import type { RetainedJournal } from './retention.ts';
import { Retention, shouldCompact } from './retention.ts';

const { signal } = new AbortController();
const COLLECTION = 'shop/docs';
const POLICY = { leastBytes: 2000, factor: 2 };
const HOUR = 3_600_000;

interface Fixture {
  readonly disk: MemoryDisk;
  readonly context: EngineContext;
  readonly retention: Retention;
  readonly writer: CollectionWriter<number>;
  look(changes?: Partial<RetainedJournal>, now?: number): Promise<void>;
  grow(updates: number): Promise<void>;
  first(): number;
}

/** Rows, read; then the first ten change. */
async function fixture(keepMilliseconds?: number, count = 10): Promise<Fixture> {
  const disk = new MemoryDisk();
  const context = memoryContext(disk);
  const retention = new Retention(context, keepMilliseconds, POLICY);
  const writer = await CollectionWriter.open<number>(context, COLLECTION, 1);
  const rows = Array.from({ length: count }, (_, id) => [id, 'as it was read', null]);
  await append(writer, [
    { kind: 'schema', schema: DOCS },
    { kind: 'scan', batch: rowsOf(DOCS, rows) },
    { kind: 'complete' },
  ]);
  return {
    disk,
    context,
    retention,
    writer,
    look: (changes = {}, now = 0) =>
      retention.keep(
        [
          {
            collection: COLLECTION,
            generation: 1,
            applied: writer.head.next,
            floor: Infinity,
            complete: true,
            ...changes,
          },
        ],
        now,
        signal,
      ),
    grow: (updates) =>
      append(
        writer,
        Array.from({ length: updates }, (_, index): Piece => {
          const row = [index % 10, `update ${index}`, null];
          return { kind: 'changes', batch: changesOf(DOCS, BigInt(index), [{ operation: 'update', row }]) };
        }),
      ),
    first: () => disk.journals.get(journalId(COLLECTION, 1))?.first ?? -1,
  };
}

test('history is folded when it has outgrown both the least and its base', () => {
  const size = fc.nat({ max: 10_000 });
  fc.assert(
    fc.property(size, size, (sinceBytes, baseBytes) => {
      const due = shouldCompact({ sinceBytes, baseBytes }, POLICY);
      expect(due).toBe(sinceBytes >= 2000 && sinceBytes >= 2 * baseBytes);
    }),
  );
});

test('what a first read brought is no history to be folded; what came since is, once it is longer', async () => {
  const { context, look, grow } = await fixture(undefined, 500);
  const base = (): Promise<unknown> => currentBase(context.store.registry, COLLECTION, 1);
  await look();
  expect(await base()).toBeUndefined();
  await grow(50);
  await look();
  expect(await base()).toBeUndefined();
  await grow(250);
  await look();
  expect(await base()).toBeDefined();
});

// Invariant 7
test('long history becomes a base and goes; every row is still there', async () => {
  const { context, writer, look, grow, first } = await fixture();
  await grow(5);
  await look();
  expect(first(), 'too little').toBe(0);
  await grow(100);
  const expected = await tableOf(context, COLLECTION, writer.head.next, DOCS);
  await look();
  expect(first()).toBe(writer.head.next);
  const options = { asOf: writer.head.next, signal };
  expect(await rowsOfState(readState(context, COLLECTION, 1, options))).toEqual(expected);
});

// Invariant 7
test.each([
  ['a table that is behind', { applied: 20 }, 20],
  ['a table that is being loaded', { applied: null }, 0],
  ['a run that reads changes again', { floor: 7 }, 7],
])('%s keeps its history, also when it is folded', async (_, needs, kept) => {
  const { look, grow, first, context } = await fixture();
  await grow(100);
  await look(needs);
  expect(await currentBase(context.store.registry, COLLECTION, 1)).toBeDefined();
  expect(first()).toBe(kept);
});

test('whoever holds history keeps it', async () => {
  const { look, grow, first, context, writer } = await fixture();
  await grow(100);
  const hold = holdHistory(context.store, COLLECTION, 1, 9);
  await look();
  // What the rows were at 9 can still be told: there is no base from before.
  expect(first()).toBe(0);
  hold[Symbol.dispose]();
  await look();
  expect(first()).toBe(writer.head.next);
});

test('a table that is being read is not folded', async () => {
  const { look, grow, first, context } = await fixture();
  await grow(100);
  await look({ complete: false });
  expect(await currentBase(context.store.registry, COLLECTION, 1)).toBeUndefined();
  expect(first()).toBe(0);
});

test('under a retention, history goes when it is old enough and no sooner', async () => {
  const { look, grow, first, writer } = await fixture(HOUR);
  await grow(100);
  const old = writer.head.next;
  await look({}, 0);
  await grow(100);
  await look({}, HOUR / 2);
  expect(first()).toBe(0);
  await look({}, HOUR);
  expect(first()).toBe(old);
  await look({}, HOUR + 1);
  expect(first()).toBe(old);
  await look({}, HOUR * 1.5);
  expect(first()).toBe(writer.head.next);
});

test('under a retention, what no base covers stays', async () => {
  const { look, grow, first } = await fixture(HOUR);
  await grow(5);
  await look({}, 0);
  await look({}, 2 * HOUR);
  expect(first()).toBe(0);
});

test('older bases go, unless somebody needs them', async () => {
  const { disk, look, grow, writer } = await fixture();
  const bases = (): number => [...disk.journals.keys()].filter((id) => id.includes('base-')).length;
  await grow(100);
  await look();
  const run = writer.head.next + 3;
  await grow(100);
  await look({ floor: run });
  expect(bases(), 'a run asks for the state as of its beginning').toBe(2);
  await look();
  expect(bases()).toBe(1);
});

// Invariant 8
test('a journal that cannot be folded is reported and tried again later; the others are looked after', async () => {
  const { disk, context, retention, grow, writer } = await fixture();
  await grow(100);
  const other = await CollectionWriter.open<number>(context, 'shop/other', 1);
  const batch = changesOf(DOCS, 1n, [{ operation: 'update', row: [1, 'x'.repeat(3000), null] }]);
  await append(other, [{ kind: 'schema', schema: DOCS }, { kind: 'complete' }, { kind: 'changes', batch }]);
  const blob = [...disk.blobs][0] as [string, Uint8Array];
  disk.blobs.delete(blob[0]);
  const needs = { generation: 1, applied: Infinity, floor: Infinity, complete: true };
  const look = (now: number): Promise<void> =>
    retention.keep([COLLECTION, 'shop/other'].map((collection) => ({ collection, ...needs })), now, signal); // prettier-ignore
  await look(0);
  expect(retention.problems.get(journalId(COLLECTION, 1))?.code).toBe('BRM-STORE-CORRUPT');
  expect(disk.journals.get(journalId('shop/other', 1))?.first).toBe(other.head.next);
  disk.blobs.set(...blob);
  await look(1000);
  expect(retention.problems.size, 'not at once').toBe(1);
  await look(HOUR);
  expect(retention.problems.size).toBe(0);
  expect(disk.journals.get(journalId(COLLECTION, 1))?.first).toBe(writer.head.next);
});
