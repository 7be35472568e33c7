import type { ClientConfig } from 'pg';

import type { PostgresDestinationConfig } from './config.ts';
import type { Tuning } from './tuning.ts';

/** How long connecting may take before it counts as an outage. */
export const CONNECT_TIMEOUT_MS = 15_000;
/** The server ends a transaction of ours that says nothing for this long: a hung writer must not hold its fence for ever. */
const IDLE_IN_TRANSACTION_MS = 120_000;
/** Sorts the rows of a merge without a file. */
const SORT_MEMORY = '64MB';
/** For staged rows: most merges fit, and every commit walks through these buffers. */
const TEMPORARY_BUFFERS = '16MB';

export function clientConfig(config: PostgresDestinationConfig): ClientConfig {
  return {
    connectionString: config.url,
    application_name: 'brimful',
    connectionTimeoutMillis: CONNECT_TIMEOUT_MS,
    keepAlive: true,
    keepAliveInitialDelayMillis: 30_000,
  };
}

/** Every setting that changes what a value's text means, so that what the source printed reads back equal. */
const VALUE_SETTINGS = [
  'search_path = pg_catalog',
  "DateStyle = 'ISO, YMD'",
  'IntervalStyle = postgres',
  "TimeZone = 'UTC'",
  'extra_float_digits = 3',
  'bytea_output = hex',
  "lc_monetary = 'C'",
  'xmloption = content',
  'standard_conforming_strings = on',
  'array_nulls = on',
  'transform_null_equals = off',
];

/**
 * Merges always go from the few rows given to the many in the table through its key. A cached plan must not scan the
 * table because it was small when the plan was made.
 */
const MERGE_PLANS = ['enable_seqscan', 'enable_hashjoin', 'enable_mergejoin', 'enable_bitmapscan'];

export function sessionSettings(config: PostgresDestinationConfig, tuning: Tuning): string {
  return [
    ...VALUE_SETTINGS,
    ...MERGE_PLANS.map((plan) => `${plan} = off`),
    'jit = off',
    'plan_cache_mode = force_generic_plan',
    'client_min_messages = warning',
    'default_transaction_isolation = "read committed"',
    'statement_timeout = 0',
    `lock_timeout = ${tuning.lockMilliseconds}`,
    `idle_in_transaction_session_timeout = ${IDLE_IN_TRANSACTION_MS}`,
    `work_mem = '${SORT_MEMORY}'`,
    `temp_buffers = '${TEMPORARY_BUFFERS}'`,
    `synchronous_commit = ${config.synchronousCommit}`,
  ]
    .map((setting) => `SET ${setting};`)
    .join('\n');
}

/** For statements that read whole tables: the planner is free again until the transaction ends. */
export const FREE_PLANS = `SELECT ${MERGE_PLANS.map((plan) => `set_config('${plan}', 'on', true)`).join(', ')}`;
/** The opposite, later in the same transaction. */
export const KEYED_PLANS = `SELECT ${MERGE_PLANS.map((plan) => `set_config('${plan}', 'off', true)`).join(', ')}`;
