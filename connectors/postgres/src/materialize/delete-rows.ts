import type { Column } from '@brimful/model';

import { DELETED_AT, equal, keyBatch } from './merge-target.ts';
import { quoteIdentifier } from '../types/identifier.ts';
import type { OpenTable } from './open-table.ts';
import { rowSource } from './row-source.ts';
import { keyColumns } from './table-shape.ts';
import { timestampText } from './timestamp-text.ts';
import type { Origin, Transaction } from './transaction.ts';

/** Keys that must not be there afterwards; under soft deletes their rows stay, marked. */
export function deleteRows(
  transaction: Transaction,
  table: OpenTable,
  step: { readonly keys: readonly Column[]; readonly rows: number; readonly committedAt: bigint },
): void {
  if (step.rows === 0) return;
  const columns = keyColumns(transaction.facts(table).shape);
  const key = columns.map(({ name }) => quoteIdentifier(name));
  const origin: Origin = { table, doing: `deleting ${step.rows} rows` };
  const rows = keyBatch(columns, step.keys, step.rows);
  const source = rowSource(transaction, rows.batch, rows.columns, origin, key);
  const where = equal('t', 's', key);
  if (!table.soft) {
    const text = `DELETE FROM ${table.relation} AS t USING ${source.from} WHERE ${where}`;
    transaction.add({ text, parameters: source.parameters, prepared: source.prepared }, origin);
    return;
  }
  const mark = `$${source.parameters.length + 1}::timestamp with time zone`;
  transaction.add(
    {
      text: `UPDATE ${table.relation} AS t SET ${DELETED_AT} = ${mark} FROM ${source.from} WHERE ${where} AND t.${DELETED_AT} IS NULL`,
      parameters: [...source.parameters, timestampText(step.committedAt)],
      prepared: source.prepared,
    },
    origin,
  );
}
