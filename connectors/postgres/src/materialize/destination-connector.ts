import { Client } from 'pg';

import type {
  ConnectorContext,
  Destination,
  DestinationConnector,
  Finding,
  QueryResult,
} from '@brimful/connector';

import { checkDestination } from './check-destination.ts';
import { postgresDestinationConfig } from './config.ts';
import type { PostgresDestinationConfig } from './config.ts';
import { PostgresDestination } from './destination.ts';
import { problemOf } from './failure.ts';
import { runQuery } from './run-query.ts';
import { clientConfig } from './session.ts';

/** Materializes collections into tables of a Postgres database (14 to 18). */
export const postgresDestination: DestinationConnector<PostgresDestinationConfig> & {
  readonly config: typeof postgresDestinationConfig;
} = {
  config: postgresDestinationConfig,

  async check(config: PostgresDestinationConfig, context: ConnectorContext): Promise<readonly Finding[]> {
    return checkDestination(config, context);
  },

  /** Connects once, so that a wrong address or password shows at once and not with the first row. */
  async open(config: PostgresDestinationConfig, context: ConnectorContext): Promise<Destination> {
    const client = new Client(clientConfig(config));
    client.on('error', (error) => context.log.debug({ error: error.message }, 'the first connection broke'));
    try {
      await client.connect();
      await client.query('SELECT 1');
    } catch (error) {
      throw problemOf(error, 'connecting');
    } finally {
      await client
        .end()
        .catch((error: unknown) => context.log.debug({ error: String(error) }, 'could not close'));
    }
    return new PostgresDestination(config, context);
  },

  async query(config: PostgresDestinationConfig, sql: string): Promise<QueryResult> {
    return runQuery(config, sql);
  },

  whereabouts(config: PostgresDestinationConfig): string {
    const url = new URL(config.url);
    url.password = '';
    // Options in the address may be secrets too.
    url.search = '';
    return `PostgreSQL, schema ${config.schema}: psql '${url.href}' -c '\\dt ${config.schema}.*'`;
  },
};
