import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { ConnectorContext } from '@brimful/connector';
import type { DuckdbConfig } from '../config.ts';
import { duckdbConfig } from '../config.ts';

const directories: string[] = [];

/** A configuration for a database file in a directory of its own. */
export function scratchConfig(more: Partial<DuckdbConfig> = {}): DuckdbConfig {
  const directory = mkdtempSync(join(tmpdir(), 'brimful-duckdb-'));
  directories.push(directory);
  return {
    ...duckdbConfig.parse({ path: join(directory, 'warehouse.duckdb'), memoryLimit: '256MB' }),
    ...more,
  };
}

export function removeScratch(): void {
  for (const directory of directories.splice(0)) rmSync(directory, { recursive: true, force: true });
}

export interface TestContext extends ConnectorContext {
  readonly warnings: string[];
}

export function testContext(reach: (point: string) => void = () => {}): TestContext {
  const warnings: string[] = [];
  const quiet = (): void => {};
  return {
    warnings,
    log: { debug: quiet, info: quiet, warn: (_, message) => void warnings.push(message), error: quiet },
    now: () => Date.now(),
    reach,
  };
}
