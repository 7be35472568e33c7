import type { CaptureContext, Position } from '@brimful/connector';
import { Problem } from '@brimful/model';
import type { CaptureConfig } from '../config.ts';
import { quoteText } from '../types/identifier.ts';
import type { Endpoint } from '../wire/endpoint.ts';
import { endpointOf } from '../wire/endpoint.ts';
import { formatLsn } from '../wire/pgoutput-frames.ts';
import { RawSession } from '../wire/raw-session.ts';
import { SessionPool } from '../wire/session-pool.ts';
import type { Memory } from './memory.ts';
import { memoryFromJson, memoryToJson } from './memory.ts';
import type { SourceNames } from './names.ts';
import { sourceNames } from './names.ts';
import { lostPublications, Publications } from './publications.ts';
import { createSlot, dropSlot, readServer, readSlot } from './slot.ts';
import type { ServerState } from './source-state.ts';
import { checkSlotIsOurs, decideSlot } from './source-state.ts';

/** A source that was found to be the one we follow, with slot and publications in place. */
export interface Source {
  readonly endpoint: Endpoint;
  readonly names: SourceNames;
  readonly control: SessionPool;
  readonly sender: RawSession;
  readonly publications: Publications;
  readonly memory: Memory;
  /** Where the slot stands: the stream begins here. */
  readonly start: Position;
  readonly walSenderTimeoutMilliseconds: number;
  /** `server_version_num`. */
  readonly version: number;
}

const OLDEST_VERSION = 140_000;
/** Catalog reads, joins, relation look-ups and heartbeats must not wait for each other. */
const CONTROL_SESSIONS = 3;

export async function openSource(config: CaptureConfig, context: CaptureContext): Promise<Source> {
  const endpoint = endpointOf(config);
  const control = controlPool(endpoint, config, context);
  let sender: RawSession | undefined;
  try {
    sender = await RawSession.connect(endpoint, {
      purpose: `${context.capture} stream`,
      replication: true,
    });
    const facts = await control.use(readFacts);
    const names = sourceNames(context.capture, config);
    const publications = new Publications(names, facts.version);
    const server = await readServer(sender);
    const { memory, start } = await ensureSlot({ config, context, control, publications, server });
    return {
      endpoint,
      names,
      control,
      sender,
      publications,
      memory,
      start,
      walSenderTimeoutMilliseconds: facts.walSenderTimeout,
      version: facts.version,
    };
  } catch (error) {
    sender?.close();
    control.close();
    throw firstContact(error, context);
  }
}

export function controlPool(endpoint: Endpoint, config: CaptureConfig, context: CaptureContext): SessionPool {
  const settings = {
    statement_timeout: `${Math.round(config.statementTimeoutSeconds * 1000)}`,
    lock_timeout: `${Math.round(config.lockTimeoutSeconds * 1000)}`,
  };
  return new SessionPool(endpoint, { purpose: `${context.capture} control`, settings }, CONTROL_SESSIONS);
}

/** A source that has never answered is more likely misspelt than restarting. */
export function firstContact(error: unknown, context: CaptureContext): unknown {
  const isFirst = context.memory === undefined && context.durable === undefined && context.anew !== true;
  if (!isFirst || !(error instanceof Problem) || error.code !== 'BRM-PG-UNREACHABLE') return error;
  return new Problem(error.code, error.message, {
    kind: 'operator',
    ...(error.remedy === undefined ? {} : { remedy: error.remedy }),
    at: error.at,
    cause: error.cause,
  });
}

interface Facts {
  readonly version: number;
  readonly walSenderTimeout: number;
}

