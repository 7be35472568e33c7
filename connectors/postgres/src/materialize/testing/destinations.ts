import type { Json } from '@brimful/model';
import type { Action, ConnectorContext, Destination, TableHandle, TableRequest } from '@brimful/connector';
import type { Schema } from '@brimful/model';
import { Client } from 'pg';

import { postgresDestination } from '../destination-connector.ts';
import { postgresDestinationConfig } from '../config.ts';
import { PostgresDestination } from '../destination.ts';
import { TUNING } from '../tuning.ts';
import type { Tuning } from '../tuning.ts';

/** A context that keeps warnings, and calls `onReach` at named places. */
export interface TestContext extends ConnectorContext {
  readonly warnings: string[];
  onReach: (point: string) => void;
}

export function testContext(): TestContext {
  const warnings: string[] = [];
  const context: TestContext = {
    warnings,
    onReach: () => {},
    log: {
      debug: () => {},
      info: () => {},
      warn: (_fields, message) => warnings.push(message),
      error: (_fields, message) => warnings.push(message),
    },
    now: () => Date.now(),
    reach: (point) => context.onReach(point),
  };
  return context;
}

export async function openDestination(
  url: string,
  options: Readonly<Record<string, unknown>> = {},
  context: ConnectorContext = testContext(),
  tuning: Partial<Tuning> = {},
): Promise<Destination> {
  const config = postgresDestinationConfig.parse({ url, ...options });
  if (Object.keys(tuning).length === 0) return postgresDestination.open(config, context);
  return new PostgresDestination(config, context, { ...TUNING, ...tuning });
}

export function requestOf(table: string, schema: Schema, more: Partial<TableRequest> = {}): TableRequest {
  return {
    id: { materialization: 'test/warehouse', table, generation: 1 },
    collection: `test/${table}`,
    schema,
    deletes: 'hard',
    adopt: false,
    ...more,
  };
}

const NEVER = new AbortController().signal;

export async function applyTo(
  destination: Destination,
  table: TableHandle,
  actions: readonly Action[],
  checkpoint: Json = { at: 1 },
): Promise<void> {
  await destination.apply([{ table, actions, checkpoint }], NEVER);
}

/** What a query returns, every value as text. */
export async function rowsOf(url: string, sql: string): Promise<(string | null)[][]> {
  const client = new Client({
    connectionString: url,
    types: { getTypeParser: () => (value: unknown) => value as string },
  });
  await client.connect();
  try {
    await client.query("SET TimeZone = 'UTC'; SET extra_float_digits = 3");
    const result = await client.query<(string | null)[]>({ text: sql, rowMode: 'array' });
    return result.rows;
  } finally {
    await client.end();
  }
}
