import { Client, Query } from 'pg';

import { Problem } from '@brimful/model';
import type { QueryResult } from '@brimful/connector';

import { quoteIdentifier } from '../types/identifier.ts';
import type { PostgresDestinationConfig } from './config.ts';
import { problemOf, serverError } from './failure.ts';
import { clientConfig } from './session.ts';

const QUERY_TIMEOUT_MS = 60_000;
/** The whole answer is held in memory. */
const QUERY_ROWS_LIMIT = 100_000;

const AS_TEXT = { getTypeParser: () => (value: string) => value };

/** Runs one statement of a user's in a transaction that can only read. */
export async function runQuery(config: PostgresDestinationConfig, sql: string): Promise<QueryResult> {
  const client = new Client({ ...clientConfig(config), types: AS_TEXT });
  let lost: unknown;
  client.on('error', (error) => {
    lost ??= error;
  });
  try {
    await client.connect();
    await client.query(
      `SET search_path = ${quoteIdentifier(config.schema)}, public; SET statement_timeout = ${QUERY_TIMEOUT_MS}; ` +
        "SET TimeZone = 'UTC'; SET default_transaction_read_only = on; BEGIN READ ONLY",
    );
    return await collect(client, sql);
  } catch (error) {
    throw error instanceof Problem ? error : queryProblem(error);
  } finally {
    await client.end().catch((error: unknown) => {
      lost ??= error;
    });
  }
}

/** By the extended protocol, which takes one statement only: the text cannot end the transaction and go on. */
async function collect(client: Client, sql: string): Promise<QueryResult> {
  const rows: (string | null)[][] = [];
  const query = new Query<(string | null)[]>({ text: sql, rowMode: 'array', queryMode: 'extended' } as never);
  const columns = await new Promise<string[]>((resolve, reject) => {
    query.on('row', (row: unknown) => {
      rows.push(row as (string | null)[]);
      if (rows.length !== QUERY_ROWS_LIMIT + 1) return;
      reject(
        new Problem('BRM-PG-QUERY', `The query returns more than ${QUERY_ROWS_LIMIT} rows.`, {
          remedy: 'Add a LIMIT, or use psql.',
        }),
      );
      void client.end();
    });
    query.on('end', (result) => resolve(result.fields.map(({ name }) => name)));
    query.on('error', reject);
    client.query(query);
  });
  return { columns, rows };
}

function queryProblem(error: unknown): Problem {
  const said = serverError(error);
  if (said === undefined || /^(08|53|57P|28|3D)/.test(said.code ?? '')) return problemOf(error, 'querying');
  const remedy =
    said.code === '25006'
      ? 'Only statements that read are allowed here.'
      : (said.hint ?? 'Correct the statement.');
  return new Problem('BRM-PG-QUERY', `The destination could not run the query: ${said.message}`, {
    remedy,
    cause: error,
  });
}
