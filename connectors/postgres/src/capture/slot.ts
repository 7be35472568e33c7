import type { Position } from '@brimful/connector';
import { Problem } from '@brimful/model';
import { setTimeout as sleep } from 'node:timers/promises';
import { quoteText } from '../types/identifier.ts';
import { parseLsn } from '../wire/pgoutput-frames.ts';
import type { RawSession } from '../wire/raw-session.ts';
import { problemOf, ServerError } from '../wire/server-error.ts';
import { numberOf } from '../wire/text-row.ts';
import { describeBlockers, findBlockers } from './blockers.ts';
import type { ServerState, SlotState } from './source-state.ts';

const DROP_ATTEMPTS = 50;
const DROP_PAUSE_MILLISECONDS = 100;
const OBJECT_IN_USE = '55006';
const UNDEFINED_OBJECT = '42704';

/** `sender`: a replication session, since only those may ask for the system identifier without more rights. */
export async function readServer(sender: RawSession): Promise<ServerState> {
  const [row] = await sender.query('IDENTIFY_SYSTEM');
  const [systemId, timeline, end, database] = row as [string, string, string, string];
  return { systemId, timeline: Number(timeline), end: parseLsn(end), database };
}

/** Everything committed so far lies before it, asynchronous commits too. */
export async function endOfLog(session: RawSession): Promise<Position> {
  const [row] = await session.query('SELECT pg_current_wal_insert_lsn()');
  return parseLsn(row?.[0] as string);
}

export async function readSlot(session: RawSession, name: string): Promise<SlotState | undefined> {
  const [row] = await session.query(
    `SELECT plugin, database, active_pid, COALESCE(confirmed_flush_lsn, restart_lsn), wal_status
     FROM pg_replication_slots WHERE slot_name = ${quoteText(name)}`,
  );
  if (row === undefined) return undefined;
  const [plugin, database, pid, confirmed, walStatus] = row;
  return {
    name,
    plugin: plugin ?? 'none (a physical slot)',
    database: database ?? 'none',
    activePid: numberOf(pid),
    confirmed: typeof confirmed === 'string' ? parseLsn(confirmed) : 0n,
    walStatus: walStatus ?? undefined,
  };
}

/**
 * Creates the slot, which waits for every transaction that runs now. Throws `BRM-PG-SLOT-BLOCKED` naming the blocking
 * process when that takes longer than `patienceMilliseconds`.
 */
export async function createSlot(
  session: RawSession,
  observer: RawSession,
  name: string,
  patienceMilliseconds: number,
): Promise<void> {
  // It waits on other transactions as on locks: one clock for both.
  const timeout = `SET lock_timeout = 0; SET statement_timeout = ${Math.round(patienceMilliseconds)}`;
  let blockers = 'another transaction';
  const look = setInterval(() => {
    findBlockers(observer).then(
      (found) => {
        if (found.length > 0) blockers = describeBlockers(found);
      },
      () => undefined,
    );
  }, patienceMilliseconds / 2);
  try {
    await session.query(timeout);
    await session.query(`SELECT pg_create_logical_replication_slot(${quoteText(name)}, 'pgoutput')`);
    await session.query('RESET statement_timeout; RESET lock_timeout');
  } catch (error) {
    if (error instanceof ServerError && error.code === '57014') throw blocked(name, blockers, error);
    throw createProblem(error, name);
  } finally {
    clearInterval(look);
  }
}

function blocked(name: string, blockers: string, cause: unknown): Problem {
  return new Problem(
    'BRM-PG-SLOT-BLOCKED',
    `Replication slot ${name} cannot be created while older transactions run: ${blockers}.`,
    {
      kind: 'retry',
      remedy:
        'Let them end, or end them: SELECT pg_terminate_backend(<pid>); for prepared transactions ROLLBACK PREPARED.',
      at: { slot: name },
      cause,
    },
  );
}

function createProblem(error: unknown, name: string): Problem {
  const doing = `Cannot create replication slot ${name}`;
  if (!(error instanceof ServerError)) return problemOf(error, doing);
  if (error.code === '53400') {
    return new Problem('BRM-PG-SLOTS-USED', `${doing}: all of the server's replication slots are in use.`, {
      remedy:
        'Raise max_replication_slots and restart the server, or drop a slot nobody needs: SELECT * FROM pg_replication_slots WHERE NOT active;',
      cause: error,
    });
  }
  if (error.code === '55000') {
    return new Problem('BRM-PG-WAL-LEVEL', `${doing}: ${error.message}.`, {
      remedy: "ALTER SYSTEM SET wal_level = 'logical'; and restart the server.",
      cause: error,
    });
  }
  return problemOf(error, doing);
}

/** Waits for a walsender of this very capture to end. */
export async function dropSlot(session: RawSession, name: string, capture: string): Promise<void> {
  for (let attempt = 1; ; attempt += 1) {
    const slot = await readSlot(session, name);
    const [row] = await session.query('SELECT current_database()');
    if (slot === undefined || slot.plugin !== 'pgoutput' || slot.database !== row?.[0]) return;
    try {
      await session.query(`SELECT pg_drop_replication_slot(${quoteText(name)})`);
      return;
    } catch (error) {
      if (!(error instanceof ServerError)) throw error;
      if (error.code === UNDEFINED_OBJECT) return;
      if (error.code !== OBJECT_IN_USE) throw error;
      if (attempt >= DROP_ATTEMPTS) throw inUse(name, slot.activePid, error);
      // Only a walsender of this very capture, whose process is gone or should be.
      await session.query(
        `SELECT pg_terminate_backend(pid) FROM pg_stat_activity
         WHERE pid = ${slot.activePid ?? 0} AND application_name = ${quoteText(`brimful ${capture} stream`.slice(0, 63))}`,
      );
      await sleep(DROP_PAUSE_MILLISECONDS);
    }
  }
}

function inUse(slot: string, pid: number | undefined, cause: unknown): Problem {
  return new Problem(
    'BRM-PG-SLOT-ACTIVE',
    `Replication slot ${slot} is in use by pid ${pid ?? '?'}, which is not ours.`,
    {
      remedy: `End that process, then run \`brimful down --drop\` again.`,
      at: { slot },
      cause,
    },
  );
}
