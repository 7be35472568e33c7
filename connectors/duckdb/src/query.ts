import type { ConnectorContext, QueryResult } from '@brimful/connector';
import { Problem } from '@brimful/model';
import { StatementType } from '@duckdb/node-api';
import type { DuckDBConnection } from '@duckdb/node-api';
import type { DuckdbConfig } from './config.ts';
import { Connection } from './database/connection.ts';
import { DatabaseFile } from './database/database-file.ts';
import { messageOf } from './database/open-failure.ts';
import { acquireToRead } from './database/patient-lease.ts';
import { quoteName, quoteText } from './database/sql.ts';
import { hasBookkeeping } from './materialize/bookkeeping.ts';

const READING: readonly StatementType[] = [
  StatementType.SELECT,
  StatementType.EXPLAIN,
  StatementType.PRAGMA,
  StatementType.CALL,
];

/** Runs one read-only statement on the file, waiting for a writer to let go of it. */
export async function query(
  config: DuckdbConfig,
  sql: string,
  context: ConnectorContext,
): Promise<QueryResult> {
  const lease = await acquireToRead(DatabaseFile.at(config.path), config, context);
  try {
    const connection = await Connection.open(lease.database);
    try {
      return await read(connection, config, await ofReaders(connection, sql));
    } finally {
      connection.close();
    }
  } finally {
    await lease.release();
  }
}

/**
 * A list of tables is a list for readers: generations that are kept beside the live tables are not in it. Any other
 * statement is run as it is.
 */
async function ofReaders(connection: Connection, sql: string): Promise<string> {
  if (!/^\s*show\s+tables\s*;?\s*$/iu.test(sql) || !(await hasBookkeeping(connection))) return sql;
  return `SELECT table_name AS name FROM information_schema.tables
    WHERE table_catalog = current_database() AND table_schema = current_schema() AND NOT EXISTS (
      SELECT 1 FROM brimful.checkpoints WHERE state <> 'replaced' AND relation <> "table"
        AND lower(database_schema) = lower(table_schema) AND lower(relation) = lower(table_name))
    ORDER BY name`;
}

async function read(connection: Connection, config: DuckdbConfig, sql: string): Promise<QueryResult> {
  const { driver } = connection;
  await connection.run("SET TimeZone = 'UTC'");
  const schemas = await connection.rows('SELECT 1 FROM duckdb_schemas() WHERE schema_name = $1', [
    config.schema,
  ]);
  if (schemas.length > 0) await connection.run(`SET schema = ${quoteText(quoteName(config.schema))}`);
  try {
    const columns = await resultColumns(driver, sql);
    // Some statements cannot stand in parentheses; the driver's own text of their values is good enough.
    const rows =
      (await attempt(connection, asText(sql, columns.length)).catch(() => undefined)) ??
      (await attempt(connection, sql));
    return { columns, rows };
  } catch (error) {
    if (error instanceof Problem) throw error;
    throw new Problem('BRM-DUCKDB-QUERY', messageOf(error), {
      remedy: 'Correct the statement.',
      cause: error,
    });
  }
}

/** Runs a statement that can write nothing, whatever it calls. */
async function attempt(connection: Connection, sql: string): Promise<(string | null)[][]> {
  await connection.run('BEGIN TRANSACTION READ ONLY');
  try {
    const reader = await connection.driver.runAndReadAll(sql);
    return reader.getRows().map((row) => row.map((value) => (value === null ? null : String(value))));
  } finally {
    await connection.run('ROLLBACK');
  }
}

/** Every value as DuckDB's own text for it. */
function asText(sql: string, columns: number): string {
  const names = Array.from({ length: columns }, (_, index) => `c${index}`);
  const casts = names.map((name) => `CAST(${name} AS VARCHAR)`).join(', ');
  // A line break, because the statement may end in a comment.
  return `SELECT ${casts} FROM (${sql.trim().replace(/;+\s*$/u, '')}\n) AS q(${names.join(', ')})`;
}

async function resultColumns(driver: DuckDBConnection, sql: string): Promise<string[]> {
  const statements = await driver.extractStatements(sql);
  if (statements.count !== 1) {
    throw new Problem('BRM-DUCKDB-QUERY', `expected one statement, found ${statements.count}`, {
      remedy: 'Run the statements one at a time.',
    });
  }
  const prepared = await statements.prepare(0);
  if (!READING.includes(prepared.statementType)) {
    throw new Problem('BRM-DUCKDB-QUERY', 'only statements that read are allowed', {
      remedy: 'Open the file in another tool while the pipeline is stopped to change it.',
    });
  }
  const columns = Array.from({ length: prepared.columnCount }, (_, index) => prepared.columnName(index));
  prepared.destroySync();
  return columns;
}
