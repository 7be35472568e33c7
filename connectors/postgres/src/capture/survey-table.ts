import type { SourceHealth, Survey, SurveyRequest } from '@brimful/connector';
import type { EstimateQuality, EstimatedNumber, Guard, Schema } from '@brimful/model';
import { quoteIdentifier, quoteText } from '../types/identifier.ts';
import type { RawSession } from '../wire/raw-session.ts';
import { numberOf } from '../wire/text-row.ts';
import { MOST_LEAVES } from './plan-scope.ts';
import { qualified } from './scan-sql.ts';
import type { ResolvedScope } from './resolve-scope.ts';
import { keyColumns, resolveScope } from './resolve-scope.ts';
import type { ScopeAccess } from './scope-access.ts';
import { accessOf, orderColumns } from './scope-access.ts';
import type { Bound, BoundColumn } from './scope-bound.ts';
import { conditionSql, literalSql } from './scope-bound.ts';
import type { Ends } from './survey-ends.ts';
import { readEnds, UNKNOWN_ENDS } from './survey-ends.ts';
import type { Extremes } from './survey-extremes.ts';
import { readExtremes } from './survey-extremes.ts';
import {
  emptyGuard,
  futureGuard,
  hiddenGuard,
  keyGuards,
  servedGuard,
  statisticsGuard,
} from './survey-guards.ts';
import { names, readStatistics } from './table-statistics.ts';
import type { StatisticsScope, TableStatistics } from './table-statistics.ts';
import { schemaOf } from './table-schema.ts';
import type { Table } from './table.ts';
import { PAGE_BYTES } from './table.ts';

export interface SurveyMeans {
  readonly session: RawSession;
  readonly role: string;
  readonly generatedToo: boolean;
  readonly health: SourceHealth;
  readonly now: number;
}

/** Everything that one look at a table's part brings together. */
interface Look {
  readonly table: Table;
  readonly schema: Schema;
  readonly resolved: ResolvedScope;
  readonly statistics: TableStatistics;
  /** Of a bound that is not empty. */
  readonly access: ScopeAccess | undefined;
  readonly isServed: boolean;
  readonly ends: Ends;
}

/** Throws what makes the table or the scope unreadable. */
export async function surveyTable(means: SurveyMeans, table: Table, request: SurveyRequest): Promise<Survey> {
  const { session } = means;
  const schema = schemaOf(table, means.generatedToo);
  const resolved = await resolveScope(session, table, schema, request.scope);
  const bound = resolved.kind === 'bound' && !resolved.isEmpty ? resolved.bound : undefined;
  const access = bound === undefined ? undefined : await accessOf(session, table, bound);
  const statistics = await readStatistics(session, table, schema, bound && scopeOf(bound));
  const isServed = access === undefined || isReached(table, access, statistics);
  const ends = table.rowsHidden ? UNKNOWN_ENDS : await endsOf(session, table, schema, resolved, access);
  const look: Look = { table, schema, resolved, statistics, access, isServed, ends };
  const rows = await rowsInScope(session, look);
  const part = Math.min(1, rows.value / Math.max(1, statistics.rows.value));
  const extremes: Extremes = table.rowsHidden
    ? { guards: [], awkward: [] }
    : await readExtremes(session, table, schema);
  const reading = await readingOf(session, look, rows.value, part);
  return {
    resource: request.resource,
    problem: null,
    schema,
    tableRows: statistics.rows,
    tableBytes: statistics.bytes,
    rows,
    bytes: { value: Math.round(statistics.bytes.value * part), quality: lesser(rows, statistics.bytes) },
    bytesRead: Math.round(reading.bytes),
    readShape: reading.shape,
    isServed,
    statisticsAt: statistics.analyzedAt,
    firstRow: ends.first,
    lastRow: ends.last,
    source: means.health,
    extremes: extremes.awkward,
    guards: [...(await guardsOf(means, look, request, rows)), ...extremes.guards],
  };
}

