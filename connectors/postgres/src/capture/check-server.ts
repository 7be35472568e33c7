import type { Finding } from '@brimful/connector';
import { quoteIdentifier, quoteText } from '../types/identifier.ts';
import type { RawSession } from '../wire/raw-session.ts';
import { describeBlockers, findBlockers } from './blockers.ts';
import type { SourceNames } from './names.ts';

interface ServerFacts {
  readonly version: number;
  readonly versionText: string;
  readonly standby: boolean;
  readonly walLevel: string;
  readonly slots: number;
  readonly slotsUsed: number;
  readonly ownSlot: boolean;
  readonly senders: number;
  readonly sendersUsed: number;
  readonly keepSizeMegabytes: number;
  readonly mayReplicate: boolean;
  readonly mayCreate: boolean;
  readonly ownPublication: boolean;
  readonly database: string;
  readonly synchronousNames: string;
}

const factsSql = (names: SourceNames): string => `
SELECT json_build_object('version', current_setting('server_version_num')::int,
  'versionText', current_setting('server_version'), 'standby', pg_is_in_recovery(),
  'walLevel', current_setting('wal_level'), 'slots', current_setting('max_replication_slots')::int,
  'slotsUsed', (SELECT count(*) FROM pg_replication_slots),
  'ownSlot', EXISTS (SELECT FROM pg_replication_slots WHERE slot_name = ${quoteText(names.slot)}),
  'senders', current_setting('max_wal_senders')::int, 'sendersUsed', (SELECT count(*) FROM pg_stat_replication),
  'keepSizeMegabytes', (SELECT setting::int FROM pg_settings WHERE name = 'max_slot_wal_keep_size'),
  'mayReplicate', (SELECT rolreplication OR rolsuper FROM pg_roles WHERE rolname = current_user),
  'mayCreate', has_database_privilege(current_database(), 'CREATE'),
  'ownPublication', EXISTS (SELECT FROM pg_publication WHERE pubname = ${quoteText(names.changes)}),
  'database', current_database(), 'synchronousNames', current_setting('synchronous_standby_names'))`;

/** Findings about the server and the role, from the gravest. */
export async function serverFindings(
  session: RawSession,
  names: SourceNames,
  role: string,
): Promise<Finding[]> {
  const [row] = await session.query(factsSql(names));
  const facts = JSON.parse(row?.[0] as string) as ServerFacts;
  return [
    versionFinding(facts),
    walLevelFinding(facts),
    ...roleFindings(facts, role),
    ...roomFindings(facts),
    ...(await leftOverFindings(session, names)),
    ...keepSizeFindings(facts),
    ...synchronousFindings(facts),
    ...(await transactionFindings(session)),
  ];
}

function versionFinding(facts: ServerFacts): Finding {
  const subject = 'server';
  if (facts.version < 140_000) {
    const message = `The server is Postgres ${facts.versionText}; captures need 14 or newer.`;
    return { level: 'error', subject, message, remedy: 'Upgrade the server.' };
  }
  if (facts.standby) {
    const message = 'The server is a standby; captures follow the primary.';
    return { level: 'error', subject, message, remedy: 'Point the capture to the primary server.' };
  }
  return { level: 'ok', subject, message: `Postgres ${facts.versionText}, a primary.` };
}

function walLevelFinding(facts: ServerFacts): Finding {
  const subject = 'wal_level';
  if (facts.walLevel === 'logical') return { level: 'ok', subject, message: 'wal_level is logical.' };
  return {
    level: 'error',
    subject,
    message: `wal_level is ${facts.walLevel}: the log does not carry what following changes needs.`,
    remedy: "ALTER SYSTEM SET wal_level = 'logical'; and restart the server.",
  };
}

function roleFindings(facts: ServerFacts, role: string): Finding[] {
  const who = quoteIdentifier(role);
  const findings: Finding[] = [];
  if (facts.mayReplicate) {
    findings.push({ level: 'ok', subject: 'replication role', message: `${role} may replicate.` });
  } else {
    findings.push({
      level: 'error',
      subject: 'replication role',
      message: `${role} may not read the server's log.`,
      remedy: `ALTER ROLE ${who} REPLICATION;`,
    });
  }
  if (!facts.mayCreate && !facts.ownPublication) {
    findings.push({
      level: 'error',
      subject: 'publication',
      message: `${role} may not create publications in ${facts.database}.`,
      remedy: `GRANT CREATE ON DATABASE ${quoteIdentifier(facts.database)} TO ${who};`,
    });
  }
  return findings;
}

