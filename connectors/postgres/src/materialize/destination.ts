import { assert, Problem } from '@brimful/model';
import type { Schema } from '@brimful/model';
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

import { quoteIdentifier } from '../types/identifier.ts';
import { applyWorks } from './apply-works.ts';
import type { TableWork } from './apply-works.ts';
import { ensureBookkeeping, takeOver } from './bookkeeping.ts';
import type { Note } from './bookkeeping.ts';
import type { PostgresDestinationConfig } from './config.ts';
import { problemOf, serverError } from './failure.ts';
import { Lane } from './lane.ts';
import { Lanes } from './lanes.ts';
import { OpenTable } from './open-table.ts';
import { prepareTable } from './prepare-table.ts';
import { readTable } from './read-table.ts';
import { clientConfig, sessionSettings } from './session.ts';
import { surveyTable } from './swap/survey-table.ts';
import { swapTables } from './swap/swap-tables.ts';
import type { SwapOutcome } from './swap/swap-tables.ts';
import { TUNING } from './tuning.ts';
import type { Tuning } from './tuning.ts';

/** Duplicate schema, table, key or catalog row. */
const CREATED_MEANWHILE: ReadonlySet<string> = new Set(['42P06', '42P07', '23505', '42710']);

/**
 * Tables in a Postgres database. Whatever is written goes with its checkpoint in one transaction, behind the fence of
 * its table's row in `brimful.tables`.
 */
export class PostgresDestination implements Destination {
  readonly lanes: number;
  /** A merge of a few rows takes a millisecond: waiting for more would only add to the delay. */
  readonly gatherMilliseconds = 0;
  readonly #config: PostgresDestinationConfig;
  readonly #context: ConnectorContext;
  readonly #tuning: Tuning;
  readonly #writers: Lanes;
  /** For everything that is not `apply`; one thing at a time. */
  #control: Lane | undefined;
  #controlTurn: Promise<unknown> = Promise.resolve();
  #prepared = false;

  constructor(config: PostgresDestinationConfig, context: ConnectorContext, tuning: Tuning = TUNING) {
    this.#tuning = tuning;
    this.#config = config;
    this.#context = context;
    this.lanes = config.connections;
    this.#writers = new Lanes(config, tuning);
  }

