import type { Position, Resume, StreamPart, StreamSlice } from '@brimful/connector';
import type { Batch, ProblemRecord, Schema } from '@brimful/model';
import { Problem } from '@brimful/model';
import { PgoutputDecoder } from '../wire/pgoutput-decoder.ts';
import type { PgoutputSink } from '../wire/pgoutput-decoder.ts';
import type { RelationInfo } from '../wire/pgoutput-relation.ts';
import type { TableDecoder } from '../wire/pgoutput-table.ts';
import type { JoinedTable } from './joined-table.ts';
import { allowNulls } from './null-check.ts';
import { firstRows } from './first-rows.ts';
import type { XidWidener } from './widen.ts';

/** Where a relation's changes go. */
export interface Route {
  readonly table: JoinedTable;
  readonly decoder: TableDecoder;
}

/** What the stream says that this buffer cannot settle by itself. */
export interface StreamEvents {
  /** A table's shape is told. False: decoding must wait until the route is known. */
  relation(info: RelationInfo): boolean;
  /** Some, not all leaves of a table were truncated. */
  leavesTruncated(table: JoinedTable, relationIds: readonly number[]): void;
  /** One of our own heartbeats. */
  heartbeat(): void;
}

/**
 * Decoded changes that wait for the consumer, and the place in the stream up to which they reach. Pure bookkeeping over
 * the decoder's calls: the socket is somebody else's.
 */
export class ChangeBuffer implements PgoutputSink {
  /** Bytes taken from the wire for changes that wait here: close to what they occupy. */
  bytes = 0;
  sourceEnd: Position;
  readonly #decoder = new PgoutputDecoder();
  readonly #events: StreamEvents;
  readonly #xids: XidWidener;
  readonly #routes = new Map<number, Route>();
  #parts: StreamPart[] = [];
  #dirty = new Set<JoinedTable>();
  #open:
    | {
        readonly serial: number;
        readonly final: Position;
        readonly transaction: bigint;
        readonly committedAt: bigint;
      }
    | undefined;
  #serial = 0;
  #current: JoinedTable | undefined;
  #passed: Position;
  #acknowledge: Position;

  /** `start`: where the slot stands; everything before was delivered in earlier sessions. */
  constructor(start: Position, xids: XidWidener, events: StreamEvents) {
    this.#passed = start - 1n;
    this.#acknowledge = start;
    this.sourceEnd = start;
    this.#xids = xids;
    this.#events = events;
  }

  /** Everything that committed at or before this place was decoded. */
  get passed(): Position {
    return this.#passed;
  }

  /** No change decoded so far was written after this place. */
  /** The transaction that is being delivered; undefined between two. */
  get transaction(): bigint | undefined {
    return this.#open?.transaction;
  }

  get reaching(): Position {
    return this.#open?.final ?? this.#acknowledge;
  }

  get inTransaction(): boolean {
    return this.#open !== undefined;
  }

  get hasParts(): boolean {
    return this.#parts.length > 0 || this.#dirty.size > 0;
  }

