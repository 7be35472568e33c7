import type { Estimate, ScanPlan } from '@brimful/connector';
import type { Json, Range } from '@brimful/model';
import { createHash } from 'node:crypto';
import { literalType } from './scope-bound.ts';
import type { BoundColumn, BoundEnd } from './scope-bound.ts';
import type { Leaf, Table } from './table.ts';

/** A column as a plan notes it: a column that is another type by now is not what was planned. */
type NotedColumn = readonly [number: number, type: string];

/** Pages of leaves, and of their rows those within a bound: no index leads to them. */
export interface PagesDetail {
  readonly kind: 'pages';
  readonly leaves: readonly (readonly [oid: number, filenode: number, pages: number])[];
  readonly columns: readonly NotedColumn[];
  readonly from: BoundEnd;
  readonly to: BoundEnd;
}

/** Stretches of an order that an index serves. */
export interface StretchesDetail {
  readonly kind: 'stretches';
  readonly table: number;
  /** Leaves that may hold rows in scope. */
  readonly leaves: readonly number[];
  readonly columns: readonly NotedColumn[];
  /** Stretch i reaches from point i up to and without point i + 1. Null at either end: open. */
  readonly points: readonly BoundEnd[];
  /** About how many pages' worth of rows one stretch holds. */
  readonly pages: number;
}

/** Single rows, in groups. */
export interface KeysDetail {
  readonly kind: 'keys';
  readonly table: number;
  readonly columns: readonly NotedColumn[];
  readonly keys: readonly (readonly string[])[];
}

export type ScopedDetail = PagesDetail | StretchesDetail | KeysDetail;

/** Rows looked up in one chunk. */
const GROUP_KEYS = 10_000;

/** Undefined for a plan of a whole table. */
export function scopedDetail(plan: ScanPlan): ScopedDetail | undefined {
  const { detail } = plan;
  if (detail === null || typeof detail !== 'object' || Array.isArray(detail)) return undefined;
  // Written by this module.
  return detail as unknown as ScopedDetail;
}

/** The part of a table that a scope is about: nothing of it may need reading. */
export function scopedPlan(detail: ScopedDetail, estimate: Estimate): ScanPlan {
  const json = detail as unknown as Json;
  const count = unitCount(detail);
  return {
    fingerprint: createHash('sha256').update(JSON.stringify(json)).digest('hex').slice(0, 32),
    total: count === 0 ? [] : [{ from: unitText(0), to: unitText(count) }],
    divisible: true,
    estimate,
    detail: json,
  };
}

/** Nothing is in scope. */
export function emptyPlan(table: Table): ScanPlan {
  const detail: KeysDetail = { kind: 'keys', table: table.oid, columns: [], keys: [] };
  return scopedPlan(detail, { rows: 0, bytes: 0, quality: 'exact' });
}

export function notedColumns(columns: readonly BoundColumn[]): readonly NotedColumn[] {
  return columns.map(({ number, type }) => [number, literalType(type)]);
}

/** The columns as they are called now; undefined when one is gone or of another type. */
export function currentColumns(table: Table, noted: readonly NotedColumn[]): BoundColumn[] | undefined {
  const columns = noted.flatMap(([number, type]) => {
    const attribute = table.attributes.find((candidate) => candidate.number === number);
    if (attribute?.type === undefined || literalType(attribute.type) !== type) return [];
    return [{ number, name: attribute.name, type: attribute.type }];
  });
  return columns.length === noted.length ? columns : undefined;
}

export function pagesLeaves(leaves: readonly Leaf[]): PagesDetail['leaves'] {
  return leaves.map(({ oid, filenode, pages }) => [oid, filenode, pages]);
}

/** Stretches and groups are units in a row; pages are the page plan's. */
function unitCount(detail: ScopedDetail): number {
  if (detail.kind === 'keys') return Math.ceil(detail.keys.length / GROUP_KEYS);
  return detail.kind === 'stretches' ? detail.points.length - 1 : 0;
}

/** The front of what remains: so many units as hold about `pages` pages' worth of rows. */
export function nextUnits(
  detail: StretchesDetail | KeysDetail,
  remaining: readonly Range[],
  pages: number,
): Range {
  const [front] = remaining;
  if (front === undefined) throw new RangeError('nothing remains');
  const { from, to } = unitsOf(detail, front);
  const wanted = detail.kind === 'keys' ? 1 : Math.max(1, Math.floor(pages / detail.pages));
  const end = Math.min(to, from + wanted);
  return { from: front.from, to: end === to ? front.to : unitText(end) };
}

export function unitsOf(
  detail: StretchesDetail | KeysDetail,
  range: Range,
): { readonly from: number; readonly to: number } {
  return {
    from: range.from === null ? 0 : Number.parseInt(range.from, 16),
    to: range.to === null ? unitCount(detail) : Number.parseInt(range.to, 16),
  };
}

export function keysOf(detail: KeysDetail, range: Range): readonly (readonly string[])[] {
  const { from, to } = unitsOf(detail, range);
  return detail.keys.slice(from * GROUP_KEYS, to * GROUP_KEYS);
}

const DIGITS = 8;

function unitText(unit: number): string {
  return unit.toString(16).padStart(DIGITS, '0');
}
