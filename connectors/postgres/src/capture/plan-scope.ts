import type { Estimate, ScanPlan } from '@brimful/connector';
import type { Json, Schema, Scope } from '@brimful/model';
import { createHash } from 'node:crypto';
import type { RawSession } from '../wire/raw-session.ts';
import { pointsOf } from './bound-edges.ts';
import { estimateOf } from './discover.ts';
import { resolveScope } from './resolve-scope.ts';
import { planOf } from './scan-plan.ts';
import type { ScopeAccess } from './scope-access.ts';
import { accessOf } from './scope-access.ts';
import type { Bound } from './scope-bound.ts';
import type { PagesDetail } from './scoped-plan.ts';
import { emptyPlan, notedColumns, pagesLeaves, scopedPlan } from './scoped-plan.ts';
import type { Leaf, Table } from './table.ts';
import { PAGE_BYTES } from './table.ts';

/** Leaves that are locked for every chunk. */
export const MOST_LEAVES = 1_000;
/** Where an index knows no finer way than this, pages do. */
const LARGEST_STRETCH_BYTES = 256 * 1024 * 1024;

/** How to read what is in scope: along an index that the planner thinks worth it, else page by page, once. */
export async function planScope(
  session: RawSession,
  table: Table,
  schema: Schema,
  scope: Scope,
): Promise<ScanPlan> {
  const resolved = await resolveScope(session, table, schema, scope);
  if (resolved.kind === 'all') return planOf(table, schema.key);
  const whole = estimateOf(table.leaves);
  if (resolved.kind === 'keys') {
    const { columns, keys } = resolved;
    const detail = { kind: 'keys', table: table.oid, columns: notedColumns(columns), keys } as const;
    return scopedPlan(detail, partOf(whole, keys.length));
  }
  if (resolved.isEmpty) return emptyPlan(table);
  const { bound } = resolved;
  const access = await accessOf(session, table, bound);
  if (access.leaves.length === 0) return emptyPlan(table);
  const estimate = partOf(whole, access.rows);
  if (access.prefersIndex && access.leaves.length <= MOST_LEAVES) {
    const stretches = await planStretches(session, table, bound, access.leaves, estimate);
    if (stretches !== undefined) return stretches;
  }
  return planPages(table, schema.key, bound, access, estimate);
}

/** So many rows of the table. */
function partOf(whole: Estimate, rows: number): Estimate {
  const known = whole.quality !== 'unknown' && whole.rows > 0;
  const bytes = known ? whole.bytes * Math.min(1, rows / whole.rows) : whole.bytes;
  return { rows, bytes: Math.round(bytes), quality: known ? 'statistics' : 'unknown' };
}

/** Undefined when the stretches would be too long. */
async function planStretches(
  session: RawSession,
  table: Table,
  bound: Bound,
  leaves: readonly Leaf[],
  estimate: Estimate,
): Promise<ScanPlan | undefined> {
  const points = await pointsOf(session, {
    table,
    leaves,
    bound,
    bytes: estimate.bytes,
    newBytes: newBytes(leaves),
  });
  const count = points.length - 1;
  const bytes = estimate.bytes / count;
  if (bytes > LARGEST_STRETCH_BYTES) return undefined;
  return scopedPlan(
    {
      kind: 'stretches',
      table: table.oid,
      leaves: leaves.map((leaf) => leaf.oid),
      columns: notedColumns(bound.columns),
      points,
      pages: Math.max(bytes / PAGE_BYTES, SMALLEST_PAGES),
    },
    estimate,
  );
}

const SMALLEST_PAGES = 1 / 8;

/** What leaves have grown by since they were counted: behind the last mark, as new rows mostly are. */
function newBytes(leaves: readonly Leaf[]): number {
  return leaves.reduce((sum, leaf) => {
    const counted = leaf.rows < 0 ? 0 : leaf.countedPages;
    return sum + Math.max(0, leaf.bytes * (1 - counted / Math.max(1, leaf.pages)));
  }, 0);
}

function planPages(
  table: Table,
  key: readonly string[],
  bound: Bound,
  access: ScopeAccess,
  estimate: Estimate,
): ScanPlan {
  const leaves = access.leaves;
  const detail: PagesDetail = {
    kind: 'pages',
    leaves: pagesLeaves(leaves),
    columns: notedColumns(bound.columns),
    from: bound.from,
    to: bound.to,
  };
  const json = detail as unknown as Json;
  const fingerprint = createHash('sha256').update(JSON.stringify(json)).digest('hex').slice(0, 32);
  return { ...planOf({ ...table, leaves }, key), fingerprint, estimate, detail: json };
}
