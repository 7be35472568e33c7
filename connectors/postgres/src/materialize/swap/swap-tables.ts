import { setTimeout as sleep } from 'node:timers/promises';

import { assert, Problem } from '@brimful/model';
import type { ConnectorContext } from '@brimful/connector';

import { problemOf, serverError } from '../failure.ts';
import type { Lane } from '../lane.ts';
import type { OpenTable } from '../open-table.ts';
import { PipelineError } from '../pipeline.ts';
import { freeGenerationName } from '../prepare-table.ts';
import { FREE_PLANS } from '../session.ts';
import { carryStatements } from './carry.ts';
import { CHANGED, exchangeStatements, fenceSql, oidsOf, SWAP_TRY_MS, viewsOf } from './exchange.ts';
import type { Exchange, ExchangeStatements } from './exchange.ts';
import { digestSql, readCatalog } from './relation-catalog.ts';
import type { RelationCatalog } from './relation-catalog.ts';
import { misfits, refusalsOf } from './refusals.ts';
import type { Refusal } from './refusals.ts';

/** Between tries, readers that queued up behind one get through. Grows, and varies so as not to meet a rhythm. */
const PAUSE_MS = 60;
const LONGEST_PAUSE_MS = 1_000;
const PAUSE_GROWTH = 1.3;
/** A try that took too long by itself gets more time the next time: many views, or a machine that is busy. */
const TRY_GROWTH = 1.5;
const LONGEST_TRY_MS = 1_000;
/** Somebody who changes the tables' surroundings without end is told about. */
const LOOKS_LIMIT = 100;
/** For building indexes beside. */
const INDEX_MEMORY = '512MB';

export interface OpenPair {
  readonly live: OpenTable;
  readonly next: OpenTable;
}

export interface SwapOptions {
  readonly lane: Lane;
  readonly pairs: readonly OpenPair[];
  readonly context: ConnectorContext;
  readonly signal: AbortSignal;
  readonly timeoutMilliseconds: number;
}

export interface SwapOutcome {
  readonly attempts: number;
  /** Longest time that one try kept others waiting. */
  readonly longestWaitMilliseconds: number;
}

/**
 * First everything that readers rely on is brought to the tables beside, then the names are exchanged in tries of a few
 * milliseconds. What was looked at is compared again under the locks: nothing that somebody changes meanwhile is lost.
 */
export async function swapTables(options: SwapOptions): Promise<SwapOutcome> {
  const { lane, pairs, context, signal } = options;
  for (const { live, next } of pairs) {
    assert(live.place === 'live' && next.place === 'beside', `one generation of ${live.name} is beside`);
    assert(live.name === next.name && live.schemaName === next.schemaName, 'both are of one table');
    // Invariant 7
    assert(next.facts.state === 'settled', `${next.name} is complete before it is swapped in`);
  }
  const deadline = context.now() + options.timeoutMilliseconds;
  let attempts = 0;
  let longestWaitMilliseconds = 0;
  let holders: string | undefined;
  let tryMilliseconds = SWAP_TRY_MS;
  for (let looks = 0; looks < LOOKS_LIMIT; looks += 1) {
    const { exchanges, digest } = await prepare(lane, pairs);
    for (let pause = PAUSE_MS; ; pause = Math.min(pause * PAUSE_GROWTH, LONGEST_PAUSE_MS)) {
      if (signal.aborted || context.now() > deadline) throw busy(pairs, holders);
      attempts += 1;
      const { outcome, milliseconds } = await tryOnce(
        options,
        exchangeStatements(exchanges, digest, tryMilliseconds),
        exchanges,
      ).catch((error: unknown) => {
        throw signal.aborted ? busy(pairs, holders, error) : error;
      });
      longestWaitMilliseconds = Math.max(longestWaitMilliseconds, milliseconds);
      if (outcome === 'swapped') return { attempts, longestWaitMilliseconds };
      if (outcome === 'changed') break;
      if (outcome === 'slow') tryMilliseconds = Math.min(tryMilliseconds * TRY_GROWTH, LONGEST_TRY_MS);
      holders = await holdersOf(lane, exchanges);
      await rest(pause * (0.5 + Math.random()), signal);
    }
  }
  throw new Problem(
    'BRM-PG-SWAP-BUSY',
    `The tables around ${names(pairs)} change faster than they can be looked at.`,
    {
      kind: 'retry',
      remedy: 'Stop what alters, grants or creates views there, and try again.',
      at: place(pairs),
    },
  );
}

