import type { Snapshot } from '@brimful/connector';
import type { ColumnDefinition, ColumnType, Schema } from '@brimful/model';
import { assert } from '@brimful/model';
import type { Value } from '@brimful/model/testing';
import { Bell } from '../flow/bell.ts';
import type { SeededRandom } from './scheduler.ts';

export type Row = readonly Value[];

/** What the source's log says of one row, in one transaction. */
export interface LoggedChange {
  readonly table: SimulatedTable;
  readonly kind: 'insert' | 'update' | 'move' | 'delete' | 'truncate';
  readonly schema: Schema;
  readonly row: Row;
  /** Indices of columns that are not in the log, because their stored value did not change. */
  readonly unknown: ReadonlySet<number>;
  readonly oldRow: Row;
  readonly at: bigint;
}

export interface Transaction {
  readonly id: bigint;
  readonly changes: LoggedChange[];
  readonly locks: Set<SimulatedTable>;
  /** Position of its commit in the log; undefined while it runs. */
  commit: bigint | undefined;
  /** Committed or aborted, and snapshots see it so. A commit is in the log before that. */
  ended: boolean;
  /** Has done what the model cannot undo. */
  mustCommit: boolean;
}

interface Version {
  readonly row: Row;
  readonly page: number;
  readonly from: bigint;
  until: bigint | undefined;
}

/** `key`: updates name the row by its key and leave unchanged large values out. `full`: by all its old values. */
export type Identity = 'key' | 'full' | 'none';

export interface SimulatedTable {
  readonly name: string;
  readonly identity: Identity;
  /** Every shape it has had. */
  readonly schemas: Schema[];
  versions: Version[];
  pages: number;
  /** Changes when the rows are written anew. */
  storage: number;
  exclusive: Transaction | undefined;
  /** Open scans: their locks hold off whoever wants the table alone. */
  readers: number;
  /** Changes logged after this place are in the stream. */
  published: bigint | undefined;
}

export function schemaOf(table: SimulatedTable): Schema {
  return table.schemas.at(-1) as Schema;
}

export function keyText(schema: Schema, row: Row): string {
  return JSON.stringify(
    schema.key.map((name) => row[schema.columns.findIndex((column) => column.name === name)] ?? null),
    (_, value: unknown) => (typeof value === 'bigint' ? `${value}n` : value),
  );
}

/** Values that are kept apart from their row: an update that does not change them does not log them. */
export function isLarge(value: Value | undefined): boolean {
  return typeof value === 'string' && value.startsWith('large');
}

/**
 * A source with rows on pages, transactions, snapshots and a log. Transactions that have committed stay invisible to
 * snapshots until `end` is called, and may be streamed before. Row locks, unique keys and table locks are kept; whoever
 * would have to wait is refused instead.
 */
export class SimulatedDatabase {
  readonly tables: SimulatedTable[] = [];
  /** Committed transactions in the order of their commits. */
  readonly log: Transaction[] = [];
  readonly open = new Set<Transaction>();
  readonly changed = new Bell();
  position = 100n;
  /** What the source may have forgotten: the stream begins behind it. */
  acknowledged = 100n;
  /** Told of every change of a row when it is made, committed or not; without a row, of a truncation. */
  readonly observers: ((table: SimulatedTable, row: Row | undefined) => void)[] = [];
  #nextTransaction = 10n;
  readonly #random: SeededRandom;

  constructor(random: SeededRandom) {
    this.#random = random;
  }

  addTable(
    name: string,
    columns: readonly [string, ColumnType][],
    key: readonly string[],
    identity: Identity,
  ): SimulatedTable {
    const definitions = columns.map(([column, type], index): ColumnDefinition => ({
      name: column,
      type,
      nullable: !key.includes(column),
      sourceType: type.kind,
      sourceId: index + 1,
    }));
    const table: SimulatedTable = {
      name,
      identity,
      schemas: [{ version: 1, columns: definitions, key }],
      versions: [],
      pages: 1,
      storage: 1,
      exclusive: undefined,
      readers: 0,
      published: undefined,
    };
    this.tables.push(table);
    return table;
  }

