import type { ColumnDefinition, Json, Schema } from '@brimful/model';
import { Problem } from '@brimful/model';
import type { TableRows } from '@brimful/connector';
import { Client } from 'pg';

import { ChunkReader } from '../capture/chunk-reader.ts';
import { TypeCatalog } from '../capture/type-catalog.ts';
import { columnTypeOf } from '../types/column-type.ts';
import { Decoder, decoderOf, decoderOfKind, scanExpression } from '../types/decoder.ts';
import type { DecoderCode } from '../types/decoder.ts';
import { nativeType } from '../types/destination-type.ts';
import { quoteIdentifier, quoteText } from '../types/identifier.ts';
import type { PostgresType } from '../types/postgres-type.ts';
import { RawSession } from '../wire/raw-session.ts';
import type { Endpoint } from '../wire/endpoint.ts';
import { problemOf } from '../wire/server-error.ts';
import type { TextRow } from '../wire/text-row.ts';
import type { PostgresDestinationConfig } from './config.ts';
import { DELETED_AT } from './merge-target.ts';
import type { OpenTable } from './open-table.ts';
import { CONNECT_TIMEOUT_MS, clientConfig } from './session.ts';
import { findColumn } from './table-shape.ts';
import type { TableColumn, TableShape } from './table-shape.ts';

/** A comparison can come again; a lock that somebody holds for longer than this is theirs. */
const LOCK_TIMEOUT_MS = 30_000;

export interface ReadOptions {
  readonly config: PostgresDestinationConfig;
  readonly table: OpenTable;
  readonly schema: Schema;
  readonly signal: AbortSignal;
  /** Ends what a server process of ours still does, over another connection. */
  readonly cancel: (backend: number) => void;
}

/** Reads a table and its checkpoint in one snapshot, over a connection of its own, with no lock but ACCESS SHARE. */
export async function readTable(options: ReadOptions): Promise<TableRows> {
  const { table, signal, cancel } = options;
  signal.throwIfAborted();
  const session = await RawSession.connect(endpoint(options.config), {
    purpose: 'comparison',
    // Rows that a policy hides from us are an error, not missing.
    settings: { lock_timeout: `${LOCK_TIMEOUT_MS}`, row_security: 'off' },
  });
  const giveUp = (): void => {
    if (session.running) cancel(session.processId);
    session.destroy();
  };
  const release = async (): Promise<void> => {
    signal.removeEventListener('abort', giveUp);
    if (session.running) giveUp();
    else session.close();
  };
  signal.addEventListener('abort', giveUp);
  try {
    const { checkpoint, columns } = await beginSnapshot(session, options);
    const reader = new ChunkReader({
      session,
      schema: options.schema,
      decoders: columns.map(({ decoder }) => decoder),
      table: table.name,
      release,
      finished: () => {},
    });
    await reader.start(`COPY (${rowsQuery(table, columns)}) TO STDOUT (FORMAT binary)`);
    return {
      checkpoint,
      batches: reader.batches,
      [Symbol.asyncDispose]: async () => reader[Symbol.asyncDispose](),
    };
  } catch (error) {
    await release();
    if (signal.aborted) signal.throwIfAborted();
    throw at(table, problemOf(error, `Reading ${table.name}`));
  }
}

function at(table: OpenTable, problem: Problem): Problem {
  return new Problem(problem.code, problem.message, {
    kind: problem.kind,
    ...(problem.remedy === undefined ? {} : { remedy: problem.remedy }),
    at: { table: table.name, ...problem.at },
    cause: problem.cause ?? problem,
  });
}

/** As the driver reads the address, so that reading goes where writing does. */
function endpoint(config: PostgresDestinationConfig): Endpoint {
  const client = new Client(clientConfig(config)) as unknown as {
    readonly connectionParameters: Pick<Endpoint, 'host' | 'port' | 'user' | 'database' | 'ssl'> & {
      readonly password: string | null | undefined;
    };
  };
  const { host, port, user, database, ssl, password } = client.connectionParameters;
  const connectTimeoutMilliseconds = CONNECT_TIMEOUT_MS;
  return { host, port, user, database, ssl, password: password ?? undefined, connectTimeoutMilliseconds };
}

