import type { EstimatedNumber, Schema } from '@brimful/model';
import { widthOf } from '@brimful/model';
import { quoteText } from '../types/identifier.ts';
import type { RawSession } from '../wire/raw-session.ts';
import { numberOf } from '../wire/text-row.ts';
import { qualified } from './scan-sql.ts';
import type { Leaf, Table } from './table.ts';
import { PAGE_BYTES } from './table.ts';

/** What the catalog and, where it is silent, a small sample say about a table. */
export interface TableStatistics {
  readonly rows: EstimatedNumber;
  /** Of rows as decoded. */
  readonly bytes: EstimatedNumber;
  /** In the heap and, besides, in TOAST. */
  readonly pages: number;
  readonly toastBytes: number;
  /** Of what is in the condition that was asked for, as part of all rows; only where it was sampled. */
  readonly sampledPart: number | undefined;
  /** Milliseconds since 1970: of the oldest statistics of a leaf with rows. */
  readonly analyzedAt: number | null;
  /** Rows changed since, as part of all. */
  readonly changedPart: number;
  /** Leaves with rows that were never counted. */
  readonly uncounted: readonly Leaf[];
}

/** Pages that a sample of a leaf reads. */
const SAMPLE_PAGES = 64;
/** Leaves that are sampled, the largest; the others are taken to be like them. */
const SAMPLED_LEAVES = 8;

/** `condition`: SQL on the table's columns. Reads a few pages of leaves without statistics, and nothing of the others. */
export async function readStatistics(
  session: RawSession,
  table: Table,
  schema: Schema,
  condition: string | undefined,
): Promise<TableStatistics> {
  const filled = table.leaves.filter((leaf) => leaf.pages > 0);
  const uncounted = filled.filter((leaf) => leaf.rows < 0 || leaf.countedPages === 0);
  const sample = await sampleLeaves(session, uncounted, condition);
  const rows = filled.reduce((sum, leaf) => {
    const density = uncounted.includes(leaf) ? sample.rowsPerPage : leaf.rows / leaf.countedPages;
    return sum + density * leaf.pages;
  }, 0);
  const pages = filled.reduce((sum, leaf) => sum + leaf.pages, 0);
  const toastBytes = filled.reduce((sum, leaf) => sum + Math.max(0, leaf.bytes - leaf.pages * PAGE_BYTES), 0);
  const width = uncounted.length === 0 ? await decodedWidth(session, table, schema) : undefined;
  const quality = uncounted.length === 0 ? 'statistics' : 'sampled';
  const { analyzedAt, changed } = await readAges(session, filled);
  return {
    rows: { value: Math.round(rows), quality },
    bytes: {
      value: Math.round(width === undefined ? pages * PAGE_BYTES + toastBytes : rows * width + toastBytes),
      quality,
    },
    pages,
    toastBytes,
    sampledPart: uncounted.length === 0 ? undefined : sample.part,
    analyzedAt,
    changedPart: changed / Math.max(1, rows),
    uncounted,
  };
}

interface Sample {
  readonly rowsPerPage: number;
  readonly part: number | undefined;
}

async function sampleLeaves(
  session: RawSession,
  leaves: readonly Leaf[],
  condition: string | undefined,
): Promise<Sample> {
  const largest = [...leaves].sort((a, b) => b.pages - a.pages).slice(0, SAMPLED_LEAVES);
  let pages = 0;
  let rows = 0;
  let within = 0;
  for (const leaf of largest) {
    const percent = Math.min(100, (100 * SAMPLE_PAGES) / leaf.pages);
    const [row] = await session.query(
      `SELECT count(*), count(*) FILTER (WHERE ${condition ?? 'true'})
       FROM ONLY ${qualified(leaf)} TABLESAMPLE SYSTEM (${percent}) REPEATABLE (1)`,
    );
    pages += (leaf.pages * percent) / 100;
    rows += Number(row?.[0]);
    within += Number(row?.[1]);
  }
  return { rowsPerPage: pages === 0 ? 0 : rows / pages, part: rows === 0 ? undefined : within / rows };
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

/** What a batch keeps of every value of variable length besides its bytes. */
const OFFSET_BYTES = 4;

async function readAges(
  session: RawSession,
  leaves: readonly Leaf[],
): Promise<{ readonly analyzedAt: number | null; readonly changed: number }> {
  if (leaves.length === 0) return { analyzedAt: null, changed: 0 };
  const [row] = await session.query(
    `SELECT min(EXTRACT(EPOCH FROM greatest(last_analyze, last_autoanalyze)) * 1000), sum(n_mod_since_analyze)
     FROM pg_stat_all_tables WHERE relid = ANY ('{${leaves.map((leaf) => leaf.oid).join(',')}}'::oid[])`,
  );
  const at = numberOf(row?.[0] ?? null);
  return { analyzedAt: at === undefined ? null : Math.round(at), changed: Number(row?.[1] ?? 0) };
}

export function names(relations: readonly { readonly schema: string; readonly name: string }[]): string {
  return relations.map((one) => `(${quoteText(one.schema)}, ${quoteText(one.name)})`).join(', ');
}
