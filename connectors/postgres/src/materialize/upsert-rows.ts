import type { Batch } from '@brimful/model';

import { assignments, DELETED_AT, equal, mergeTarget } from './merge-target.ts';
import type { MergeTarget } from './merge-target.ts';
import { nativeType } from '../types/destination-type.ts';
import { quoteIdentifier } from '../types/identifier.ts';
import type { OpenTable } from './open-table.ts';
import { rowSource } from './row-source.ts';
import type { RowSource } from './row-source.ts';
import type { Origin, Transaction } from './transaction.ts';

/**
 * Rows that must be there as given; columns in `unknown` keep their value, or are null in a new row. `mostlySame`: rows
 * that are as given already are not written.
 */
export function upsertRows(
  transaction: Transaction,
  table: OpenTable,
  batch: Batch,
  unknown: readonly number[],
  mostlySame = false,
): void {
  if (batch.rows === 0) return;
  const target = mergeTarget(transaction, table, batch.schema, unknown);
  const origin: Origin = { table, doing: `merging ${batch.rows} rows` };
  const source = rowSource(transaction, batch, target.known, origin, target.key);
  if (unknown.length > 0) return mergePartly(transaction, target, source, { origin, mostlySame });
  const comparing = mostlySame || transaction.facts(table).state === 'indexed';
  transaction.add(
    { text: upsertStatement(target, source, comparing), parameters: source.parameters, prepared: true },
    origin,
  );
}

/** One lookup and one write a row: the fastest of all ways measured, for new and for existing rows. */
function upsertStatement(target: MergeTarget, source: RowSource, comparing: boolean): string {
  const names = target.names.join(', ');
  const sets = assignments(target, 'EXCLUDED');
  const action = sets.length === 0 ? 'NOTHING' : `UPDATE SET ${sets.join(', ')}`;
  return (
    `INSERT INTO ${target.relation} AS t (${names}) SELECT ${names} FROM ${source.from}` +
    ` ON CONFLICT (${target.key.join(', ')}) DO ${action}${comparing && sets.length > 0 ? ` WHERE ${isDifferent(target, 'EXCLUDED')}` : ''}`
  );
}

/**
 * Replayed history and rows that are read again are mostly there already: writing them again would cost three times as
 * much as seeing that they are the same. Compares images, so types without equality too.
 */
function isDifferent(target: MergeTarget, from: string): string {
  const left = target.names.map((name) => `t.${name}`);
  // As the column will hold it: `5` given to numeric(12,2) is 5.00.
  const right = target.known.map(({ alias, type }) => {
    const name = `${from}.${quoteIdentifier(alias)}`;
    return type.kind === 'decimal' ? `CAST(${name} AS ${nativeType(type)})` : name;
  });
  if (target.soft) {
    left.push(`t.${DELETED_AT}`);
    right.push('NULL::timestamp with time zone');
  }
  return `ROW(${left.join(', ')})::record OPERATOR(pg_catalog.*<>) ROW(${right.join(', ')})::record`;
}

/**
 * With unknown columns an INSERT cannot come first: it would fail on their NOT NULL before it sees that the row exists.
 */
function mergePartly(
  transaction: Transaction,
  target: MergeTarget,
  source: RowSource,
  { origin, mostlySame }: { readonly origin: Origin; readonly mostlySame: boolean },
): void {
  const sets = assignments(target, 's');
  const names = target.names.join(', ');
  const matches = equal('t', 's', target.key);
  const absent = `NOT EXISTS (SELECT FROM ${target.relation} AS t WHERE ${matches})`;
  const where = mostlySame ? `${matches} AND ${isDifferent(target, 's')}` : matches;
  const update = (from: string): string =>
    `UPDATE ${target.relation} AS t SET ${sets.join(', ')} FROM ${from} WHERE ${where}`;
  const insert = (from: string): string =>
    `INSERT INTO ${target.relation} (${names}) SELECT ${names} FROM ${from} WHERE ${absent}`;
  const { parameters } = source;
  if (!source.prepared) {
    if (sets.length > 0) transaction.add({ text: update(source.from) }, origin);
    transaction.add({ text: insert(source.from) }, origin);
    return;
  }
  // One statement, one snapshot: the insert does not see what the update did, and need not.
  const rows = `WITH s AS MATERIALIZED (SELECT * FROM ${source.from})`;
  const updated = sets.length > 0 ? `, updated AS (${update('s')})` : '';
  transaction.add({ text: `${rows}${updated} ${insert('s')}`, parameters, prepared: true }, origin);
}
