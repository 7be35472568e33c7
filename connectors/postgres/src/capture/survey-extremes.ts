import type { Extreme } from '@brimful/connector';
import type { ColumnDefinition, Guard, Schema } from '@brimful/model';
import { quoteIdentifier } from '../types/identifier.ts';
import type { RawSession } from '../wire/raw-session.ts';
import { ServerError } from '../wire/server-error.ts';
import { qualified } from './scan-sql.ts';
import { names } from './table-statistics.ts';
import type { Table } from './table.ts';

/** Values that not every destination can hold, and why. Postgres itself holds them all. */
function awkward(column: ColumnDefinition, value: string): string | undefined {
  if (column.type.kind === 'decimal') {
    return /^(NaN|-?Infinity)$/.test(value) ? `${value} is no decimal elsewhere` : undefined;
  }
  if (/^-?infinity$/.test(value)) return `${value} is no moment elsewhere`;
  if (value.endsWith(' BC')) return 'it is before the year 1';
  return /^\d{5,}-/.test(value) ? 'its year is beyond 9999' : undefined;
}

interface FoundValue {
  readonly column: ColumnDefinition;
  readonly value: string;
  readonly source: string;
}

/** What the ends of a table's columns are, as far as somebody knows without reading it. */
export interface Extremes {
  /** One a column with a value to know of. */
  readonly guards: readonly Guard[];
  /** The values that not every destination can hold. */
  readonly awkward: readonly Extreme[];
}

/** Looks at statistics, and at the first and last entry of indexes. */
export async function readExtremes(session: RawSession, table: Table, schema: Schema): Promise<Extremes> {
  const columns = schema.columns.filter(({ type }) => ['timestamp', 'date', 'decimal'].includes(type.kind));
  if (columns.length === 0) return { guards: [], awkward: [] };
  const extremes = [
    ...(await indexExtremes(session, table, columns)),
    ...(await statisticsExtremes(session, table, columns)),
  ];
  const guards = columns.flatMap((column): Guard[] => {
    const found = extremes.flatMap((extreme) => {
      const why = extreme.column === column ? awkward(column, extreme.value) : undefined;
      return why === undefined ? [] : [{ ...extreme, why }];
    });
    const [first] = found;
    if (first === undefined) return [];
    return [
      {
        id: 'extremes',
        level: 'warn',
        subject: `${table.resource}.${column.name}`,
        message: `${column.name} holds ${first.value}: ${first.why}. A destination of another kind stops at it.`,
        evidence: [...new Set(found.map(({ value, source }) => `${value} (${source})`))].join(', '),
        remedy: `Correct the rows at the source, or leave the column out for such a destination.`,
      },
    ];
  });
  const awkwardOnes = extremes.filter(({ column, value }) => awkward(column, value) !== undefined);
  const distinct = new Map(
    awkwardOnes.map(({ column: { name }, value }) => [`${name} ${value}`, { column: name, value }]),
  );
  return {
    guards: guards.length > 0 ? guards : [nothingAwkward(table, extremes)],
    awkward: [...distinct.values()],
  };
}

function nothingAwkward(table: Table, extremes: readonly FoundValue[]): Guard {
  return {
    id: 'extremes',
    level: 'ok',
    subject: table.resource,
    message:
      'No value at the ends of its dates, timestamps and decimals is one that destinations cannot hold.',
    evidence:
      extremes
        .map(({ column, value, source }) => `${column.name} ${value} (${source})`)
        .join(', ')
        .slice(0, 500) || 'no statistics, no index',
    remedy: null,
  };
}

async function indexExtremes(
  session: RawSession,
  table: Table,
  columns: readonly ColumnDefinition[],
): Promise<FoundValue[]> {
  const leaves = table.leaves.filter((leaf) => leaf.pages > 0).map((leaf) => leaf.oid);
  if (leaves.length === 0) return [];
  const rows = await session.query(
    `SELECT a.attname FROM pg_index i JOIN pg_class c ON c.oid = i.indexrelid
     JOIN pg_am m ON m.oid = c.relam JOIN pg_attribute a ON a.attrelid = i.indrelid AND a.attnum = i.indkey[0]
     WHERE i.indrelid = ANY ('{${leaves.join(',')}}'::oid[]) AND i.indisvalid AND i.indpred IS NULL
       AND m.amname = 'btree' GROUP BY a.attname HAVING count(DISTINCT i.indrelid) = ${leaves.length}`,
  );
  const indexed = new Set(rows.map(([name]) => name));
  const only = table.kind === 'p' ? '' : 'ONLY ';
  const found: FoundValue[] = [];
  for (const column of columns.filter(({ name }) => indexed.has(name))) {
    const name = quoteIdentifier(column.name);
    const [ends] = await unlessSlow(() =>
      session.query(`SET LOCAL enable_seqscan = off; SELECT pg_catalog.format('%s', min(${name})),
        pg_catalog.format('%s', max(${name})) FROM ${only}${qualified(table)}`),
    );
    for (const value of ends ?? [])
      if (value !== null && value !== '') found.push({ column, value, source: 'index' });
  }
  return found;
}

async function statisticsExtremes(
  session: RawSession,
  table: Table,
  columns: readonly ColumnDefinition[],
): Promise<FoundValue[]> {
  const rows = await session.query(
    `SELECT attname, array_to_json(most_common_vals::text::text[] || ARRAY[bounds[1], bounds[cardinality(bounds)]])
     FROM (SELECT attname, most_common_vals, histogram_bounds::text::text[] AS bounds FROM pg_stats
       WHERE (schemaname, tablename) IN (${names([table, ...table.leaves])})) AS known`,
  );
  return rows.flatMap(([name, json]) => {
    const column = columns.find((candidate) => candidate.name === name);
    if (column === undefined || json === null || json === undefined) return [];
    const values = (JSON.parse(json) as (string | null)[]).filter((value) => value !== null);
    const awkwardOnes = values.filter((value) => awkward(column, value) !== undefined);
    return awkwardOnes.map((value) => ({ column, value, source: 'statistics' }));
  });
}

async function unlessSlow<T>(work: () => Promise<readonly T[]>): Promise<readonly T[]> {
  try {
    return await work();
  } catch (error) {
    if (error instanceof ServerError && error.code === '57014') return [];
    throw error;
  }
}
