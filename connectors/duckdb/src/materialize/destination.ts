import type {
  Arrival,
  ConnectorContext,
  Destination,
  TableHandle,
  TablePair,
  TableRequest,
  TableRows,
  TableSurvey,
  Work,
} from '@brimful/connector';
import { DELETED_AT_COLUMN } from '@brimful/connector';
import type { Schema } from '@brimful/model';
import { assert, Problem } from '@brimful/model';
import type { DuckdbConfig } from '../config.ts';
import { Connection } from '../database/connection.ts';
import { DatabaseFile } from '../database/database-file.ts';
import { messageOf } from '../database/open-failure.ts';
import { acquireToRead } from '../database/patient-lease.ts';
import { applyWork } from './apply-work.ts';
import type { TableId } from './bookkeeping.ts';
import { findGenerations, forget, note, prepareBookkeeping } from './bookkeeping.ts';
import { statementProblem } from './failure.ts';
import { OpenTable } from './open-table.ts';
import { presentColumns } from './present-columns.ts';
import { readTable } from './read-table.ts';
import { constraintStatements } from './constraint-statements.ts';
import { surveyTable } from './survey-table.ts';
import { swapPairs } from './swap.ts';
import type { TableState } from './table-state.ts';
import { relationOf } from './table-state.ts';
import { takeTable } from './take-table.ts';
import { delay, WriterSession } from './writer-session.ts';

/** A merge scans the key column once whatever its size, so changes are gathered; fresh within two seconds. */
const GATHER_MILLISECONDS = 700;

/** A swap is refused while a reader of this process still sees what an index would leave out; readers are short. */
const SWAP_ATTEMPTS = 50;
const SWAP_PAUSE_MILLISECONDS = 100;

/** Columns that somebody else added to a table, as of one opening of the file. */
interface Foreign {
  readonly opening: number;
  readonly columns: readonly string[];
}

export class DuckdbDestination implements Destination {
  /** One file has one writer. */
  readonly lanes = 1;
  readonly gatherMilliseconds = GATHER_MILLISECONDS;
  readonly #session: WriterSession;
  readonly #config: DuckdbConfig;
  readonly #schema: string;
  readonly #context: ConnectorContext;
  readonly #foreign = new WeakMap<OpenTable, Foreign>();

  constructor(config: DuckdbConfig, context: ConnectorContext) {
    this.#session = new WriterSession(DatabaseFile.at(config.path), config, () => context.now());
    this.#config = config;
    this.#schema = config.schema;
    this.#context = context;
  }

  get waiting(): string | undefined {
    return this.#session.waiting;
  }