/** Partitions of which most is in scope are as well read whole: then the partitioning serves. */
const MOST_OF_PARTITIONS = 0.8;

function isReached(table: Table, access: ScopeAccess, statistics: TableStatistics): boolean {
  if (access.isIndexed) return true;
  if (access.leaves.length === table.leaves.length) return false;
  const pages = access.leaves.reduce((sum, leaf) => sum + leaf.pages, 0);
  const rows = (statistics.rows.value * pages) / Math.max(1, statistics.pages);
  return access.rows >= rows * MOST_OF_PARTITIONS;
}

async function rowsInScope(
  session: RawSession,
  { table, resolved, access, statistics }: Look,
): Promise<EstimatedNumber> {
  const { rows, sampledPart, drift } = statistics;
  if (resolved.kind === 'all') return rows;
  if (resolved.kind === 'keys')
    return table.rowsHidden
      ? { value: resolved.keys.length, quality: 'at least' }
      : keysThere(session, table, resolved.columns, resolved.keys);
  if (access === undefined) return { value: 0, quality: 'exact' };
  const value = sampledPart === undefined ? access.rows * drift : rows.value * sampledPart;
  return { value: Math.min(Math.round(value), rows.value), quality: rows.quality };
}

/** Keys that are looked up: some milliseconds' work. */
const KEYS_LOOKED_UP = 500;

/** How many of the keys the table has: by all of them, or by some that are spread over them. */
async function keysThere(
  session: RawSession,
  table: Table,
  columns: readonly BoundColumn[],
  keys: readonly (readonly string[])[],
): Promise<EstimatedNumber> {
  if (keys.length === 0) return { value: 0, quality: 'exact' };
  const step = Math.max(1, keys.length / KEYS_LOOKED_UP);
  const asked = Math.min(keys.length, KEYS_LOOKED_UP);
  const from = `${table.kind === 'p' ? '' : 'ONLY '}${qualified(table)}`;
  const found = Array.from({ length: asked }, (_, index) => {
    const key = keys[Math.floor(index * step)] as readonly string[];
    return `SELECT 1 WHERE EXISTS (SELECT 1 FROM ${from} WHERE ${equalsSql(columns, key)})`;
  });
  const [row] = await session.query(`SELECT count(*) FROM (${found.join(' UNION ALL ')}) AS found`);
  const value = Math.round((Number(row?.[0]) * keys.length) / asked);
  return { value, quality: asked === keys.length ? 'exact' : 'sampled' };
}

function scopeOf(bound: Bound): StatisticsScope {
  return { condition: conditionSql(bound), columns: bound.columns.map(({ name }) => name) };
}

/** From what is surest to what is least sure. */
const QUALITIES: readonly EstimateQuality[] = ['exact', 'sampled', 'statistics', 'at least'];

function lesser(a: EstimatedNumber, b: EstimatedNumber): EstimateQuality {
  return QUALITIES.indexOf(a.quality) > QUALITIES.indexOf(b.quality) ? a.quality : b.quality;
}

async function endsOf(
  session: RawSession,
  table: Table,
  schema: Schema,
  resolved: ResolvedScope,
  access: ScopeAccess | undefined,
): Promise<Ends> {
  if (resolved.kind === 'all') {
    const order = keyColumns(table, schema);
    return order.length === 0 ? UNKNOWN_ENDS : readEnds(session, table, schema, order, 'true');
  }
  if (resolved.kind === 'bound') {
    if (access?.isIndexed !== true) return UNKNOWN_ENDS;
    return readEnds(session, table, schema, orderColumns(resolved.bound), conditionSql(resolved.bound));
  }
  const { columns, keys } = resolved;
  const rowOf = async (key: readonly string[] | undefined): Promise<Ends> =>
    key === undefined ? UNKNOWN_ENDS : readEnds(session, table, schema, columns, equalsSql(columns, key));
  const first = await rowOf(keys[0]);
  const last = await rowOf(keys.at(-1));
  // A key that is not there says nothing about the others.
  return { known: false, first: first.first, last: last.first };
}