async function readFacts(session: RawSession): Promise<Facts> {
  const [row] = await session.query(
    `SELECT current_setting('server_version_num'), current_setting('server_version'), pg_is_in_recovery(),
       current_setting('wal_level'), (SELECT setting FROM pg_settings WHERE name = 'wal_sender_timeout')`,
  );
  const [version, words, standby, walLevel, timeout] = row as [string, string, string, string, string];
  if (Number(version) < OLDEST_VERSION) {
    throw new Problem('BRM-PG-VERSION', `The server is Postgres ${words}; captures need 14 or newer.`, {
      remedy: 'Upgrade the server.',
    });
  }
  if (standby === 't') {
    throw new Problem('BRM-PG-STANDBY', 'The server is a standby; captures follow the primary.', {
      remedy: 'Point the capture to the primary server.',
    });
  }
  if (walLevel !== 'logical') {
    throw new Problem('BRM-PG-WAL-LEVEL', `wal_level is ${walLevel}; following changes needs logical.`, {
      remedy: "ALTER SYSTEM SET wal_level = 'logical'; and restart the server.",
    });
  }
  return { version: Number(version), walSenderTimeout: Number(timeout) };
}

interface SlotContext {
  readonly config: CaptureConfig;
  readonly context: CaptureContext;
  readonly control: SessionPool;
  readonly publications: Publications;
  readonly server: ServerState;
}

/** It stands where nothing can go on from, or another one took its place: what is left of it goes. */
async function forgetSlot(
  session: RawSession,
  name: string,
  { server, context }: SlotContext,
): Promise<void> {
  const slot = await readSlot(session, name);
  if (slot === undefined) return;
  checkSlotIsOurs(server, slot);
  await dropSlot(session, name, context.capture);
  context.reach('postgres.slot-forgotten');
}

function slotChanged(followed: string, named: string): Problem {
  return new Problem(
    'BRM-PG-SLOT-CHANGED',
    `The capture follows replication slot ${followed}, and its configuration names ${named}.`,
    {
      remedy: `Name ${followed} again. To copy the source anew through ${named}: \`brimful down --drop\`, then \`brimful up\`.`,
      at: { slot: named },
    },
  );
}

async function ensureSlot(all: SlotContext): Promise<{ memory: Memory; start: Position }> {
  const { config, context, control, publications, server } = all;
  const { slot: name } = publications.names;
  const remembered = memoryFromJson(context.memory);
  const known = remembered?.slot === name ? remembered : undefined;
  // What the journals have came through another slot: this one begins where nobody knows, and may be somebody else's.
  if (remembered !== undefined && known === undefined && context.durable !== undefined)
    throw slotChanged(remembered.slot, name);
  if (context.anew === true) await control.use((session) => forgetSlot(session, name, all));
  const slot = await control.use((session) => readSlot(session, name));
  const action = decideSlot(server, slot, known, context.durable, config.slot !== undefined);
  const memory: Memory = {
    systemId: server.systemId,
    timeline: server.timeline,
    database: server.database,
    slot: name,
    created: known?.created,
    tables: known?.tables ?? new Map(),
  };
  // Before the slot: decoding looks a publication up as of the change it decodes.
  const lacking = await control.use((session) => publications.ensure(session));
  if (known?.created !== undefined) {
    if (lacking) throw lostPublications(publications.names);
    if (slot !== undefined) return { memory, start: slot.confirmed };
  }
  // Noted first: a slot that we created and died over must be known as ours.
  await context.remember(memoryToJson(memory));
  context.reach('postgres.before-slot');
  if (action === 'create') {
    await control.use((session) =>
      control.use((observer) => createSlot(session, observer, name, config.joinTimeoutSeconds * 1000)),
    );
  } else {
    await control.use((session) =>
      session.query(`SELECT pg_replication_slot_advance(${quoteText(name)}, pg_current_wal_flush_lsn())`),
    );
  }
  const created = await control.use((session) => readSlot(session, name));
  if (created === undefined) {
    throw new Problem('BRM-PG-SLOT-LOST', `Replication slot ${name} vanished while it was created.`, {
      kind: 'retry',
    });
  }
  const begun = { ...memory, created: created.confirmed };
  await context.remember(memoryToJson(begun));
  context.log.info({ slot: name, at: formatLsn(created.confirmed) }, 'replication slot is ready');
  return { memory: begun, start: created.confirmed };
}
