import type { Value } from '@brimful/model/testing';
import type { Scheduler, SeededRandom } from './scheduler.ts';
import type { Row, SimulatedDatabase, SimulatedTable, Transaction } from './simulated-database.ts';
import { schemaOf } from './simulated-database.ts';

/** How lively the source is. */
export interface WorkloadOptions {
  readonly operations: number;
  /** Chance a step that something is done at all. */
  readonly activity: number;
  /** Chance a step that a committed transaction becomes visible. */
  readonly visibility: number;
  /** Share of operations on whole tables. */
  readonly tableShare: number;
  readonly truncates: boolean;
  readonly rewrites: boolean;
  readonly newColumns: boolean;
  /** `operations` at most: it ends when this says so. */
  readonly isWanted?: () => boolean;
  /** Changes these only, all by default. */
  readonly tables?: readonly SimulatedTable[];
}

export function addTables(database: SimulatedDatabase): void {
  database.addTable(
    'public.docs',
    [
      ['id', { kind: 'int32' }],
      ['n', { kind: 'int64' }],
      ['body', { kind: 'text' }],
      ['extra', { kind: 'text' }],
    ],
    ['id'],
    'key',
  );
  database.addTable(
    'public.lines',
    [
      ['note', { kind: 'text' }],
      ['line', { kind: 'text' }],
      ['doc', { kind: 'json', binary: true }],
      ['part', { kind: 'int32' }],
    ],
    ['part', 'line'],
    'key',
  );
  database.addTable(
    'public.log',
    [
      ['at', { kind: 'int64' }],
      ['what', { kind: 'text' }],
    ],
    [],
    'none',
  );
  database.addTable(
    'public.pairs',
    [
      ['a', { kind: 'int32' }],
      ['b', { kind: 'text' }],
    ],
    [],
    'full',
  );
}

/** Rows that are there before anybody looks. */
export function fill(database: SimulatedDatabase, random: SeededRandom, most: number): void {
  const transaction = database.begin();
  for (const table of database.tables)
    for (let row = random.below(most + 1); row > 0; row -= 1)
      database.insert(transaction, table, randomRow(random, table));
  database.commit(transaction);
  database.end(transaction);
  // No slot existed then: nothing of this is in the stream.
  database.log.length = 0;
  database.acknowledged = database.position;
}

/** Changes the source from several transactions at once, until all operations are done and all transactions ended. */
export class Workload {
  done = false;
  readonly #database: SimulatedDatabase;
  readonly #scheduler: Scheduler;
  readonly #options: WorkloadOptions;
  readonly #running: Transaction[] = [];
  readonly #committed: Transaction[] = [];

  constructor(database: SimulatedDatabase, scheduler: Scheduler, options: WorkloadOptions) {
    this.#database = database;
    this.#scheduler = scheduler;
    this.#options = options;
  }

  async run(): Promise<void> {
    const { random } = this.#scheduler;
    const { operations, isWanted } = this.#options;
    for (let done = 0; done < operations && isWanted?.() !== false;) {
      await this.#scheduler.turn();
      if (random.chance(this.#options.visibility)) this.#endOne();
      if (!random.chance(this.#options.activity)) continue;
      done += 1;
      this.#act();
    }
    for (const transaction of this.#running) this.#database.commit(transaction);
    this.#committed.push(...this.#running);
    while (this.#committed.length > 0) {
      await this.#scheduler.turn();
      if (random.chance(this.#options.visibility)) this.#endOne();
    }
    this.done = true;
  }

  /** A few changes of rows that no log tells of. Returns which tables have them. */
  actHidden(table = this.#scheduler.random.pick(this.#database.tables)): readonly string[] {
    const database = this.#database;
    const transaction = database.begin();
    for (let left = 1 + this.#scheduler.random.below(4); left > 0; left -= 1)
      this.#actOnRow(transaction, table);
    const names = [...new Set(transaction.changes.map((change) => change.table.name))];
    database.hide(transaction);
    return names;
  }

  #endOne(): void {
    if (this.#committed.length === 0) return;
    const [transaction] = this.#committed.splice(this.#scheduler.random.below(this.#committed.length), 1);
    if (transaction !== undefined) this.#database.end(transaction);
  }

  #act(): void {
    const { random } = this.#scheduler;
    if (this.#running.length === 0 || (this.#running.length < 4 && random.chance(0.15)))
      this.#running.push(this.#database.begin());
    const place = random.below(this.#running.length);
    const transaction = this.#running[place] as Transaction;
    if (random.chance(0.22)) {
      this.#running.splice(place, 1);
      if (random.chance(0.1) && !transaction.mustCommit) return this.#database.abort(transaction);
      this.#database.commit(transaction);
      this.#committed.push(transaction);
      return undefined;
    }
    const table = random.pick(this.#options.tables ?? this.#database.tables);
    if (random.chance(this.#options.tableShare)) return this.#actOnTable(transaction, table);
    return this.#actOnRow(transaction, table);
  }

  #actOnTable(transaction: Transaction, table: SimulatedTable): void {
    const { random } = this.#scheduler;
    const { truncates, rewrites, newColumns } = this.#options;
    const which = random.below(3);
    if (which === 0 && truncates) this.#database.truncate(transaction, table, random.chance(0.3));
    if (which === 1 && rewrites) this.#database.rewrite(transaction, table);
    if (which === 2 && newColumns && schemaOf(table).columns.length < 7) {
      this.#database.addColumn(transaction, table, random.chance(0.5) ? 'was there' : undefined);
    }
  }

  #actOnRow(transaction: Transaction, table: SimulatedTable): void {
    const { random } = this.#scheduler;
    const rows = this.#database.writable(transaction, table);
    if (rows.length === 0 || table.identity === 'none' || random.chance(0.3)) {
      this.#database.insert(transaction, table, randomRow(random, table));
      return;
    }
    const version = random.pick(rows);
    if (random.chance(0.25)) return this.#database.delete(transaction, table, version);
    const { columns, key } = schemaOf(table);
    const fresh = randomRow(random, table);
    // Most updates leave most columns alone, and the key nearly always.
    const row = columns.map((column, index) => {
      const changes = random.chance(key.includes(column.name) ? 0.2 : 0.4);
      if (changes) return fresh[index] as Value;
      return version.row[index] === undefined ? (column.initial ?? null) : version.row[index];
    });
    this.#database.update(transaction, table, version, row);
  }
}

function randomRow(random: SeededRandom, table: SimulatedTable): Row {
  const { columns, key } = schemaOf(table);
  return columns.map((column): Value => {
    const isKey = key.includes(column.name);
    switch (column.type.kind) {
      case 'int32':
        return random.below(isKey ? (key.length > 1 ? 3 : 9) : 3);
      case 'int64':
        return random.chance(0.1) ? null : BigInt(random.below(1000));
      case 'json':
        return random.chance(0.2) ? null : `large {"v": ${random.below(1000)}}`;
      default:
        if (isKey) return random.pick(['x', 'y', 'é']);
        if (random.chance(0.15)) return null;
        if (table.identity !== 'key') return random.pick(['p', 'q']);
        return random.chance(0.7) ? `large ${random.below(1000)}` : `small ${random.below(1000)}`;
    }
  });
}