interface Snapshot {
  readonly checkpoint: Json | undefined;
  readonly columns: readonly ReadColumn[];
}

/** How one column of the schema is read. */
interface ReadColumn {
  readonly expression: string;
  readonly decoder: DecoderCode;
}

/**
 * The lock comes before the snapshot: TRUNCATE and rewriting ALTERs show in older snapshots as an empty table. The notes
 * are read in the snapshot, so that checkpoint, shape and rows belong together.
 */
async function beginSnapshot(
  session: RawSession,
  { table, schema }: Pick<ReadOptions, 'table' | 'schema'>,
): Promise<Snapshot> {
  await session.query(
    `BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY; LOCK TABLE ${table.relation} IN ACCESS SHARE MODE`,
  );
  const [note] = await session.query(
    `SELECT checkpoint::text, shape::text, relation_name = ${quoteText(table.relationName)} FROM brimful.tables WHERE id = ${table.id}`,
  );
  if (note?.[2] !== 't') throw changed(table, 'it was swapped or dropped just now');
  const shape = JSON.parse(note[1] as string) as TableShape;
  const types = await columnTypes(session, table);
  const checkpoint = note[0] ?? undefined;
  return {
    checkpoint: checkpoint === undefined ? undefined : (JSON.parse(checkpoint) as Json),
    columns: schema.columns.map((definition) => {
      const column = findColumn(shape, definition);
      const type = column === undefined ? undefined : types.get(column.name);
      if (column === undefined || type === undefined) {
        throw changed(table, `it has no column for ${definition.name} yet`);
      }
      return readColumn(definition, column, type);
    }),
  };
}

function changed(table: OpenTable, what: string): Problem {
  return new Problem('BRM-PG-READ', `${table.name} cannot be read as asked: ${what}.`, {
    kind: 'retry',
    remedy: 'It is tried again.',
  });
}

async function columnTypes(
  session: RawSession,
  table: OpenTable,
): Promise<ReadonlyMap<string, PostgresType>> {
  const rows = await session.query(
    `SELECT attname, atttypid::int8, atttypmod FROM pg_attribute
      WHERE attrelid = ${quoteText(table.relation)}::regclass AND attnum > 0 AND NOT attisdropped`,
  );
  const catalog = new TypeCatalog();
  const oid = (row: TextRow): number => Number(row[1]);
  await catalog.load(session, rows.map(oid));
  return new Map(rows.map((row) => [row[0] as string, catalog.get(oid(row), Number(row[2]))]));
}

/** The column's type may be wider than the schema's, of which its values are. */
function readColumn(definition: ColumnDefinition, { name }: TableColumn, type: PostgresType): ReadColumn {
  const { kind } = definition.type;
  const own = decoderOf(type);
  if (kind === 'other' || own === Decoder.other) {
    // What has only its text travels as text in the collection, too; in the table it may be of its type, or text.
    const isText = own === Decoder.other || own === Decoder.text;
    const expression = scanExpression({ name, type });
    return { expression: isText ? expression : `${expression}::pg_catalog.text`, decoder: Decoder.other };
  }
  if (columnTypeOf(type).kind === kind) return { expression: quoteIdentifier(name), decoder: own };
  return {
    expression: exactly(quoteIdentifier(name), nativeType(definition.type), type.name),
    decoder: decoderOfKind(kind),
  };
}

/** A value that the narrower type cannot hold was never written by us: it ends the reading. (Invariant 6) */
function exactly(column: string, narrow: string, wide: string): string {
  const value = `${column}::${narrow}`;
  const complaint = `('inexact: ' || ${column}::pg_catalog.text)::${narrow}`;
  return `CASE WHEN ${value}::${wide} IS NOT DISTINCT FROM ${column} THEN ${value} ELSE ${complaint} END`;
}

function rowsQuery(table: OpenTable, columns: readonly ReadColumn[]): string {
  const live = table.soft ? ` WHERE ${DELETED_AT} IS NULL` : '';
  return `SELECT ${columns.map(({ expression }) => expression).join(', ')} FROM ${table.relation}${live}`;
}
