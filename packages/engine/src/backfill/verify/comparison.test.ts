import type { Batch, ColumnType, Schema } from '@brimful/model';
import { sameFingerprint } from '@brimful/model';
import type { Value } from '@brimful/model/testing';
import { valueAt } from '@brimful/model/testing';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { MemoryDisk } from '../../testing/memory-store.ts';
import { rowsOf, schemaWith } from '../../testing/table-fixture.ts';
import { shapeOf } from './compared-shape.ts';
import type { ComparisonLimits, Differences } from './comparison.ts';
import { Comparison } from './comparison.ts';
import { Leaves, passesOver } from './leaves.ts';
import { Scratch } from './scratch.ts';

type Row = readonly Value[];

const signal = new AbortController().signal;
/** So small that everything is spilled, passes are many and leaves are sliced. */
const TINY: Partial<ComparisonLimits> = { heldPairs: 3, passPairs: 2, heldKeyBytes: 1 };

async function compare(
  schema: Schema,
  left: readonly Batch[],
  right: readonly Batch[],
  limits: Partial<ComparisonLimits> = {},
  level: 'full' | 'counts' = 'full',
): Promise<Differences> {
  const scratch = new Scratch(new MemoryDisk().open().blobs, 'verify/1');
  const comparison = new Comparison(shapeOf(schema, level, new Map()), scratch, limits);
  for (const batch of left) await comparison.feed('left', batch);
  for (const batch of right) await comparison.feed('right', batch);
  return comparison.finish(signal);
}

function isEqual({ onlyLeft, onlyRight, different, leaves }: Differences): boolean {
  const none = onlyLeft + onlyRight + different === 0;
  expect(none).toBe(leaves.differing.length === 0);
  return none;
}

const WIDE = schemaWith(
  [
    ['id', { kind: 'text' }],
    ['first', { kind: 'text' }],
    ['second', { kind: 'text' }],
    ['at', { kind: 'timestamp', zoned: true }],
    ['price', { kind: 'decimal' }],
    ['ratio', { kind: 'float64' }],
    ['count', { kind: 'int64' }],
  ],
  ['id'],
);
const BASE: readonly Row[] = [
  ['a', 'ann', 'bob', 1_700_000_000_000_000n, '1.00', 0, 2n ** 53n],
  ['b', '', null, 1_700_000_000_000_001n, '-7.5', NaN, 2n],
  ['c', 'text', 'text', null, 'NaN', 2 ** 53, -(2n ** 63n)],
  ['d', 'a long text, longer than a word', 'x', 0n, '123456789012345678901234567890.5', 0.1, null],
];

function changed(row: number, column: number, value: Value): Row[] {
  return BASE.map((values, at) => (at === row ? values.with(column, value) : [...values]));
}

