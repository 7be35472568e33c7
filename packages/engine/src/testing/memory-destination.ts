import type {
  Action,
  Destination,
  DestinationConnector,
  MergeStep,
  TableHandle,
  TableRequest,
  Work,
} from '@brimful/connector';
import type { Batch, Column, Json, Schema } from '@brimful/model';
import { Problem, assert, keyIndices, matchColumns } from '@brimful/model';
import type { Value } from '@brimful/model/testing';
import { UNKNOWN, valueAt } from '@brimful/model/testing';
import type { SeededRandom } from './scheduler.ts';

/** Rows as their values, in the order of the table's columns. */
interface TableState {
  /** The shape, and behind its columns those it had before. */
  readonly schema: Schema;
  /** Columns of the shape. */
  readonly width: number;
  readonly rows: readonly (readonly Value[])[];
  readonly touched: ReadonlySet<string>;
  readonly phase: 'loading' | 'indexed' | 'settled';
}

interface DestinationTable {
  readonly collection: string;
  epoch: number;
  state: TableState;
  checkpoint: string | undefined;
}

export function newTable(schema: Schema, phase: TableState['phase']): TableState {
  return { schema, width: schema.columns.length, rows: [], touched: new Set(), phase };
}

export type ApplyFault = 'none' | 'refused' | 'lost';

export interface MemoryDestinationMeans {
  turn(): Promise<void>;
  applyFault(works: readonly Work[]): ApplyFault;
  /** A problem with one table's data, or undefined. */
  poison(table: string, actions: readonly Action[]): Problem | undefined;
  readonly random: SeededRandom;
  readonly lanes: number;
  readonly gatherMilliseconds: number;
}

/** What outlives a process: the destination's durable state. */
export class MemoryDatabase {
  readonly tables = new Map<string, DestinationTable>();

  /** Sorted texts of the rows of a table in this shape: columns that the table lacks hold what they began with. */
  rows(table: string, shape: Schema): string[] {
    const state = this.tables.get(table)?.state;
    if (state === undefined) return [];
    return evolve(state, shape)
      .rows.map((row) => rowText(row.slice(0, shape.columns.length)))
      .sort();
  }
}

export function rowText(row: readonly Value[]): string {
  return JSON.stringify(row.map((value) => (typeof value === 'bigint' ? `${value}n` : value)));
}

/** A destination that follows the contract to the letter and refuses everything that is not in it. */
export function memoryConnector(
  database: MemoryDatabase,
  means: MemoryDestinationMeans,
): DestinationConnector<unknown> {
  return {
    check: async () => [],
    open: async () => {
      await means.turn();
      return new MemoryDestination(database, means);
    },
    query: async () => ({ columns: [], rows: [] }),
    whereabouts: () => 'memory',
  };
}

class MemoryDestination implements Destination {
  readonly lanes: number;
  readonly gatherMilliseconds: number;
  readonly #database: MemoryDatabase;
  readonly #means: MemoryDestinationMeans;
  readonly #epochs = new Map<string, number>();
  readonly #applying = new Set<string>();
  #closed = false;

  constructor(database: MemoryDatabase, means: MemoryDestinationMeans) {
    this.#database = database;
    this.#means = means;
    this.lanes = means.lanes;
    this.gatherMilliseconds = means.gatherMilliseconds;
  }

