import type { Schema } from '@brimful/model';
import { widthOf } from '@brimful/model';
import { quoteIdentifier } from '../types/identifier.ts';
import type { RawSession } from '../wire/raw-session.ts';
import { qualified } from './scan-sql.ts';
import type { Leaf } from './table.ts';
import { PAGE_BYTES } from './table.ts';

/** Leaves that are looked into, the largest; the others are taken to be like them. */
const SAMPLED_LEAVES = 8;
/** Pages that are read to count rows, of all leaves together: where rows come in two widths, this is within a tenth. */
const COUNTED_PAGES = 768;
/** Pages and rows of a leaf whose width is measured, and how much of TOAST may have to be read for that. */
const MEASURED_PAGES = 128;
const MEASURED_ROWS = 2_000;
const FEWEST_MEASURED_ROWS = 20;
const MEASURED_TOAST_BYTES = 8 * 1024 * 1024;

export interface RowSample {
  rowsPerPage(leaf: Leaf): number;
  /** Of what is in the condition, as part of all rows. Undefined: no row was seen. */
  readonly part: number | undefined;
}

/** Counts rows that are there in a few pages of each leaf: 6 MB at most. `condition`: SQL on the table's columns. */
export async function sampleRows(
  session: RawSession,
  leaves: readonly Leaf[],
  condition: string | undefined,
): Promise<RowSample> {
  const largest = largestOf(leaves);
  const found = new Map<number, number>();
  let pages = 0;
  let rows = 0;
  let within = 0;
  for (const leaf of largest) {
    const percent = Math.min(100, (100 * COUNTED_PAGES) / largest.length / leaf.pages);
    const [row] = await session.query(
      `SELECT count(*), count(*) FILTER (WHERE ${condition ?? 'true'})
       FROM ONLY ${qualified(leaf)} TABLESAMPLE SYSTEM (${percent}) REPEATABLE (1)`,
    );
    const sampledPages = (leaf.pages * percent) / 100;
    found.set(leaf.oid, Number(row?.[0]) / sampledPages);
    pages += sampledPages;
    rows += Number(row?.[0]);
    within += Number(row?.[1]);
  }
  return {
    rowsPerPage: (leaf) => found.get(leaf.oid) ?? (pages === 0 ? 0 : rows / pages),
    part: rows === 0 ? undefined : within / rows,
  };
}

/**
 * Bytes of a row as decoded, from some rows of each leaf: the catalog knows only what values take where they lie, which may be
 * compressed to a fiftieth. Undefined: no row was seen.
 */
export async function sampleWidth(
  session: RawSession,
  schema: Schema,
  leaves: readonly Leaf[],
  rowsOf: (leaf: Leaf) => number,
): Promise<number | undefined> {
  let bytes = 0;
  let rows = 0;
  for (const leaf of largestOf(leaves)) {
    const all = rowsOf(leaf);
    const percent = Math.min(100, (100 * MEASURED_PAGES) / leaf.pages);
    const toastBytes = Math.max(0, leaf.bytes - leaf.pages * PAGE_BYTES) / Math.max(1, all);
    const wanted = Math.min(MEASURED_ROWS, MEASURED_TOAST_BYTES / Math.max(1, toastBytes));
    const part = Math.max(FEWEST_MEASURED_ROWS, wanted) / Math.max(1, (all * percent) / 100);
    const [row] = await session.query(
      `SELECT avg(${widthSql(schema)}) FROM ONLY ${qualified(leaf)} TABLESAMPLE SYSTEM (${percent}) REPEATABLE (1)
       ${part < 1 ? `WHERE random() < ${part}` : ''}`,
    );
    const width = row?.[0] ?? null;
    if (width === null) continue;
    bytes += Number(width) * all;
    rows += all;
  }
  return rows === 0 ? undefined : bytes / rows;
}

/** What a batch keeps of every value of variable length besides its bytes. */
export const OFFSET_BYTES = 4;

function widthSql(schema: Schema): string {
  let fixed = 0;
  const terms: string[] = [];
  for (const { name, type } of schema.columns) {
    const width = widthOf(type);
    fixed += width === 'bit' ? 1 / 8 : width === 0 ? OFFSET_BYTES : width;
    if (width !== 0) continue;
    // Of text and bytes the length is known without unpacking them.
    const value = `${quoteIdentifier(name)}${type.kind === 'bytes' ? '' : '::text'}`;
    terms.push(`coalesce(octet_length(${value}), 0)`);
  }
  return [`${fixed}::float8`, ...terms].join(' + ');
}

function largestOf(leaves: readonly Leaf[]): readonly Leaf[] {
  return leaves.toSorted((a, b) => b.pages - a.pages).slice(0, SAMPLED_LEAVES);
}
