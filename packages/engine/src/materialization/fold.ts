import type { MergeStep } from '@brimful/connector';
import type { Batch, Changes, Column, Schema } from '@brimful/model';
import { alignBatch, assert, ColumnBuilder, hasBit, keyIndices, Operation } from '@brimful/model';
import { foldKeyless } from './fold-keyless.ts';
import type { KeyPlace } from '../collection/key-table.ts';
import { KeyTable, NONE, oldKey, ownKey } from '../collection/key-table.ts';
import { ABSENT, RowNumbers, UNKNOWN } from '../collection/row-numbers.ts';

/** Whether each delete must keep its own commit time (tables with soft deletes) or one for all is enough. */
export type DeleteTimes = 'each' | 'latest';

/**
 * What a sequence of changes to one collection comes to: applying the steps in order leaves any table as applying the
 * changes one by one would. At most one effect a key, but that a `move` step separates what is before from what is
 * after. Deletes come before upserts, so keys that only the destination holds equal do not collide.
 *
 * `batches` are in journal order and may have older versions of `target`, whose columns the steps have. Shares memory
 * with the batches: large batches whose rows are all in effect pass through as they are.
 */
export function fold(
  batches: readonly Batch[],
  target: Schema,
  deleteTimes: DeleteTimes = 'latest',
): MergeStep[] {
  const aligned = batches.filter((batch) => batch.rows > 0).map((batch) => alignBatch(batch, target));
  if (aligned.length === 0) return [];
  return target.key.length === 0
    ? foldKeyless(aligned, target)
    : new Fold(aligned, target, deleteTimes).run();
}

/** A batch of at least so many rows that are all in effect is not copied. Below, one statement for many is worth more. */
const REUSE_ROWS = 4096;

/** What comes of a key. */
const Effect = {
  upsert: 0,
  /** The key's values are in the row's own columns. */
  delete: 1,
  /** The key's values are in the row's old key. */
  deleteOld: 2,
} as const;

/** No set of unknown columns is interned under this. */
const ALL_KNOWN = 0;

/**
 * Rows are numbered through all batches. An entry is a key with the row that was last in effect on it; where an update
 * with unknown columns lies over an earlier row, `sources` says for each column which row its value comes from.
 */
class Fold {
  readonly #numbers: RowNumbers;
  readonly #target: Schema;
  readonly #deleteTimes: DeleteTimes;
  readonly #keyColumns: readonly number[];
  readonly #unknownSets = new UnknownSets();
  readonly #steps: MergeStep[] = [];

  readonly #keys: KeyTable;
  #rows: Int32Array;
  #effects: Uint8Array;
  /** Start of the entry's part of `sources`, or -1. */
  #overlays: Int32Array;
  #sources: number[] = [];

  constructor(batches: readonly Batch[], target: Schema, deleteTimes: DeleteTimes) {
    this.#numbers = new RowNumbers(batches);
    this.#target = target;
    this.#deleteTimes = deleteTimes;
    this.#keyColumns = keyIndices(target);
    this.#keys = new KeyTable(this.#numbers, target);
    const { capacity } = this.#keys;
    this.#rows = new Int32Array(capacity);
    this.#effects = new Uint8Array(capacity);
    this.#overlays = new Int32Array(capacity);
  }

  run(): MergeStep[] {
    for (const [index, batch] of this.#numbers.batches.entries())
      this.#foldBatch(batch, this.#numbers.start(index));
    this.#flush();
    return this.#steps;
  }

  #foldBatch(batch: Batch, start: number): void {
    const { columns } = batch;
    const operations = batch.changes?.operations;
    const masked = columns.some((column) => column.unknown !== undefined);
    for (let row = 0; row < batch.rows; row += 1) {
      const operation = operations === undefined ? Operation.read : (operations[row] as number);
      const key = ownKey(start + row);
      if (operation === Operation.delete) {
        this.#set(key, start + row, Effect.delete);
        continue;
      }
      const known = !masked || this.#unknownSets.of(columns, row) === ALL_KNOWN;
      if (operation === Operation.move) this.#move(batch, row, start + row, known);
      else if (known) this.#set(key, start + row, Effect.upsert);
      else this.#overlay(key, start + row);
    }
  }

