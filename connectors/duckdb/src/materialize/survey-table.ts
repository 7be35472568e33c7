import { statfs } from 'node:fs/promises';
import { dirname } from 'node:path';
import type { Arrival, TableSurvey } from '@brimful/connector';
import { DELETED_AT_COLUMN } from '@brimful/connector';
import type { Guard } from '@brimful/model';
import type { Connection } from '../database/connection.ts';
import { relationName } from '../database/database-file.ts';
import { quoteText } from '../database/sql.ts';
import { findGenerations, findOwner, hasBookkeeping } from './bookkeeping.ts';
import type { TableConstraint } from './dependents.ts';
import { findConstraints, findIndexes, findViews } from './dependents.ts';
import { misfitsOf } from './misfits.ts';
import { presentColumns } from './present-columns.ts';

interface Place {
  readonly path: string;
  readonly schema: string;
  readonly table: string;
  readonly materialization: string;
  /** What the table is to take. */
  readonly arrival: Arrival | undefined;
}

type Dependents = TableSurvey['dependents'];

/** What hangs on the table that has the name, and what it weighs by the engine's own statistics. Reads no rows. */
export async function surveyTable(connection: Connection, place: Place): Promise<TableSurvey | undefined> {
  const { schema, table } = place;
  const columns = await presentColumns(connection, schema, table);
  if (columns.length === 0) return undefined;
  const [statistics] = await connection.rows(
    `SELECT schema_name, table_name, estimated_size FROM duckdb_tables() WHERE database_name = current_database()
      AND lower(schema_name) = lower($1) AND lower(table_name) = lower($2)`,
    [schema, table],
  );
  const guards: Guard[] = [];
  if (statistics === undefined) {
    guards.push(notOurs(place, 'it is a view'));
    return { rows: null, bytes: null, dependents: [], columns, misfits: [], guards };
  }
  const owners = (await hasBookkeeping(connection))
    ? await findGenerations(connection, { materialization: place.materialization, table, generation: 0 })
    : [];
  const owner = owners.find(({ phase, state }) => phase !== 'replaced' && state.table === table);
  if (owner === undefined) guards.push(await strangers(connection, place));
  const ours = new Set([...(owner?.state.columns.map(({ name }) => name) ?? []), DELETED_AT_COLUMN]);
  const foreign = owner === undefined ? [] : columns.filter(({ name }) => !ours.has(name));
  for (const { name } of foreign) guards.push(foreignColumn(place, name));
  const constraints = await findConstraints(connection, schema, table);
  for (const constraint of constraints) guards.push(constraintGuard(place, constraint));
  const indexes = await findIndexes(connection, schema, table);
  const views = await findViews(connection, table);
  const bytes = await tableBytes(connection, place);
  const room = await roomGuard(place, bytes);
  if (room !== undefined) guards.push(room);
  return {
    rows: Number(statistics['estimated_size']),
    bytes,
    dependents: [
      ...views.map((view) => viewDependent(view)),
      ...indexes.map(({ name }) => indexDependent(name)),
      ...foreign.map(({ name }) =>
        lost(`column ${name}`, 'not from the collection: its values stay with the old table'),
      ),
      ...constraints.map(({ text, from }) =>
        lost(
          from === undefined ? `constraint ${text}` : `foreign key of ${from}`,
          'stays with the old table',
        ),
      ),
    ],
    columns: columns.map(({ name, type }) => ({ name, type })),
    misfits:
      owner === undefined || place.arrival === undefined
        ? []
        : misfitsOf(owner.state, columns, place.arrival),
    guards,
  };
}

function viewDependent(view: string): Dependents[number] {
  return { what: `view ${view}`, carried: true, note: 'finds the table by its name whenever it is read' };
}

function indexDependent(name: string): Dependents[number] {
  return { what: `index ${name}`, carried: true, note: 'is built anew on the new table within the swap' };
}

function lost(what: string, note: string): Dependents[number] {
  return { what, carried: false, note };
}

/** Blocks in the file that hold the table's data. What is still in the log beside the file is not counted. */
async function tableBytes(connection: Connection, { schema, table }: Place): Promise<number> {
  const [row] = await connection.rows(
    `SELECT (SELECT count(DISTINCT block_id) FROM pragma_storage_info(${quoteText(relationName(schema, table))}) WHERE block_id >= 0)
      * (SELECT block_size FROM pragma_database_size() LIMIT 1) AS bytes`,
  );
  return Number(row?.['bytes'] ?? 0);
}

async function strangers(connection: Connection, place: Place): Promise<Guard> {
  const owner = (await hasBookkeeping(connection))
    ? await findOwner(connection, place.schema, place.table)
    : undefined;
  return notOurs(
    place,
    owner === undefined
      ? 'it was not made by Brimful'
      : `it belongs to table ${owner.id.table} of ${owner.id.materialization}`,
  );
}

function notOurs({ schema, table }: Place, why: string): Guard {
  return {
    id: 'destination-table-taken',
    level: 'block',
    subject: table,
    message: `${relationName(schema, table)} cannot be swapped: ${why}`,
    evidence: 'brimful.checkpoints has no such table of this materialization',
    remedy: 'Move that table away, or name another one.',
  };
}

function foreignColumn({ table }: Place, column: string): Guard {
  return {
    id: `destination-column-lost:${table}.${column}`,
    level: 'confirm',
    subject: table,
    message: `column ${column} was added by somebody else; the new table does not have it`,
    evidence: 'duckdb_columns() has it, the collection does not',
    remedy: 'Keep its values in a table of their own, joined by key.',
  };
}

function constraintGuard({ table }: Place, { kind, text, from }: TableConstraint): Guard {
  if (from !== undefined) {
    return {
      id: `destination-foreign-key:${table}.${from}`,
      level: 'block',
      subject: table,
      message: `table ${from} refers to it by a foreign key, and DuckDB does not rename such a table`,
      evidence: text,
      remedy: `Make ${from} anew without the foreign key.`,
    };
  }
  return {
    id: `destination-constraint-lost:${table}`,
    level: 'confirm',
    subject: table,
    message: `a constraint (${kind.toLowerCase()}) that somebody put on it is not on the new table`,
    evidence: text,
    remedy: 'Use an index instead: indexes are carried over.',
  };
}

/** Both tables are there until the undo window ends. */
async function roomGuard({ path, table }: Place, bytes: number): Promise<Guard | undefined> {
  const { bavail, bsize } = await statfs(dirname(path));
  const free = bavail * bsize;
  if (free >= bytes) return undefined;
  return {
    id: `destination-room:${table}`,
    level: 'confirm',
    subject: table,
    message: `a second copy of the table may not fit beside it`,
    evidence: `${bytes} bytes in the file, ${free} bytes free on its disk`,
    remedy: 'Free some space on the disk of the file.',
  };
}