/** What can go wrong between two copies of a table. Every one of them must be seen. */
const MUTANTS: readonly (readonly [string, readonly Row[]])[] = [
  ['the last row dropped', BASE.slice(0, -1)],
  ['a row twice', [...BASE, BASE[1] as Row]],
  ['a row twice, another lost', [...BASE.slice(1), BASE[1] as Row]],
  ['the row at the border of two ranges read twice', [...BASE.slice(0, 2), ...BASE.slice(1)]],
  ['a deleted row kept', [...BASE, ['e', 'gone', null, null, '1', 1, 1n]]],
  [
    'values exchanged between columns',
    changed(0, 1, 'bob').map((row, at) => (at === 0 ? row.with(2, 'ann') : row)),
  ],
  [
    'values exchanged between rows',
    changed(0, 6, 2n).map((row, at) => (at === 1 ? row.with(6, 2n ** 53n) : row)),
  ],
  [
    'whole rows exchanged between keys',
    [BASE[0]?.with(0, 'b') as Row, BASE[1]?.with(0, 'a') as Row, ...BASE.slice(2)],
  ],
  ['a time shifted by an hour', changed(0, 3, 1_700_003_600_000_000n)],
  ['a time a microsecond off', changed(1, 3, 1_700_000_000_000_000n)],
  ['null for an empty text', changed(1, 1, null)],
  ['an empty text for null', changed(1, 2, '')],
  ['zero for null', changed(3, 6, 0n)],
  ['the epoch for null', changed(2, 3, 0n)],
  ['a text cut short', changed(3, 1, 'a long text, longer than a wor')],
  ['a text with a blank behind it', changed(3, 1, 'a long text, longer than a word ')],
  ['a neighbour of 2^53', changed(0, 6, 2n ** 53n + 1n)],
  ['a float neighbour of 2^53', changed(2, 5, 2 ** 53 - 1)],
  ['a float rounded to 32 bits', changed(3, 5, Math.fround(0.1))],
  ['NaN lost', changed(1, 5, 0)],
  ['null for NaN', changed(1, 5, null)],
  ['a decimal NaN lost', changed(2, 4, '0')],
  ['a decimal through a float', changed(3, 4, '123456789012345677877719597056')],
  ['a decimal that lost its sign', changed(1, 4, '7.5')],
  ['the smallest integer wrapped', changed(2, 6, 2n ** 63n - 1n)],
  ['a key in another case', changed(0, 0, 'A')],
  ['a row under another key', changed(0, 0, 'e')],
  ['everything lost', []],
];

/** Other ways to write the same values. None of them may be seen as a difference. */
const SAME: readonly (readonly [string, readonly Row[]])[] = [
  ['another order', BASE.toReversed()],
  ['1.0 for 1.00', changed(0, 4, '1.0')],
  ['1 for 1.00', changed(0, 4, '1')],
  ['-0 for 0, as databases compare them', changed(0, 5, -0)],
  ['another NaN', changed(1, 5, -NaN)],
];

describe.each([
  ['in memory', {}],
  ['spilled', TINY],
])('two sides, %s', (_, limits) => {
  test.each(MUTANTS)('%s is seen', async (__, mutant) => {
    expect(isEqual(await compare(WIDE, [rowsOf(WIDE, BASE)], [rowsOf(WIDE, mutant)], limits))).toBe(false);
    expect(isEqual(await compare(WIDE, [rowsOf(WIDE, mutant)], [rowsOf(WIDE, BASE)], limits))).toBe(false);
    const keyless: Schema = { ...WIDE, key: [] };
    expect(isEqual(await compare(keyless, [rowsOf(WIDE, BASE)], [rowsOf(WIDE, mutant)], limits))).toBe(false);
  });

  test.each(SAME)('%s is no difference', async (__, same) => {
    expect(isEqual(await compare(WIDE, [rowsOf(WIDE, BASE)], [rowsOf(WIDE, same)], limits))).toBe(true);
    const keyless: Schema = { ...WIDE, key: [] };
    expect(isEqual(await compare(keyless, [rowsOf(WIDE, BASE)], [rowsOf(WIDE, same)], limits))).toBe(true);
  });

  test('counting sees keys come and go, and not their values', async () => {
    const count = async (rows: readonly Row[]): Promise<boolean> =>
      isEqual(await compare(WIDE, [rowsOf(WIDE, BASE)], [rowsOf(WIDE, rows)], limits, 'counts'));
    expect(await count(changed(0, 1, 'other'))).toBe(true);
    expect(await count(BASE.slice(1))).toBe(false);
    expect(await count(changed(0, 0, 'other'))).toBe(false);
    expect(await count([...BASE, BASE[0] as Row])).toBe(false);
  });
});

const PAIR = schemaWith(
  [
    ['id', { kind: 'int32' }],
    ['value', { kind: 'text' }],
  ],
  ['id'],
);

/** Batches of a few rows each. */
function cut(schema: Schema, rows: readonly Row[], size: number): Batch[] {
  return Array.from({ length: Math.ceil(rows.length / size) }, (_, at) =>
    rowsOf(schema, rows.slice(at * size, (at + 1) * size)),
  );
}

