import { quoteIdentifier } from '../types/identifier.ts';
import { createTouched, touchedColumn } from './load-rows.ts';
import type { OpenTable } from './open-table.ts';
import { FREE_PLANS, KEYED_PLANS } from './session.ts';
import { keyColumns } from './table-shape.ts';
import type { TableShape } from './table-shape.ts';
import type { Origin, Transaction } from './transaction.ts';

/** For sorting the key. Several times the default, and for one transaction only. */
const INDEX_MEMORY = '512MB';
const INDEX_WORKERS = 2;

/** Ends the load: doubled rows go, the key is built, and the table is analysed and opened to autovacuum. */
export function indexTable(transaction: Transaction, table: OpenTable): void {
  const { state, shape } = transaction.facts(table);
  if (state !== 'loading') return;
  const origin: Origin = { table, doing: 'building the key' };
  transaction.exclusive = true;
  if (shape.key.length > 0) {
    for (const text of buildKey(table, shape)) transaction.add({ text }, origin);
  }
  if (!table.adopted) {
    transaction.add(
      { text: `ALTER TABLE ${table.relation} RESET (autovacuum_enabled, toast.autovacuum_enabled)` },
      origin,
    );
  }
  transaction.add({ text: `ANALYZE ${table.relation}` }, origin);
  transaction.add({ text: KEYED_PLANS, prepared: true }, origin);
  transaction.change(table, { state: 'indexed' });

  function buildKey(table: OpenTable, shape: TableShape): string[] {
    const key = keyColumns(shape).map(({ name }) => quoteIdentifier(name));
    createTouched(transaction, table);
    return [
      FREE_PLANS,
      `SELECT set_config('maintenance_work_mem', '${INDEX_MEMORY}', true), set_config('max_parallel_maintenance_workers', '${INDEX_WORKERS}', true)`,
      removeDoubles(table, key),
      `DROP TABLE ${table.touched}`,
      `ALTER TABLE ${table.relation} ADD PRIMARY KEY (${key.join(', ')})`,
    ];
  }
}

/**
 * A row that moved while the table was scanned was read twice, at its old place and its new one; such a row changed
 * meanwhile, so its key was noted. Which copy stays does not matter: its changes are replayed over it.
 */
function removeDoubles(table: OpenTable, key: readonly string[]): string {
  const columns = key.map((name) => `t.${name}`).join(', ');
  const matches = key.map((name, index) => `t.${name} = k.${touchedColumn(index)}`).join(' AND ');
  return (
    `DELETE FROM ${table.relation} WHERE ctid = ANY (ARRAY(SELECT doubles.place FROM (` +
    `SELECT t.ctid AS place, row_number() OVER (PARTITION BY ${columns}) AS copy FROM ${table.relation} AS t` +
    ` JOIN (SELECT DISTINCT * FROM ${table.touched}) AS k ON ${matches}` +
    `) AS doubles WHERE doubles.copy > 1))`
  );
}

/** All history is in: what the source promises about nulls is true here too from now on. */
export function settleTable(transaction: Transaction, table: OpenTable): void {
  const { shape } = transaction.facts(table);
  // Somebody else's table keeps the constraints its owner gave it.
  const setting = table.adopted ? [] : shape.columns.filter(({ promised, notNull }) => promised && !notNull);
  if (setting.length > 0) {
    transaction.exclusive = true;
    const clauses = setting.map(({ name }) => `ALTER COLUMN ${quoteIdentifier(name)} SET NOT NULL`);
    transaction.add(
      { text: `ALTER TABLE ${table.relation} ${clauses.join(', ')}` },
      { table, doing: 'completing it' },
    );
  }
  const columns = shape.columns.map((column) =>
    setting.includes(column) ? { ...column, notNull: true } : column,
  );
  transaction.change(table, { state: 'settled', shape: { ...shape, columns } });
}

/** Empties the table. Under soft deletes its rows stay, marked, unless they are still being loaded. */
export function truncateTable(transaction: Transaction, table: OpenTable): void {
  const origin: Origin = { table, doing: 'emptying it' };
  if (table.soft && transaction.facts(table).state !== 'loading') {
    const text = `UPDATE ${table.relation} SET "_brimful_deleted_at" = now() WHERE "_brimful_deleted_at" IS NULL`;
    transaction.add({ text }, origin);
  } else if (transaction.attempt.truncateByDelete) {
    transaction.add({ text: `DELETE FROM ${table.relation}` }, origin);
  } else {
    transaction.exclusive = true;
    transaction.add({ text: `TRUNCATE ${table.relation}` }, origin);
  }
}
