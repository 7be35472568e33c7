import { assert } from '@brimful/model';
import { relationName } from '../database/database-file.ts';
import { quoteName } from '../database/sql.ts';
import type { TableState } from './table-state.ts';

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
