import type { ScanPlan } from '@brimful/connector';
import type { Json, Range } from '@brimful/model';
import { createHash } from 'node:crypto';
import { estimateOf } from './discover.ts';
import type { Table } from './table.ts';

/** A leaf as it was when the plan was made. */
export interface PlannedLeaf {
  readonly oid: number;
  readonly filenode: number;
  /** Rows on later pages came after the plan: the stream brings them. */
  readonly pages: number;
}

/** Part of one leaf: pages from `from` up to and without `to`. */
export interface PageRange {
  readonly leaf: PlannedLeaf;
  readonly from: number;
  readonly to: number;
}

interface Point {
  readonly leaf: number;
  readonly page: number;
}

/**
 * The space of a scan is pages of leaves: a point is a leaf's place in the plan and a page, eight hexadecimal digits
 * each. `key`: the collection's. Only tables with a key are divisible: without one, a row that was read twice cannot be told from two.
 */
export function planOf(table: Table, key: readonly string[]): ScanPlan {
  const leaves = table.leaves.map(({ oid, filenode, pages }) => ({ oid, filenode, pages }));
  const divisible = key.length > 0;
  const empty = leaves.every((leaf) => leaf.pages === 0);
  const detail: Json = leaves.map((leaf) => [leaf.oid, leaf.filenode, leaf.pages]);
  return {
    fingerprint: createHash('sha256')
      .update(JSON.stringify(leaves.map((leaf) => [leaf.oid, leaf.filenode])))
      .digest('hex')
      .slice(0, 32),
    total: empty
      ? []
      : [{ from: pointText({ leaf: 0, page: 0 }), to: pointText({ leaf: leaves.length, page: 0 }) }],
    divisible,
    estimate: estimateOf(table.leaves),
    detail,
  };
}

type NotedLeaf = readonly [oid: number, filenode: number, pages: number];

/** Of a plan by pages: a whole table's detail is its leaves, a scope's holds them. */
export function plannedLeaves(plan: ScanPlan): readonly PlannedLeaf[] {
  const detail = plan.detail as readonly NotedLeaf[] | { readonly leaves: readonly NotedLeaf[] };
  const leaves = 'leaves' in detail ? detail.leaves : detail;
  return leaves.map(([oid, filenode, pages]) => ({ oid, filenode, pages }));
}

/** The front of what remains: about `pages` of it, over as many leaves as that takes. */
export function nextRange(plan: ScanPlan, remaining: readonly Range[], pages: number): Range {
  const [front] = remaining;
  if (front === undefined) throw new RangeError('nothing remains');
  if (!plan.divisible) return front;
  const leaves = plannedLeaves(plan);
  const end = parsePoint(front.to, leaves.length);
  let { leaf, page } = parsePoint(front.from, 0);
  let wanted = pages;
  while (before({ leaf, page }, end)) {
    const limit = leaf === end.leaf ? end.page : (leaves[leaf]?.pages ?? 0);
    if (page >= limit) {
      // Nothing (more) in this leaf: the range goes on into the next, so that empty leaves cost no chunk.
      leaf += 1;
      page = 0;
      continue;
    }
    if (wanted === 0) break;
    const taken = Math.min(wanted, limit - page);
    page += taken;
    wanted -= taken;
  }
  const reached = { leaf, page };
  return { from: front.from, to: before(reached, end) ? pointText(reached) : front.to };
}

/** Which pages of which leaves a range covers. */
export function pagesOf(plan: ScanPlan, range: Range): PageRange[] {
  const leaves = plannedLeaves(plan);
  const start = parsePoint(range.from, 0);
  const end = parsePoint(range.to, leaves.length);
  return leaves.flatMap((leaf, index) => {
    if (index < start.leaf || index > end.leaf) return [];
    const from = index === start.leaf ? start.page : 0;
    const to = index === end.leaf ? Math.min(end.page, leaf.pages) : leaf.pages;
    return from < to ? [{ leaf, from, to }] : [];
  });
}

const DIGITS = 8;

function pointText(point: Point): string {
  return `${hex(point.leaf)}${hex(point.page)}`;
}

function parsePoint(text: string | null, openLeaf: number): Point {
  if (text === null) return { leaf: openLeaf, page: 0 };
  return { leaf: Number.parseInt(text.slice(0, DIGITS), 16), page: Number.parseInt(text.slice(DIGITS), 16) };
}

function hex(value: number): string {
  return value.toString(16).padStart(DIGITS, '0');
}

function before(a: Point, b: Point): boolean {
  return a.leaf < b.leaf || (a.leaf === b.leaf && a.page < b.page);
}
