import type { Batch, Changes, Column, ColumnBuilder, OperationCode, RowHashes, Schema } from '@brimful/model';
import {
  assert,
  BatchBuilder,
  ChangesBuilder,
  hasBit,
  hashRows,
  keyIndices,
  Operation,
  operationAt,
} from '@brimful/model';
import type { Spill, SpillFile } from './spill.ts';
import type { TiedKeys } from './tied-keys.ts';

/** Parts that rows are spread over at once: as many buffers are in memory. */
export const FAN_OUT = 32;
const FAN_OUT_BITS = 5;
/** Bits of the half of a hash that decides, by `FAN_OUT_BITS`. Rows that are still together cannot be told apart by it. */
export const SPREAD_LEVELS = 6;
/** A part's buffer goes to disk at this size: large enough for a file of its own, small times `FAN_OUT`. */
const BUFFER_BYTES = 192 * 1024;

interface Part {
  builder: BatchBuilder | ChangesBuilder | undefined;
  /** Rows of the buffer before: the next will have about as many. */
  expectedRows: number;
  readonly parts: SpillFile['parts'][number][];
}

/**
 * Spreads rows over files by the hashes of their keys (of all columns, where there is no key), so that all of a key's rows
 * are in one file in the order they came. A key that was given up and the one taken instead may part, unless a value that
 * was left out ties them.
 */
