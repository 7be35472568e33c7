import { assert } from '@brimful/model';
import { relationName } from '../database/database-file.ts';
import type { Connection } from '../database/connection.ts';
import { quoteName } from '../database/sql.ts';
import type { TableId } from './bookkeeping.ts';
import { findGenerations, note } from './bookkeeping.ts';
import type { ChangeTarget } from './change-target.ts';
import type { TableState } from './table-state.ts';
import { relationOf } from './table-state.ts';

/** The table is complete. If it was built beside an earlier generation, it takes that one's place now. (Invariant 7) */
export async function settle(target: ChangeTarget, id: TableId): Promise<void> {
  const { connection, state } = target;
  state.phase = 'settled';
  const generations = await findGenerations(connection, id);
  for (const earlier of generations) {
    if (earlier.id.generation >= id.generation || earlier.phase === 'replaced') continue;
    const old = earlier.state;
    if (old.adopted) await renameTable(connection, old, `${id.table}__g${earlier.id.generation}`);
    else await connection.run(`DROP TABLE IF EXISTS ${relationOf(old)}`);
    await note(connection, earlier.id, earlier.epoch, { ...old, phase: 'replaced' });
  }
  if (state.table !== id.table) await renameTable(connection, state, id.table);
}

async function renameTable(connection: Connection, state: TableState, name: string): Promise<void> {
  await connection.run(`ALTER TABLE ${relationOf(state)} RENAME TO ${quoteName(name)}`);
  state.table = name;
}

/**
 * NOT NULL statements that a complete table still lacks. They run in a transaction of their own after the data's:
 * DuckDB refuses to commit them beside a delete from the table.
 */
export function constraintStatements(state: TableState): string[] {
  if (state.phase !== 'settled') return [];
  const statements: string[] = [];
  for (const definition of state.schema.columns) {
    if (definition.nullable) continue;
    const held = state.columns.find((column) => column.live && column.collected === definition.name);
    assert(held !== undefined, 'every column of the schema is held');
    if (held.notNull) continue;
    held.notNull = true;
    const relation = relationName(state.databaseSchema, state.table);
    statements.push(`ALTER TABLE ${relation} ALTER COLUMN ${quoteName(held.name)} SET NOT NULL`);
  }
  return statements;
}