function roomFindings(facts: ServerFacts): Finding[] {
  if (facts.ownSlot) return [];
  const findings: Finding[] = [];
  if (facts.slotsUsed >= facts.slots) {
    findings.push({
      level: 'error',
      subject: 'max_replication_slots',
      message: `All ${facts.slots} replication slots are taken.`,
      remedy: `ALTER SYSTEM SET max_replication_slots = ${facts.slots + 5}; and restart the server. Or drop a slot that nobody needs.`,
    });
  }
  if (facts.sendersUsed >= facts.senders) {
    findings.push({
      level: 'error',
      subject: 'max_wal_senders',
      message: `All ${facts.senders} replication connections are taken.`,
      remedy: `ALTER SYSTEM SET max_wal_senders = ${facts.senders + 5}; and restart the server.`,
    });
  }
  return findings;
}

async function leftOverFindings(session: RawSession, names: SourceNames): Promise<Finding[]> {
  const rows = await session.query(
    `SELECT slot_name, COALESCE(database, ''), wal_status,
       pg_size_pretty(pg_wal_lsn_diff(CASE WHEN pg_is_in_recovery() THEN pg_last_wal_replay_lsn()
         ELSE pg_current_wal_lsn() END, restart_lsn))
     FROM pg_replication_slots WHERE NOT active ORDER BY restart_lsn`,
  );
  return rows.map(([name, database, status, retained]): Finding => {
    const ours = name === names.slot;
    const holds = `holds back ${retained ?? 'no'} of log`;
    if (ours && status === 'lost') {
      return {
        level: 'error',
        subject: `slot ${name}`,
        message: `This capture's slot is lost: the server removed log that it still needed.`,
        remedy: 'Run `brimful down --drop`, then `brimful up` to copy the tables again.',
      };
    }
    return {
      level: ours ? 'ok' : 'warning',
      subject: `slot ${name}`,
      message: ours
        ? `This capture's slot waits for it and ${holds}.`
        : `Nobody reads from it${database === '' ? '' : ` (database ${database})`}, and it ${holds}: left over, it fills the disk.`,
      ...(ours
        ? {}
        : { remedy: `If nothing needs it: SELECT pg_drop_replication_slot(${quoteText(name ?? '')});` }),
    };
  });
}

function keepSizeFindings(facts: ServerFacts): Finding[] {
  const subject = 'max_slot_wal_keep_size';
  if (facts.keepSizeMegabytes === -1) {
    return [
      {
        level: 'warning',
        subject,
        message: 'There is no limit to the log that a stopped capture holds back: it could fill the disk.',
        remedy:
          "ALTER SYSTEM SET max_slot_wal_keep_size = '100GB'; SELECT pg_reload_conf(); choose what the disk can spare. A capture stopped for longer than that must copy its tables again.",
      },
    ];
  }
  return [
    {
      level: 'ok',
      subject,
      message: `A stopped capture holds back at most ${facts.keepSizeMegabytes} MB of log; beyond that it must copy its tables again.`,
    },
  ];
}

/** `*` makes our walsender a standby that commits wait for. */
function synchronousFindings(facts: ServerFacts): Finding[] {
  if (!/(^|[\s,(])\*/.test(facts.synchronousNames)) return [];
  return [
    {
      level: 'warning',
      subject: 'synchronous_standby_names',
      message: `synchronous_standby_names is '${facts.synchronousNames}': the capture counts as a standby, so commits may wait for it.`,
      remedy: 'Name the standbys instead of *.',
    },
  ];
}

const LONG_SECONDS = 60;

async function transactionFindings(session: RawSession): Promise<Finding[]> {
  const blockers = await findBlockers(session);
  const long = blockers.filter((one) => one.pid === undefined || (one.seconds ?? 0) >= LONG_SECONDS);
  if (long.length === 0) return [];
  return [
    {
      level: 'warning',
      subject: 'long transactions',
      message: `The slot can be created, and tables can be read, only after these have ended: ${describeBlockers(long)}.`,
      remedy: "SELECT pg_terminate_backend(<pid>); or ROLLBACK PREPARED '<name>';",
    },
  ];
}