  async open(request: TableRequest): Promise<TableHandle> {
    await this.#means.turn();
    assert(!this.#closed, 'the destination is open');
    const { table: name } = request.id;
    let table = this.#database.tables.get(name);
    if (table === undefined) {
      const state = newTable(request.schema, 'loading');
      table = { collection: request.collection, epoch: 0, state, checkpoint: undefined };
      this.#database.tables.set(name, table);
    }
    assert(table.collection === request.collection, `${name} belongs to ${table.collection}`);
    // Invariant 3: from now on earlier writers are refused.
    table.epoch += 1;
    this.#epochs.set(name, table.epoch);
    const checkpoint = table.checkpoint === undefined ? undefined : (JSON.parse(table.checkpoint) as Json);
    await this.#means.turn();
    return { request, checkpoint };
  }

  async apply(works: readonly Work[], signal: AbortSignal): Promise<void> {
    const names = works.map((work) => work.table.request.id.table);
    assert(new Set(names).size === names.length, 'a table is in one transaction once');
    for (const name of names) {
      assert(!this.#applying.has(name), `${name} is written by one transaction at a time`);
      this.#applying.add(name);
    }
    assert(this.#applying.size <= 64, 'applies are few');
    try {
      await this.#means.turn();
      signal.throwIfAborted();
      const done = works.map((work) => this.#prepare(work));
      await this.#means.turn();
      const fault = this.#means.applyFault(works);
      // Invariant 2: data and checkpoints at once.
      if (fault !== 'refused') for (const commit of done) commit();
      await this.#means.turn();
      if (fault !== 'none')
        throw new Problem('BRM-SIM-DESTINATION', 'the destination was lost', { kind: 'retry' });
    } finally {
      for (const name of names) this.#applying.delete(name);
    }
  }

  async idle(): Promise<void> {
    assert(this.#applying.size === 0, 'nothing is under way when it is idle');
    await this.#means.turn();
  }

  async drop(id: TableRequest['id']): Promise<void> {
    this.#database.tables.delete(id.table);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    assert(this.#applying.size === 0, 'nothing is under way when it is closed');
    this.#closed = true;
  }

  /** Does the work on a copy; the returned function shows it, if the fence still holds. */
  #prepare({ table: handle, actions, checkpoint }: Work): () => void {
    const name = handle.request.id.table;
    const table = this.#database.tables.get(name);
    assert(table !== undefined, `${name} was opened`);
    const poison = this.#means.poison(name, actions);
    if (poison !== undefined) throw poison;
    let { state } = table;
    for (const action of actions) state = act(state, action, this.#means.random);
    const kept = JSON.stringify(checkpoint);
    const before = table.state;
    return () => {
      if (table.epoch !== this.#epochs.get(name))
        throw new Problem('BRM-SIM-FENCED', `${name} has another writer`, { kind: 'retry' });
      assert(table.state === before, 'nobody wrote meanwhile');
      table.state = state;
      table.checkpoint = kept;
    };
  }
}

function act(state: TableState, action: Action, random: SeededRandom): TableState {
  switch (action.kind) {
    case 'evolve':
      return evolve(state, action.schema);
    case 'load':
      assert(state.phase === 'loading', 'rows are loaded before the index is built');
      assertColumns(action.batch, state);
      return {
        ...state,
        rows: [...state.rows, ...rowsOf(action.batch).map((row) => over(row, undefined, state.schema))],
      };
    case 'touch': {
      assert(state.phase === 'loading', 'keys are touched before the index is built');
      const touched = new Set(state.touched);
      for (let row = 0; row < action.rows; row += 1) touched.add(listed(action.keys, row));
      return { ...state, touched };
    }
    case 'index':
      assert(state.phase === 'loading', 'the index is built once');
      return index(state, random);
    case 'settle':
      assert(state.phase === 'indexed', 'a table is settled once, after its index');
      return { ...state, phase: 'settled' };
    case 'truncate':
      return { ...state, rows: [], touched: new Set() };
    case 'merge':
      assert(state.phase !== 'loading', 'changes are merged once the index is there');
      return merge(state, action.steps);
  }
}

/** Never drops a column: one that the shape lacks is held, behind the others, until it comes back. */
function evolve(state: TableState, shape: Schema): TableState {
  const named = matchColumns(state.schema, shape);
  const held = state.schema.columns.filter((_, index) => !named.includes(index));
  const schema: Schema = { ...shape, columns: [...shape.columns, ...held] };
  const matches = matchColumns(state.schema, schema);
  const rows = state.rows.map((row) =>
    schema.columns.map((column, index) => {
      const from = matches[index] as number;
      return from === -1 ? (column.initial ?? null) : (row[from] as Value);
    }),
  );
  return { ...state, schema, width: shape.columns.length, rows };
}

/** Of rows with a touched key all copies but one go: nobody may rely on which. */
function index(state: TableState, random: SeededRandom): TableState {
  if (state.schema.key.length === 0) return { ...state, phase: 'indexed' };
  const copies = new Map<string, (readonly Value[])[]>();
  for (const row of state.rows) {
    const key = keyOf(state.schema, row);
    const known = copies.get(key);
    if (known === undefined) copies.set(key, [row]);
    else known.push(row);
  }
  const rows = [...copies].map(([key, same]) => {
    assert(same.length === 1 || state.touched.has(key), `key ${key} is unique or was touched`);
    return random.pick(same);
  });
  return { ...state, rows, touched: new Set(), phase: 'indexed' };
}

function merge(state: TableState, steps: readonly MergeStep[]): TableState {
  if (state.schema.key.length === 0) return { ...state, rows: mergeKeyless(state, steps) };
  const rows = new Map(state.rows.map((row) => [keyOf(state.schema, row), row]));
  assert(rows.size === state.rows.length, 'keys are unique');
  let seen = new Set<string>();
  const once = (key: string): string => {
    assert(!seen.has(key), `key ${key} is in one step only`);
    seen.add(key);
    return key;
  };
  for (const step of steps) {
    if (step.kind === 'upsert') {
      assertColumns(step.batch, state);
      rowsOf(step.batch, step.unknown).forEach((row) => {
        const key = once(keyOf(state.schema, row));
        rows.set(key, over(row, rows.get(key), state.schema));
      });
    } else if (step.kind === 'delete') {
      for (let row = 0; row < step.rows; row += 1) rows.delete(once(listed(step.keys, row)));
    } else if (step.kind === 'move') {
      seen = new Set();
      const [row] = rowsOf(step.batch, step.unknown) as [Value[]];
      const old = listed(step.oldKey, 0);
      const key = keyOf(state.schema, row);
      const next = over(row, rows.get(old) ?? rows.get(key), state.schema);
      rows.delete(old);
      rows.set(key, next);
    } else {
      assert(false, `${step.kind} is for tables without a key`);
    }
  }
  return { ...state, rows: [...rows.values()] };
}

function mergeKeyless(state: TableState, steps: readonly MergeStep[]): (readonly Value[])[] {
  const rows = [...state.rows];
  for (const step of steps) {
    assert(step.kind === 'append' || step.kind === 'remove', `${step.kind} is for tables with a key`);
    assertColumns(step.batch, state);
    for (const row of rowsOf(step.batch)) {
      if (step.kind === 'append') rows.push(over(row, undefined, state.schema));
      else {
        const place = rows.findIndex((other) => rowText(other.slice(0, row.length)) === rowText(row));
        if (place !== -1) rows.splice(place, 1);
      }
    }
  }
  return rows;
}

/** The row's values, and where it does not say, those of the row below, or null. */
function over(row: readonly Value[], below: readonly Value[] | undefined, schema: Schema): Value[] {
  return schema.columns.map(({ initial }, index) => {
    const value = row[index];
    if (value !== undefined && value !== UNKNOWN) return value;
    return below?.[index] ?? (index < row.length ? null : (initial ?? null));
  });
}

function rowsOf(batch: Batch, unknown: readonly number[] = []): Value[][] {
  return Array.from({ length: batch.rows }, (_, row) =>
    batch.columns.map((column, index) => {
      if (unknown.includes(index)) return UNKNOWN;
      const value = valueAt(column, row);
      assert(value !== UNKNOWN, 'only columns that the step names are unknown');
      return value;
    }),
  );
}

function assertColumns(batch: Batch, { schema, width }: TableState): void {
  assert(
    batch.columns.length === width &&
      batch.schema.columns.every(({ name }, index) => name === schema.columns[index]?.name),
    "a batch has its table's columns",
  );
}

function keyOf(schema: Schema, row: readonly Value[]): string {
  return rowText(keyIndices(schema).map((at) => row[at] as Value));
}

function listed(keys: readonly Column[], row: number): string {
  return rowText(keys.map((column) => valueAt(column, row)));
}
