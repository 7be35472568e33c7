import type { EstimatedNumber, Schema } from '@brimful/model';
import { widthOf } from '@brimful/model';
import { quoteText } from '../types/identifier.ts';
import type { RawSession } from '../wire/raw-session.ts';
import { numberOf } from '../wire/text-row.ts';
import { OFFSET_BYTES, sampleRows, sampleWidth } from './table-sample.ts';
import type { Leaf, Table } from './table.ts';
import { PAGE_BYTES } from './table.ts';

/** What the catalog and, where it is silent or old, a small sample say about a table. */
export interface TableStatistics {
  readonly rows: EstimatedNumber;
  /** Of rows as decoded. */
  readonly bytes: EstimatedNumber;
  /** In the heap and, besides, in TOAST. */
  readonly pages: number;
  readonly toastBytes: number;
  /**
   * Of what is in the condition that was asked for, as part of all rows: where it was sampled because the planner cannot know.
   */
  readonly sampledPart: number | undefined;
  /** Rows by the sample over rows by the statistics: the planner is as far off for a part. */
  readonly drift: number;
  /** Milliseconds since 1970: of the oldest statistics of a leaf with rows. */
  readonly analyzedAt: number | null;
  /** Rows changed since, as part of all. */
  readonly changedPart: number;
  /** Leaves with rows that were never counted. */
  readonly uncounted: readonly Leaf[];
}

/** More of a leaf's rows changed since they were counted: they are counted anew, in a few pages. */
const STALE_PART = 0.05;
/** From here on values may be compressed, and then the catalog does not know how long they are. */
const PACKED_BYTES = 256;

/** What is asked for besides the whole table. */
export interface StatisticsScope {
  /** SQL on the table's columns, and those that it goes by. */
  readonly condition: string;
  readonly columns: readonly string[];
}

/** Reads some pages of leaves without present statistics, and nothing of the others. */
export async function readStatistics(
  session: RawSession,
  table: Table,
  schema: Schema,
  scope: StatisticsScope | undefined,
): Promise<TableStatistics> {
  const filled = table.leaves.filter((leaf) => leaf.pages > 0);
  const { analyzedAt, changed } = await readAges(session, filled);
  const uncounted = filled.filter((leaf) => leaf.rows < 0 || leaf.countedPages === 0);
  const stale = filled.filter(
    (leaf) => !uncounted.includes(leaf) && (changed.get(leaf.oid) ?? 0) > leaf.rows * STALE_PART,
  );
  const isPartKnown = scope === undefined || (await areKnown(session, table, scope.columns));
  const sampled = isPartKnown ? [...uncounted, ...stale] : filled;
  const sample = await sampleRows(session, sampled, scope?.condition);
  const rowsOf = (leaf: Leaf): number =>
    leaf.pages * (sampled.includes(leaf) ? sample.rowsPerPage(leaf) : leaf.rows / leaf.countedPages);
  const rows = total(filled, rowsOf);
  const counted = total(filled, (leaf) =>
    uncounted.includes(leaf) ? rowsOf(leaf) : (leaf.pages * leaf.rows) / leaf.countedPages,
  );
  const pages = total(filled, (leaf) => leaf.pages);
  const toastBytes = total(filled, (leaf) => Math.max(0, leaf.bytes - leaf.pages * PAGE_BYTES));
  const known = sampled.length === 0 ? await decodedWidth(session, table, schema) : undefined;
  const isPacked = toastBytes > 0 || known === undefined || known >= PACKED_BYTES;
  const measured = isPacked ? await sampleWidth(session, schema, filled, rowsOf) : undefined;
  const isPartSampled = !isPartKnown || total(uncounted, (leaf) => leaf.pages) * 2 > pages;
  return {
    rows: { value: Math.round(rows), quality: sampled.length === 0 ? 'statistics' : 'sampled' },
    bytes: {
      value: Math.round(rows * (measured ?? known ?? 0)),
      quality: measured === undefined && sampled.length === 0 ? 'statistics' : 'sampled',
    },
    pages,
    toastBytes,
    sampledPart: isPartSampled ? sample.part : undefined,
    drift: counted === 0 ? 1 : rows / counted,
    analyzedAt,
    changedPart: [...changed.values()].reduce((sum, one) => sum + one, 0) / Math.max(1, rows),
    uncounted,
  };
}

function total(leaves: readonly Leaf[], of: (leaf: Leaf) => number): number {
  return leaves.reduce((sum, leaf) => sum + of(leaf), 0);
}

/** Whether there are statistics of the values themselves. An index alone counts rows, and says nothing of what is in them. */
async function areKnown(session: RawSession, table: Table, columns: readonly string[]): Promise<boolean> {
  const [first] = columns;
  if (first === undefined) return true;
  const [row] = await session.query(
    `SELECT count(*) FROM pg_stats WHERE attname = ${quoteText(first)}
       AND (schemaname, tablename) IN (${names([table, ...table.leaves])})`,
  );
  return Number(row?.[0]) > 0;
}

/** Of one row, without what lies in TOAST. Averages over leaves where the root was not analysed itself. */
async function decodedWidth(session: RawSession, table: Table, schema: Schema): Promise<number | undefined> {
  const rows = await session.query(
    `SELECT attname, sum(avg_width * (1 - null_frac) * weight) / NULLIF(sum(weight), 0)
     FROM (SELECT s.attname, s.avg_width, s.null_frac, greatest(c.reltuples, 1) AS weight
       FROM pg_stats s JOIN pg_namespace n ON n.nspname = s.schemaname
       JOIN pg_class c ON c.relnamespace = n.oid AND c.relname = s.tablename
       WHERE (s.schemaname, s.tablename) IN (${names([table, ...table.leaves])})
         AND s.inherited = (c.relkind = 'p')) AS known
     GROUP BY attname`,
  );
  const widths = new Map(rows.map(([name, width]) => [name as string, Number(width)]));
  if (widths.size === 0) return undefined;
  return schema.columns.reduce((sum, column) => {
    const width = widthOf(column.type);
    if (width === 'bit') return sum + 1 / 8;
    return sum + (width === 0 ? OFFSET_BYTES + (widths.get(column.name) ?? 0) : width);
  }, 0);
}

async function readAges(
  session: RawSession,
  leaves: readonly Leaf[],
): Promise<{ readonly analyzedAt: number | null; readonly changed: ReadonlyMap<number, number> }> {
  if (leaves.length === 0) return { analyzedAt: null, changed: new Map() };
  const rows = await session.query(
    `SELECT relid, EXTRACT(EPOCH FROM greatest(last_analyze, last_autoanalyze)) * 1000, n_mod_since_analyze
     FROM pg_stat_all_tables WHERE relid = ANY ('{${leaves.map((leaf) => leaf.oid).join(',')}}'::oid[])`,
  );
  const times = rows.map(([, at]) => numberOf(at ?? null)).filter((at) => at !== undefined);
  return {
    analyzedAt: times.length === 0 ? null : Math.round(Math.min(...times)),
    changed: new Map(rows.map(([oid, , changed]) => [Number(oid), Number(changed)])),
  };
}

export function names(relations: readonly { readonly schema: string; readonly name: string }[]): string {
  return relations.map((one) => `(${quoteText(one.schema)}, ${quoteText(one.name)})`).join(', ');
}