  begin(): Transaction {
    const transaction: Transaction = {
      id: this.#nextTransaction,
      changes: [],
      locks: new Set(),
      commit: undefined,
      ended: false,
      mustCommit: false,
    };
    this.#nextTransaction += 1n;
    this.open.add(transaction);
    return transaction;
  }

  /** Writes the commit to the log: the stream may deliver it from now on. */
  commit(transaction: Transaction): void {
    transaction.commit = this.advance();
    this.log.push(transaction);
  }

  abort(transaction: Transaction): void {
    assert(!transaction.mustCommit, 'what is undone can be undone');
    for (const table of transaction.locks) {
      table.versions = table.versions.filter((version) => version.from !== transaction.id);
      for (const version of table.versions) if (version.until === transaction.id) version.until = undefined;
    }
    this.end(transaction);
  }

  /** Snapshots see it from now on, and its locks are free. */
  end(transaction: Transaction): void {
    transaction.ended = true;
    this.open.delete(transaction);
    for (const table of transaction.locks) if (table.exclusive === transaction) table.exclusive = undefined;
    this.changed.ring();
  }

  /** Commits what no log will ever tell: it happened while nobody looked. */
  hide(transaction: Transaction): void {
    // Nobody may rely on what was seen: one generation has it, the other has not.
    for (const { table } of transaction.changes) this.#observe(table, undefined);
    transaction.changes.length = 0;
    this.commit(transaction);
    this.end(transaction);
  }

  snapshot(): Snapshot {
    const next = this.#nextTransaction;
    const hidden = new Set([...this.open].map(({ id }) => id));
    const oldest = [...hidden].reduce((least, id) => (id < least ? id : least), next);
    return {
      sees: (transaction) => transaction < next && !hidden.has(transaction),
      seesAllUpTo: (transaction) => transaction < oldest,
    };
  }

