import { protocolProblem } from '../types/value-problem.ts';
import { EPOCH_OFFSET_MICROSECONDS, readUint32, readUint64 } from './pgoutput-frames.ts';
import type { RelationInfo } from './pgoutput-relation.ts';
import { readName, readRelation } from './pgoutput-relation.ts';
import type { TableDecoder, TransactionMark } from './pgoutput-table.ts';

/** What the session does with the stream. Methods are called in stream order. */
export interface PgoutputSink {
  /**
   * A transaction starts. `finalLsn`: position of its commit record. `committedAt`: microseconds since 1970.
   * Returns the transaction's xid widened to 64 bits, which its rows then carry.
   */
  begin(finalLsn: bigint, committedAt: bigint, xid: number): bigint;
  /** `lsn`: position of the commit record; `endLsn`: after it, what may be acknowledged. */
  commit(lsn: bigint, endLsn: bigint, committedAt: bigint): void;
  relation(info: RelationInfo): void;
  truncate(relationIds: readonly number[], options: TruncateOptions): void;
  /** `start..end`: the content, valid during the call only. Outside of transactions too when not transactional. */
  message(
    prefix: string,
    lsn: bigint,
    transactional: boolean,
    buffer: Uint8Array,
    start: number,
    end: number,
  ): void;
  /**
   * Asked once for every row change (insert, update, delete), in order: the place to count changes. Undefined: the
   * change is skipped without looking at it.
   */
  tableFor(relationId: number): TableDecoder | undefined;
}

interface TruncateOptions {
  readonly cascade: boolean;
  readonly restartIdentity: boolean;
}

const BEGIN = 0x42;
const COMMIT = 0x43;
const DELETE = 0x44;
const INSERT = 0x49;
const MESSAGE = 0x4d;
const ORIGIN = 0x4f;
const RELATION = 0x52;
const TRUNCATE = 0x54;
const UPDATE = 0x55;
const TYPE = 0x59;

/**
 * Decodes pgoutput, protocol version 1, text values. Rows go straight into the `ChangesBuilder` of the `TableDecoder`
 * the sink names, with the current transaction's commit time, position and xid; nothing is allocated per row.
 * Throws `BRM-PG-VALUE` (operator; `at` names table, column, key) for a value without an exact form and
 * `BRM-PG-IDENTITY` for an update that the collection cannot follow; that table's builder is then spent, as the row is
 * half written. Other tables are not touched, and decoding may go on with the next message. (Invariant 8)
 */
export class PgoutputDecoder {
  #mark: TransactionMark | undefined;

  /** Reads one message, `buffer[start..end)`: what follows an XLogData header. */
  decode(buffer: Uint8Array, start: number, end: number, sink: PgoutputSink): void {
    const kind = buffer[start];
    const at = start + 1;
    if (kind === INSERT || kind === UPDATE || kind === DELETE) {
      return this.#change(kind, buffer, at, end, sink);
    }
    switch (kind) {
      case BEGIN:
        return this.#begin(buffer, at, sink);
      case COMMIT:
        this.#mark = undefined;
        // One byte of flags, unused.
        return sink.commit(
          readUint64(buffer, at + 1),
          readUint64(buffer, at + 9),
          readClock(buffer, at + 17),
        );
      case RELATION:
        return sink.relation(readRelation(buffer, at));
      case TRUNCATE:
        return truncate(buffer, at, sink);
      case MESSAGE:
        return message(buffer, at, sink);
      case ORIGIN:
      case TYPE:
        // Where a change first happened, and names of types: the catalog tells us more.
        return undefined;
      default:
        throw protocolProblem(`pgoutput sent a message of unknown kind ${kind}`);
    }
  }

  #begin(buffer: Uint8Array, at: number, sink: PgoutputSink): void {
    const position = readUint64(buffer, at);
    const committedAt = readClock(buffer, at + 8);
    const transaction = sink.begin(position, committedAt, readUint32(buffer, at + 16));
    this.#mark = { position, committedAt, transaction };
  }

  #change(kind: number, buffer: Uint8Array, at: number, end: number, sink: PgoutputSink): void {
    const mark = this.#mark;
    if (mark === undefined) throw protocolProblem('pgoutput sent a change outside of a transaction');
    const table = sink.tableFor(readUint32(buffer, at));
    if (table === undefined) return;
    if (kind === INSERT) table.insert(buffer, at + 4, end, mark);
    else if (kind === UPDATE) table.update(buffer, at + 4, end, mark);
    else table.delete(buffer, at + 4, end, mark);
  }
}

const CASCADE = 1;
const RESTART_IDENTITY = 2;

function truncate(buffer: Uint8Array, at: number, sink: PgoutputSink): void {
  const count = readUint32(buffer, at);
  const options = buffer[at + 4] as number;
  const ids = Array.from({ length: count }, (_, index) => readUint32(buffer, at + 5 + index * 4));
  sink.truncate(ids, {
    cascade: (options & CASCADE) !== 0,
    restartIdentity: (options & RESTART_IDENTITY) !== 0,
  });
}

function message(buffer: Uint8Array, at: number, sink: PgoutputSink): void {
  const transactional = buffer[at] === 1;
  const lsn = readUint64(buffer, at + 1);
  const prefix = readName(buffer, at + 9);
  const length = readUint32(buffer, prefix.next);
  const start = prefix.next + 4;
  sink.message(prefix.text, lsn, transactional, buffer, start, start + length);
}

function readClock(buffer: Uint8Array, at: number): bigint {
  return BigInt.asIntN(64, readUint64(buffer, at)) + EPOCH_OFFSET_MICROSECONDS;
}
