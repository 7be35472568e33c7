import type { Range } from '@brimful/model';
import { rangeSet } from '@brimful/model';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { nextRange, pagesOf, planOf } from './scan-plan.ts';
import type { Leaf, Table } from './table.ts';

test('whatever is done in whatever pieces, what next() gives covers every page once', () => {
  fc.assert(
    fc.property(
      fc.array(fc.nat(300), { minLength: 1, maxLength: 6 }),
      fc.array(fc.integer({ min: 1, max: 200 }), { minLength: 1, maxLength: 20 }),
      fc.array(fc.boolean(), { minLength: 1, maxLength: 30 }),
      (leaves, sizes, crashes) => {
        const plan = planOf(table(leaves), ['id']);
        const seen = new Map<string, number>();
        let done: readonly Range[] = [];
        let open: readonly Range[] = [];
        for (let round = 0; round < 10_000; round += 1) {
          const remaining = rangeSet.subtract(rangeSet.subtract(plan.total, done), open);
          if (remaining.length === 0) {
            if (open.length === 0) break;
            open = [];
            continue;
          }
          const range = nextRange(plan, remaining, sizes[round % sizes.length] as number);
          // Chunks in flight when the process dies are read again.
          if (round < 30 && crashes[round % crashes.length] === true) {
            open = rangeSet.union(open, [range]);
            continue;
          }
          for (const { leaf, from, to } of pagesOf(plan, range)) {
            for (let page = from; page < to; page += 1) {
              const name = `${leaf.oid}:${page}`;
              seen.set(name, (seen.get(name) ?? 0) + 1);
            }
          }
          done = rangeSet.union(done, [range]);
        }
        expect(rangeSet.subtract(plan.total, done)).toEqual([]);
        expect(seen.size).toBe(leaves.reduce((sum, pages) => sum + pages, 0));
        expect([...seen.values()].every((times) => times === 1)).toBe(true);
      },
    ),
  );
});

test('empty leaves cost no chunk, and small ones share one', () => {
  const plan = planOf(table([0, 3, 0, 0, 4, 2, 0]), ['id']);
  const range = nextRange(plan, plan.total, 8);
  expect(pagesOf(plan, range).map(({ from, to }) => to - from)).toEqual([3, 4, 1]);
  const rest = rangeSet.subtract(plan.total, [range]);
  expect(pagesOf(plan, nextRange(plan, rest, 8)).map(({ from, to }) => [from, to])).toEqual([[1, 2]]);
  expect(rangeSet.subtract(rest, [nextRange(plan, rest, 8)])).toEqual([]);
});

test('nothing to read is no range, and a table without a key is one', () => {
  expect(planOf(table([0, 0]), ['id']).total).toEqual([]);
  const whole = planOf(table([1000, 1000]), []);
  expect(whole.divisible).toBe(false);
  expect(nextRange(whole, whole.total, 1)).toEqual(whole.total[0]);
});

test('the fingerprint follows the filenodes', () => {
  const plan = planOf(table([5, 5]), ['id']);
  expect(planOf(table([9, 9]), ['id']).fingerprint).toBe(plan.fingerprint);
  const moved = table([5, 5]);
  const leaves = moved.leaves.map((leaf, index) => (index === 1 ? { ...leaf, filenode: 999 } : leaf));
  expect(planOf({ ...moved, leaves }, ['id']).fingerprint).not.toBe(plan.fingerprint);
});

function table(pages: readonly number[]): Table {
  const leaves = pages.map((count, index): Leaf => {
    const oid = 100 + index;
    return {
      oid,
      schema: 'public',
      name: `t${index}`,
      kind: 'r',
      filenode: oid,
      pages: count,
      bytes: count * 8192,
      rows: count * 100,
      countedPages: count,
      identity: { mode: 'd', primary: ['id'], index: undefined },
      attachedLater: false,
    };
  });
  return {
    oid: 1,
    root: 1,
    schema: 'public',
    name: 't',
    resource: 'public.t',
    kind: 'p',
    persistence: 'p',
    attributes: [],
    shape: '',
    identity: { key: ['id'], publication: 'changes' },
    leaves,
    rowsHidden: false,
    canSelect: true,
    isOwner: true,
    owner: 'app',
    ownerIsSuper: false,
  };
}
