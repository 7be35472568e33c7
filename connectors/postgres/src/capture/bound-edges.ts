import { quoteIdentifier, quoteText } from '../types/identifier.ts';
import type { RawSession } from '../wire/raw-session.ts';
import { divide } from './bound-points.ts';
import { qualified } from './scan-sql.ts';
import type { Bound, BoundColumn, BoundEnd } from './scope-bound.ts';
import { conditionSql, literalSql, literalType, sharedValues } from './scope-bound.ts';
import { orderColumns } from './scope-access.ts';
import type { Leaf, Table } from './table.ts';

/** A plan stays in every checkpoint of its table: this much of it may be points. */
const POINTS_BYTES = 160 * 1024;
const MOST_EDGES = 2_000;
/** A longer value makes a poor mark. */
const EDGE_CHARACTERS = 200;
/** What JSON puts around a value. */
const PUNCTUATION_BYTES = 6;
/** The finest a chunk can be cut: several make one chunk where the source is fast. */
const STRETCH_BYTES = 2 * 1024 * 1024;

export interface StretchesOptions {
  readonly table: Table;
  readonly leaves: readonly Leaf[];
  readonly bound: Bound;
  /** Estimated, of the rows in scope. */
  readonly bytes: number;
  /** Estimated, of rows that came since statistics were taken: they lie behind all marks. */
  readonly newBytes: number;
}

/**
 * Points that cut a bound into stretches of about equal size: where the histogram and the first and last row say that
 * rows are, with even steps between. The first and last are the bound's own ends.
 */
export async function pointsOf(session: RawSession, options: StretchesOptions): Promise<BoundEnd[]> {
  const { bound } = options;
  const shared = sharedValues(bound);
  const column = bound.columns[shared.length] as BoundColumn;
  const low = bound.from?.[shared.length];
  const high = bound.to?.[shared.length];
  const found = await innerEdges(session, options, column, low, high);
  const longest = Math.max(...[...found, low, high].map((edge) => Buffer.byteLength(edge ?? '')), 20);
  const prefix = shared.reduce((sum, value) => sum + Buffer.byteLength(value) + PUNCTUATION_BYTES, 0);
  const most = Math.max(2, Math.floor(POINTS_BYTES / (prefix + longest + PUNCTUATION_BYTES)));
  const inner = thin(found, most / 2);
  const edges = [low, ...inner, high].filter((edge) => edge !== undefined);
  const stretches = Math.max(1, edges.length - 1);
  const weights = edges.slice(1).map((_, index) => {
    const isLast = index === stretches - 1;
    return options.bytes / stretches + (isLast ? options.newBytes : 0);
  });
  const pieces = Math.max(STRETCH_BYTES, (2 * (options.bytes + options.newBytes)) / most);
  const marks = divide(column.type, edges, weights, pieces);
  const within = marks.slice(low === undefined ? 0 : 1, high === undefined ? undefined : -1);
  return [bound.from, ...within.map((mark) => [...shared, mark]), bound.to];
}

/** Values strictly between the bound's ends, distinct, in the server's order. */
async function innerEdges(
  session: RawSession,
  { table, leaves, bound }: StretchesOptions,
  column: BoundColumn,
  low: string | undefined,
  high: string | undefined,
): Promise<string[]> {
  const type = literalType(column.type);
  const relations = [table, ...leaves]
    .map((one) => `(${quoteText(one.schema)}, ${quoteText(one.name)})`)
    .join(', ');
  const order = orderColumns(bound).map(({ name }) => quoteIdentifier(name));
  const only = table.kind === 'p' ? '' : 'ONLY ';
  const end = (direction: string): string =>
    `SELECT (SELECT ${quoteIdentifier(column.name)}::${type} FROM ${only}${qualified(table)}
     WHERE ${conditionSql(bound)} ORDER BY ${order.map((name) => `${name} ${direction}`).join(', ')} LIMIT 1)`;
  const within = [
    'v IS NOT NULL',
    ...(low === undefined ? [] : [`v > ${literalSql(column, low)}`]),
    ...(high === undefined ? [] : [`v < ${literalSql(column, high)}`]),
  ].join(' AND ');
  const rows = await session.query(`SET LOCAL enable_seqscan = off;
    WITH known AS MATERIALIZED (
      SELECT histogram_bounds::text::${type}[] AS bounds, most_common_vals::text::${type}[] AS common
      FROM pg_stats WHERE (schemaname, tablename) IN (${relations}) AND attname = ${quoteText(column.name)}
    ), edges(v) AS (
      SELECT unnest(bounds) FROM known UNION ALL SELECT unnest(common) FROM known
      UNION ALL ${end('ASC')} UNION ALL ${end('DESC')}
    ), printed AS (
      SELECT v, pg_catalog.format('%s', v) AS text FROM (SELECT DISTINCT v FROM edges WHERE ${within}) AS d
    ), placed AS (
      SELECT text, row_number() OVER (ORDER BY v) - 1 AS place, count(*) OVER () AS count
      FROM printed WHERE length(text) <= ${EDGE_CHARACTERS}
    )
    SELECT text FROM placed
    WHERE place % greatest(1, count / ${MOST_EDGES}) = 0 OR place = count - 1 ORDER BY place`);
  return rows.map(([text]) => text as string);
}

/** At most so many, the first and the last among them. */
function thin(edges: readonly string[], most: number): string[] {
  const step = Math.ceil(edges.length / Math.max(1, most));
  return edges.filter((_, index) => index % step === 0 || index === edges.length - 1);
}