  rows(table: SimulatedTable, snapshot: Snapshot): { readonly row: Row; readonly page: number }[] {
    const width = schemaOf(table).columns.length;
    return table.versions
      .filter(({ from, until }) => snapshot.sees(from) && (until === undefined || !snapshot.sees(until)))
      .map(({ row, page }) => ({ row: this.#widened(table, row, width), page }));
  }

  advance(): bigint {
    this.position += BigInt(1 + this.#random.below(3));
    this.changed.ring();
    return this.position;
  }

  /** Live rows that the transaction may change: nobody else who is still open has touched them. */
  writable(transaction: Transaction, table: SimulatedTable): Version[] {
    if (!this.#mayTouch(transaction, table)) return [];
    return table.versions.filter(
      ({ from, until }) => until === undefined && (from === transaction.id || !this.#isOpen(from)),
    );
  }

  insert(transaction: Transaction, table: SimulatedTable, row: Row): boolean {
    if (!this.#mayTouch(transaction, table) || !this.#isKeyFree(transaction, table, row)) return false;
    this.#place(transaction, table, row);
    this.#note(transaction, { table, kind: 'insert', row, oldRow: row, unknown: new Set() });
    return true;
  }

  delete(transaction: Transaction, table: SimulatedTable, version: Version): void {
    version.until = transaction.id;
    const row = this.#widened(table, version.row, schemaOf(table).columns.length);
    this.#note(transaction, { table, kind: 'delete', row, oldRow: row, unknown: new Set() });
  }

  update(transaction: Transaction, table: SimulatedTable, version: Version, row: Row): boolean {
    const schema = schemaOf(table);
    const oldRow = this.#widened(table, version.row, schema.columns.length);
    const moves = schema.key.length > 0 && keyText(schema, oldRow) !== keyText(schema, row);
    if (moves && !this.#isKeyFree(transaction, table, row)) return false;
    version.until = transaction.id;
    this.#place(transaction, table, row);
    if (table.identity === 'full') {
      this.#note(transaction, { table, kind: 'delete', row: oldRow, oldRow, unknown: new Set() });
      this.#note(transaction, { table, kind: 'insert', row, oldRow: row, unknown: new Set() });
      return true;
    }
    const unknown = new Set(
      row.flatMap((value, index) => (isLarge(value) && value === oldRow[index] ? [index] : [])),
    );
    this.#note(transaction, { table, kind: moves ? 'move' : 'update', row, oldRow, unknown });
    return true;
  }

  /** Whether the transaction can have the table for itself, and then it has. */
  lockAlone(transaction: Transaction, table: SimulatedTable): boolean {
    const others = [...this.open].some((other) => other !== transaction && other.locks.has(table));
    if (others || table.readers > 0 || table.exclusive !== undefined) return false;
    table.exclusive = transaction;
    transaction.locks.add(table);
    transaction.mustCommit = true;
    return true;
  }

  truncate(transaction: Transaction, table: SimulatedTable, isNewStorage: boolean): boolean {
    if (table.exclusive !== transaction && !this.lockAlone(transaction, table)) return false;
    // Not versioned: a snapshot from before finds nothing, too.
    table.versions = [];
    if (isNewStorage) table.storage += 1;
    this.#note(transaction, { table, kind: 'truncate', row: [], oldRow: [], unknown: new Set() });
    return true;
  }

  /** Writes all rows anew on other pages. */
  rewrite(transaction: Transaction, table: SimulatedTable): boolean {
    if (!this.lockAlone(transaction, table)) return false;
    table.storage += 1;
    table.pages = 1 + this.#random.below(6);
    table.versions = table.versions
      .filter(({ until }) => until === undefined)
      .map((version) => ({ ...version, page: this.#random.below(table.pages) }));
    return true;
  }

  addColumn(transaction: Transaction, table: SimulatedTable, initial: string | undefined): boolean {
    if (!this.lockAlone(transaction, table)) return false;
    const schema = schemaOf(table);
    const column: ColumnDefinition = {
      name: `added${schema.columns.length}`,
      type: { kind: 'text' },
      nullable: true,
      sourceType: 'text',
      sourceId: schema.columns.length + 1,
      ...(initial === undefined ? {} : { initial }),
    };
    table.schemas.push({ ...schema, version: schema.version + 1, columns: [...schema.columns, column] });
    return true;
  }

  #mayTouch(transaction: Transaction, table: SimulatedTable): boolean {
    return table.exclusive === undefined || table.exclusive === transaction;
  }

  #isOpen(id: bigint): boolean {
    return [...this.open].some((transaction) => transaction.id === id);
  }

  #isKeyFree(transaction: Transaction, table: SimulatedTable, row: Row): boolean {
    const schema = schemaOf(table);
    if (schema.key.length === 0) return true;
    const key = keyText(schema, row);
    return !table.versions.some(
      (version) =>
        keyText(schema, version.row) === key &&
        (version.until === undefined || (version.until !== transaction.id && this.#isOpen(version.until))),
    );
  }

  /** On any page: before or behind where a scan is, or on a new one. */
  #place(transaction: Transaction, table: SimulatedTable, row: Row): void {
    const page = this.#random.below(table.pages + (this.#random.chance(0.3) ? 1 : 0));
    table.pages = Math.max(table.pages, page + 1);
    table.versions.push({ row, page, from: transaction.id, until: undefined });
  }

  #note(transaction: Transaction, change: Omit<LoggedChange, 'schema' | 'at'>): void {
    transaction.locks.add(change.table);
    this.#observe(change.table, change.kind === 'truncate' ? undefined : change.row);
    // What is under the new key now may have been incomplete under the old one.
    if (change.kind === 'move')
      for (const row of [change.row, change.oldRow]) this.#observe(change.table, row);
    transaction.changes.push({ ...change, schema: schemaOf(change.table), at: this.advance() });
  }

  #observe(table: SimulatedTable, row: Row | undefined): void {
    for (const observe of this.observers) observe(table, row);
  }

  #widened(table: SimulatedTable, row: Row, width: number): Row {
    if (row.length >= width) return row;
    const { columns } = schemaOf(table);
    return columns.map((column, index) =>
      index < row.length ? (row[index] as Value) : (column.initial ?? null),
    );
  }
}
