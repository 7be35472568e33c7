import type { RelationInfo } from './pgoutput-relation.ts';
import type { TableDecoder } from './pgoutput-table.ts';

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

export interface TruncateOptions {
  readonly cascade: boolean;
  readonly restartIdentity: boolean;
}

/**
 * Decodes pgoutput, protocol version 1, text values. Rows go straight into the `ChangesBuilder` of the `TableDecoder`
 * the sink names, with the current transaction's commit time, position and xid; nothing is allocated per row.
 * Throws `BRM-PG-VALUE` (operator; `at` names table, column, key) for a value without an exact form; the builder is then
 * spent, as the row is half written.
 */
export class PgoutputDecoder {
  /** Reads one message, `buffer[start..end)`: what follows an XLogData header. */
  decode(_buffer: Uint8Array, _start: number, _end: number, _sink: PgoutputSink): void {
    throw new Error('not yet');
  }
}
