import type { TestProject } from 'vitest/node';

import { findDebianPostgres } from './postgres-binaries.ts';
import { startPostgres } from './postgres.ts';
import type { PostgresServer } from './postgres.ts';

declare module 'vitest' {
  export interface ProvidedContext {
    /** The servers shared by all `*.pg.test.ts` files; see `shared-postgres.ts`. */
    postgresServers: { majorVersion: number; url: string; binDirectory: string }[];
  }
}

/** Set where a missing Debian server must fail the run instead of narrowing it. */
const REQUIRE_DEBIAN = 'BRIMFUL_REQUIRE_DEBIAN_POSTGRES';

/** Other versions to test on, from npm: `BRIMFUL_POSTGRES=14,16,17 npm test -- --project pg`. */
const VERSIONS = 'BRIMFUL_POSTGRES';

/** Starts the servers that all `*.pg.test.ts` files share: Postgres 18 from npm and, if installed, Debian's. */
export default async function setup(project: TestProject): Promise<() => Promise<void>> {
  const servers: PostgresServer[] = [];
  const stop = async (): Promise<void> => {
    await Promise.all(servers.map(async (server) => server[Symbol.asyncDispose]()));
  };
  try {
    const versions = (process.env[VERSIONS] ?? '').split(',').filter(Boolean).map(Number);
    for (const version of versions) servers.push(await startPostgres({ version }));
    if (versions.length === 0) servers.push(await startPostgres());
    if (versions.length > 0) process.stderr.write(`On Postgres ${versions.join(', ')} alone.\n`);
    else if (findDebianPostgres() !== undefined || process.env[REQUIRE_DEBIAN] === '1') {
      servers.push(await startPostgres({ version: 'debian' }));
    } else {
      process.stderr.write(
        "Debian's Postgres is not installed: these tests run on Postgres 18 only. " +
          'To add it, run `node scripts/install-postgres.mjs` as root.\n',
      );
    }
  } catch (error) {
    await stop();
    throw error;
  }
  project.provide(
    'postgresServers',
    servers.map((server) => ({
      majorVersion: server.majorVersion,
      url: server.url(),
      binDirectory: server.binDirectory,
    })),
  );
  return stop;
}