function equalsSql(columns: readonly BoundColumn[], key: readonly string[]): string {
  return columns
    .map((column, index) => `${quoteIdentifier(column.name)} = ${literalSql(column, key[index] as string)}`)
    .join(' AND ');
}

interface Reading {
  readonly shape: string;
  readonly bytes: number;
}

const INDEX_ENTRY_BYTES = 24;

/** How the server will read, and about how much from its disks. */
async function readingOf(session: RawSession, look: Look, rows: number, part: number): Promise<Reading> {
  const { table, resolved, statistics, access } = look;
  const { pages, toastBytes } = statistics;
  if (resolved.kind === 'all') return { shape: 'pages in order', bytes: pages * PAGE_BYTES + toastBytes };
  if (resolved.kind === 'keys') {
    const bytes = rows * (PAGE_BYTES + INDEX_ENTRY_BYTES) + toastBytes * part;
    return { shape: 'single keys through the index of the key', bytes };
  }
  if (access === undefined || access.leaves.length === 0) return { shape: 'nothing', bytes: 0 };
  const touched = access.leaves.reduce((sum, leaf) => sum + leaf.pages, 0);
  const { name } = resolved.bound.columns[0] as BoundColumn;
  if (!access.prefersIndex || access.leaves.length > MOST_LEAVES) {
    const partitions =
      table.kind === 'p' ? ` of ${access.leaves.length} of ${table.leaves.length} partitions` : '';
    return {
      shape: `pages in order${partitions}, filtered by ${name}`,
      bytes: touched * PAGE_BYTES + toastBytes * part,
    };
  }
  const order = await correlation(session, table, name);
  const inOrder = touched * Math.min(1, rows / Math.max(1, statistics.rows.value * (touched / pages)));
  const scattered = Math.min(touched, rows);
  const heap = inOrder + (1 - order * order) * Math.max(0, scattered - inOrder);
  return {
    shape: `index ${indexNames(access)}`,
    bytes: heap * PAGE_BYTES + rows * INDEX_ENTRY_BYTES + toastBytes * part,
  };
}

function indexNames(access: ScopeAccess): string {
  const [first = '', ...others] = new Set(access.indexes.values());
  return others.length === 0 ? first : `${first} and ${others.length} of other partitions`;
}

/** How far rows lie in the column's order: from 0 to 1, and 0 when nobody knows. */
async function correlation(session: RawSession, table: Table, column: string): Promise<number> {
  const [row] = await session.query(
    `SELECT avg(abs(correlation)) FROM pg_stats WHERE attname = ${quoteText(column)}
       AND (schemaname, tablename) IN (${names([table, ...table.leaves])})`,
  );
  return numberOf(row?.[0] ?? null) ?? 0;
}

async function guardsOf(
  means: SurveyMeans,
  look: Look,
  request: SurveyRequest,
  rows: EstimatedNumber,
): Promise<readonly Guard[]> {
  const { session } = means;
  const { table, resolved, statistics, access, isServed, ends } = look;
  const guards: Guard[] = [hiddenGuard(table, means.role), ...keyGuards(table)];
  const bound: Bound | undefined = resolved.kind === 'bound' ? resolved.bound : undefined;
  if (bound !== undefined && access !== undefined) guards.push(servedGuard(table, bound, access, isServed));
  if (bound !== undefined && request.scope.kind === 'time') {
    guards.push(await futureGuard(session, table, bound, request.scope));
  }
  if (resolved.kind === 'keys' ? resolved.keys.length === 0 : bound !== undefined) {
    const known = access === undefined || access.leaves.length === 0 || ends.known;
    const isEmpty = known ? ends.first === null : rows.value <= 1;
    if (isEmpty) guards.push(emptyGuard(table, known, access?.explained ?? 'the range is empty'));
  }
  guards.push(statisticsGuard(table, statistics, means.now));
  return guards;
}
