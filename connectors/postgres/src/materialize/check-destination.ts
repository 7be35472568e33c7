import { Client } from 'pg';

import type { ConnectorContext, Finding } from '@brimful/connector';

import { quoteIdentifier } from '../types/identifier.ts';
import type { PostgresDestinationConfig } from './config.ts';
import { problemOf } from './failure.ts';
import { clientConfig } from './session.ts';

const OLDEST = 14;
const NEWEST = 18;

interface Facts {
  readonly version: number;
  readonly database: string;
  readonly role: string;
  readonly standby: boolean;
  readonly readOnly: boolean;
  readonly canCreateSchemas: boolean;
  readonly target: SchemaRights;
  readonly bookkeeping: SchemaRights;
  readonly freeConnections: number;
}

interface SchemaRights {
  readonly exists: boolean;
  readonly canCreate: boolean;
}

/** Connects and tells what a run would meet. */
export async function checkDestination(
  config: PostgresDestinationConfig,
  context: ConnectorContext,
): Promise<readonly Finding[]> {
  const client = new Client(clientConfig(config));
  client.on('error', (error) => context.log.debug({ error: error.message }, 'the checking connection broke'));
  try {
    await client.connect();
    return findingsOf(await readFacts(client, config.schema), config);
  } catch (error) {
    const problem = problemOf(error, 'checking');
    const remedy = problem.remedy === undefined ? {} : { remedy: problem.remedy };
    return [{ level: 'error', subject: 'connection', message: problem.message, ...remedy }];
  } finally {
    await client
      .end()
      .catch((error: unknown) => context.log.debug({ error: String(error) }, 'could not close'));
  }
}

async function readFacts(client: Client, schema: string): Promise<Facts> {
  const found = await client.query<Record<string, unknown>>(
    `SELECT current_setting('server_version_num')::int / 10000 AS version, current_database() AS database,
            current_user AS role, pg_is_in_recovery() AS standby,
            current_setting('default_transaction_read_only') = 'on' AS read_only,
            has_database_privilege(current_database(), 'CREATE') AS can_create_schemas,
            (SELECT has_schema_privilege(oid, 'CREATE') AND has_schema_privilege(oid, 'USAGE') FROM pg_namespace WHERE nspname = $1) AS target,
            (SELECT has_schema_privilege(oid, 'CREATE') AND has_schema_privilege(oid, 'USAGE') FROM pg_namespace WHERE nspname = 'brimful') AS bookkeeping,
            (SELECT least(current_setting('max_connections')::int - current_setting('superuser_reserved_connections')::int
                            - (SELECT count(*) FROM pg_stat_activity WHERE backend_type = 'client backend'),
                          CASE rolconnlimit WHEN -1 THEN 1000000 ELSE rolconnlimit - (SELECT count(*) FROM pg_stat_activity WHERE usename = current_user) END)
               FROM pg_roles WHERE rolname = current_user)::int AS free_connections`,
    [schema],
  );
  const row = found.rows[0] ?? {};
  const rights = (value: unknown): SchemaRights => ({ exists: value !== null, canCreate: value === true });
  return {
    version: row['version'] as number,
    database: row['database'] as string,
    role: row['role'] as string,
    standby: row['standby'] as boolean,
    readOnly: row['read_only'] as boolean,
    canCreateSchemas: row['can_create_schemas'] as boolean,
    target: rights(row['target']),
    bookkeeping: rights(row['bookkeeping']),
    freeConnections: row['free_connections'] as number,
  };
}

/** Pure: what the facts mean for the user. */
function findingsOf(facts: Facts, config: PostgresDestinationConfig): Finding[] {
  return [
    versionFinding(facts),
    writableFinding(facts),
    schemaFinding(facts, config.schema, facts.target, 'the tables go there'),
    schemaFinding(facts, 'brimful', facts.bookkeeping, 'checkpoints are kept there'),
    connectionsFinding(facts, config),
  ];
}

function versionFinding({ version }: Facts): Finding {
  const subject = 'server version';
  if (version < OLDEST) {
    return {
      level: 'error',
      subject,
      message: `PostgreSQL ${version} is too old: ${OLDEST} is the oldest that works.`,
      remedy: 'Upgrade the server.',
    };
  }
  if (version > NEWEST)
    return {
      level: 'warning',
      subject,
      message: `PostgreSQL ${version} is newer than what was tried (${NEWEST}).`,
    };
  return { level: 'ok', subject, message: `PostgreSQL ${version}.` };
}

function writableFinding({ standby, readOnly, role }: Facts): Finding {
  const subject = 'writable';
  if (standby)
    return {
      level: 'error',
      subject,
      message: 'The server is a standby and accepts no writes.',
      remedy: 'Point `url` at the primary.',
    };
  if (readOnly) {
    return {
      level: 'error',
      subject,
      message: `Transactions of ${role} are read-only by default.`,
      remedy: `ALTER ROLE ${quoteIdentifier(role)} SET default_transaction_read_only = off;`,
    };
  }
  return { level: 'ok', subject, message: 'The server accepts writes.' };
}

function schemaFinding(facts: Facts, name: string, rights: SchemaRights, purpose: string): Finding {
  const subject = `schema ${name}`;
  const role = quoteIdentifier(facts.role);
  if (rights.exists && rights.canCreate)
    return { level: 'ok', subject, message: `${facts.role} may create tables in ${name}.` };
  if (rights.exists) {
    return {
      level: 'error',
      subject,
      message: `${facts.role} may not create tables in ${name}; ${purpose}.`,
      remedy: `GRANT USAGE, CREATE ON SCHEMA ${quoteIdentifier(name)} TO ${role};`,
    };
  }
  if (facts.canCreateSchemas)
    return { level: 'ok', subject, message: `${name} will be created; ${purpose}.` };
  return {
    level: 'error',
    subject,
    message: `${name} does not exist, and ${facts.role} may not create schemas; ${purpose}.`,
    remedy: `CREATE SCHEMA ${quoteIdentifier(name)} AUTHORIZATION ${role};  -- or: GRANT CREATE ON DATABASE ${quoteIdentifier(facts.database)} TO ${role};`,
  };
}

function connectionsFinding({ freeConnections }: Facts, { connections }: PostgresDestinationConfig): Finding {
  const subject = 'connections';
  const needed = connections + 1;
  if (freeConnections >= needed)
    return {
      level: 'ok',
      subject,
      message: `${needed} connections are needed, ${freeConnections} are free.`,
    };
  return {
    level: 'error',
    subject,
    message: `${needed} connections are needed, but only ${freeConnections} are free.`,
    remedy:
      "Raise max_connections (or the role's CONNECTION LIMIT), or lower `connections` of this materialization.",
  };
}