const arbitraryRows = fc.array(fc.tuple(fc.nat(12), fc.constantFrom('', 'a', 'b', null)), { maxLength: 40 });
const arbitraryLimits = fc.record({
  heldPairs: fc.integer({ min: 1, max: 20 }),
  passPairs: fc.integer({ min: 1, max: 20 }),
  heldKeyBytes: fc.constantFrom(1, 200, 10_000),
  keys: fc.constantFrom(3, 1000),
});

/** By key: how often each row is there. */
function bags(rows: readonly Row[]): Map<Value, Map<string, number>> {
  const bags = new Map<Value, Map<string, number>>();
  for (const row of rows) {
    const bag = bags.get(row[0] as Value) ?? new Map<string, number>();
    bags.set(row[0] as Value, bag);
    bag.set(JSON.stringify(row), (bag.get(JSON.stringify(row)) ?? 0) + 1);
  }
  return bags;
}

function surplus(of: Map<string, number> | undefined, over: Map<string, number> | undefined): number {
  return [...(of ?? [])].reduce((sum, [row, count]) => sum + Math.max(0, count - (over?.get(row) ?? 0)), 0);
}

test('differences are exactly those of the two bags of rows, whatever fits memory', async () => {
  await fc.assert(
    fc.asyncProperty(
      arbitraryRows,
      arbitraryRows,
      fc.nat(3),
      fc.integer({ min: 1, max: 7 }),
      arbitraryLimits,
      async (a, b, share, size, limits) => {
        // Mostly the same rows, or nothing would ever be equal.
        const right = [...a.slice(0, (a.length * share) / 3), ...b.slice(0, 3 - share)];
        const found = await compare(PAIR, cut(PAIR, a, size), cut(PAIR, right, size + 1), limits);
        const [lefts, rights] = [bags(a), bags(right)];
        const differing = new Map(
          [...new Set([...lefts.keys(), ...rights.keys()])].map((key) => {
            const left = surplus(lefts.get(key), rights.get(key));
            return [key, [left, surplus(rights.get(key), lefts.get(key))] as const];
          }),
        );
        for (const [key, [left, over]] of differing) if (left + over === 0) differing.delete(key);
        const expected = [...differing.values()];
        const both = expected.reduce((sum, [left, over]) => sum + Math.min(left, over), 0);
        expect(found.different).toBe(both);
        expect(found.onlyLeft).toBe(expected.reduce((sum, [left]) => sum + left, 0) - both);
        expect(found.onlyRight).toBe(expected.reduce((sum, [, over]) => sum + over, 0) - both);
        expect(isEqual(found)).toBe(expected.length === 0);
        expect(found.rows).toEqual({ left: a.length, right: right.length });
        expect(found.keys.rows).toBe(Math.min(limits.keys, expected.length));
        expect(found.beyond).toBe(expected.length - found.keys.rows);
        const column = found.keys.columns[0] as Batch['columns'][number];
        for (let key = 0; key < found.keys.rows; key += 1)
          expect(differing.has(valueAt(column, key))).toBe(true);
      },
    ),
    { numRuns: 500 },
  );
});

test('rows in another version of the schema are compared as they are in the newer', async () => {
  const wider: Schema = {
    ...PAIR,
    version: 2,
    columns: [
      { ...(PAIR.columns[0] as Schema['columns'][number]), type: { kind: 'int64' } },
      PAIR.columns[1] as Schema['columns'][number],
      {
        name: 'new',
        type: { kind: 'text' },
        nullable: true,
        sourceType: 'text',
        sourceId: 3,
        initial: 'first',
      },
    ],
  };
  const found = await compare(
    wider,
    [rowsOf(PAIR, [[1, 'a']]), rowsOf(wider, [[2n, 'b', null]])],
    [
      rowsOf(wider, [
        [1n, 'a', 'first'],
        [2n, 'b', null],
      ]),
    ],
  );
  expect(isEqual(found)).toBe(true);
});