  async open(request: TableRequest): Promise<TableHandle> {
    return this.#session.use(undefined, async (connection) => {
      const row = await this.#transaction(connection, { table: request.id.table }, async () =>
        takeTable(connection, request, this.#schema),
      );
      const table = new OpenTable(request, row);
      await this.#constrain(connection, table);
      return table;
    });
  }

  async apply(works: readonly Work[], signal: AbortSignal): Promise<void> {
    const tables = works.map(({ table }) => {
      assert(table instanceof OpenTable, 'tables were opened by this destination');
      return table;
    });
    const now = BigInt(Math.trunc(this.#context.now())) * 1000n;
    await this.#session.use(signal, async (connection) => {
      const states = await this.#transaction(connection, {}, async () => {
        const changed: TableState[] = [];
        for (const [index, work] of works.entries()) {
          signal.throwIfAborted();
          changed.push(await this.#applyOne(connection, tables[index] as OpenTable, work, now));
        }
        this.#context.reach('duckdb.apply.before-commit');
        signal.throwIfAborted();
        return changed;
      });
      this.#context.reach('duckdb.apply.committed');
      for (const [index, table] of tables.entries()) {
        table.state = states[index] as TableState;
        const shaped =
          works[index]?.actions.some(({ kind }) => kind === 'evolve' || kind === 'settle') ?? false;
        if (shaped) await this.#constrain(connection, table);
      }
    });
  }

  async idle(): Promise<void> {
    await this.#session.release();
  }

  async swap(
    pairs: readonly TablePair[],
    signal: AbortSignal,
  ): Promise<{ readonly attempts: number; readonly longestWaitMilliseconds: number }> {
    let longest = 0;
    for (let attempts = 1; ; attempts += 1) {
      const started = this.#context.now();
      try {
        await this.#session.use(signal, async (connection) => this.#swapOnce(connection, pairs, signal));
        longest = Math.max(longest, this.#context.now() - started);
        return { attempts, longestWaitMilliseconds: longest };
      } catch (error) {
        const conflicts = error instanceof Problem && error.code === 'BRM-DUCKDB-CONFLICT';
        if (!conflicts || attempts === SWAP_ATTEMPTS) throw error;
        longest = Math.max(longest, this.#context.now() - started);
      }
      await delay(SWAP_PAUSE_MILLISECONDS, signal);
    }
  }

  async read(table: TableHandle, schema: Schema, signal: AbortSignal): Promise<TableRows> {
    assert(table instanceof OpenTable, 'the table was opened by this destination');
    return readTable(await this.#session.openReader(signal), table, schema);
  }

  async survey(table: string, materialization: string, arrival?: Arrival): Promise<TableSurvey | undefined> {
    const file = DatabaseFile.at(this.#config.path);
    try {
      const lease = await acquireToRead(file, this.#config, this.#context);
      try {
        const connection = await Connection.open(lease.database);
        try {
          const place = { path: file.path, schema: this.#schema, table, materialization, arrival };
          return await surveyTable(connection, place);
        } finally {
          connection.close();
        }
      } finally {
        await lease.release();
      }
    } catch (error) {
      const problem = statementProblem(error, { table });
      if (problem.code === 'BRM-DUCKDB-MISSING') return undefined;
      throw problem;
    }
  }

  async drop(id: TableId): Promise<void> {
    await this.#session.use(undefined, async (connection) => {
      await this.#transaction(connection, { table: id.table }, async () => {
        await prepareBookkeeping(connection);
        const generations = await findGenerations(connection, id);
        const row = generations.find((candidate) => candidate.id.generation === id.generation);
        if (row === undefined) return;
        if (row.state.touched !== undefined)
          await connection.run(`DROP TABLE IF EXISTS ${row.state.touched.table}`);
        const ours = !row.state.adopted && row.phase !== 'replaced';
        if (ours) await connection.run(`DROP TABLE IF EXISTS ${relationOf(row.state)}`);
        await forget(connection, id);
      });
    });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#session.dispose();
  }

  async #swapOnce(connection: Connection, pairs: readonly TablePair[], signal: AbortSignal): Promise<void> {
    const swapped = await this.#transaction(connection, {}, async () => {
      const states = await swapPairs(connection, pairs);
      this.#context.reach('duckdb.swap.before-commit');
      signal.throwIfAborted();
      return states;
    });
    this.#context.reach('duckdb.swap.committed');
    for (const { table, state } of swapped) table.state = state;
  }

  async #applyOne(connection: Connection, table: OpenTable, work: Work, now: bigint): Promise<TableState> {
    try {
      const foreign = await this.#foreignColumns(connection, table);
      this.#context.reach('duckdb.apply.table');
      return await applyWork(connection, table, work, foreign, now);
    } catch (error) {
      throw statementProblem(error, { table: table.request.id.table });
    }
  }

  /** While the file was out of our hands, somebody may have added columns, or dropped the table. */
  async #foreignColumns(connection: Connection, table: OpenTable): Promise<readonly string[]> {
    const opening = this.#session.openings;
    const known = this.#foreign.get(table);
    if (known?.opening === opening) return known.columns;
    const { state } = table;
    const present = await presentColumns(connection, state.databaseSchema, state.table);
    if (present.length === 0) {
      throw new Problem(
        'BRM-DUCKDB-TABLE-GONE',
        `table ${relationOf(state)} has been dropped or renamed by somebody else`,
        {
          remedy: 'Rename it back, or backfill it.',
        },
      );
    }
    const ours = new Set([
      ...state.columns.map((column) => column.name),
      ...(state.soft ? [DELETED_AT_COLUMN] : []),
    ]);
    const columns = present.map((column) => column.name).filter((name) => !ours.has(name));
    this.#foreign.set(table, { opening, columns });
    return columns;
  }

  /** Sets NOT NULL where it holds. That it cannot be set is no reason to stop. */
  async #constrain(connection: Connection, table: OpenTable): Promise<void> {
    const { request, epoch } = table;
    const state = structuredClone(table.state);
    const statements = constraintStatements(state);
    if (statements.length === 0) return;
    try {
      await this.#transaction(connection, {}, async () => {
        for (const statement of statements) await connection.run(statement);
        await note(connection, request.id, epoch, state);
      });
      table.state = state;
    } catch (error) {
      this.#context.log.warn(
        { table: request.id.table, reason: messageOf(error) },
        'NOT NULL could not be set; the table is complete without it',
      );
    }
  }

  async #transaction<T>(
    connection: Connection,
    at: Readonly<Record<string, string>>,
    work: () => Promise<T>,
  ): Promise<T> {
    await connection.run('BEGIN');
    try {
      const result = await work();
      await connection.run('COMMIT');
      return result;
    } catch (error) {
      await this.#rollBack(connection);
      throw statementProblem(error, at);
    }
  }

  async #rollBack(connection: Connection): Promise<void> {
    try {
      await connection.run('ROLLBACK');
    } catch (error) {
      // A failed commit has rolled back already; anything else leaves the connection unusable. Opening anew is right for both.
      this.#context.log.debug({ reason: messageOf(error) }, 'rollback failed; the file is opened anew');
      this.#session.discard();
    }
  }
}
