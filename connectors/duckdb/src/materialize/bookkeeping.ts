import type { TableRequest } from '@brimful/connector';
import type { Json } from '@brimful/model';
import { Problem } from '@brimful/model';
import type { Connection } from '../database/connection.ts';
import type { Phase, TableState } from './table-state.ts';

export type TableId = TableRequest['id'];

/** One row of `brimful.checkpoints`. */
export interface CheckpointRow {
  readonly id: TableId;
  readonly epoch: bigint;
  readonly phase: Phase;
  readonly checkpoint: Json | undefined;
  readonly state: TableState;
}

/** Of what `brimful.checkpoints` looks like. A file with a higher one is refused. */
const FORMAT = 1;

/** What a generation is called while another one has the table's name. */
export function besideName(id: TableId): string {
  return `${id.table}__g${id.generation}`;
}

const WHERE_ID = 'materialization = $1 AND "table" = $2 AND generation = $3';

/** Makes the tables in which Brimful keeps its own notes. Idempotent; within the caller's transaction. */
export async function prepareBookkeeping(connection: Connection): Promise<void> {
  await connection.run('CREATE SCHEMA IF NOT EXISTS brimful');
  await connection.run('CREATE TABLE IF NOT EXISTS brimful.format (version INTEGER)');
  const rows = await connection.rows('SELECT version FROM brimful.format');
  const version = rows[0]?.['version'] as number | undefined;
  if (version === undefined) await connection.run(`INSERT INTO brimful.format VALUES (${FORMAT})`);
  else if (version > FORMAT) {
    throw new Problem(
      'BRM-DUCKDB-NEWER',
      `the file's notes have format ${version}; this release knows ${FORMAT}`,
      {
        remedy: 'Update Brimful, or choose another path.',
      },
    );
  }
  await connection.run(`CREATE TABLE IF NOT EXISTS brimful.checkpoints (
    materialization VARCHAR, "table" VARCHAR, generation INTEGER, collection VARCHAR,
    database_schema VARCHAR, relation VARCHAR, state VARCHAR, epoch BIGINT, checkpoint JSON, notes JSON, updated_at TIMESTAMPTZ)`);
}

/** Invariant 3: from the next commit on, transactions of earlier owners change no row of ours. Returns the new epoch's row. */
export async function takeOver(connection: Connection, id: TableId): Promise<CheckpointRow | undefined> {
  await connection.run(`UPDATE brimful.checkpoints SET epoch = epoch + 1 WHERE ${WHERE_ID}`, values(id));
  return findTable(connection, id);
}

/** Whether Brimful has ever written into this file. */
export async function hasBookkeeping(connection: Connection): Promise<boolean> {
  const rows = await connection.rows(
    "SELECT 1 FROM duckdb_tables() WHERE database_name = current_database() AND schema_name = 'brimful' AND table_name = 'checkpoints'",
  );
  return rows.length > 0;
}

export async function findTable(connection: Connection, id: TableId): Promise<CheckpointRow | undefined> {
  const rows = await readRows(connection, `WHERE ${WHERE_ID}`, values(id));
  return rows[0];
}

export async function findGenerations(connection: Connection, id: TableId): Promise<CheckpointRow[]> {
  return readRows(connection, 'WHERE materialization = $1 AND "table" = $2 ORDER BY generation', [
    id.materialization,
    id.table,
  ]);
}

/** Whose a table is, or undefined when Brimful did not make it. */
export async function findOwner(
  connection: Connection,
  schema: string,
  table: string,
): Promise<CheckpointRow | undefined> {
  const rows = await readRows(
    connection,
    `WHERE lower(database_schema) = lower($1) AND lower(relation) = lower($2) AND state <> 'replaced'`,
    [schema, table],
  );
  return rows[0];
}

export async function enter(
  connection: Connection,
  id: TableId,
  collection: string,
  state: TableState,
): Promise<CheckpointRow> {
  await connection.run(
    `INSERT INTO brimful.checkpoints VALUES ($1, $2, $3, $4, $5, $6, $7, 1, NULL, $8, now())`,
    [...values(id), collection, state.databaseSchema, state.table, state.phase, JSON.stringify(state)],
  );
  return { id, epoch: 1n, phase: state.phase, checkpoint: undefined, state };
}

/** Whether the writer of this epoch still owns the table. */
export async function isOwner(connection: Connection, id: TableId, epoch: bigint): Promise<boolean> {
  const rows = await connection.rows(
    `SELECT 1 FROM brimful.checkpoints WHERE ${WHERE_ID} AND epoch = $4 AND state <> 'replaced'`,
    [...values(id), epoch],
  );
  return rows.length === 1;
}

/**
 * Moves the checkpoint in the transaction of its data (Invariant 2), provided that the writer still owns the table
 * (Invariant 3). Returns whether it does.
 */
export async function advance(
  connection: Connection,
  id: TableId,
  epoch: bigint,
  checkpoint: Json,
  state: TableState,
): Promise<boolean> {
  const changed = await connection.run(
    `UPDATE brimful.checkpoints SET checkpoint = $5, state = $6, relation = $7, notes = $8, updated_at = now()
      WHERE ${WHERE_ID} AND epoch = $4 AND state <> 'replaced'`,
    [...values(id), epoch, JSON.stringify(checkpoint), state.phase, state.table, JSON.stringify(state)],
  );
  return changed === 1;
}

/** Keeps what changed about a table without moving its checkpoint. Returns whether the writer still owns it. (Invariant 3) */
export async function note(
  connection: Connection,
  id: TableId,
  epoch: bigint,
  state: TableState,
): Promise<boolean> {
  const changed = await connection.run(
    `UPDATE brimful.checkpoints SET state = $5, relation = $6, notes = $7 WHERE ${WHERE_ID} AND epoch = $4`,
    [...values(id), epoch, state.phase, state.table, JSON.stringify(state)],
  );
  return changed === 1;
}

export async function forget(connection: Connection, id: TableId): Promise<void> {
  await connection.run(`DELETE FROM brimful.checkpoints WHERE ${WHERE_ID}`, values(id));
}

async function readRows(
  connection: Connection,
  where: string,
  parameters: readonly (string | number)[],
): Promise<CheckpointRow[]> {
  const rows = await connection.rows(
    `SELECT materialization, "table", generation, epoch, checkpoint::VARCHAR AS checkpoint, notes::VARCHAR AS notes
       FROM brimful.checkpoints ${where}`,
    parameters,
  );
  return rows.map((row) => {
    const state = JSON.parse(row['notes'] as string) as TableState;
    const checkpoint = row['checkpoint'] as string | null;
    return {
      id: {
        materialization: row['materialization'] as string,
        table: row['table'] as string,
        generation: row['generation'] as number,
      },
      epoch: row['epoch'] as bigint,
      phase: state.phase,
      checkpoint: checkpoint === null ? undefined : (JSON.parse(checkpoint) as Json),
      state: { ...state, touched: state.touched ?? undefined },
    };
  });
}

function values(id: TableId): [string, string, number] {
  return [id.materialization, id.table, id.generation];
}