  /** The key has this effect, whatever it had before: rows come in journal order. */
  // Invariant 5
  #set(key: KeyPlace, row: number, effect: number): void {
    const entry = this.#keys.add(key);
    this.#rows[entry] = row;
    this.#effects[entry] = effect;
    this.#overlays[entry] = -1;
  }

  /** An upsert with unknown columns: they keep what the key has, in this fold or else at the destination. */
  #overlay(key: KeyPlace, row: number): void {
    const entry = this.#keys.find(key);
    if (entry === NONE) this.#set(key, row, Effect.upsert);
    else this.#lay(key, row, entry);
  }

  /** Puts a row on a key; its unknown columns take the values of another entry. */
  #lay(key: KeyPlace, row: number, below: number): void {
    const width = this.#target.columns.length;
    const entry = this.#keys.find(key);
    const present =
      entry === below && this.#effects[below] === Effect.upsert ? (this.#overlays[below] as number) : -1;
    // A row that is updated again and again keeps its one overlay: each column is read before it is written.
    const overlay = present === -1 ? this.#sources.length : present;
    for (let column = 0; column < width; column += 1) {
      this.#sources[overlay + column] = this.#isUnknown(row, column) ? this.#sourceOf(below, column) : row;
    }
    this.#set(key, row, Effect.upsert);
    this.#overlays[this.#keys.find(key)] = overlay;
  }

  #move(batch: Batch, row: number, number: number, known: boolean): void {
    const { oldKey: oldColumns } = batch.changes as Changes;
    assert(oldColumns !== undefined, 'a move names the old key');
    const key = ownKey(number);
    const old = oldKey(number);
    if (this.#keys.same(old, key)) {
      // The key is written differently (1.0, 1.00) but is the same.
      if (known) this.#set(key, number, Effect.upsert);
      else this.#overlay(key, number);
      return;
    }
    if (known) {
      this.#set(old, number, Effect.deleteOld);
      this.#set(key, number, Effect.upsert);
      return;
    }
    const below = this.#keys.find(old);
    if (below === NONE || !this.#supplies(below, number)) {
      this.#flush();
      this.#steps.push(this.#moveStep(batch, oldColumns, row));
    } else if (this.#effects[below] === Effect.upsert) {
      this.#lay(key, number, below);
      this.#set(old, number, Effect.deleteOld);
    } else {
      // There is no old row: unknown columns keep what the new key has.
      this.#overlay(key, number);
    }
  }

  /** Whether the entry has, or is known not to have, a value for every column the row leaves out. */
  #supplies(entry: number, row: number): boolean {
    for (let column = 0; column < this.#target.columns.length; column += 1) {
      if (this.#isUnknown(row, column) && this.#sourceOf(entry, column) === UNKNOWN) return false;
    }
    return true;
  }

  #sourceOf(entry: number, column: number): number {
    if (this.#effects[entry] !== Effect.upsert) return ABSENT;
    const overlay = this.#overlays[entry] as number;
    if (overlay >= 0) return this.#sources[overlay + column] as number;
    const row = this.#rows[entry] as number;
    return this.#isUnknown(row, column) ? UNKNOWN : row;
  }

  #isUnknown(row: number, column: number): boolean {
    const { unknown } = this.#numbers.batch(row).columns[column] as Column;
    return unknown !== undefined && hasBit(unknown, this.#numbers.row(row));
  }

  #moveStep(batch: Batch, oldColumns: readonly Column[], row: number): MergeStep {
    const unknown = this.#unknownSets.columns(this.#unknownSets.of(batch.columns, row));
    const columns = batch.columns.map((column) => pick(column, row));
    const moved: Batch = { schema: this.#target, rows: 1, columns, changes: undefined };
    return { kind: 'move', oldKey: oldColumns.map((column) => pick(column, row)), batch: moved, unknown };
  }

  /** Emits what the entries come to, and forgets them. */
  #flush(): void {
    if (this.#keys.size === 0) return;
    this.#flushDeletes();
    this.#flushUpserts();
    this.#keys.clear();
    this.#sources = [];
  }

  #flushDeletes(): void {
    const groups = new Map<bigint, number[]>();
    let latest: bigint | undefined;
    for (let entry = 0; entry < this.#keys.size; entry += 1) {
      if (this.#effects[entry] === Effect.upsert) continue;
      const row = this.#rows[entry] as number;
      const { committedAt } = this.#numbers.batch(row).changes as Changes;
      const time = committedAt[this.#numbers.row(row)] as bigint;
      if (latest === undefined || time > latest) latest = time;
      const group = this.#deleteTimes === 'each' ? time : 0n;
      const entries = groups.get(group);
      if (entries === undefined) groups.set(group, [entry]);
      else entries.push(entry);
    }
    for (const [time, entries] of groups) {
      const keys = this.#keyColumns.map((column, at) => this.#gatherKey(column, at, entries));
      const committedAt = this.#deleteTimes === 'each' ? time : (latest as bigint);
      this.#steps.push({ kind: 'delete', schema: this.#target, keys, rows: entries.length, committedAt });
    }
  }

  #gatherKey(column: number, at: number, entries: readonly number[]): Column {
    const builder = new ColumnBuilder((this.#target.columns[column] as Schema['columns'][number]).type);
    for (const entry of entries) {
      const row = this.#rows[entry] as number;
      const batch = this.#numbers.batch(row);
      const source =
        this.#effects[entry] === Effect.delete
          ? batch.columns[column]
          : (batch.changes as Changes).oldKey?.[at];
      builder.appendFrom(source as Column, this.#numbers.row(row));
    }
    return builder.finish();
  }

  #flushUpserts(): void {
    const reused = this.#reuseBatches();
    const groups = new Map<number, number[]>();
    for (let entry = 0; entry < this.#keys.size; entry += 1) {
      if (this.#effects[entry] !== Effect.upsert) continue;
      const row = this.#rows[entry] as number;
      if (this.#overlays[entry] === -1 && reused[this.#numbers.batchOf(row)] === 1) continue;
      const group = this.#unknownSetOf(entry);
      const entries = groups.get(group);
      if (entries === undefined) groups.set(group, [entry]);
      else entries.push(entry);
    }
    for (const [set, entries] of groups) {
      const columns = this.#target.columns.map((_, column) => this.#gather(column, entries));
      const batch: Batch = { schema: this.#target, rows: entries.length, columns, changes: undefined };
      this.#steps.push({ kind: 'upsert', batch, unknown: this.#unknownSets.columns(set) });
    }
  }

  /** Emits the batches that are wholly in effect, all rows with the same unknown columns. Tells which they were. */
  #reuseBatches(): Uint8Array {
    const reused = new Uint8Array(this.#numbers.batches.length);
    const live = new Uint32Array(this.#numbers.batches.length);
    for (let entry = 0; entry < this.#keys.size; entry += 1) {
      if (this.#effects[entry] !== Effect.upsert || this.#overlays[entry] !== -1) continue;
      (live[this.#numbers.batchOf(this.#rows[entry] as number)] as number) += 1;
    }
    for (const [index, batch] of this.#numbers.batches.entries()) {
      if (batch.rows < REUSE_ROWS || live[index] !== batch.rows) continue;
      const set = this.#unknownSets.ofAll(batch);
      if (set === undefined) continue;
      reused[index] = 1;
      const whole: Batch = {
        schema: this.#target,
        rows: batch.rows,
        columns: batch.columns,
        changes: undefined,
      };
      this.#steps.push({ kind: 'upsert', batch: whole, unknown: this.#unknownSets.columns(set) });
    }
    return reused;
  }

  #unknownSetOf(entry: number): number {
    const overlay = this.#overlays[entry] as number;
    if (overlay >= 0)
      return this.#unknownSets.where((column) => this.#sources[overlay + column] === UNKNOWN, this.#target);
    const row = this.#rows[entry] as number;
    return this.#unknownSets.of(this.#numbers.batch(row).columns, this.#numbers.row(row));
  }

  #gather(column: number, entries: readonly number[]): Column {
    const rows = Int32Array.from(entries, (entry) => this.#rowFor(entry, column));
    return this.#numbers.gather(
      (this.#target.columns[column] as Schema['columns'][number]).type,
      column,
      rows,
    );
  }

  /** The row that an upsert takes a column's value from, or `ABSENT`, or a row that does not know it, or `UNKNOWN`. */
  #rowFor(entry: number, column: number): number {
    const overlay = this.#overlays[entry] as number;
    return overlay === -1 ? (this.#rows[entry] as number) : (this.#sources[overlay + column] as number);
  }
}

/** Sets of unknown columns as small numbers. */
class UnknownSets {
  readonly #numbers = new Map<string, number>([['', ALL_KNOWN]]);
  readonly #sets: (readonly number[])[] = [[]];

  columns(set: number): readonly number[] {
    return this.#sets[set] as readonly number[];
  }

  of(columns: readonly Column[], row: number): number {
    let name = '';
    for (let index = 0; index < columns.length; index += 1) {
      const { unknown } = columns[index] as Column;
      if (unknown !== undefined && hasBit(unknown, row)) name += `${index},`;
    }
    return name === '' ? ALL_KNOWN : this.#intern(name);
  }

  /** The set that all rows of the batch share, if they do. */
  ofAll(batch: Batch): number | undefined {
    if (batch.columns.every((column) => column.unknown === undefined)) return ALL_KNOWN;
    const first = this.of(batch.columns, 0);
    for (let row = 1; row < batch.rows; row += 1) if (this.of(batch.columns, row) !== first) return undefined;
    return first;
  }

  where(isUnknown: (column: number) => boolean, schema: Schema): number {
    let name = '';
    for (let index = 0; index < schema.columns.length; index += 1) if (isUnknown(index)) name += `${index},`;
    return this.#intern(name);
  }

  #intern(name: string): number {
    let number = this.#numbers.get(name);
    if (number === undefined) {
      number = this.#sets.length;
      this.#numbers.set(name, number);
      this.#sets.push(name.slice(0, -1).split(',').map(Number));
    }
    return number;
  }
}

function pick(column: Column, row: number): Column {
  const builder = new ColumnBuilder(column.type);
  builder.appendFrom(column, row);
  return builder.finish();
}
