import type {
  Action,
  Destination,
  DestinationConnector,
  MergeStep,
  TableHandle,
  TablePair,
  TableRequest,
  TableRows,
  TableSurvey,
  Work,
} from '@brimful/connector';
import type { Batch, Column, Json, Schema } from '@brimful/model';
import { Problem, assert, keyIndices, matchColumns } from '@brimful/model';
import type { Value } from '@brimful/model/testing';
import { UNKNOWN, columnOf, valueAt } from '@brimful/model/testing';
import { valueAs } from './value-as.ts';
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
  /** Absent: the first. */
  readonly generation?: number;
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
  /** Likewise of a swap; absent: none. */
  swapFault?(pairs: readonly TablePair[]): ApplyFault;
  /** A problem with one table's data, or undefined. */
  poison(table: string, actions: readonly Action[]): Problem | undefined;
  readonly random: SeededRandom;
  readonly lanes: number;
  readonly gatherMilliseconds: number;
}

/** What outlives a process: the destination's durable state. */
export class MemoryDatabase {
  /** By the names readers use. A generation that is kept beside the live one is called `orders__g2`. */
  readonly tables = new Map<string, DestinationTable>();

  /** Where a generation is now, or undefined. */
  nameOf(id: TableRequest['id']): string | undefined {
    const live = this.tables.get(id.table);
    if (live !== undefined && (live.generation ?? 1) === id.generation) return id.table;
    const beside = besideName(id);
    return this.tables.has(beside) ? beside : undefined;
  }

  /** Sorted texts of the rows of a table in this shape: columns that the table lacks hold what they began with. */
  rows(table: string, shape: Schema): string[] {
    const state = this.tables.get(table)?.state;
    if (state === undefined) return [];
    return evolve(state, shape)
      .rows.map((row) => rowText(row.slice(0, shape.columns.length)))
      .sort();
  }
}

