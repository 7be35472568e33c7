import type { TableRequest } from '@brimful/connector';
import { DELETED_AT_COLUMN } from '@brimful/connector';
import { Problem } from '@brimful/model';
import type { Connection } from '../database/connection.ts';
import { relationName } from '../database/database-file.ts';
import { quoteName, quoteText } from '../database/sql.ts';
import { nativeName } from '../types/native-type.ts';
import type { CheckpointRow } from './bookkeeping.ts';
import {
  besideName,
  enter,
  findGenerations,
  findOwner,
  prepareBookkeeping,
  takeOver,
} from './bookkeeping.ts';
import type { PresentColumn } from './present-columns.ts';
import { presentColumns } from './present-columns.ts';
import type { TableState } from './table-state.ts';
import { newColumns, relationOf } from './table-state.ts';

/**
 * Takes a table over, or makes it: one transaction. The fence row is written before anything is read; what an earlier
 * owner still tries later finds another epoch there. (Invariant 3)
 */
export async function takeTable(
  connection: Connection,
  request: TableRequest,
  schema: string,
): Promise<CheckpointRow> {
  await prepareBookkeeping(connection);
  const owned = await takeOver(connection, request.id);
  if (owned?.phase === 'replaced') {
    throw new Problem(
      'BRM-DUCKDB-GENERATION',
      `generation ${request.id.generation} of table ${request.id.table} has been replaced by a later one`,
      {
        remedy: 'Stop the process that still writes the earlier generation.',
        at: { table: request.id.table },
      },
    );
  }
  if (owned !== undefined) {
    await requirePresent(connection, owned);
    return owned;
  }
  const others = await findGenerations(connection, request.id);
  const named = others.some(({ phase, state }) => phase !== 'replaced' && state.table === request.id.table);
  return create(connection, request, schema, named);
}

async function requirePresent(connection: Connection, { state, id }: CheckpointRow): Promise<void> {
  const columns = await presentColumns(connection, state.databaseSchema, state.table);
  if (columns.length > 0) return;
  throw new Problem(
    'BRM-DUCKDB-TABLE-GONE',
    `table ${relationOf(state)} has been dropped or renamed by somebody else`,
    {
      remedy: `Rename it back, or have it loaded anew: DELETE FROM brimful.checkpoints WHERE "table" = ${quoteText(id.table)};`,
      at: { table: id.table },
    },
  );
}

async function create(
  connection: Connection,
  request: TableRequest,
  schema: string,
  beside: boolean,
): Promise<CheckpointRow> {
  const { id } = request;
  // Invariant 7: a further generation is built beside the live one until a swap gives it the name.
  const table = beside ? besideName(id) : id.table;
  const present = await presentColumns(connection, schema, table);
  if (present.length > 0) await refuseForeign(connection, request, schema, table);
  const state: TableState = {
    databaseSchema: schema,
    table,
    phase: 'loading',
    schema: request.schema,
    columns: newColumns(request.schema),
    adopted: present.length > 0,
    soft: request.deletes === 'soft',
    touched: undefined,
  };
  if (present.length > 0) await adopt(connection, state, present);
  else await createTable(connection, state);
  const comment = `Kept current by Brimful from collection ${request.collection}`;
  if (!state.adopted) await connection.run(`COMMENT ON TABLE ${relationOf(state)} IS ${quoteText(comment)}`);
  return enter(connection, id, request.collection, state);
}

async function refuseForeign(
  connection: Connection,
  request: TableRequest,
  schema: string,
  table: string,
): Promise<void> {
  const at = { table: request.id.table };
  const owner = await findOwner(connection, schema, table);
  if (owner !== undefined) {
    throw new Problem(
      'BRM-DUCKDB-TABLE-TAKEN',
      `table ${relationName(schema, table)} belongs to table ${owner.id.table} of ${owner.id.materialization}; DuckDB does not tell upper from lower case`,
      { remedy: 'Give one of the two another table name.', at },
    );
  }
  if (request.adopt) return;
  throw new Problem(
    'BRM-DUCKDB-TABLE-EXISTS',
    `table ${relationName(schema, table)} exists and was not made by Brimful`,
    { remedy: 'Name another table, move that one away, or set `adopt: true` to have it used.', at },
  );
}

async function createTable(connection: Connection, state: TableState): Promise<void> {
  const columns = state.columns.map((column) => `${quoteName(column.name)} ${nativeName(column.type)}`);
  if (state.soft) columns.push(`${quoteName(DELETED_AT_COLUMN)} TIMESTAMPTZ`);
  await connection.run(`CREATE SCHEMA IF NOT EXISTS ${quoteName(state.databaseSchema)}`);
  await connection.run(`CREATE TABLE ${relationOf(state)} (${columns.join(', ')})`);
}

/** Uses a table as it is, if it is empty and its columns have our types; columns it lacks are added. */
async function adopt(
  connection: Connection,
  state: TableState,
  present: readonly PresentColumn[],
): Promise<void> {
  const relation = relationOf(state);
  const refuse = (why: string): Problem =>
    new Problem('BRM-DUCKDB-ADOPT', `table ${relation} cannot be adopted: ${why}`, {
      remedy: 'Change the table, or name another one.',
      at: { table: state.table },
    });
  const rows = await connection.rows(`SELECT 1 FROM ${relation} LIMIT 1`);
  if (rows.length > 0) throw refuse('it holds rows, which would mix with those of the collection');
  const lacking: string[] = [];
  const find = (name: string): PresentColumn | undefined =>
    present.find((column) => column.name.toLowerCase() === name.toLowerCase());
  const need = (name: string, type: string): void => {
    const found = find(name);
    if (found === undefined) lacking.push(`ALTER TABLE ${relation} ADD COLUMN ${quoteName(name)} ${type}`);
    else if (found.type !== type) throw refuse(`column ${name} is ${found.type}, not ${type}`);
  };
  for (const column of state.columns) {
    const found = find(column.name);
    need(column.name, nativeName(column.type));
    column.name = found?.name ?? column.name;
    column.notNull = found?.notNull ?? false;
  }
  if (state.soft) need(DELETED_AT_COLUMN, 'TIMESTAMP WITH TIME ZONE');
  for (const statement of lacking) await connection.run(statement);
}
