import type { CaptureContext } from '@brimful/connector';
import { Problem } from '@brimful/model';
import { setTimeout as sleep } from 'node:timers/promises';
import type { CaptureConfig } from '../config.ts';
import { quoteText } from '../types/identifier.ts';
import { endpointOf } from '../wire/endpoint.ts';
import type { RawSession } from '../wire/raw-session.ts';
import { problemOf, ServerError } from '../wire/server-error.ts';
import { sourceNames } from './names.ts';
import { controlPool } from './open-source.ts';
import { Publications } from './publications.ts';
import { readSlot } from './slot.ts';

const ATTEMPTS = 50;
const PAUSE_MILLISECONDS = 100;
const OBJECT_IN_USE = '55006';
const UNDEFINED_OBJECT = '42704';

/** Removes the slot and both publications. What is not there, or belongs to something else, is left alone. */
export async function dropSource(config: CaptureConfig, context: CaptureContext): Promise<void> {
  const pool = controlPool(endpointOf(config), config, context);
  const names = sourceNames(context.capture, config);
  try {
    await pool.use(async (session) => {
      await dropSlot(session, names.slot, context.capture);
      await new Publications(names, 0).drop(session);
    });
    await context.remember(null);
  } catch (error) {
    throw problemOf(error, 'Removing what the capture left at the source');
  } finally {
    pool.close();
  }
}

async function dropSlot(session: RawSession, name: string, capture: string): Promise<void> {
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
      if (attempt >= ATTEMPTS) throw inUse(name, slot.activePid, error);
      // Only a walsender of this very capture, whose process is gone or should be.
      await session.query(
        `SELECT pg_terminate_backend(pid) FROM pg_stat_activity
         WHERE pid = ${slot.activePid ?? 0} AND application_name = ${quoteText(`brimful ${capture} stream`.slice(0, 63))}`,
      );
      await sleep(PAUSE_MILLISECONDS);
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
