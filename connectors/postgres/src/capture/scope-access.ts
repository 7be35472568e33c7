import { quoteText } from '../types/identifier.ts';
import type { RawSession } from '../wire/raw-session.ts';
import { qualified } from './scan-sql.ts';
import type { Bound, BoundColumn } from './scope-bound.ts';
import { conditionSql, estimateSql, sharedValues } from './scope-bound.ts';
import type { Leaf, Table } from './table.ts';

/** How the server would get at the rows in a bound. */
export interface ScopeAccess {
  /** Those that can hold rows in scope: the others are ruled out by what their partitions are for. */
  readonly leaves: readonly Leaf[];
  /** Indexes that lead with the bound's column, by the leaf's oid. */
  readonly indexes: ReadonlyMap<number, string>;
  /** Every leaf with pages has such an index. */
  readonly isIndexed: boolean;
  /** And the planner would rather use it than read whole leaves. */
  readonly prefersIndex: boolean;
  /** The planner's estimate of the rows in scope. */
  readonly rows: number;
  /** The planner's words, for people. */
  readonly explained: string;
}

interface PlanNode {
  readonly 'Node Type': string;
  readonly Schema?: string;
  readonly 'Relation Name'?: string;
  readonly 'Index Name'?: string;
  readonly 'Index Cond'?: string;
  readonly Filter?: string;
  readonly 'Plan Rows': number;
  readonly 'Total Cost': number;
  readonly Plans?: readonly PlanNode[];
}

/** A leaf of this size is read as fast one way as the other. */
const SMALL_PAGES = 64;

/** Asks the planner and the catalog; reads no rows. */
export async function accessOf(session: RawSession, table: Table, bound: Bound): Promise<ScopeAccess> {
  const only = table.kind === 'p' ? '' : 'ONLY ';
  const explain = async (condition: string): Promise<PlanNode> =>
    explainQuery(session, `SELECT * FROM ${only}${qualified(table)} WHERE ${condition}`);
  const condition = conditionSql(bound);
  const estimate = estimateSql(bound);
  const plan = await explain(condition);
  const estimated = estimate === condition ? plan : await explain(estimate);
  const scans = scansOf(plan);
  const leaves =
    table.kind === 'p'
      ? table.leaves.filter((leaf) => scans.has(JSON.stringify([leaf.schema, leaf.name])))
      : table.leaves;
  const indexes = await leadingIndexes(session, leaves, leadingColumn(bound));
  const isIndexed = leaves.every((leaf) => leaf.pages === 0 || indexes.has(leaf.oid));
  const readWhole = leaves.some(
    (leaf) => leaf.pages > SMALL_PAGES && scans.get(JSON.stringify([leaf.schema, leaf.name])) === 'Seq Scan',
  );
  return {
    leaves,
    indexes,
    isIndexed,
    prefersIndex: isIndexed && !readWhole,
    rows: leaves.length === 0 ? 0 : estimated['Plan Rows'],
    explained: describe(plan).join('\n').slice(0, EXPLAINED_CHARACTERS),
  };
}

const EXPLAINED_CHARACTERS = 2_000;

async function explainQuery(session: RawSession, sql: string): Promise<PlanNode> {
  // The settings hold for this one message. Several processes would say how many rows each of them reads.
  const [row] = await session.query(
    `SET LOCAL max_parallel_workers_per_gather = 0; EXPLAIN (FORMAT JSON, VERBOSE) ${sql}`,
  );
  const [{ Plan: plan }] = JSON.parse(row?.[0] as string) as [{ readonly Plan: PlanNode }];
  return plan;
}

/** Which relations are read, and by what kind of node. */
function scansOf(plan: PlanNode): Map<string, string> {
  const found = new Map<string, string>();
  const walk = (node: PlanNode): void => {
    const name = node['Relation Name'];
    if (name !== undefined) found.set(JSON.stringify([node.Schema, name]), node['Node Type']);
    for (const child of node.Plans ?? []) walk(child);
  };
  walk(plan);
  return found;
}

/** As EXPLAIN prints it, but for widths and start-up costs. */
function describe(node: PlanNode, depth = 0): string[] {
  const indent = '  '.repeat(depth);
  const index = node['Index Name'] === undefined ? '' : ` using ${node['Index Name']}`;
  const relation = node['Relation Name'] === undefined ? '' : ` on ${node.Schema}.${node['Relation Name']}`;
  const conditions = (['Index Cond', 'Filter'] as const).flatMap((word) =>
    node[word] === undefined ? [] : [`${indent}  ${word}: ${node[word]}`],
  );
  return [
    `${indent}${node['Node Type']}${index}${relation} (cost ${node['Total Cost']}, rows ${node['Plan Rows']})`,
    ...conditions,
    ...(node.Plans ?? []).flatMap((child) => describe(child, depth + 1)),
  ];
}

function leadingColumn(bound: Bound): BoundColumn {
  return bound.columns[0] as BoundColumn;
}

/** Columns of leaves have their root's names, not its numbers. */
async function leadingIndexes(
  session: RawSession,
  leaves: readonly Leaf[],
  column: BoundColumn,
): Promise<ReadonlyMap<number, string>> {
  if (leaves.length === 0) return new Map();
  const rows = await session.query(
    `SELECT i.indrelid, c.relname FROM pg_index i JOIN pg_class c ON c.oid = i.indexrelid
     JOIN pg_am m ON m.oid = c.relam
     JOIN pg_attribute a ON a.attrelid = i.indrelid AND a.attnum = i.indkey[0]
     WHERE i.indrelid = ANY ('{${leaves.map((leaf) => leaf.oid).join(',')}}'::oid[]) AND i.indisvalid
       AND i.indpred IS NULL AND m.amname = 'btree' AND a.attname = ${quoteText(column.name)}
     ORDER BY i.indrelid, i.indnkeyatts DESC, c.relname`,
  );
  return new Map(rows.map(([oid, name]) => [Number(oid), name as string]));
}

/** The columns that a bound's rows are in order of: those that both ends share, and the one where they part. */
export function orderColumns(bound: Bound): readonly BoundColumn[] {
  return bound.columns.slice(0, sharedValues(bound).length + 1);
}
