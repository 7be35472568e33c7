import type { Schema } from '@brimful/model';
import { quoteIdentifier } from '../types/identifier.ts';
import type { RawSession } from '../wire/raw-session.ts';
import { ServerError } from '../wire/server-error.ts';
import { qualified } from './scan-sql.ts';
import type { BoundColumn } from './scope-bound.ts';
import type { Table } from './table.ts';

export type RowText = Readonly<Record<string, string | null>>;

/** The first and last row in scope. */
export interface Ends {
  /** They were looked for: without a row, nothing is in scope. */
  readonly known: boolean;
  readonly first: RowText | null;
  readonly last: RowText | null;
}

export const UNKNOWN_ENDS: Ends = { known: false, first: null, last: null };

/** Longer values are cut: a plan shows them to people. */
const SHOWN_CHARACTERS = 200;
const CANCELLED = '57014';

/** One row each through the index of `order`, or nothing when that takes too long. */
export async function readEnds(
  session: RawSession,
  table: Table,
  schema: Schema,
  order: readonly BoundColumn[],
  condition: string,
): Promise<Ends> {
  const shown = schema.columns.map(({ name }) => {
    const column = quoteIdentifier(name);
    // Not `IS NULL`, which holds for a row of nulls, too.
    return `CASE WHEN ${column} IS DISTINCT FROM NULL THEN left(pg_catalog.format('%s', ${column}), ${SHOWN_CHARACTERS}) END`;
  });
  const only = table.kind === 'p' ? '' : 'ONLY ';
  const end = async (direction: string): Promise<RowText | null> => {
    const by = order.map(({ name }) => `${quoteIdentifier(name)} ${direction}`).join(', ');
    const [row] = await session.query(
      `SET LOCAL enable_seqscan = off; SELECT ${shown.join(', ')} FROM (
         SELECT * FROM ${only}${qualified(table)} WHERE ${condition} ORDER BY ${by} LIMIT 1) AS found`,
    );
    if (row === undefined) return null;
    return Object.fromEntries(schema.columns.map(({ name }, index) => [name, row[index] ?? null]));
  };
  try {
    return { known: true, first: await end('ASC'), last: await end('DESC') };
  } catch (error) {
    if (error instanceof ServerError && error.code === CANCELLED) return UNKNOWN_ENDS;
    throw error;
  }
}
