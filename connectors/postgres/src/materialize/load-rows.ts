import type { Batch, Column } from '@brimful/model';
import { assert, isNull } from '@brimful/model';

import { quoteIdentifier } from '../types/identifier.ts';
import { copySource } from './copy-rows.ts';
import { keyBatch } from './merge-target.ts';
import type { OpenTable } from './open-table.ts';
import { keyColumns, matchColumns, sqlType } from './table-shape.ts';
import type { Transaction } from './transaction.ts';
import { upsertRows } from './upsert-rows.ts';

/** Appends scanned rows of one schema version by one COPY, straight into the bare table. */
export function loadRows(transaction: Transaction, table: OpenTable, batches: readonly Batch[]): void {
  const [first] = batches;
  const rows = batches.reduce((sum, batch) => sum + batch.rows, 0);
  if (first === undefined || rows === 0) return;
  const { state, shape } = transaction.facts(table);
  if (state !== 'loading' && shape.key.length > 0) {
    // An adopted table that came with its key: what it holds already is replaced.
    assert(table.adopted, 'rows are loaded before the key is built');
    for (const batch of batches) upsertRows(transaction, table, batch, []);
    return;
  }
  copyInto(transaction, table, batches, `loading ${rows} rows`);
}

/** COPY into the table itself. */
export function copyInto(
  transaction: Transaction,
  table: OpenTable,
  batches: readonly Batch[],
  doing: string,
): void {
  const { schema } = batches[0] as Batch;
  const columns = matchColumns(transaction.facts(table).shape, schema).map(({ name, type }, source) => ({
    name,
    type,
    source,
  }));
  const { format, copy } = copySource(batches, columns);
  const names = columns.map(({ name }) => quoteIdentifier(name)).join(', ');
  transaction.add(
    { text: `COPY ${table.relation} (${names}) FROM STDIN (FORMAT ${format})`, prepared: true, copy },
    { table, doing, lines: batches },
  );
}

/**
 * Remembers keys that changed while the table is loaded: only their rows can be there twice. Keys that are not whole
 * (old keys of changes that were no moves) are left out.
 */
export function touchKeys(
  transaction: Transaction,
  table: OpenTable,
  keys: readonly Column[],
  rows: number,
): void {
  const { state, shape } = transaction.facts(table);
  if (state !== 'loading' || shape.key.length === 0) return;
  const whole = wholeRows(keys, rows);
  if (whole.length === 0) return;
  const { batch, columns } = keyBatch(keyColumns(shape), keys, rows);
  createTouched(transaction, table);
  const { format, copy } = copySource(
    [batch],
    columns.map(({ alias, type, index }) => ({ name: alias, type, source: index })),
    whole,
  );
  transaction.add(
    { text: `COPY ${table.touched} FROM STDIN (FORMAT ${format})`, prepared: true, copy },
    { table, doing: `noting ${whole.length} changed keys` },
  );
}

function wholeRows(keys: readonly Column[], rows: number): Int32Array {
  const whole = new Int32Array(rows);
  let count = 0;
  for (let row = 0; row < rows; row += 1) {
    if (keys.some((column) => isNull(column, row))) continue;
    whole[count] = row;
    count += 1;
  }
  return whole.subarray(0, count);
}

/** Logged, like the rows themselves: a crash of the server must not forget which of them may be doubled. */
export function createTouched(transaction: Transaction, table: OpenTable): void {
  const columns = keyColumns(transaction.facts(table).shape).map(
    (column, index) => `${touchedColumn(index)} ${sqlType(column)}`,
  );
  transaction.add(
    { text: `CREATE TABLE IF NOT EXISTS ${table.touched} (${columns.join(', ')})`, prepared: true },
    { table, doing: 'noting changed keys' },
  );
}

/** Whatever a key's column is called now: it may be renamed before the key is built. */
export function touchedColumn(index: number): string {
  return `k${index + 1}`;
}
