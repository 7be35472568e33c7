import type { CaptureContext } from '@brimful/connector';
import { Problem, toProblem } from '@brimful/model';
import { setTimeout as sleep } from 'node:timers/promises';
import { quoteIdentifier, quoteText } from '../types/identifier.ts';
import { formatLsn } from '../wire/pgoutput-frames.ts';
import { problemOf, ServerError } from '../wire/server-error.ts';
import type { Catalog } from './catalog.ts';
import { ChangeBuffer } from './change-buffer.ts';
import { ChangeStream } from './change-stream.ts';
import type { Heartbeat } from './heartbeat.ts';
import type { JoinedTable } from './joined-table.ts';
import type { JoinedTables } from './joined-tables.ts';
import type { Joiner } from './joiner.ts';
import type { Source } from './open-source.ts';
import { publicationLost } from './publications.ts';
import { Relations } from './relations.ts';
import { partlyTruncated } from './partition-change.ts';
import { START_ANEW } from './start-anew.ts';
import { TableWatch } from './table-watch.ts';
import { XidWidener } from './widen.ts';

export interface StartStreamOptions {
  readonly source: Source;
  readonly context: CaptureContext;
  readonly catalog: Catalog;
  readonly tables: JoinedTables;
  readonly joiner: Joiner;
  readonly heartbeat: Heartbeat;
  readonly remember: (table: JoinedTable) => Promise<void>;
  /** How long to wait for a walsender of ours that the server has not given up yet. */
  readonly patienceMilliseconds: number;
}

export interface OpenedStream {
  readonly buffer: ChangeBuffer;
  readonly stream: ChangeStream;
  readonly relations: Relations;
  readonly watch: TableWatch;
  close(): void;
}

const ACTIVE_PAUSE_MILLISECONDS = 100;
const OBJECT_IN_USE = '55006';

/** Starts replication from where the slot stands, and everything that watches over it. */
export async function startStream(options: StartStreamOptions): Promise<OpenedStream> {
  const { source, context, tables, joiner, heartbeat } = options;
  const { names, sender, control, start } = source;
  const xmax = await control.use((session) =>
    session.query('SELECT pg_snapshot_xmax(pg_current_snapshot())'),
  );
  const now = (): number => context.now();
  const relations = new Relations({
    pool: control,
    catalog: options.catalog,
    tables,
    keyLost: async (table) => watch.moveToInserts(table),
  });
  const buffer: ChangeBuffer = new ChangeBuffer(start, new XidWidener(BigInt(xmax[0]?.[0] as string)), {
    relation: (info) => stream.relation(info),
    leavesTruncated: (table: JoinedTable) => buffer.stale(table, partlyTruncated(table.resource).toJSON()),
    heartbeat: () => stream.hurry(),
  });
  const stream: ChangeStream = new ChangeStream(
    {
      session: sender,
      buffer,
      now,
      statusMilliseconds: statusInterval(source.walSenderTimeoutMilliseconds),
      settle: (info, reaching) => relations.settle(buffer, info, reaching),
      resolve: (info) => relations.resolve(buffer, info),
      explain: (error) => publicationLost(error, names) ?? streamProblem(error, names.slot),
    },
    start,
  );
  const watch = new TableWatch({ ...options, source, buffer, stream, joiner, heartbeat });
  await startReplication(options, stream);
  watch.start();
  context.log.info({ slot: names.slot, from: formatLsn(start) }, 'streaming changes');
  return {
    buffer,
    stream,
    relations,
    watch,
    close: () => {
      watch.close();
      stream.close();
    },
  };
}

async function startReplication(options: StartStreamOptions, stream: ChangeStream): Promise<void> {
  const { source, context } = options;
  const { slot, changes, inserts } = source.names;
  const publications = quoteText(`${quoteIdentifier(changes)},${quoteIdentifier(inserts)}`);
  // Version 1: no transactions in progress, so that replays after a cut count alike.
  const command = `START_REPLICATION SLOT ${quoteIdentifier(slot)} LOGICAL 0/0 (proto_version '1', publication_names ${publications}, messages 'true')`;
  const until = context.now() + options.patienceMilliseconds;
  for (;;) {
    try {
      await stream.start(command);
      return;
    } catch (error) {
      if (!(error instanceof ServerError) || error.code !== OBJECT_IN_USE) {
        throw publicationLost(error, source.names) ?? streamProblem(error, slot);
      }
      if (context.now() > until) throw await activeProblem(source, error);
      await sleep(ACTIVE_PAUSE_MILLISECONDS);
    }
  }
}

/** Whose the slot is, when it is somebody else's for too long. */
async function activeProblem(source: Source, cause: unknown): Promise<Problem> {
  const { slot } = source.names;
  const rows = await source.control.use((session) =>
    session.query(
      `SELECT a.pid, a.application_name, COALESCE(host(a.client_addr), 'this machine'), a.backend_start
       FROM pg_replication_slots s JOIN pg_stat_activity a ON a.pid = s.active_pid
       WHERE s.slot_name = ${quoteText(slot)}`,
    ),
  );
  const [pid, application, address, since] = rows[0] ?? [];
  const who =
    pid === undefined ? 'another process' : `pid ${pid} ('${application}' from ${address}, since ${since})`;
  return new Problem('BRM-PG-SLOT-ACTIVE', `Replication slot ${slot} is in use by ${who}.`, {
    kind: 'retry',
    remedy: `If that is not another Brimful that should run: SELECT pg_terminate_backend(${pid ?? '<pid>'}); otherwise give this capture another name or \`slot\`.`,
    at: { slot },
    cause,
  });
}

/** What the stream's end means: changes may be gone, which no retry brings back. */
function streamProblem(error: unknown, slot: string): Problem {
  if (!(error instanceof ServerError)) return toProblem(error);
  const gone =
    error.code === '42704' ||
    /requested WAL segment|invalidated|can no longer get changes/i.test(error.message);
  if (!gone) return problemOf(error, 'The stream of changes failed');
  return new Problem('BRM-PG-SLOT-LOST', `Replication slot ${slot} is lost: ${error.message}.`, {
    remedy: START_ANEW,
    at: { slot },
    cause: error,
  });
}

/** 0 means that the server never gives up. */
function statusInterval(timeoutMilliseconds: number): number {
  return timeoutMilliseconds === 0 ? Number.POSITIVE_INFINITY : timeoutMilliseconds / 4;
}
