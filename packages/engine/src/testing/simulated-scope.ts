import type { ScanPlan } from '@brimful/connector';
import type { Range, Scope } from '@brimful/model';
import { WHOLE_TABLE, assert, keyIndices } from '@brimful/model';
import type { Value } from '@brimful/model/testing';
import type { SeededRandom } from './scheduler.ts';
import type { Row, SimulatedTable } from './simulated-database.ts';
import { schemaOf } from './simulated-database.ts';

/** By what a table is cut into ranges: pages, or the values of a column. */
type Order = 'page' | number;

interface Detail {
  readonly by: Order;
  readonly scope: Scope;
}

/** Beyond every page and every value. */
const END = 1000;

/**
 * How a simulated table is read: a first read by pages, up to the last there is now; what a run reads again by pages or, as a
 * real source, by a column, which outlives a rewrite. An empty fingerprint always holds.
 */
export function readPlan(table: SimulatedTable, scope: Scope | undefined, random: SeededRandom): ScanPlan {
  const estimate = { rows: 0, bytes: 0, quality: 'unknown' } as const;
  const fingerprint = String(table.storage);
  const [key] = keyIndices(schemaOf(table));
  if (key === undefined) {
    const detail = detailOf({ by: 'page', scope: scope ?? WHOLE_TABLE });
    return { fingerprint, total: [{ from: null, to: null }], divisible: false, estimate, detail };
  }
  const order =
    scope === undefined ? 'page' : random.pick<Order>(['page', key, orderOf(table, scope) ?? key]);
  const total = { from: null, to: order === 'page' ? pointOf(table.pages) : null };
  return {
    fingerprint: order === 'page' || random.chance(0.3) ? fingerprint : '',
    total: [total],
    divisible: true,
    estimate,
    detail: detailOf({ by: order, scope: scope ?? WHOLE_TABLE }),
  };
}

function detailOf(detail: Detail): ScanPlan['detail'] {
  return JSON.parse(JSON.stringify(detail)) as ScanPlan['detail'];
}

function orderOf(table: SimulatedTable, scope: Scope): number | undefined {
  if (scope.kind !== 'time') return undefined;
  return schemaOf(table).columns.findIndex(({ name }) => name === scope.column);
}

/** Cut anywhere: whoever goes on after a crash cuts otherwise. */
export function nextRange(plan: ScanPlan, remaining: readonly Range[], random: SeededRandom): Range {
  const [first] = remaining;
  assert(first !== undefined, 'there is something to read');
  if (!plan.divisible) return first;
  const { by } = plan.detail as unknown as Detail;
  const from = first.from === null ? 0 : Number.parseInt(first.from, 16);
  const end = from + 1 + random.below(by === 'page' ? 2 : random.pick([2, 5, 400]));
  const to = end >= END ? null : pointOf(end);
  if (to === null) return first;
  return { from: first.from, to: first.to !== null && first.to < to ? first.to : to };
}

export function isRead(
  table: SimulatedTable,
  plan: ScanPlan,
  range: Range,
): (found: { readonly row: Row; readonly page: number }) => boolean {
  const { by, scope } = plan.detail as unknown as Detail;
  const holds = inScope(table, scope);
  return ({ row, page }) => {
    if (!holds(row)) return false;
    const point = pointOf(by === 'page' ? page : Number(row[by] ?? 0));
    return (range.from ?? '') <= point && (range.to === null || point < range.to);
  };
}

/** Which rows of a source table are in scope. */
export function inScope(table: SimulatedTable, scope: Scope): (row: Row) => boolean {
  const { columns, key } = schemaOf(table);
  const at = (name: string): number => columns.findIndex((column) => column.name === name);
  switch (scope.kind) {
    case 'all':
      return () => true;
    case 'time':
      return (row) => within(row[at(scope.column)], scope.from, scope.to);
    case 'key':
      return (row) => within(row[at(key[0] as string)], scope.from?.[0] ?? null, scope.to?.[0] ?? null);
    case 'keys':
      return (row) => {
        const text = key.map((name) => String(row[at(name)]));
        return scope.keys.some((wanted) => wanted.every((part, place) => part === text[place]));
      };
  }
}

/** Of numbers only. */
function within(value: Value | undefined, from: string | null, to: string | null): boolean {
  if (value === null || value === undefined) return false;
  const number = Number(value);
  return (from === null || number >= Number(from)) && (to === null || number < Number(to));
}

function pointOf(place: number): string {
  return place.toString(16).padStart(6, '0');
}
