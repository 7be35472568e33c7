import { setTimeout as sleep } from 'node:timers/promises';
import type { ConnectorContext, QueryResult } from '@brimful/connector';
import { Problem } from '@brimful/model';
import { StatementType } from '@duckdb/node-api';
import type { DuckDBConnection } from '@duckdb/node-api';
import type { DuckdbConfig } from './config.ts';
import { Connection } from './database/connection.ts';
import type { Lease } from './database/database-file.ts';
import { DatabaseFile, FileOccupied } from './database/database-file.ts';
import { messageOf } from './database/open-failure.ts';
import { quoteName } from './database/sql.ts';

/** The writer lets go of the file every few seconds, and between merges; a single large merge may hold it longer. */
const PATIENCE_MILLISECONDS = 30_000;
/** Well below the time the writer leaves the file alone. */
const RETRY_MILLISECONDS = 15;

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
  const lease = await acquire(DatabaseFile.at(config.path), config, context);
  try {
    const connection = await Connection.open(lease.database);
    try {
      return await read(connection, config, sql);
    } finally {
      connection.close();
    }
  } finally {
    await lease.release();
  }
}

async function acquire(file: DatabaseFile, config: DuckdbConfig, context: ConnectorContext): Promise<Lease> {
  const until = context.now() + PATIENCE_MILLISECONDS;
  for (;;) {
    try {
      return await file.acquire('read', config);
    } catch (error) {
      if (!(error instanceof FileOccupied)) throw error;
      if (context.now() >= until) {
        throw new Problem(
          'BRM-DUCKDB-IN-USE',
          `${file.path}: ${error.message} for more than ${PATIENCE_MILLISECONDS / 1000} s`,
          {
            kind: 'retry',
            remedy: 'Close the program that has the file open, or try again.',
            at: { file: file.path },
            cause: error,
          },
        );
      }
    }
    await sleep(RETRY_MILLISECONDS);
  }
}

async function read(connection: Connection, config: DuckdbConfig, sql: string): Promise<QueryResult> {
  const { driver } = connection;
  await connection.run("SET TimeZone = 'UTC'");
  await connection.run(`SET schema = ${quoteName(config.schema)}`).catch(() => 0);
  await connection.run('BEGIN TRANSACTION READ ONLY');
  try {
    return await readText(driver, sql);
  } catch (error) {
    if (error instanceof Problem) throw error;
    throw new Problem('BRM-DUCKDB-QUERY', messageOf(error), {
      remedy: 'Correct the statement.',
      cause: error,
    });
  } finally {
    await connection.run('ROLLBACK');
  }
}

/** Every value as DuckDB's own text for it. */
async function readText(driver: DuckDBConnection, sql: string): Promise<QueryResult> {
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
  const names = columns.map((_, index) => `c${index}`);
  const casts = names.map((name) => `CAST(${name} AS VARCHAR)`).join(', ');
  const trimmed = sql.trim().replace(/;+\s*$/u, '');
  const reader = await driver
    .runAndReadAll(`SELECT ${casts} FROM (${trimmed}\n) AS q(${names.join(', ')})`)
    .catch(async () => driver.runAndReadAll(sql));
  const rows = reader.getRows().map((row) => row.map((value) => (value === null ? null : String(value))));
  return { columns, rows };
}