  /** `buffer[start..end)`: one pgoutput message. */
  decode(buffer: Uint8Array, start: number, end: number): void {
    this.#current = undefined;
    try {
      this.#decoder.decode(buffer, start, end, this);
    } catch (error) {
      // A value that cannot be represented stops its own table; the others go on. (Invariants 6 and 8)
      const table = this.#current as JoinedTable | undefined;
      if (table === undefined || !(error instanceof Problem) || error.kind !== 'operator') throw error;
      this.fail(table, error.toJSON());
    }
    if (this.#current !== undefined) this.bytes += end - start;
  }

  /** The server has nothing before `position` that it has not sent. */
  keepalive(position: Position): void {
    if (this.#open !== undefined || position <= this.#acknowledge) return;
    this.#passed = position - 1n;
    this.#acknowledge = position;
  }

  route(relationId: number): Route | undefined {
    return this.#routes.get(relationId);
  }

  setRoute(relationId: number, route: Route | undefined): void {
    if (route === undefined) this.#routes.delete(relationId);
    else this.#routes.set(relationId, route);
  }

  /** The table's shape from here on. */
  reshape(table: JoinedTable, schema: Schema): void {
    this.#close(table);
    table.schema = { ...schema, version: table.schema.version + 1 };
    table.announced = false;
  }

  fail(table: JoinedTable, problem: ProblemRecord): void {
    this.#end(table);
    this.#parts.push({ kind: 'failed', resource: table.resource, problem });
  }

  drop(table: JoinedTable): void {
    this.#end(table);
    this.#parts.push({ kind: 'dropped', resource: table.resource });
  }

  /** A table that could not be joined when the session began. */
  absent(
    resource: string,
    why: { readonly kind: 'dropped' } | { readonly kind: 'failed'; readonly problem: ProblemRecord },
  ): void {
    this.#parts.push({ ...why, resource });
  }

  stale(table: JoinedTable, problem: ProblemRecord): void {
    this.#close(table);
    this.#parts.push({ kind: 'stale', resource: table.resource, problem });
  }

  /** The table is being read again: news that it must be are old. */
  fresh(table: JoinedTable): void {
    this.#parts = this.#parts.filter((part) => part.resource !== table.resource || part.kind !== 'stale');
  }

  /** What waits is dropped, what comes is skipped. */
  leave(table: JoinedTable): void {
    table.ended = true;
    table.changes = undefined;
    this.#dirty.delete(table);
    this.#parts = this.#parts.filter((part) => part.resource !== table.resource);
    this.#forgetRoutes(table);
  }

  /** Hands everything over. */
  take(): StreamSlice {
    for (const table of this.#dirty) this.#close(table);
    const parts = this.#parts;
    this.#parts = [];
    this.bytes = 0;
    return { parts, passed: this.#passed, acknowledge: this.#acknowledge, sourceEnd: this.sourceEnd };
  }

  begin(finalLsn: bigint, committedAt: bigint, xid: number): bigint {
    this.#serial += 1;
    const transaction = this.#xids.widen(xid);
    this.#open = { serial: this.#serial, final: finalLsn, transaction, committedAt };
    return transaction;
  }

  commit(_lsn: bigint, endLsn: bigint): void {
    this.#open = undefined;
    // The next commit record may start where this one ends: that place itself is not passed.
    this.#passed = endLsn - 1n;
    this.#acknowledge = endLsn;
  }

  relation(info: RelationInfo): void {
    this.#events.relation(info);
  }

  message(prefix: string): void {
    if (prefix === HEARTBEAT_PREFIX) this.#events.heartbeat();
  }

  tableFor(relationId: number): TableDecoder | undefined {
    const route = this.#routes.get(relationId);
    const open = this.#open;
    if (route === undefined || open === undefined) return undefined;
    const { table, decoder } = route;
    if (table.ended || !table.admits(open.serial, open.final)) return undefined;
    this.#current = table;
    const changes = table.builder();
    if (changes.rows === 0) this.#dirty.add(table);
    decoder.changes = changes;
    return decoder;
  }

  truncate(relationIds: readonly number[]): void {
    const tables = new Set(relationIds.flatMap((id) => this.#routes.get(id)?.table ?? []));
    for (const table of tables) {
      const open = this.#open;
      if (open === undefined || table.ended || !table.admits(open.serial, open.final)) continue;
      const whole =
        relationIds.includes(table.oid) || table.table.leaves.every((leaf) => relationIds.includes(leaf.oid));
      this.#close(table);
      if (!whole) {
        this.#events.leavesTruncated(table, relationIds);
        continue;
      }
      this.#announce(table);
      const { transaction, committedAt } = open;
      const resume = this.#resume(table);
      this.#parts.push({ kind: 'truncate', resource: table.resource, transaction, committedAt, resume });
    }
  }

  #end(table: JoinedTable): void {
    table.ended = true;
    this.#close(table);
    this.#forgetRoutes(table);
  }

  #forgetRoutes(table: JoinedTable): void {
    for (const [id, route] of this.#routes) if (route.table === table) this.#routes.delete(id);
  }

  /** Turns what was built for the table into a part. */
  #close(table: JoinedTable): void {
    const { changes } = table;
    table.changes = undefined;
    this.#dirty.delete(table);
    if (changes === undefined || changes.rows === 0) return;
    // After a value that did not decode, columns hold part of one more row.
    const batch = changes.columns.some((column) => column.rows !== changes.rows)
      ? firstRows(changes.finish())
      : changes.finish();
    this.#push(table, batch);
  }

  #push(table: JoinedTable, batch: Batch): void {
    const loosened = allowNulls(batch);
    if (loosened !== batch.schema) {
      for (const [index, column] of loosened.columns.entries()) {
        const { nullable, sourceId } = column;
        if (nullable !== batch.schema.columns[index]?.nullable) table.loosened.add(sourceId as number);
      }
      table.schema = { ...loosened, version: table.schema.version + 1 };
      table.announced = false;
    }
    this.#announce(table);
    const fitting = loosened === batch.schema ? batch : { ...batch, schema: table.schema };
    this.#parts.push({ kind: 'rows', resource: table.resource, batch: fitting, resume: this.#resume(table) });
  }

  #announce(table: JoinedTable): void {
    if (table.announced) return;
    table.announced = true;
    this.#parts.push({ kind: 'schema', resource: table.resource, schema: table.schema });
  }

  #resume(table: JoinedTable): Resume {
    return table.resume(this.#passed, this.#open);
  }
}

export const HEARTBEAT_PREFIX = 'brimful';
