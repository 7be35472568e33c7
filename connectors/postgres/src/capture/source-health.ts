import type { SourceHealth } from '@brimful/connector';
import { quoteText } from '../types/identifier.ts';
import type { RawSession } from '../wire/raw-session.ts';

/** Longer than between two readings, so that nobody's work falls between them. */
const RECENT = '5 seconds';

/**
 * One statement. Roles that may not see what others do (`pg_read_all_stats`) get null for what that hides, never a number
 * that is too small. Our own sessions count neither as activity nor as replicas.
 */
const healthSql = (slot: string): string => `
WITH here AS (SELECT CASE WHEN pg_is_in_recovery() THEN pg_last_wal_replay_lsn() ELSE pg_current_wal_lsn() END AS lsn,
    pg_has_role(current_user, 'pg_read_all_stats', 'USAGE') AS sees_all),
  own_slot AS (SELECT pg_wal_lsn_diff(here.lsn, restart_lsn) AS retained,
    CASE WHEN wal_status = 'lost' THEN 0 WHEN safe_wal_size < 0 THEN 0 ELSE safe_wal_size END AS headroom
    FROM pg_replication_slots, here WHERE slot_name = ${quoteText(slot)}),
  replicas AS (SELECT pg_wal_lsn_diff(here.lsn, COALESCE(replay_lsn, flush_lsn, write_lsn, sent_lsn)) AS behind,
    EXTRACT(EPOCH FROM replay_lag) * 1000 AS late
    FROM pg_stat_replication, here WHERE application_name NOT LIKE 'brimful %' AND state IN ('streaming', 'catchup')),
  others AS (SELECT * FROM pg_stat_activity WHERE pid <> pg_backend_pid())
SELECT json_build_object(
  'position', (SELECT (lsn - '0/0')::text FROM here),
  'retainedBytes', (SELECT retained FROM own_slot), 'headroomBytes', (SELECT headroom FROM own_slot),
  'replicaLagBytes', (SELECT max(greatest(behind, 0)) FROM replicas),
  'replicaLagMilliseconds', (SELECT max(COALESCE(late, 0)) FROM replicas WHERE behind IS NOT NULL),
  'activeSessions', (SELECT count(*) FILTER (WHERE state = 'active' AND backend_type = 'client backend'
    AND application_name NOT LIKE 'brimful %') FROM others) + CASE WHEN (SELECT sees_all FROM here) THEN 0 END,
  'recentSessions', (SELECT count(*) FILTER (WHERE backend_type = 'client backend' AND application_name NOT LIKE 'brimful %'
    AND (state <> 'idle' OR state_change > clock_timestamp() - interval '${RECENT}')) FROM others)
    + CASE WHEN (SELECT sees_all FROM here) THEN 0 END,
  'processors', NULL,
  'blockedByUs', (SELECT count(DISTINCT l.pid) FROM pg_locks l WHERE NOT l.granted AND EXISTS (
    SELECT FROM unnest(pg_blocking_pids(l.pid)) AS b(pid) JOIN pg_stat_activity a ON a.pid = b.pid
    WHERE a.application_name LIKE 'brimful %' AND a.usename = current_user)),
  'oldestSnapshotAge', CASE WHEN (SELECT sees_all FROM here) THEN COALESCE(greatest(
    (SELECT max(age(backend_xmin)) FROM others), (SELECT max(age(transaction)) FROM pg_prepared_xacts)), 0) END)`;

export async function readHealth(session: RawSession, slot: string): Promise<SourceHealth> {
  const [row] = await session.query(healthSql(slot));
  return JSON.parse(row?.[0] as string) as SourceHealth;
}
