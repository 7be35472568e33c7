import fc from 'fast-check';
import { expect, test } from 'vitest';
import { compareTables } from './compare.ts';
import type { LineBlocks, Row } from './rows.ts';
import type { TableShape } from './table-shape.ts';

const KEYED: TableShape = {
  schema: 'public',
  name: 't',
  columns: [
    { name: 'id', type: 'bigint' },
    { name: 'code', type: 'text' },
    { name: 'value', type: 'text' },
    { name: 'ratio', type: 'double precision' },
  ],
  key: ['id', 'code'],
};
const KEYLESS: TableShape = { ...KEYED, key: [] };

async function* blocks(rows: readonly Row[], size: number): LineBlocks {
  yield [];
  for (let start = 0; start < rows.length; start += size) {
    yield rows
      .slice(start, start + size)
      .map((row) => row.map((value) => value ?? String.raw`\N`).join('\t'));
  }
}

test('an equal table is equal, however it is cut into blocks and floats are printed', async () => {
  const source: Row[] = [
    ['9', 'a', null, '1e+20'],
    ['10', 'é', 'x', 'Infinity'],
    ['10', '\u{FFFD}', 'x', '0.5'],
    ['10', '😀', 'x', null],
  ];
  const target: Row[] = [
    ['9', 'a', null, '1e20'],
    ['10', 'é', 'x', 'inf'],
    ['10', '\u{FFFD}', 'x', '0.5'],
    ['10', '😀', 'x', null],
  ];
  expect(await compareTables(KEYED, blocks(source, 1), blocks(target, 3))).toMatchObject({
    equal: true,
    sourceRows: 4,
    targetRows: 4,
    examples: [],
  });
});

test('missing, extra and different rows are told apart and shown', async () => {
  const source: Row[] = [
    ['1', 'a', 'x', null],
    ['2', 'a', 'x', null],
    ['10', 'a', '', '1'],
  ];
  const target: Row[] = [
    ['2', 'a', 'y', null],
    ['3', 'a', 'x', null],
    ['10', 'a', null, '1'],
  ];
  expect(await compareTables(KEYED, blocks(source, 2), blocks(target, 2))).toMatchObject({
    equal: false,
    missing: 1,
    extra: 1,
    different: 2,
    examples: [
      'missing: id="1", code="a"',
      'different: id="2", code="a": value is "x" at the source, "y" here',
      'extra: id="3", code="a"',
      'different: id="10", code="a": value is "" at the source, null here',
    ],
  });
});

test('without a key doubles count', async () => {
  const row: Row = ['1', 'a', 'x', '1'];
  const compared = await compareTables(KEYLESS, blocks([row, row, row], 2), blocks([row, row], 2));
  expect(compared).toMatchObject({ equal: false, missing: 1, extra: 0, sourceRows: 3, targetRows: 2 });
});

test('counts are those of a comparison by sets', async () => {
  const table = fc.uniqueArray(fc.tuple(fc.integer({ min: 0, max: 30 }), fc.constantFrom('x', 'y', 'z')), {
    selector: ([id]) => id,
    maxLength: 30,
  });
  await fc.assert(
    fc.asyncProperty(table, table, fc.integer({ min: 1, max: 7 }), async (a, b, size) => {
      const rows = (pairs: readonly (readonly [number, string])[]): Row[] =>
        [...pairs].sort(([x], [y]) => x - y).map(([id, value]) => [String(id), 'c', value, null]);
      const compared = await compareTables(KEYED, blocks(rows(a), size), blocks(rows(b), 3));
      const [left, right] = [new Map(a), new Map(b)];
      expect(compared).toMatchObject({
        missing: a.filter(([id]) => !right.has(id)).length,
        extra: b.filter(([id]) => !left.has(id)).length,
        different: a.filter(([id, value]) => right.has(id) && right.get(id) !== value).length,
      });
    }),
    { seed: 5 },
  );
});
