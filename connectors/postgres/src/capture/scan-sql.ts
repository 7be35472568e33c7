import type { Column, Schema } from '@brimful/model';
import { quoteIdentifier, quoteText } from '../types/identifier.ts';
import { arrayLiteral } from '../types/literal.ts';
import { scanExpression } from '../types/decoder.ts';
import type { PostgresType } from '../types/postgres-type.ts';
import { shapeSql } from './catalog.ts';
import type { PageRange } from './scan-plan.ts';
import type { Bound } from './scope-bound.ts';
import { conditionSql } from './scope-bound.ts';
import type { Leaf, Table } from './table.ts';

export interface ScanSqlOptions {
  readonly table: Table;
  /** What is locked and checked besides the table. */
  readonly leaves: readonly Leaf[];
  readonly lockMilliseconds: number;
  /** `SET LOCAL`s of the statement's own. */
  readonly settings?: string;
  /** The leaves must be all there are. */
  readonly wholeTree: boolean;
  /** The query whose rows are copied. */
  readonly query: string;
}

/**
 * One chunk in one round trip. The lock comes before the snapshot, because TRUNCATE and rewriting ALTERs show in older
 * snapshots as an empty table; nothing before the first SELECT takes a snapshot. (Architecture, handoff rule 1)
 */
export function chunkSql(options: ScanSqlOptions): string {
  const { table, leaves } = options;
  const locked = new Map([table, ...leaves].map((one) => [one.oid, `ONLY ${qualified(one)}`]));
  const checked =
    options.wholeTree && table.kind === 'p'
      ? `l.oid IN (SELECT relid FROM pg_partition_tree(${table.oid}) WHERE isleaf)`
      : `l.oid = ANY ('{${leaves.map((leaf) => leaf.oid).join(',')}}'::oid[])`;
  return [
    'BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY',
    `SET LOCAL row_security = off`,
    `SET LOCAL lock_timeout = ${Math.round(options.lockMilliseconds)}`,
    ...(options.settings === undefined ? [] : [options.settings]),
    `LOCK TABLE ${[...locked.values()].join(', ')} IN ACCESS SHARE MODE`,
    `SELECT pg_current_snapshot(), ${shapeSql(String(table.oid))},
       (SELECT string_agg(concat_ws(':', l.oid, pg_relation_filenode(l.oid),
          COALESCE(pg_partition_root(l.oid)::oid, l.oid)), ',' ORDER BY l.oid)
        FROM pg_class l WHERE ${checked})`,
    `COPY (${options.query}) TO STDOUT (FORMAT binary)`,
    // Not pg_current_wal_lsn: asynchronous commits lie beyond what is written.
    'SELECT pg_current_wal_insert_lsn()',
    'COMMIT',
  ].join(';\n');
}

/** What the check in `chunkSql` must say for the leaves to be those of the plan. */
export function leafCheck(table: Table, ranges: readonly { oid: number; filenode: number }[]): string {
  return [...ranges]
    .sort((a, b) => a.oid - b.oid)
    .map((leaf) => `${leaf.oid}:${leaf.filenode}:${table.oid}`)
    .join(',');
}

/**
 * Rows on these pages, of them those that the filter lets through. Explicit columns, because leaves may hold theirs in
 * another order.
 */
export function pagesQuery(
  table: Table,
  columns: string,
  ranges: readonly { readonly pages: PageRange; readonly leaf: Leaf }[],
  filter?: string,
): string {
  if (ranges.length === 0) return `SELECT ${columns} FROM ONLY ${qualified(table)} WHERE false`;
  return ranges
    .map(({ pages, leaf }) => {
      const condition = `ctid >= '(${pages.from},0)'::tid AND ctid < '(${pages.to},0)'::tid`;
      const wanted = filter === undefined ? condition : `${condition} AND ${filter}`;
      return `SELECT ${columns} FROM ONLY ${qualified(leaf)} WHERE ${wanted}`;
    })
    .join(' UNION ALL ');
}

export function wholeQuery(columns: string, leaves: readonly Leaf[]): string {
  return leaves.map((leaf) => `SELECT ${columns} FROM ONLY ${qualified(leaf)}`).join(' UNION ALL ');
}

/** A stretch is read along its index, however large the planner thinks it is: many read whole tables otherwise. */
export const STRETCH_SETTINGS =
  'SET LOCAL enable_seqscan = off; SET LOCAL max_parallel_workers_per_gather = 0';

/** Rows in a bound, through the root and so of all leaves that can have any. */
export function boundQuery(table: Table, columns: string, bound: Bound): string {
  const only = table.kind === 'p' ? '' : 'ONLY ';
  return `SELECT ${columns} FROM ${only}${qualified(table)} WHERE ${conditionSql(bound)}`;
}

/** Each key once through its index: a plan that reads the whole table for a few keys is no option. */
export const KEYS_SETTINGS = 'SET LOCAL enable_hashjoin = off; SET LOCAL enable_mergejoin = off';

/** Rows with these keys. Keys travel as text and are cast one by one, so that keys may be arrays, too. */
export function keysQuery(
  table: Table,
  schema: Schema,
  columns: string,
  keys: readonly Column[],
  rows: number,
): string {
  const parts = schema.key.map((name, index) => {
    const { sourceType } = schema.columns.find((column) => column.name === name) as Schema['columns'][number];
    return {
      values: `${quoteText(arrayLiteral(keys[index] as Column, rows))}::text[]`,
      condition: `t.${quoteIdentifier(name)} = k.k${index}::${sourceType}`,
      alias: `k${index}`,
    };
  });
  const values = parts.map((part) => part.values).join(', ');
  const aliases = parts.map((part) => part.alias).join(', ');
  const only = table.kind === 'p' ? '' : 'ONLY ';
  return `SELECT ${columns} FROM (
    SELECT t.* FROM (SELECT DISTINCT * FROM unnest(${values}) AS u(${aliases})) AS k
    JOIN ${only}${qualified(table)} AS t ON ${parts.map((part) => part.condition).join(' AND ')}) AS found`;
}

/** What a COPY selects for the schema's columns. */
export function selectList(table: Table, schema: Schema): string {
  return schema.columns
    .map((column) => {
      const attribute = table.attributes.find((candidate) => candidate.number === column.sourceId);
      return scanExpression({ name: column.name, type: attribute?.type as PostgresType });
    })
    .join(', ');
}

export function qualified(table: { readonly schema: string; readonly name: string }): string {
  return `${quoteIdentifier(table.schema)}.${quoteIdentifier(table.name)}`;
}
