import type { Batch, ColumnKind } from '@brimful/model';

import { quoteIdentifier } from '../types/identifier.ts';
import { copyInto } from './load-rows.ts';
import { DELETED_AT } from './merge-target.ts';
import type { OpenTable } from './open-table.ts';
import { fitsArrays, rowSource } from './row-source.ts';
import { FREE_PLANS, KEYED_PLANS } from './session.ts';
import { matchColumns } from './table-shape.ts';
import { timestampText } from './timestamp-text.ts';
import type { Origin, Transaction } from './transaction.ts';

/** Adds rows to a table without a key. */
export function appendRows(transaction: Transaction, table: OpenTable, batch: Batch): void {
  if (batch.rows === 0) return;
  const doing = `adding ${batch.rows} rows`;
  if (!fitsArrays(transaction, batch, batch.columns.length))
    return copyInto(transaction, table, [batch], doing);
  const columns = matchColumns(transaction.facts(table).shape, batch.schema);
  const origin: Origin = { table, doing };
  const source = rowSource(
    transaction,
    batch,
    columns.map(({ name, type }, index) => ({ alias: name, type, index })),
    origin,
  );
  const names = columns.map(({ name }) => quoteIdentifier(name)).join(', ');
  transaction.add(
    {
      text: `INSERT INTO ${table.relation} (${names}) SELECT ${names} FROM ${source.from}`,
      parameters: source.parameters,
      prepared: source.prepared,
    },
    origin,
  );
}

/** Types whose equality is cheap, and true for values that look the same: good to find candidates by. */
const JOIN_KINDS: ReadonlySet<ColumnKind> = new Set([
  'boolean',
  'int16',
  'int32',
  'int64',
  'date',
  'time',
  'timestamp',
  'uuid',
  'text',
  'decimal',
  'bytes',
]);

/**
 * Of each given row, one equal copy goes. Rows are equal if all their values print the same: that is how exact the
 * source's values are here, and it holds for types without an equality of their own too.
 *
 * Without a key this reads the whole table, once for all the rows given: candidates are found by a hash over the
 * columns that are never null, and only those are printed and compared.
 */
export function removeRows(transaction: Transaction, table: OpenTable, batch: Batch): void {
  if (batch.rows === 0) return;
  const columns = matchColumns(transaction.facts(table).shape, batch.schema);
  const origin: Origin = { table, doing: `removing ${batch.rows} rows` };
  const source = rowSource(
    transaction,
    batch,
    columns.map(({ name, type }, index) => ({ alias: name, type, index })),
    origin,
  );
  const joins = columns.flatMap(({ name, type }, index) =>
    batch.schema.columns[index]?.nullable === false && JOIN_KINDS.has(type.kind)
      ? [quoteIdentifier(name)]
      : [],
  );
  const image = (alias: string): string =>
    `ROW(${columns.map(({ name }) => `${alias}.${quoteIdentifier(name)}`).join(', ')})::text`;
  const wanted =
    `SELECT ${image('s')} AS image, count(*) AS copies${joins.map((name) => `, (array_agg(s.${name}))[1] AS ${name}`).join('')}` +
    ` FROM ${source.from} GROUP BY 1`;
  const conditions = joins.map((name) => `t.${name} = w.${name}`);
  // Kept from being hashed where other columns are: printing a row costs more than all of them.
  conditions.push(joins.length === 0 ? `${image('t')} = w.image` : `(${image('t')} = w.image) IS TRUE`);
  if (table.soft) conditions.push(`t.${DELETED_AT} IS NULL`);
  const places =
    `ARRAY(SELECT m.place FROM (SELECT t.ctid AS place, w.copies, row_number() OVER (PARTITION BY w.image ORDER BY t.ctid) AS copy` +
    ` FROM (${wanted}) AS w JOIN ${table.relation} AS t ON ${conditions.join(' AND ')}) AS m WHERE m.copy <= m.copies)`;
  transaction.add({ text: FREE_PLANS, prepared: true });
  const marks = table.soft ? [timestampText(lastCommit(batch))] : [];
  transaction.add(
    {
      text: table.soft
        ? `UPDATE ${table.relation} SET ${DELETED_AT} = $${source.parameters.length + 1}::timestamp with time zone WHERE ctid = ANY (${places})`
        : `DELETE FROM ${table.relation} WHERE ctid = ANY (${places})`,
      parameters: [...source.parameters, ...marks],
    },
    { ...origin, expect: batch.rows },
  );
  transaction.add({ text: KEYED_PLANS, prepared: true });
}

/** When the last of them was deleted at the source, or now where the batch does not say. */
function lastCommit(batch: Batch): bigint {
  return batch.changes?.committedAt.at(-1) ?? BigInt(Date.now()) * 1000n;
}