function besideName({ table, generation }: TableRequest['id']): string {
  return `${table}__g${generation}`;
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

/** A swap takes long now and then. */
const MOST_SWAP_TURNS = 40;

/** Small, so that a reading of a few rows is several batches. */
const MOST_BATCH_ROWS = 4;

class MemoryTable implements TableHandle {
  readonly request: TableRequest;
  readonly checkpoint: Json | undefined;
  readonly #database: MemoryDatabase;

  constructor(request: TableRequest, checkpoint: Json | undefined, database: MemoryDatabase) {
    this.request = request;
    this.checkpoint = checkpoint;
    this.#database = database;
  }

  get place(): 'live' | 'beside' {
    const { id } = this.request;
    return this.#database.nameOf(id) === id.table ? 'live' : 'beside';
  }
}

function keyOfTable({ table, generation }: TableRequest['id']): string {
  return `${table} ${generation}`;
}

function parsed(checkpoint: string | undefined): Json | undefined {
  return checkpoint === undefined ? undefined : (JSON.parse(checkpoint) as Json);
}

const NOTHING_TO_SAY = { bytes: null, dependents: [], columns: [], misfits: [], guards: [] } as const;

class MemoryDestination implements Destination {
  readonly lanes: number;
  readonly gatherMilliseconds: number;
  readonly #database: MemoryDatabase;
  readonly #means: MemoryDestinationMeans;
  readonly #epochs = new Map<string, number>();
  readonly #applying = new Set<string>();
  /** Exchanges come beside the session's own work: it may go idle, or end, in the middle of one. */
  readonly #exchanging = new Set<string>();
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
    const { id } = request;
    const { tables } = this.#database;
    let table = tables.get(this.#database.nameOf(id) ?? '');
    if (table === undefined) {
      const state = newTable(request.schema, 'loading');
      const { generation } = id;
      table = { collection: request.collection, generation, epoch: 0, state, checkpoint: undefined };
      // Invariant 7: the name is the live generation's until a swap.
      tables.set(tables.has(id.table) ? besideName(id) : id.table, table);
    }
    assert(table.collection === request.collection, `${id.table} belongs to ${table.collection}`);
    // Invariant 3: from now on earlier writers are refused.
    table.epoch += 1;
    this.#epochs.set(keyOfTable(id), table.epoch);
    await this.#means.turn();
    return new MemoryTable(request, parsed(table.checkpoint), this.#database);
  }

  async apply(works: readonly Work[], signal: AbortSignal): Promise<void> {
    const names = works.map((work) => keyOfTable(work.table.request.id));
    this.#begin(names);
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

  async swap(
    pairs: readonly TablePair[],
    signal: AbortSignal,
  ): Promise<{ readonly attempts: number; readonly longestWaitMilliseconds: number }> {
    const handles = pairs.flatMap(({ live, next }) => [live, next]);
    const names = handles.map(({ request }) => keyOfTable(request.id));
    this.#checkOpen();
    // Writers of both are at rest.
    this.#begin(names, this.#exchanging);
    try {
      await this.#means.turn();
      signal.throwIfAborted();
      for (const { request } of handles) this.#fenced(request.id);
      for (let turns = this.#means.random.below(MOST_SWAP_TURNS); turns >= 0; turns -= 1)
        await this.#means.turn();
      this.#checkOpen();
      const fault = this.#means.swapFault?.(pairs) ?? 'none';
      for (const { request } of handles) this.#fenced(request.id);
      // All or nothing: no turn between.
      if (fault !== 'refused') for (const pair of pairs) this.#exchange(pair);
      await this.#means.turn();
      if (fault !== 'none')
        throw new Problem('BRM-SIM-DESTINATION', 'the destination was lost', { kind: 'retry' });
      return { attempts: 1, longestWaitMilliseconds: 0 };
    } finally {
      for (const name of names) this.#exchanging.delete(name);
    }
  }

  async read(handle: TableHandle, schema: Schema, signal: AbortSignal): Promise<TableRows> {
    await this.#means.turn();
    signal.throwIfAborted();
    this.#checkOpen();
    const { id } = handle.request;
    const table = this.#database.tables.get(this.#database.nameOf(id) ?? '');
    if (table === undefined)
      throw new Problem('BRM-SIM-GONE', `generation ${id.generation} of ${id.table} was dropped`);
    // One snapshot: states are never changed in place.
    const { rows } = evolve(table.state, schema);
    const checkpoint = parsed(table.checkpoint);
    return {
      checkpoint,
      batches: this.#batches(rows, schema, signal),
      [Symbol.asyncDispose]: () => this.#means.turn(),
    };
  }

  async survey(table: string): Promise<TableSurvey | undefined> {
    await this.#means.turn();
    const live = this.#database.tables.get(table);
    if (live === undefined) return undefined;
    return { ...NOTHING_TO_SAY, rows: live.state.rows.length };
  }

  async idle(): Promise<void> {
    assert(this.#applying.size === 0, 'nothing is under way when it is idle');
    await this.#means.turn();
  }

  async drop(id: TableRequest['id']): Promise<void> {
    await this.#means.turn();
    const key = keyOfTable(id);
    assert(
      !this.#applying.has(key) && !this.#exchanging.has(key),
      'a table is not dropped while it is written',
    );
    const name = this.#database.nameOf(id);
    if (name !== undefined) this.#database.tables.delete(name);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    assert(this.#applying.size === 0, 'nothing is under way when it is closed');
    this.#closed = true;
  }

  /** Those who come beside the session may come too late. */
  #checkOpen(): void {
    if (this.#closed) throw new Problem('BRM-SIM-DESTINATION', 'the destination was lost', { kind: 'retry' });
  }

  #begin(names: readonly string[], begun = this.#applying): void {
    assert(!this.#closed, 'the destination is open');
    assert(new Set(names).size === names.length, 'a table is in one transaction once');
    for (const name of names) {
      const isFree = !this.#applying.has(name) && !this.#exchanging.has(name);
      assert(isFree, `${name} is written by one transaction at a time`);
      begun.add(name);
    }
    assert(this.#applying.size <= 64, 'applies are few');
  }

  /** Invariant 3: the table, if this writer still has it. */
  #fenced(id: TableRequest['id']): DestinationTable {
    const table = this.#database.tables.get(this.#database.nameOf(id) ?? '');
    if (table === undefined || table.epoch !== this.#epochs.get(keyOfTable(id)))
      throw new Problem('BRM-SIM-FENCED', `${id.table} has another writer`, { kind: 'retry' });
    return table;
  }

  #exchange({ live, next }: TablePair): void {
    const { tables } = this.#database;
    const { id } = next.request;
    assert(live.request.id.table === id.table, 'a pair is two generations of one table');
    if (next.place === 'live') return;
    assert(live.place === 'live', 'one of a pair has the name');
    const before = this.#fenced(live.request.id);
    const after = this.#fenced(id);
    // Invariant 7.
    assert(
      after.state.phase === 'settled' || before.state.phase !== 'settled',
      'what takes the place of a complete table is complete',
    );
    tables.delete(besideName(id));
    tables.set(besideName(live.request.id), before);
    tables.set(id.table, after);
  }

  async *#batches(
    rows: readonly (readonly Value[])[],
    schema: Schema,
    signal: AbortSignal,
  ): AsyncGenerator<Batch, void, undefined> {
    for (let from = 0; from < rows.length;) {
      await this.#means.turn();
      signal.throwIfAborted();
      const part = rows.slice(from, from + 1 + this.#means.random.below(MOST_BATCH_ROWS));
      from += part.length;
      const columns = schema.columns.map(({ type }, index) =>
        columnOf(
          type,
          part.map((row) => valueAs(type, row[index] as Value)),
        ),
      );
      yield { schema, rows: part.length, columns, changes: undefined };
    }
  }

  /** Does the work on a copy; the returned function shows it, if the fence still holds. */
  #prepare({ table: handle, actions, checkpoint }: Work): () => void {
    const { id } = handle.request;
    const name = id.table;
    const table = this.#fenced(id);
    const poison = this.#means.poison(name, actions);
    if (poison !== undefined) throw poison;
    let { state } = table;
    for (const action of actions) state = act(state, action, this.#means.random);
    const kept = JSON.stringify(checkpoint);
    const before = table.state;
    return () => {
      assert(this.#fenced(id) === table, `${name} is where it was`);
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
