import type { ConnectionReport, ConnectorDescription, Discovery } from '@brimful/api';

const text = (description: string): object => ({ type: 'string', description });

/** As the server describes them, shortened. */
export const CONNECTORS: readonly ConnectorDescription[] = [
  {
    name: 'postgres',
    title: 'PostgreSQL',
    kind: 'both',
    verified: 'on a real server',
    captureSchema: {
      type: 'object',
      properties: {
        url: text(
          'Connection string, e.g. postgres://user:password@host:5432/database?sslmode=require. Keep it in an environment variable: ${SHOP_DATABASE_URL}.',
        ),
        host: text('Host name or address, or the directory of a Unix socket. Default: localhost.'),
        port: { type: 'integer', minimum: 1, maximum: 65_535, description: 'Default: 5432.' },
        user: text('Role to log in as.'),
        password: text('Its password. Keep it in an environment variable: ${SHOP_PASSWORD}.'),
        database: text('Database to connect to. Default: the name of the user.'),
        ssl: {
          type: 'string',
          enum: ['disable', 'require', 'verify-full'],
          description: "'require' encrypts, 'verify-full' also checks the server's certificate and name.",
        },
        connectTimeoutSeconds: {
          type: 'number',
          exclusiveMinimum: 0,
          default: 10,
          description: 'How long connecting and logging in may take.',
        },
        slot: {
          type: 'string',
          pattern: '^[a-z0-9_]{1,63}$',
          description: "Name of the replication slot. Default: brimful_ and the capture's name.",
        },
        schemas: {
          type: 'array',
          items: { type: 'string' },
          description: 'Schemas whose tables are offered. Default: all but the system’s own.',
        },
        readers: {
          type: 'integer',
          minimum: 1,
          maximum: 32,
          default: 2,
          description: 'How many connections read tables at the same time while they are backfilled.',
        },
      },
      additionalProperties: false,
    },
    materializationSchema: {
      type: 'object',
      properties: {
        url: text('Connection string of the database, e.g. postgres://user:password@host:5432/warehouse'),
        schema: {
          ...text('Schema that the tables go to. Created when it does not exist.'),
          default: 'public',
        },
      },
      required: ['url'],
      additionalProperties: false,
    },
  },
  {
    name: 'duckdb',
    title: 'DuckDB file',
    kind: 'materialization',
    verified: 'on a real server',
    captureSchema: null,
    materializationSchema: {
      type: 'object',
      properties: {
        path: text('The database file. Relative to the configuration file; made when missing.'),
        schema: { ...text('Schema of the tables. Made when missing.'), default: 'main' },
        memoryLimit: { ...text('What DuckDB may hold in memory.'), default: '1GB' },
        threads: { type: 'integer', minimum: 1, maximum: 256, default: 2 },
      },
      required: ['path'],
      additionalProperties: false,
    },
  },
];

/** A host called `wrong…` has what most sources are missing at first. */
export function reportOf(config: Readonly<Record<string, unknown>>): ConnectionReport {
  const { host } = config;
  const isWrong = typeof host === 'string' && host.startsWith('wrong');
  return {
    ok: !isWrong,
    findings: [
      {
        subject: 'connection',
        level: 'ok',
        message: 'PostgreSQL 18.1, logged in as brimful.',
        remedy: null,
      },
      isWrong
        ? {
            subject: 'wal_level',
            level: 'error',
            message: 'The server writes no logical log, so changes cannot be followed.',
            remedy: 'ALTER SYSTEM SET wal_level = logical; -- then restart the server',
          }
        : {
            subject: 'max_slot_wal_keep_size',
            level: 'warning',
            message: 'The server keeps log for a slot without a limit: a stopped capture can fill its disk.',
            remedy: "ALTER SYSTEM SET max_slot_wal_keep_size = '50GB'; SELECT pg_reload_conf();",
          },
    ],
  };
}

export function discoveryOf(tables: readonly { readonly name: string; readonly rows: number }[]): Discovery {
  return {
    resources: [
      ...tables.map(({ name, rows }): Discovery['resources'][number] => ({
        name: `public.${name}`,
        suggestedTarget: name,
        key: ['id'],
        columns: 7,
        rows,
        bytes: rows * 212,
        quality: 'statistics',
        problem: null,
      })),
      {
        name: 'audit.events',
        suggestedTarget: 'audit/events',
        key: [],
        columns: 4,
        rows: 8_120_400,
        bytes: 8_120_400 * 180,
        quality: 'statistics',
        problem: {
          message: 'It has no key: rows are added, and never changed in place.',
          remedy: 'ALTER TABLE audit.events ADD PRIMARY KEY (id);',
          blocks: false,
        },
      },
      {
        name: 'audit.sealed',
        suggestedTarget: 'audit/sealed',
        key: ['id'],
        columns: 3,
        rows: 0,
        bytes: 0,
        quality: 'unknown',
        problem: {
          message: 'It must not be read.',
          remedy: 'GRANT SELECT ON audit.sealed TO brimful;',
          blocks: true,
        },
      },
    ],
  };
}
