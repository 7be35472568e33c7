import type { Range } from './range.ts';

/**
 * A set of points as disjoint ranges in ascending order: no range is empty and no two touch, so equal sets are equal
 * data. Plain data, safe to keep in a checkpoint. Every function but `normalize` takes sets in this form and returns
 * them in it; data of unknown origin goes through `normalize` first.
 *
 * The least point is `""`, so a range from `""` is written with an open start and a range up to `""` is empty.
 */
export type RangeSet = readonly Range[];

export const NOTHING: RangeSet = [];
export const EVERYTHING: RangeSet = [{ from: null, to: null }];

/** The set of the points of all ranges, in any order, overlapping or empty. */
export function normalize(ranges: readonly Range[]): RangeSet {
  const sorted = ranges
    .filter((range) => range.to === null || (range.from ?? '') < range.to)
    .sort((a, b) => compareStarts(a.from, b.from));
  const merged: Range[] = [];
  for (const range of sorted) {
    const from = range.from === '' ? null : range.from;
    const last = merged.at(-1);
    if (last === undefined || endsBefore(last.to, from)) {
      merged.push({ from, to: range.to });
    } else if (endsBeforeEnd(last.to, range.to)) {
      merged[merged.length - 1] = { from: last.from, to: range.to };
    }
  }
  return merged;
}

export function union(a: RangeSet, b: RangeSet): RangeSet {
  if (a.length === 0) return b;
  if (b.length === 0) return a;
  return normalize([...a, ...b]);
}

export function intersect(a: RangeSet, b: RangeSet): RangeSet {
  const both: Range[] = [];
  let i = 0;
  let j = 0;
  while (i < a.length && j < b.length) {
    const left = a[i] as Range;
    const right = b[j] as Range;
    const from = compareStarts(left.from, right.from) < 0 ? right.from : left.from;
    const leftEndsFirst = endsBeforeEnd(left.to, right.to);
    const to = leftEndsFirst ? left.to : right.to;
    if (to === null || (from ?? '') < to) both.push({ from, to });
    if (leftEndsFirst) i += 1;
    else j += 1;
  }
  return both;
}

/** What is in `a` and not in `b`. */
export function subtract(a: RangeSet, b: RangeSet): RangeSet {
  return intersect(a, complement(b));
}

/** Everything that is not in the set. */
export function complement(set: RangeSet): RangeSet {
  const gaps: Range[] = [];
  let from: string | null = null;
  for (const range of set) {
    if (range.from !== null) gaps.push({ from, to: range.from });
    if (range.to === null) return gaps;
    from = range.to;
  }
  gaps.push({ from, to: null });
  return gaps;
}

/** Whether every point of `b` is in `a`. */
export function covers(a: RangeSet, b: RangeSet): boolean {
  return isEmpty(subtract(b, a));
}

export function contains(set: RangeSet, point: string): boolean {
  let low = 0;
  let high = set.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    const { from, to } = set[middle] as Range;
    if (from !== null && point < from) high = middle;
    else if (to !== null && point >= to) low = middle + 1;
    else return true;
  }
  return false;
}

export function isEmpty(set: RangeSet): boolean {
  return set.length === 0;
}

export function equals(a: RangeSet, b: RangeSet): boolean {
  return (
    a.length === b.length &&
    a.every((range, index) => range.from === (b[index] as Range).from && range.to === (b[index] as Range).to)
  );
}

/** Null starts before every point. */
function compareStarts(a: string | null, b: string | null): number {
  if (a === b) return 0;
  if (a === null) return -1;
  if (b === null) return 1;
  return a < b ? -1 : 1;
}

/** Whether a range that ends at `to` leaves a gap before one that starts at `from`. */
function endsBefore(to: string | null, from: string | null): boolean {
  return to !== null && from !== null && to < from;
}

/** Null ends after every point. */
function endsBeforeEnd(a: string | null, b: string | null): boolean {
  if (a === null) return false;
  return b === null || a < b;
}
