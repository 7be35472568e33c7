import type { TablePair } from '@brimful/connector';
import { assert, Problem } from '@brimful/model';
import type { Connection } from '../database/connection.ts';
import { relationName } from '../database/database-file.ts';
import { quoteName, quoteText } from '../database/sql.ts';
import { fenced } from './apply-work.ts';
import type { CheckpointRow } from './bookkeeping.ts';
import { besideName, findTable, note } from './bookkeeping.ts';
import { findComments, findConstraints, findIndexes } from './dependents.ts';
import { OpenTable } from './open-table.ts';
import { presentColumns } from './present-columns.ts';
import type { TableState } from './table-state.ts';
import { relationOf } from './table-state.ts';

/** A table's state once the transaction has committed. */
interface Swapped {
  readonly table: OpenTable;
  readonly state: TableState;
}

/** All pairs within the caller's transaction; returns what is then true. (Invariants 3, 7) */
export async function swapPairs(connection: Connection, pairs: readonly TablePair[]): Promise<Swapped[]> {
  const swapped: Swapped[] = [];
  for (const { live, next } of pairs) {
    assert(live instanceof OpenTable && next instanceof OpenTable, 'tables were opened by this destination');
    swapped.push(...(await swapPair(connection, live, next)));
  }
  return swapped;
}

async function swapPair(connection: Connection, live: OpenTable, next: OpenTable): Promise<Swapped[]> {
  const { id } = next.request;
  // Invariant 3: before anything is touched, and again where the names are noted.
  const before = (await owned(connection, live)).state;
  const after = (await owned(connection, next)).state;
  const unchanged = [
    { table: live, state: before },
    { table: next, state: after },
  ];
  if (after.table === id.table && before.table !== id.table) return unchanged;
  if (before.table !== id.table) throw nameless(id.table);
  const aside = besideName(live.request.id);
  await requireRenamable(connection, before, aside);
  await carryComments(connection, before, after);
  const indexes = await findIndexes(connection, before.databaseSchema, before.table);
  // A table with an index cannot be renamed.
  for (const { name } of indexes) await connection.run(`DROP INDEX ${name}`);
  await rename(connection, before, aside);
  await rename(connection, after, id.table);
  for (const { sql } of indexes) await connection.run(sql);
  for (const { table, state } of unchanged) {
    if (!(await note(connection, table.request.id, table.epoch, state))) throw fenced(table);
  }
  return unchanged;
}

async function owned(connection: Connection, table: OpenTable): Promise<CheckpointRow> {
  const row = await findTable(connection, table.request.id);
  if (row === undefined || row.epoch !== table.epoch || row.phase === 'replaced') throw fenced(table);
  return row;
}

function nameless(table: string): Problem {
  return new Problem('BRM-DUCKDB-SWAP', `neither generation has the name ${table}: another one has it`, {
    kind: 'bug',
    remedy: 'Look at brimful.checkpoints in the file for the generation that has the name.',
    at: { table },
  });
}

async function requireRenamable(connection: Connection, state: TableState, aside: string): Promise<void> {
  const at = { table: state.table };
  const present = await presentColumns(connection, state.databaseSchema, aside);
  if (present.length > 0) {
    throw new Problem(
      'BRM-DUCKDB-TABLE-EXISTS',
      `${relationName(state.databaseSchema, aside)}, the name for the table that is swapped out, is taken`,
      { remedy: 'Rename or drop that table or view.', at },
    );
  }
  const [key] = await foreignKeys(connection, state);
  if (key === undefined) return;
  throw new Problem(
    'BRM-DUCKDB-DEPENDENTS',
    `table ${relationOf(state)} cannot be renamed: table ${key.from} refers to it by a foreign key`,
    { remedy: `Make ${key.from} anew without the foreign key.`, at },
  );
}

async function foreignKeys(connection: Connection, state: TableState): Promise<{ from: string }[]> {
  const constraints = await findConstraints(connection, state.databaseSchema, state.table);
  return constraints.flatMap(({ from }) => (from === undefined ? [] : [{ from }]));
}

async function rename(connection: Connection, state: TableState, name: string): Promise<void> {
  await connection.run(`ALTER TABLE ${relationOf(state)} RENAME TO ${quoteName(name)}`);
  state.table = name;
}

/** What people have written on the table that has the name goes on, where the other has the column. */
async function carryComments(connection: Connection, from: TableState, to: TableState): Promise<void> {
  const relation = relationOf(to);
  const comments = await findComments(connection, from.databaseSchema, from.table);
  const present = await findComments(connection, to.databaseSchema, to.table);
  if (comments.table !== null && comments.table !== present.table)
    await connection.run(`COMMENT ON TABLE ${relation} IS ${quoteText(comments.table)}`);
  const columns = await presentColumns(connection, to.databaseSchema, to.table);
  for (const [name, text] of comments.columns) {
    const column = columns.find((candidate) => candidate.name.toLowerCase() === name.toLowerCase());
    if (column === undefined || present.columns.get(column.name) === text) continue;
    await connection.run(`COMMENT ON COLUMN ${relation}.${quoteName(column.name)} IS ${quoteText(text)}`);
  }
}
