import { mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { join } from 'node:path';
import type { PostgresServer } from '@brimful/testbed';
import { startPostgres } from '@brimful/testbed';

/** The servers, files and configuration of one demo run. */
export interface Environment extends AsyncDisposable {
  readonly server: PostgresServer;
  readonly sourceUrl: string;
  readonly replicaUrl: string;
  readonly duckdbPath: string;
  readonly configFile: string;
  /** Where it keeps everything; emptied at the next start. */
  readonly directory: string;
}

const RUN_DIRECTORY = fileURLToPath(new URL('../.run', import.meta.url));

/** Starts an embedded Postgres with two empty databases and writes a brimful.yaml that connects them. */
export async function createEnvironment(): Promise<Environment> {
  const server = await startPostgres();
  try {
    const sourceUrl = await server.createDatabase('shop');
    const replicaUrl = await server.createDatabase('replica');
    rmSync(RUN_DIRECTORY, { recursive: true, force: true });
    mkdirSync(RUN_DIRECTORY, { recursive: true });
    const configFile = join(RUN_DIRECTORY, 'brimful.yaml');
    writeFileSync(configFile, configText(sourceUrl, replicaUrl));
    return {
      server,
      sourceUrl,
      replicaUrl,
      duckdbPath: join(RUN_DIRECTORY, 'warehouse.duckdb'),
      configFile,
      directory: RUN_DIRECTORY,
      [Symbol.asyncDispose]: () => server[Symbol.asyncDispose](),
    };
  } catch (error) {
    await server[Symbol.asyncDispose]();
    throw error;
  }
}

/** URLs stand here in the open because the demo's server has no passwords; yours belong in the environment. */
function configText(sourceUrl: string, replicaUrl: string): string {
  return `captures:
  shop/postgres:
    connector: postgres
    config:
      url: ${sourceUrl}
    autoDiscover:
      schemas: [public]

materializations:
  shop/warehouse:
    connector: duckdb
    config:
      path: warehouse.duckdb
      memoryLimit: 512MB
    source: shop/postgres
  shop/replica:
    connector: postgres
    config:
      url: ${replicaUrl}
    source: shop/postgres
`;
}
