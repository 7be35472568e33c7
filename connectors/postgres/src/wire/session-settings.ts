/**
 * What every session of a capture pins, the walsender too, so that scans and stream print the same text whatever the
 * role or database sets. (Invariant 4)
 */
const TEXT_SETTINGS: Readonly<Record<string, string>> = {
  DateStyle: 'ISO,MDY',
  IntervalStyle: 'postgres',
  TimeZone: 'UTC',
  extra_float_digits: '1',
  bytea_output: 'hex',
  xmlbinary: 'base64',
  lc_monetary: 'C',
  search_path: 'pg_catalog',
  quote_all_identifiers: 'off',
  standard_conforming_strings: 'on',
};

/** A scan may take hours, and a walsender waits on us: nothing but our own clocks may end them. */
const PATIENT_SETTINGS: Readonly<Record<string, string>> = {
  statement_timeout: '0',
  lock_timeout: '0',
  idle_in_transaction_session_timeout: '0',
  idle_session_timeout: '0',
};

const OUR_SETTINGS: Readonly<Record<string, string>> = {
  default_transaction_read_only: 'off',
  default_transaction_isolation: 'read\\ committed',
  // Our heartbeats must not wait for somebody's standby.
  synchronous_commit: 'local',
  client_min_messages: 'warning',
  // A backend whose client has gone must not sit on its lock or snapshot until it next writes.
  client_connection_check_interval: '10s',
  jit: 'off',
};

/** The startup packet's `options`: no round trip, and the only way to reach a walsender. */
export function sessionOptions(overrides: Readonly<Record<string, string>> = {}): string {
  const settings = { ...TEXT_SETTINGS, ...PATIENT_SETTINGS, ...OUR_SETTINGS, ...overrides };
  return Object.entries(settings)
    .map(([name, value]) => `-c ${name}=${value}`)
    .join(' ');
}
