import type { Column } from './column.ts';
import { ColumnBuilder } from './column.ts';
import type { Schema } from './schema.ts';
import { keyIndices } from './schema.ts';

/** What happened to a row. The numbers are on disk: never re-use one. */
export const Operation = {
  /** Read by a scan: the row as it was at the scan's snapshot. */
  read: 0,
  insert: 1,
  /** Columns marked unknown keep their present value. Means upsert: the row need not exist yet. */
  update: 2,
  /** A change of the key: `oldKey` names the row before; unknown columns keep that row's value. */
  move: 3,
  /** Only the key's columns are meaningful; all columns where the collection has no key. */
  delete: 4,
} as const;
export type OperationCode = (typeof Operation)[keyof typeof Operation];

/** System columns of a batch of streamed changes, one value a row. */
export interface Changes {
  readonly operations: Uint8Array;
  /** Microseconds since 1970: when the source committed. */
  readonly committedAt: BigInt64Array;
  /** The source's commit position (Postgres: commit LSN). */
  readonly positions: BigInt64Array;
  /** The source's transaction, for the handoff (Postgres: xid widened to 64 bits). */
  readonly transactions: BigInt64Array;
  /** Values of the key's columns before a move, in key order; null in all other rows. Undefined: no moves. */
  readonly oldKey: readonly Column[] | undefined;
}

/** Rows of one collection, column by column. Immutable. Rows are in the order they happened. */
export interface Batch {
  readonly schema: Schema;
  readonly rows: number;
  /** Aligned with `schema.columns`. */
  readonly columns: readonly Column[];
  /** Undefined: every row was read by a scan. */
  readonly changes: Changes | undefined;
}

export function operationAt(batch: Batch, row: number): OperationCode {
  return batch.changes === undefined ? Operation.read : (batch.changes.operations[row] as OperationCode);
}

export function batchBytes(batch: Batch): number {
  let bytes = 0;
  for (const column of batch.columns) {
    bytes += column.values.length + (column.offsets === undefined ? 0 : column.offsets.byteLength);
  }
  return batch.changes === undefined ? bytes : bytes + batch.rows * 25;
}

/** Rows with at least one column the source left out. */
export function countUnknown(batch: Batch): number {
  const bitmaps = batch.columns.flatMap((column) => (column.unknown === undefined ? [] : [column.unknown]));
  if (bitmaps.length === 0) return 0;
  let rows = 0;
  for (let row = 0; row < batch.rows; row += 1) {
    if (bitmaps.some((bitmap) => ((bitmap[row >> 3] as number) & (1 << (row & 7))) !== 0)) rows += 1;
  }
  return rows;
}

/** Grows a batch of scanned rows: append to every builder in `columns`, then call `endRow`. */
export class BatchBuilder {
  readonly schema: Schema;
  readonly columns: readonly ColumnBuilder[];
  rows = 0;

  constructor(schema: Schema) {
    this.schema = schema;
    this.columns = schema.columns.map((column) => new ColumnBuilder(column.type));
  }

  endRow(): void {
    this.rows += 1;
  }

  /** Sums over the columns: call it every some hundred rows, not every row. */
  get bytes(): number {
    let bytes = 0;
    for (const column of this.columns) bytes += column.bytes;
    return bytes;
  }

  finish(): Batch {
    return {
      schema: this.schema,
      rows: this.rows,
      columns: this.columns.map((column) => column.finish()),
      changes: undefined,
    };
  }
}

/** Grows a batch of changes. Append the row's values to `columns` (and the old key's for a move), then call `endChange`. */
export class ChangesBuilder {
  readonly schema: Schema;
  readonly columns: readonly ColumnBuilder[];
  rows = 0;
  #operations = new Uint8Array(64);
  #committedAt = new BigInt64Array(64);
  #positions = new BigInt64Array(64);
  #transactions = new BigInt64Array(64);
  #oldKey: readonly ColumnBuilder[] | undefined;

  constructor(schema: Schema) {
    this.schema = schema;
    this.columns = schema.columns.map((column) => new ColumnBuilder(column.type));
  }

  /** Builders for the key before a move, one row behind `columns`. Only a move may append to them. */
  oldKey(): readonly ColumnBuilder[] {
    if (this.#oldKey === undefined) {
      this.#oldKey = keyIndices(this.schema).map((index) => {
        const builder = new ColumnBuilder((this.columns[index] as ColumnBuilder).type);
        for (let row = 0; row < this.rows; row += 1) builder.appendNull();
        return builder;
      });
    }
    return this.#oldKey;
  }

  endChange(operation: OperationCode, committedAt: bigint, position: bigint, transaction: bigint): void {
    if (this.rows === this.#operations.length) this.#grow();
    this.#operations[this.rows] = operation;
    this.#committedAt[this.rows] = committedAt;
    this.#positions[this.rows] = position;
    this.#transactions[this.rows] = transaction;
    this.rows += 1;
    if (this.#oldKey !== undefined) {
      for (const column of this.#oldKey) if (column.rows < this.rows) column.appendNull();
    }
  }

  get bytes(): number {
    let bytes = this.rows * 25;
    for (const column of this.columns) bytes += column.bytes;
    return bytes;
  }

  finish(): Batch {
    const { rows } = this;
    return {
      schema: this.schema,
      rows,
      columns: this.columns.map((column) => column.finish()),
      changes: {
        operations: this.#operations.subarray(0, rows),
        committedAt: this.#committedAt.subarray(0, rows),
        positions: this.#positions.subarray(0, rows),
        transactions: this.#transactions.subarray(0, rows),
        oldKey: this.#oldKey?.map((column) => column.finish()),
      },
    };
  }

  #grow(): void {
    const capacity = this.rows * 2;
    const operations = new Uint8Array(capacity);
    operations.set(this.#operations);
    this.#operations = operations;
    this.#committedAt = larger(this.#committedAt, capacity);
    this.#positions = larger(this.#positions, capacity);
    this.#transactions = larger(this.#transactions, capacity);
  }
}

function larger(array: BigInt64Array, capacity: number): BigInt64Array<ArrayBuffer> {
  const grown = new BigInt64Array(capacity);
  grown.set(array);
  return grown;
}
