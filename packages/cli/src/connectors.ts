import type { Connector } from '@brimful/connector';
import { Problem } from '@brimful/model';

/**
 * The connectors this build has. Loaded only when a configuration names them: all of them together take seconds.
 */
const LOADERS: Readonly<Record<string, () => Promise<Connector>>> = {
  postgres: async () => (await import('@brimful/connector-postgres')).connector,
  duckdb: async () => (await import('@brimful/connector-duckdb')).connector,
  null: async () => (await import('@brimful/connector-null')).connector,
};

/** Finds connectors by name. The engine is given one. */
export interface ConnectorRegistry {
  readonly names: readonly string[];
  /** Throws `BRM-CONFIG-CONNECTOR` when there is none of that name. */
  load(name: string): Promise<Connector>;
}

export const builtInConnectors: ConnectorRegistry = connectorRegistry(LOADERS);

export function connectorRegistry(
  loaders: Readonly<Record<string, () => Promise<Connector>>>,
): ConnectorRegistry {
  const names = Object.keys(loaders);
  return {
    names,
    async load(name) {
      const loader = Object.hasOwn(loaders, name) ? loaders[name] : undefined;
      if (loader === undefined) {
        throw new Problem('BRM-CONFIG-CONNECTOR', `There is no connector called ${JSON.stringify(name)}.`, {
          remedy: `Use one of: ${names.join(', ')}.`,
        });
      }
      return loader();
    },
  };
}