export class Spread {
  readonly #spill: Spill;
  readonly #schema: Schema;
  readonly #level: number;
  readonly #ties: TiedKeys | undefined;
  readonly #columns: readonly number[];
  readonly #parts: readonly Part[] = Array.from({ length: FAN_OUT }, () => ({
    builder: undefined,
    expectedRows: 0,
    parts: [],
  }));

  constructor(spill: Spill, schema: Schema, level: number, ties: TiedKeys | undefined) {
    this.#spill = spill;
    this.#schema = schema;
    this.#level = level;
    this.#ties = ties;
    this.#columns = keyIndices(schema);
  }

  async add(batch: Batch): Promise<void> {
    const { changes } = batch;
    const hashes = keyHashes(batch, this.#columns);
    const isSplit = changes?.oldKey !== undefined && changes.operations.includes(Operation.move);
    if (isSplit) await this.#addMoves(batch, changes, hashes);
    else await this.#addColumns(batch, hashes);
    for (const part of this.#parts)
      if (part.builder !== undefined && part.builder.bytes >= BUFFER_BYTES) await this.#flush(part);
  }

  /** The files that have rows. */
  async finish(): Promise<SpillFile[]> {
    for (const part of this.#parts) await this.#flush(part);
    await this.#spill.flush();
    return this.#parts.filter(({ parts }) => parts.length > 0);
  }

  /** Column by column: sorts the rows' numbers by part first. */
  async #addColumns(batch: Batch, hashes: RowHashes): Promise<void> {
    const { order, starts } = this.#sorted(batch.rows, hashes);
    const builders: (BatchBuilder | ChangesBuilder | undefined)[] = [];
    for (let index = 0; index < FAN_OUT; index += 1) {
      const isEmpty = starts[index] === starts[index + 1];
      builders.push(isEmpty ? undefined : await this.#builder(this.#parts[index] as Part, batch.changes));
    }
    batch.columns.forEach((column, at) => {
      for (let index = 0; index < FAN_OUT; index += 1) {
        const target = builders[index]?.columns[at];
        if (target === undefined) continue;
        const end = starts[index + 1] as number;
        for (let place = starts[index] as number; place < end; place += 1)
          target.appendFrom(column, order[place] as number);
      }
    });
    for (let index = 0; index < FAN_OUT; index += 1) {
      const builder = builders[index];
      if (builder === undefined) continue;
      for (let place = starts[index] as number; place < (starts[index + 1] as number); place += 1)
        endRow(builder, operationAt(batch, order[place] as number));
    }
  }

  /** A move becomes a delete in the old key's part and a row in the new key's, unless it leaves something out. */
  async #addMoves(batch: Batch, changes: Changes, hashes: RowHashes): Promise<void> {
    const oldColumns = changes.oldKey as readonly Column[];
    const oldHashes = hashRows(oldColumns, batch.rows);
    const bitmaps = batch.columns.flatMap(({ unknown }) => (unknown === undefined ? [] : [unknown]));
    for (let row = 0; row < batch.rows; row += 1) {
      const operation = operationAt(batch, row);
      const part = this.#partOf(hashes, row);
      const isMove = operation === Operation.move;
      const isMasked = isMove && bitmaps.some((bitmap) => hasBit(bitmap, row));
      if (isMove) {
        const oldPart = this.#partOf(oldHashes, row);
        assert(!isMasked || oldPart === part, 'keys tied by a move are in one part');
        if (!isMasked) await this.#addDelete(this.#parts[oldPart] as Part, oldColumns, row, changes);
      }
      const builder = (await this.#builder(this.#parts[part] as Part, changes)) as ChangesBuilder;
      batch.columns.forEach((column, at) => (builder.columns[at] as ColumnBuilder).appendFrom(column, row));
      if (isMasked) {
        const old = builder.oldKey();
        oldColumns.forEach((column, at) => (old[at] as ColumnBuilder).appendFrom(column, row));
      }
      endRow(builder, isMove && !isMasked ? Operation.update : operation);
    }
  }

  async #addDelete(part: Part, oldColumns: readonly Column[], row: number, changes: Changes): Promise<void> {
    const builder = await this.#builder(part, changes);
    builder.columns.forEach((column, index) => {
      const at = this.#columns.indexOf(index);
      if (at === -1) column.appendNull();
      else column.appendFrom(oldColumns[at] as Column, row);
    });
    endRow(builder, Operation.delete);
  }

  #sorted(rows: number, hashes: RowHashes): { readonly order: Int32Array; readonly starts: Int32Array } {
    const partOf = new Uint8Array(rows);
    const starts = new Int32Array(FAN_OUT + 1);
    for (let row = 0; row < rows; row += 1) {
      const part = this.#partOf(hashes, row);
      partOf[row] = part;
      starts[part + 1] = (starts[part + 1] as number) + 1;
    }
    for (let part = 0; part < FAN_OUT; part += 1)
      starts[part + 1] = (starts[part + 1] as number) + (starts[part] as number);
    const next = starts.slice();
    const order = new Int32Array(rows);
    for (let row = 0; row < rows; row += 1) {
      const part = partOf[row] as number;
      const place = next[part] as number;
      order[place] = row;
      next[part] = place + 1;
    }
    return { order, starts };
  }

  #partOf({ high, low }: RowHashes, row: number): number {
    const own = high[row] as number;
    const shared =
      this.#ties === undefined || this.#ties.size === 0
        ? own
        : this.#ties.sharedHigh(own, low[row] as number);
    return (shared >>> (this.#level * FAN_OUT_BITS)) & (FAN_OUT - 1);
  }

  /** Scanned rows come first, and need no operation; once there are changes, they are written as changes, too. */
  async #builder(part: Part, changes: Changes | undefined): Promise<BatchBuilder | ChangesBuilder> {
    if (changes !== undefined && part.builder instanceof BatchBuilder) await this.#flush(part);
    part.builder ??=
      changes === undefined ? new BatchBuilder(this.#schema) : new ChangesBuilder(this.#schema);
    return part.builder;
  }

  async #flush(part: Part): Promise<void> {
    const { builder } = part;
    part.builder = undefined;
    part.expectedRows = builder?.rows ?? 0;
    if (builder !== undefined && builder.rows > 0) part.parts.push(await this.#spill.put(builder.finish()));
  }
}

/** Hashes of the key's columns; of all columns where `columns` is empty. */
export function keyHashes(batch: Batch, columns: readonly number[]): RowHashes {
  const hashed =
    columns.length === 0 ? batch.columns : columns.map((index) => batch.columns[index] as Column);
  return hashRows(hashed, batch.rows);
}

function endRow(builder: BatchBuilder | ChangesBuilder, operation: OperationCode): void {
  if (builder instanceof BatchBuilder) builder.endRow();
  else builder.endChange(operation, 0n, 0n, 0n);
}
