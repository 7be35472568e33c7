import type { Resume, StreamPart, StreamSlice } from '@brimful/connector';
import type { Batch, ColumnBuilder, Schema } from '@brimful/model';
import { ChangesBuilder, Operation, keyIndices } from '@brimful/model';
import type { Value } from '@brimful/model/testing';
import { appendValue } from '@brimful/model/testing';
import type { SeededRandom } from './scheduler.ts';
import type { LoggedChange, SimulatedDatabase, SimulatedTable, Transaction } from './simulated-database.ts';

const OPERATIONS = {
  insert: Operation.insert,
  update: Operation.update,
  move: Operation.move,
  delete: Operation.delete,
} as const;

interface Group {
  readonly schema: Schema;
  readonly builder: ChangesBuilder;
  resume: Resume;
}

/** Where a session is in the log, and what it has told of each table. */
export class SimulatedStream {
  readonly #database: SimulatedDatabase;
  readonly #random: SeededRandom;
  readonly #resume: ReadonlyMap<string, Resume>;
  readonly #shapes = new Map<SimulatedTable, Schema>();
  #transaction = 0;
  #change = 0;
  /** Changes of the present transaction that were counted, by table. */
  #counts = new Map<SimulatedTable, number>();
  #passed: bigint;
  #told = false;

  constructor(database: SimulatedDatabase, random: SeededRandom, resume: ReadonlyMap<string, Resume>) {
    this.#database = database;
    this.#random = random;
    this.#resume = resume;
    this.#passed = database.acknowledged;
    this.#transaction = database.log.findIndex(({ commit }) => (commit as bigint) > database.acknowledged);
    if (this.#transaction === -1) this.#transaction = database.log.length;
  }

  /** The next piece of the log, cut anywhere; undefined when there is nothing new. */
  next(): StreamSlice | undefined {
    const { log, position } = this.#database;
    const parts: StreamPart[] = [];
    const groups = new Map<SimulatedTable, Group>();
    const before = this.#passed;
    let left = 1 + this.#random.below(12);
    while ((left > 0 || parts.length + groups.size === 0) && this.#transaction < log.length) {
      const transaction = log[this.#transaction] as Transaction;
      for (; left > 0 && this.#change < transaction.changes.length; left -= 1) {
        this.#deliver(transaction, transaction.changes[this.#change] as LoggedChange, parts, groups);
        this.#change += 1;
      }
      if (this.#change < transaction.changes.length) {
        // Nothing of it was for us so far.
        if (parts.length + groups.size === 0) left = 1;
        continue;
      }
      this.#passed = transaction.commit as bigint;
      this.#transaction += 1;
      this.#change = 0;
      this.#counts = new Map();
    }
    for (const [table, group] of groups) parts.push(rowsPart(table, group));
    if (this.#transaction === log.length) this.#passed = position;
    if (parts.length === 0 && this.#passed === before && this.#told) return undefined;
    this.#told = true;
    return { parts, passed: this.#passed, acknowledge: this.#passed, sourceEnd: position };
  }

  #deliver(
    transaction: Transaction,
    change: LoggedChange,
    parts: StreamPart[],
    groups: Map<SimulatedTable, Group>,
  ): void {
    const { table } = change;
    if (!isPublished(change)) return;
    const count = (this.#counts.get(table) ?? 0) + 1;
    this.#counts.set(table, count);
    const commit = transaction.commit as bigint;
    const resume = this.#resume.get(table.name);
    if (resume !== undefined && commit <= BigInt(resume.position)) return;
    if (resume?.cut?.position === commit.toString() && count <= resume.cut.skip) return;
    const mark = this.#markAfter(transaction, change, count, resume);
    const close = (): void => {
      const group = groups.get(table);
      if (group !== undefined) parts.push(rowsPart(table, group));
      groups.delete(table);
    };
    if (change.kind === 'truncate') {
      close();
      const { id } = transaction;
      const committedAt = commit * 1000n;
      parts.push({ kind: 'truncate', resource: table.name, transaction: id, committedAt, resume: mark });
      return;
    }
    if (this.#shapes.get(table) !== change.schema || this.#random.chance(0.1)) {
      close();
      if (this.#shapes.get(table) !== change.schema || this.#random.chance(0.1))
        parts.push({ kind: 'schema', resource: table.name, schema: { ...change.schema, version: 7 } });
      this.#shapes.set(table, change.schema);
    }
    let group = groups.get(table);
    if (group === undefined) {
      group = { schema: change.schema, builder: new ChangesBuilder(change.schema), resume: mark };
      groups.set(table, group);
    }
    group.resume = mark;
    appendChange(group.builder, change, transaction);
  }

  /** What the table's journal holds once it holds this change. */
  #markAfter(
    transaction: Transaction,
    change: LoggedChange,
    count: number,
    resume: Resume | undefined,
  ): Resume {
    const commit = (transaction.commit as bigint).toString();
    const rest = transaction.changes.slice(transaction.changes.indexOf(change) + 1);
    if (!rest.some((other) => other.table === change.table && isPublished(other)))
      return { position: commit };
    const before = this.#database.log[this.#transaction - 1]?.commit ?? 0n;
    const known = BigInt(resume?.position ?? 0);
    return {
      position: (before > known ? before : known).toString(),
      cut: { position: commit, skip: count },
    };
  }
}

function isPublished({ table, at }: LoggedChange): boolean {
  return table.published !== undefined && at > table.published;
}

function rowsPart(table: SimulatedTable, { builder, resume }: Group): StreamPart {
  const batch: Batch = builder.finish();
  return { kind: 'rows', resource: table.name, batch, resume };
}

function appendChange(builder: ChangesBuilder, change: LoggedChange, transaction: Transaction): void {
  const { schema, row, oldRow, unknown, kind } = change;
  const keys = keyIndices(schema);
  const keyOnly = kind === 'delete' && keys.length > 0;
  builder.columns.forEach((column, index) => {
    if (unknown.has(index)) column.appendUnknown();
    else if (keyOnly && !keys.includes(index)) column.appendNull();
    else appendValue(column, row[index] as Value);
  });
  if (kind === 'move') {
    const old = builder.oldKey();
    keys.forEach((index, place) => appendValue(old[place] as ColumnBuilder, oldRow[index] as Value));
  }
  const commit = transaction.commit as bigint;
  builder.endChange(OPERATIONS[kind as keyof typeof OPERATIONS], commit * 1000n, commit, transaction.id);
}
