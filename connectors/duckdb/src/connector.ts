import type { Connector } from '@brimful/connector';
import { check } from './check.ts';
import type { DuckdbConfig } from './config.ts';
import { duckdbConfig } from './config.ts';
import { DuckdbDestination } from './materialize/destination.ts';
import { query } from './query.ts';

export const connector: Connector<never, DuckdbConfig> = {
  name: 'duckdb',
  title: 'DuckDB file',
  verified: 'on a real server',
  destination: {
    config: duckdbConfig,
    check,
    query,
    async open(config, context) {
      return new DuckdbDestination(config, context);
    },
    whereabouts(config) {
      return `${config.path} — open it with: duckdb -readonly ${config.path}, or ask while it runs: brimful query <materialization> "SELECT …"`;
    },
  },
};