async function rest(milliseconds: number, signal: AbortSignal): Promise<void> {
  // An abort ends the pause; the loop sees to the rest.
  await sleep(milliseconds, undefined, { signal }).catch((error: unknown) => {
    if (!signal.aborted) throw error;
  });
}

interface Prepared {
  readonly exchanges: readonly Exchange[];
  /** Of the catalog as the exchanges have it, or as it was before. */
  readonly digest: string;
}

/** Brings the generations beside in line, until a look finds nothing more to do. */
async function prepare(lane: Lane, pairs: readonly OpenPair[]): Promise<Prepared> {
  for (let looks = 0; looks < LOOKS_LIMIT; looks += 1) {
    const first = await lookAt(lane, pairs);
    // Before the look that counts: what changes in between shows under the locks.
    const digest = await digestOf(lane, first);
    const exchanges = await lookAt(lane, pairs);
    const carrying = exchanges.flatMap(({ liveCatalog, nextCatalog, next }) =>
      carryStatements(liveCatalog, nextCatalog, next.request.id.generation),
    );
    if (carrying.length === 0) return { exchanges, digest };
    await carry(lane, pairs, carrying);
  }
  throw new Problem('BRM-BUG', `what ${names(pairs)} needs for its swap never settles`, { kind: 'bug' });
}

async function lookAt(lane: Lane, pairs: readonly OpenPair[]): Promise<Exchange[]> {
  const exchanges: Exchange[] = [];
  for (const { live, next } of pairs) {
    const liveCatalog = await catalogOf(lane, live);
    const nextCatalog = await catalogOf(lane, next);
    const refusals = [
      ...refusalsOf(liveCatalog, live.facts.shape, live.adopted),
      ...misfits(liveCatalog, nextCatalog),
    ];
    if (refusals.length > 0) throw refused(live, refusals);
    const { table: name, generation } = live.request.id;
    const { schemaName } = live;
    const besideName = await freeGenerationName(lane, { schemaName, name, generation });
    exchanges.push({ live, next, liveCatalog, nextCatalog, besideName });
  }
  return exchanges;
}

async function catalogOf(lane: Lane, table: OpenTable): Promise<RelationCatalog> {
  const catalog = await readCatalog(lane, table.schemaName, table.relationName);
  if (catalog !== undefined) return catalog;
  throw new Problem('BRM-PG-TABLE-GONE', `Table ${table.relation} is not in the destination any more.`, {
    remedy: 'Order a reset run of this table.',
    at: { table: table.name },
  });
}

async function digestOf(lane: Lane, exchanges: readonly Exchange[]): Promise<string> {
  const found = await lane.query(`SELECT ${digestSql(oidsOf(exchanges))} AS digest`);
  return found.rows[0]?.['digest'] as string;
}

/** In one transaction behind the fence of all of them: a writer that was replaced changes nothing. (Invariant 3) */
async function carry(lane: Lane, pairs: readonly OpenPair[], statements: readonly string[]): Promise<void> {
  const tables = pairs.flatMap(({ live, next }) => [live, next]);
  const head = [
    'BEGIN',
    fenceSql(tables),
    FREE_PLANS,
    `SELECT set_config('maintenance_work_mem', '${INDEX_MEMORY}', true)`,
  ];
  const texts = [...head, ...statements, 'COMMIT'];
  try {
    await lane.run(texts.map((text) => ({ text })));
  } catch (error) {
    if (!(error instanceof PipelineError)) throw error;
    if (error.statement === 1) throw fenced(pairs, error);
    const problem = problemOf(error, `preparing the next generation of ${names(pairs)} for its swap`);
    throw new Problem(problem.code, `${problem.message}, doing: ${texts[error.statement] ?? ''}`, {
      kind: problem.kind,
      ...(problem.remedy === undefined ? {} : { remedy: problem.remedy }),
      at: { ...place(pairs), ...problem.at },
      cause: error,
    });
  }
}

/** Locks that were not to be had in time, a deadlock. */
const BUSY: ReadonlySet<string> = new Set(['55P03', '40P01']);
/** A statement that was cancelled by its clock. */
const TOO_LONG = '57014';
const GONE_OR_TAKEN: ReadonlySet<string> = new Set(['42P07', '42710', '23505', '42P01', '42704']);
/** A view's columns would not be what they were, or something in it does not fit any more. */
const VIEW_MISFIT: ReadonlySet<string> = new Set(['42P16', '42703', '42883', '42804']);
const DIVISION_BY_ZERO = '22012';

