import type { Batch, ColumnKind } from '@brimful/model';

import { quoteIdentifier } from '../types/identifier.ts';
import { copyInto } from './load-rows.ts';
import { DELETED_AT } from './merge-target.ts';
import type { OpenTable } from './open-table.ts';
import { fitsArrays, rowSource } from './row-source.ts';
import { FREE_PLANS, KEYED_PLANS } from './session.ts';
import { matchColumns } from './table-shape.ts';
import type { TableColumn } from './table-shape.ts';
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
const FINDING_KINDS: ReadonlySet<ColumnKind> = new Set([
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

/** So many columns find nearly all candidates; more only cost. */
const FINDING_COLUMNS = 4;

/**
 * Of each given row, one equal copy goes. Rows are equal if all their values print the same: that is how exact the
 * source's values are here, and it holds for types without an equality of their own too.
 *
 * Without a key this reads the whole table, once for all the rows given: candidates are found by a hash over some
 * columns that are never null, and only those are printed and compared.
 */
export function removeRows(transaction: Transaction, table: OpenTable, batch: Batch): void {
  if (batch.rows === 0) return;
  const columns = matchColumns(transaction.facts(table).shape, batch.schema);
  const origin: Origin = { table, doing: `removing ${batch.rows} rows` };
  const given = columns.map(({ name, type }, index) => ({ alias: name, type, index }));
  const source = rowSource(transaction, batch, given, origin);
  const finding = columns.filter(
    ({ type }, index) => batch.schema.columns[index]?.nullable === false && FINDING_KINDS.has(type.kind),
  );
  const places = placesToRemove(table, source.from, columns, finding.slice(0, FINDING_COLUMNS));
  const marks = table.soft ? [timestampText(lastCommit(batch))] : [];
  const change = table.soft
    ? `UPDATE ${table.relation} SET ${DELETED_AT} = $${source.parameters.length + 1}::timestamp with time zone`
    : `DELETE FROM ${table.relation}`;
  transaction.add({ text: FREE_PLANS, prepared: true });
  transaction.add(
    { text: `${change} WHERE ctid = ANY (ARRAY(${places}))`, parameters: [...source.parameters, ...marks] },
    { ...origin, expect: batch.rows },
  );
  transaction.add({ text: KEYED_PLANS, prepared: true });
}

/** SQL for the ctids of the copies that go. */
function placesToRemove(
  table: OpenTable,
  from: string,
  columns: readonly TableColumn[],
  finding: readonly TableColumn[],
): string {
  const list = (alias: string, some: readonly TableColumn[]): string =>
    some.map(({ name }) => `${alias}.${quoteIdentifier(name)}`).join(', ');
  const image = (alias: string): string => `ROW(${list(alias, columns)})::text`;
  const isCandidate =
    finding.length === 0
      ? `${image('t')} IN (SELECT w.image FROM wanted AS w)`
      : `(${list('t', finding)}) IN (SELECT ${list('s', finding)} FROM s)`;
  // IS TRUE keeps it from becoming a join, for which the planner may well hash the table instead of the rows given.
  const live = table.soft ? ` AND t.${DELETED_AT} IS NULL` : '';
  return (
    `WITH s AS MATERIALIZED (SELECT * FROM ${from}),` +
    ` wanted AS MATERIALIZED (SELECT ${image('s')} AS image, count(*) AS copies FROM s GROUP BY 1),` +
    ` candidates AS MATERIALIZED (SELECT t.ctid AS place, ${image('t')} AS image FROM ${table.relation} AS t` +
    ` WHERE (${isCandidate}) IS TRUE${live})` +
    ` SELECT numbered.place FROM (SELECT c.place, w.copies, row_number() OVER (PARTITION BY c.image ORDER BY c.place) AS copy` +
    ` FROM candidates AS c JOIN wanted AS w ON c.image = w.image) AS numbered WHERE numbered.copy <= numbered.copies`
  );
}

/** When the last of them was deleted at the source, or now where the batch does not say. */
function lastCommit(batch: Batch): bigint {
  return batch.changes?.committedAt.at(-1) ?? BigInt(Date.now()) * 1000n;
}