  async open(request: TableRequest): Promise<TableHandle> {
    return this.#onControl(`opening ${request.id.table}`, async (lane) => {
      try {
        return await this.#open(lane, request);
      } catch (error) {
        // Somebody else created the same thing at the same moment: now it is there to be taken over.
        if (!CREATED_MEANWHILE.has(serverError(error)?.code ?? '')) throw error;
        return this.#open(lane, request);
      }
    });
  }

  async #open(lane: Lane, request: TableRequest): Promise<OpenTable> {
    if (!this.#prepared) await ensureBookkeeping(lane);
    this.#prepared = true;
    const known = await this.#takeOver(lane, request);
    if (known !== undefined) {
      await this.#assertThere(lane, request, known);
      return tableOf(request, known);
    }
    await lane.query('BEGIN');
    try {
      const note = await prepareTable(lane, request, this.#config.schema);
      await lane.query('COMMIT');
      return tableOf(request, note);
    } catch (error) {
      await lane.rollBack();
      throw error;
    }
  }

  async apply(works: readonly Work[], signal: AbortSignal): Promise<void> {
    if (works.length === 0) return;
    const own = works.map(({ table, actions, checkpoint }): TableWork => ({
      table: opened(table),
      actions,
      checkpoint,
    }));
    assert(new Set(own.map(({ table }) => table.id)).size === own.length, 'a table comes once in an apply');
    try {
      await this.#writers.use(async (lane) => {
        const giveUp = (): void => this.#giveUp(lane);
        signal.addEventListener('abort', giveUp);
        try {
          signal.throwIfAborted();
          await applyWorks(lane, own, this.#context, signal, this.#tuning);
        } finally {
          signal.removeEventListener('abort', giveUp);
        }
      });
    } catch (error) {
      if (error instanceof Problem || signal.aborted) throw error;
      throw problemOf(error, 'writing');
    }
  }

  async read(table: TableHandle, schema: Schema, signal: AbortSignal): Promise<TableRows> {
    return readTable({
      config: this.#config,
      table: opened(table),
      schema,
      signal,
      cancel: (backend) => this.#cancel(backend),
    });
  }

  async survey(table: string, materialization: string, arrival?: Arrival): Promise<TableSurvey | undefined> {
    return this.#onControl(`looking at ${table}`, async (lane) =>
      surveyTable(lane, { schemaName: this.#config.schema, table, materialization, arrival }),
    );
  }

  /** On a connection of its own: building indexes on the generation beside may take long. */
  async swap(pairs: readonly TablePair[], signal: AbortSignal): Promise<SwapOutcome> {
    const open = pairs
      .map(({ live, next }) => ({ live: opened(live), next: opened(next) }))
      .filter(({ live, next }) => live.place === 'live' || next.place !== 'live');
    if (open.length === 0) return { attempts: 0, longestWaitMilliseconds: 0 };
    let lane: Lane | undefined;
    const giveUp = (): void => {
      if (lane !== undefined) this.#giveUp(lane);
    };
    try {
      lane = await Lane.connect(clientConfig(this.#config), sessionSettings(this.#config, this.#tuning));
      signal.throwIfAborted();
      signal.addEventListener('abort', giveUp);
      const outcome = await swapTables({
        lane,
        pairs: open,
        context: this.#context,
        signal,
        timeoutMilliseconds: this.#tuning.swapMilliseconds,
      });
      // Plans that were made for one table must not be used for the other.
      await this.#writers.renew();
      return outcome;
    } catch (error) {
      throw error instanceof Problem ? error : problemOf(error, 'swapping');
    } finally {
      signal.removeEventListener('abort', giveUp);
      await lane?.[Symbol.asyncDispose]();
    }
  }

  async idle(): Promise<void> {
    // Connections cost the server little, and the next change is welcome at once.
  }

  async drop(id: TableRequest['id']): Promise<void> {
    await this.#onControl(`dropping ${id.table}`, async (lane) => {
      await ensureBookkeeping(lane);
      await lane.query('BEGIN');
      try {
        const note = await takeOver(lane, id);
        if (note !== undefined) await removeTable(lane, note);
        await lane.query('COMMIT');
      } catch (error) {
        await lane.rollBack();
        throw error;
      }
    });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#controlTurn.catch(() => undefined);
    await Promise.all([this.#writers[Symbol.asyncDispose](), this.#control?.[Symbol.asyncDispose]()]);
  }

  async #onControl<Result>(doing: string, work: (lane: Lane) => Promise<Result>): Promise<Result> {
    const turn = this.#controlTurn.then(async () => {
      if (this.#control === undefined || this.#control.lost !== undefined) {
        this.#control = await Lane.connect(
          clientConfig(this.#config),
          sessionSettings(this.#config, this.#tuning),
        );
      }
      return work(this.#control);
    });
    this.#controlTurn = turn.catch(() => undefined);
    try {
      return await turn;
    } catch (error) {
      throw error instanceof Problem ? error : problemOf(error, doing);
    }
  }

  /** Waits for a commit that is still under way, for as long as the session's lock timeout. */
  async #takeOver(lane: Lane, request: TableRequest): Promise<Note | undefined> {
    try {
      return await takeOver(lane, request.id);
    } catch (error) {
      if (serverError(error)?.code !== '55P03') throw error;
      throw await busyWriter(lane, request, error);
    }
  }

  async #assertThere(lane: Lane, request: TableRequest, note: Note): Promise<void> {
    const found = await lane.query('SELECT to_regclass($1) IS NOT NULL AS there', [
      `${quoteIdentifier(note.schemaName)}.${quoteIdentifier(note.relationName)}`,
    ]);
    if (found.rows[0]?.['there'] === true) return;
    throw new Problem(
      'BRM-PG-TABLE-GONE',
      `Table ${note.schemaName}.${note.relationName} was removed from the destination, but Brimful had filled it up to a checkpoint.`,
      {
        remedy: 'Restore it from a backup, or order a reset run of this table.',
        at: { table: request.id.table },
      },
    );
  }

  /** The server would go on with what it has; end it there too, so that the fence row is free at once. */
  #giveUp(lane: Lane): void {
    const { backend } = lane;
    lane.destroy();
    this.#cancel(backend);
  }

  #cancel(backend: number): void {
    this.#onControl('cancelling', async (control) =>
      control.query('SELECT pg_cancel_backend($1)', [backend]),
    ).catch((error: unknown) =>
      this.#context.log.debug({ error: String(error) }, 'could not cancel the abandoned statement'),
    );
  }
}

function opened(table: TableHandle): OpenTable {
  assert(table instanceof OpenTable, 'the table was opened by this destination');
  return table;
}

function tableOf(request: TableRequest, note: Note): OpenTable {
  return new OpenTable({
    request,
    checkpoint: note.checkpoint,
    id: note.id,
    epoch: note.epoch,
    schemaName: note.schemaName,
    relationName: note.relationName,
    adopted: note.adopted,
    facts: note.facts,
  });
}

async function removeTable(lane: Lane, note: Note): Promise<void> {
  await lane.query(`DROP TABLE IF EXISTS "brimful".${quoteIdentifier(`touched_${note.id}`)}`);
  // Invariant 7: what was adopted stays with its owner.
  if (!note.adopted) {
    await lane.query(
      `DROP TABLE IF EXISTS ${quoteIdentifier(note.schemaName)}.${quoteIdentifier(note.relationName)}`,
    );
  }
  await lane.query('DELETE FROM brimful.tables WHERE id = $1', [note.id]);
}

/** Who holds the fence row, for the message: the server's own process number is what an operator can act on. */
async function busyWriter(lane: Lane, request: TableRequest, cause: unknown): Promise<Problem> {
  const { materialization, table, generation } = request.id;
  const found = await lane.query(
    `SELECT a.pid, a.xact_start::text AS since FROM brimful.tables t JOIN pg_stat_activity a ON a.backend_xid = t.xmax
      WHERE t.materialization = $1 AND t.table_name = $2 AND t.generation = $3`,
    [materialization, table, generation],
  );
  const row = found.rows[0];
  const holder =
    row === undefined
      ? 'another process'
      : `server process ${String(row['pid'])} (since ${String(row['since'])})`;
  return new Problem(
    'BRM-PG-WRITER-BUSY',
    `A transaction of an earlier writer still holds ${table}: ${holder}.`,
    {
      kind: 'retry',
      remedy:
        row === undefined
          ? 'It is tried again.'
          : `It is tried again. To end it now: SELECT pg_terminate_backend(${String(row['pid'])});`,
      at: { table },
      cause,
    },
  );
}
