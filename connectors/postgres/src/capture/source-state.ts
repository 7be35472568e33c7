import type { Position } from '@brimful/connector';
import { Problem } from '@brimful/model';
import { formatLsn } from '../wire/pgoutput-frames.ts';
import type { Memory } from './memory.ts';
import { START_ANEW } from './start-anew.ts';

/** The server as it is now. */
export interface ServerState {
  readonly systemId: string;
  readonly timeline: number;
  readonly database: string;
  readonly end: Position;
}

/** Our slot as it is now. */
export interface SlotState {
  readonly name: string;
  readonly plugin: string;
  readonly database: string;
  readonly activePid: number | undefined;
  readonly confirmed: Position;
  /** `pg_replication_slots.wal_status`; `lost` when the server removed what the slot needs. */
  readonly walStatus: string | undefined;
}

/** What must be done about the slot before streaming. */
export type SlotAction = 'create' | 'use';

/**
 * Whether the stream can go on where it stopped. Throws an operator problem when changes are gone or the source is not
 * the one we followed: never a silent gap. (Invariant 4)
 *
 * `durable`: no more than this was ever acknowledged. `adopted`: the user named the slot, so one that exists and
 * that we know nothing of was made for us.
 */
export function decideSlot(
  server: ServerState,
  slot: SlotState | undefined,
  memory: Memory | undefined,
  durable: Position | undefined,
  adopted: boolean,
): SlotAction {
  if (memory === undefined) return decideFirst(server, slot, durable, adopted);
  checkServer(server, memory, durable);
  const taken = durable ?? memory.created;
  if (slot === undefined) {
    if (taken === undefined) return 'create';
    throw lost(memory.slot, 'does not exist any more: somebody dropped it, or the server was replaced');
  }
  checkSlotIsOurs(server, slot);
  if (slot.walStatus === 'lost') {
    throw lost(
      slot.name,
      'lost its place: the server removed log that it still needed (max_slot_wal_keep_size)',
    );
  }
  if (taken !== undefined && slot.confirmed > taken) {
    throw new Problem(
      'BRM-PG-SLOT-RECREATED',
      `Replication slot ${slot.name} stands at ${formatLsn(slot.confirmed)}, beyond what this capture took (${formatLsn(taken)}): it was dropped and created again, or somebody else read from it.`,
      { remedy: START_ANEW, at: { slot: slot.name } },
    );
  }
  return 'use';
}

function decideFirst(
  server: ServerState,
  slot: SlotState | undefined,
  durable: Position | undefined,
  adopted: boolean,
): SlotAction {
  if (durable !== undefined) {
    throw new Problem(
      'BRM-PG-SLOT-LOST',
      'The journals hold data of this source, but the note about its replication slot is gone.',
      { remedy: START_ANEW },
    );
  }
  if (slot === undefined) return 'create';
  checkSlotIsOurs(server, slot);
  if (adopted) return 'use';
  throw new Problem(
    'BRM-PG-SLOT-EXISTS',
    `Replication slot ${slot.name} exists, but this data directory knows nothing of it: another Brimful may be using it, or it was left over.`,
    {
      remedy: `If nothing needs it: SELECT pg_drop_replication_slot('${slot.name}'); (or \`brimful down --drop\`). Otherwise give this capture another \`slot\`.`,
      at: { slot: slot.name },
    },
  );
}

function checkServer(server: ServerState, memory: Memory, durable: Position | undefined): void {
  const changed =
    server.systemId !== memory.systemId
      ? 'another server answers at this address (its system identifier differs)'
      : server.database !== memory.database
        ? `the capture followed database ${memory.database}, not ${server.database}`
        : undefined;
  if (changed !== undefined) {
    throw new Problem(
      'BRM-PG-SERVER-CHANGED',
      `The source is not the one this capture followed: ${changed}.`,
      {
        remedy:
          'Point the capture back to the original server. To copy this one instead: `brimful down --drop`, then `brimful up`.',
      },
    );
  }
  if (server.timeline !== memory.timeline) {
    throw new Problem(
      'BRM-PG-SERVER-RESTORED',
      `The server was promoted or restored: its timeline ${memory.timeline} became ${server.timeline}, and what was followed need not be part of it.`,
      { remedy: `If this is the server to follow from now on: ${START_ANEW}` },
    );
  }
  const needed = durable ?? memory.created;
  if (needed !== undefined && server.end < needed) {
    throw new Problem(
      'BRM-PG-SERVER-BEHIND',
      `The server's log ends at ${formatLsn(server.end)}, before what was already taken from it (${formatLsn(needed)}): it was restored from an older backup.`,
      { remedy: `What was copied from its lost future is still in the collections. ${START_ANEW}` },
    );
  }
}

/** Throws when it is another program's. */
export function checkSlotIsOurs(server: ServerState, slot: SlotState): void {
  if (slot.plugin === 'pgoutput' && slot.database === server.database) return;
  throw new Problem(
    'BRM-PG-SLOT-EXISTS',
    `Replication slot ${slot.name} belongs to database ${slot.database} with plugin ${slot.plugin}.`,
    { remedy: 'Give this capture another `slot`.', at: { slot: slot.name } },
  );
}

function lost(slot: string, why: string): Problem {
  return new Problem('BRM-PG-SLOT-LOST', `Replication slot ${slot} ${why}.`, {
    remedy: START_ANEW,
    at: { slot },
  });
}