async function tryOnce(
  { lane, pairs, context }: SwapOptions,
  { beside, fence, exchange }: ExchangeStatements,
  exchanges: readonly Exchange[],
): Promise<{ readonly outcome: 'swapped' | 'busy' | 'slow' | 'changed'; readonly milliseconds: number }> {
  let started: number | undefined;
  const milliseconds = (): number => (started === undefined ? 0 : performance.now() - started);
  context.reach('postgres.swap.send');
  try {
    await lane.run(beside);
    started = performance.now();
    await lane.run(exchange);
  } catch (error) {
    if (!(error instanceof PipelineError)) throw error;
    const code = serverError(error)?.code ?? '';
    if (code === DIVISION_BY_ZERO && started === undefined && error.statement === fence)
      throw fenced(pairs, error);
    // Somebody altered something, dropped a view or took a name between the look and the locks.
    if (code === CHANGED || GONE_OR_TAKEN.has(code))
      return { outcome: 'changed', milliseconds: milliseconds() };
    if (code === TOO_LONG) return { outcome: 'slow', milliseconds: milliseconds() };
    if (BUSY.has(code)) return { outcome: 'busy', milliseconds: milliseconds() };
    throw VIEW_MISFIT.has(code) ? misfit(pairs, error) : problemOf(error, `swapping ${names(pairs)}`);
  }
  const taken = milliseconds();
  context.reach('postgres.swap.committed');
  for (const { live, next, besideName } of exchanges) {
    next.relationName = live.relationName;
    live.relationName = besideName;
  }
  return { outcome: 'swapped', milliseconds: taken };
}

/** What the catalog did not tell: a view that reads the table as a whole, say. */
function misfit(pairs: readonly OpenPair[], error: PipelineError): Problem {
  return new Problem(
    'BRM-PG-SWAP-DEPENDENT',
    `A view cannot read the next generation of ${names(pairs)}: ${error.message}`,
    {
      remedy: 'Drop the view before the run and create it again afterwards.',
      at: place(pairs),
      cause: error,
    },
  );
}

/** Whom the swap waits for: what an operator can act on. */
async function holdersOf(lane: Lane, exchanges: readonly Exchange[]): Promise<string> {
  const oids = [...oidsOf(exchanges), ...viewsOf(exchanges).map(({ oid }) => oid)];
  const found = await lane.query(
    `SELECT DISTINCT format('pid %s (%s, %s%s)', a.pid, COALESCE(NULLIF(a.application_name, ''), a.backend_type),
              COALESCE(a.state, 'running'), ', for ' || round(extract(epoch FROM clock_timestamp() - a.xact_start)) || ' s') AS holder
       FROM pg_locks l JOIN pg_stat_activity a ON a.pid = l.pid
      WHERE l.granted AND l.pid <> pg_backend_pid() AND l.locktype = 'relation'
        AND l.database = (SELECT oid FROM pg_database WHERE datname = current_database()) AND l.relation IN (${oids.join(', ')})`,
  );
  return found.rows.map((row) => String(row['holder'])).join(', ');
}

function busy(pairs: readonly OpenPair[], holders: string | undefined, cause?: unknown): Problem {
  const who = holders === undefined || holders === '' ? 'other sessions' : holders;
  return new Problem('BRM-PG-SWAP-BUSY', `${names(pairs)} could not be swapped: held by ${who}.`, {
    kind: 'retry',
    remedy: 'It is tried again. To end a session that holds the table: SELECT pg_terminate_backend(pid);',
    at: place(pairs),
    cause,
  });
}

function refused(live: OpenTable, refusals: readonly Refusal[]): Problem {
  const list = refusals.map(({ what, why }) => `${what} (${why})`).join('; ');
  return new Problem('BRM-PG-SWAP-DEPENDENT', `${live.name} cannot be swapped because of ${list}.`, {
    remedy: [...new Set(refusals.map(({ remedy }) => remedy))].join(' '),
    at: { table: live.name },
  });
}

function fenced(pairs: readonly OpenPair[], cause: unknown): Problem {
  return new Problem('BRM-PG-FENCED', `Another writer has taken over ${names(pairs)}: nothing was swapped.`, {
    remedy: 'Stop the other process that runs this materialization; only one may.',
    at: place(pairs),
    cause,
  });
}

function names(pairs: readonly OpenPair[]): string {
  return pairs.map(({ live }) => live.name).join(', ');
}

function place(pairs: readonly OpenPair[]): { readonly table: string } {
  return { table: names(pairs) };
}