test('many equal rows without a key are counted, not looked through again and again', async () => {
  const keyless: Schema = { ...PAIR, key: [] };
  const many = rowsOf(
    keyless,
    Array.from({ length: 1000 }, () => [1, 'same']),
  );
  const found = await compare(keyless, Array<Batch>(40).fill(many), Array<Batch>(39).fill(many), {
    heldPairs: 2048,
    passPairs: 1024,
  });
  expect([found.onlyLeft, found.onlyRight, found.different]).toEqual([1000, 0, 0]);
});

// Invariant 9
test('passes hold no more pairs than their limit, and together every differing leaf once', () => {
  fc.assert(
    fc.property(
      fc.array(fc.tuple(fc.integer(), fc.integer()), { maxLength: 200 }),
      fc.integer({ min: 1, max: 30 }),
      (hashes, limit) => {
        const [left, right] = [new Leaves(), new Leaves()];
        const high = Int32Array.from(hashes, ([one]) => (one % 5) << 20);
        const low = Int32Array.from(hashes, ([, one]) => one);
        left.add({ key: { high, low }, row: { high, low } }, hashes.length);
        const differing = [...Array(4096).keys()].filter((leaf) => left.count(leaf) > 0);
        const passes = passesOver(left, right, differing, limit);
        const covered = passes.flatMap(({ leaves, slice }) => (slice === 0 ? leaves : []));
        expect(covered).toEqual(differing);
        for (const { leaves, slices } of passes) {
          const pairs = leaves.reduce((sum, leaf) => sum + left.count(leaf), 0);
          expect(pairs <= limit || (leaves.length === 1 && pairs / slices <= limit)).toBe(true);
        }
      },
    ),
  );
});

test('a sum carries from its low to its high half', () => {
  const leaves = new Leaves();
  const key = { high: new Int32Array(3), low: new Int32Array(3) };
  leaves.add({ key, row: { high: Int32Array.of(-1, 0, 1), low: Int32Array.of(-1, -1, -1) } }, 3);
  const sum = 0xffff_ffff_ffff_ffffn + 0xffff_ffffn + 0x1_ffff_ffffn;
  const expected = { count: 3, sum: BigInt.asUintN(64, sum) };
  expect(sameFingerprint(leaves.fingerprint(0), expected)).toBe(true);
});

test('scratch is left without a trace', async () => {
  const disk = new MemoryDisk();
  const scratch = new Scratch(disk.open().blobs, 'verify/1');
  const comparison = new Comparison(shapeOf(PAIR, 'full', new Map()), scratch, TINY);
  for (const batch of cut(
    PAIR,
    Array.from({ length: 50 }, (_, id) => [id, 'a']),
    10,
  )) {
    await comparison.feed('left', batch);
  }
  expect(disk.blobs.size).toBeGreaterThan(10);
  await scratch.remove();
  expect(disk.blobs.size).toBe(0);
});

test('every type takes part: one value changed is one difference', async () => {
  const types: readonly [ColumnType, Value, Value][] = [
    [{ kind: 'boolean' }, true, false],
    [{ kind: 'int16' }, 1, -1],
    [{ kind: 'date' }, 19_000, 19_001],
    [{ kind: 'time' }, 1n, 2n],
    [{ kind: 'uuid' }, '00000000-0000-0000-0000-000000000001', '00000000-0000-0000-0000-000000000010'],
    [{ kind: 'bytes' }, Uint8Array.of(1, 0), Uint8Array.of(1)],
    [{ kind: 'json', binary: true }, '{"a": 1}', '{"a": 2}'],
    [{ kind: 'other', name: 'interval' }, '1 day', '24:00:00'],
    [{ kind: 'float32' }, 1.5, -1.5],
  ];
  for (const [type, before, after] of types) {
    const schema = schemaWith(
      [
        ['id', { kind: 'int32' }],
        ['value', type],
      ],
      ['id'],
    );
    const found = await compare(schema, [rowsOf(schema, [[1, before]])], [rowsOf(schema, [[1, after]])]);
    expect([found.different, found.onlyLeft, found.onlyRight], type.kind).toEqual([1, 0, 0]);
  }
});
