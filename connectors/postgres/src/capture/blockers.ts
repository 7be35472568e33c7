import type { RawSession } from '../wire/raw-session.ts';
import type { TextRow } from '../wire/text-row.ts';
import { numberOf } from '../wire/text-row.ts';

/** A transaction that holds up others. */
export interface Blocker {
  /** Undefined: a prepared transaction. */
  readonly pid: number | undefined;
  /** Of a prepared transaction. */
  readonly identifier: string | undefined;
  /** 32 bits. */
  readonly xid: number;
  readonly user: string;
  readonly application: string;
  readonly state: string;
  readonly seconds: number | undefined;
  /** In the database we are in. */
  readonly here: boolean;
}

/**
 * Transactions that have written. From `pg_locks`, which shows everybody's to everybody; `pg_stat_activity` hides other
 * roles' transaction ids.
 */
const BLOCKERS = `
SELECT a.pid, NULL, l.transactionid, a.usename, a.application_name, COALESCE(a.state, ''),
  EXTRACT(EPOCH FROM now() - a.xact_start), COALESCE(a.datname = current_database(), true)
FROM pg_locks l JOIN pg_stat_activity a ON a.pid = l.pid
WHERE l.locktype = 'transactionid' AND l.mode = 'ExclusiveLock' AND l.granted AND a.pid <> pg_backend_pid()
UNION ALL
SELECT NULL, p.gid, p.transaction, p.owner, '', 'prepared', EXTRACT(EPOCH FROM now() - p.prepared),
  p.database = current_database()
FROM pg_prepared_xacts p`;

/** In all databases. */
export async function findBlockers(session: RawSession): Promise<Blocker[]> {
  return (await session.query(BLOCKERS)).map(toBlocker);
}

function toBlocker([pid, identifier, xid, user, application, state, seconds, here]: TextRow): Blocker {
  const since = numberOf(seconds);
  return {
    pid: numberOf(pid),
    identifier: identifier ?? undefined,
    xid: Number(xid),
    user: user ?? '?',
    application: application ?? '',
    state: state ?? '',
    seconds: since === undefined ? undefined : Math.round(since),
    here: here === 't',
  };
}

const NAMED_BLOCKERS = 5;

/** `pid 4711 (user app, psql, idle in transaction for 310 s)`. */
export function describeBlockers(blockers: readonly Blocker[]): string {
  const oldest = [...blockers].sort((a, b) => (b.seconds ?? 0) - (a.seconds ?? 0));
  const named = oldest.slice(0, NAMED_BLOCKERS).map(describe);
  const more = blockers.length - named.length;
  return more > 0 ? `${named.join(', ')} and ${more} more` : named.join(', ');
}

function describe(blocker: Blocker): string {
  const since = blocker.seconds === undefined ? '' : ` for ${blocker.seconds} s`;
  if (blocker.pid === undefined) {
    return `prepared transaction '${blocker.identifier}' (owner ${blocker.user}${since})`;
  }
  const words = [`user ${blocker.user}`, blocker.application, `${blocker.state}${since}`];
  return `pid ${blocker.pid} (${words.filter((word) => word !== '').join(', ')})`;
}

/** Who stands between us and a shared lock on these tables. */
export async function describeLockHolders(session: RawSession, oids: readonly number[]): Promise<string> {
  const rows = await session.query(`
    SELECT DISTINCT a.pid, NULL, 0, a.usename, a.application_name, COALESCE(a.state, ''),
      EXTRACT(EPOCH FROM now() - a.xact_start), true
    FROM pg_locks l JOIN pg_stat_activity a ON a.pid = l.pid
    WHERE l.locktype = 'relation' AND l.relation = ANY ('{${oids.join(',')}}'::oid[])
      AND l.mode = 'AccessExclusiveLock' AND a.pid <> pg_backend_pid()`);
  return rows.length === 0 ? 'another transaction' : describeBlockers(rows.map(toBlocker));
}
