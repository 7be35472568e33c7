import type { ClientConfig } from 'pg';
import { Problem } from '@brimful/model';

/** The part of a config that says where the server is. */
export interface ConnectionConfig {
  readonly url?: string | undefined;
  readonly host?: string | undefined;
  readonly port?: number | undefined;
  readonly user?: string | undefined;
  readonly password?: string | undefined;
  readonly database?: string | undefined;
  readonly ssl?: 'disable' | 'require' | 'verify-full' | undefined;
  readonly sslRootCertificate?: string | undefined;
  readonly connectTimeoutSeconds: number;
}

/** Where a server is and who we are there. `password` goes to the driver only, never into text. (Invariant 10) */
export interface Endpoint {
  readonly host: string;
  readonly port: number;
  readonly user: string;
  readonly database: string;
  readonly password: string | undefined;
  readonly ssl: ClientConfig['ssl'];
  readonly connectTimeoutMilliseconds: number;
}

/** Throws `BRM-PG-CONFIG` when the url cannot be read or there is no user. */
export function endpointOf(config: ConnectionConfig): Endpoint {
  const url = config.url === undefined ? undefined : parseUrl(config.url);
  const user = config.user ?? url?.user;
  if (user === undefined) {
    throw new Problem('BRM-PG-CONFIG', 'The Postgres connection names no user.', {
      remedy: 'Set `url: postgres://user:password@host/database`, or `user`.',
      at: { field: 'user' },
    });
  }
  const mode = config.ssl ?? url?.mode ?? 'disable';
  return {
    host: config.host ?? url?.host ?? 'localhost',
    port: config.port ?? url?.port ?? 5432,
    user,
    database: config.database ?? url?.database ?? user,
    password: config.password ?? url?.password,
    ssl: sslOptions(mode, config.sslRootCertificate),
    connectTimeoutMilliseconds: config.connectTimeoutSeconds * 1000,
  };
}

/** For messages: `user@host:5432/database`. */
export function describeEndpoint(endpoint: Endpoint): string {
  return `${endpoint.user}@${endpoint.host}:${endpoint.port}/${endpoint.database}`;
}

function sslOptions(mode: string, rootCertificate: string | undefined): ClientConfig['ssl'] {
  if (mode === 'disable') return false;
  if (mode === 'require') return { rejectUnauthorized: false };
  return rootCertificate === undefined
    ? { rejectUnauthorized: true }
    : { rejectUnauthorized: true, ca: rootCertificate };
}

interface UrlParts {
  readonly host: string | undefined;
  readonly port: number | undefined;
  readonly user: string | undefined;
  readonly password: string | undefined;
  readonly database: string | undefined;
  readonly mode: string | undefined;
}

function parseUrl(text: string): UrlParts {
  // The text may hold a password: neither it nor the parser's message may be repeated. (Invariant 10)
  const url = URL.canParse(text) ? new URL(text) : undefined;
  if (url === undefined || !/^postgres(ql)?:$/.test(url.protocol)) {
    throw new Problem('BRM-PG-CONFIG', 'The Postgres `url` is not a connection string.', {
      remedy:
        'Write postgres://user:password@host:5432/database; special characters in the password as %XX. Is the environment variable set?',
      at: { field: 'url' },
    });
  }
  const part = (value: string): string | undefined => (value === '' ? undefined : decodeURIComponent(value));
  return {
    host: url.searchParams.get('host') ?? part(url.hostname.replace(/^\[(.*)\]$/, '$1')),
    port: url.port === '' ? undefined : Number(url.port),
    user: part(url.username),
    password: part(url.password),
    database: part(url.pathname.slice(1)),
    mode: sslMode(url.searchParams.get('sslmode')),
  };
}

/** libpq's modes, as what they promise: `prefer` promises nothing, `verify-ca` is taken at its stricter neighbour. */
function sslMode(mode: string | null): string | undefined {
  if (mode === null) return undefined;
  if (mode === 'disable' || mode === 'allow' || mode === 'prefer') return 'disable';
  return mode === 'require' || mode === 'no-verify' ? 'require' : 'verify-full';
}
