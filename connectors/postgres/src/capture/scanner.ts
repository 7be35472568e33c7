import type { Chunk, ScanPlan } from '@brimful/connector';
import type { Column, Range, Schema, Scope } from '@brimful/model';
import { ColumnBuilder, Problem, WHOLE_TABLE } from '@brimful/model';
import { setTimeout as sleep } from 'node:timers/promises';
import { decoderOf } from '../types/decoder.ts';
import type { PostgresType } from '../types/postgres-type.ts';
import type { RawSession } from '../wire/raw-session.ts';
import { problemOf, ServerError } from '../wire/server-error.ts';
import type { SessionPool } from '../wire/session-pool.ts';
import { describeLockHolders } from './blockers.ts';
import type { Catalog } from './catalog.ts';
import { ChunkReader } from './chunk-reader.ts';
import { ChunkSize } from './chunk-size.ts';
import type { JoinedTable } from './joined-table.ts';
import type { JoinedTables } from './joined-tables.ts';
import type { PageRange, PlannedLeaf } from './scan-plan.ts';
import { nextRange, pagesOf, plannedLeaves } from './scan-plan.ts';
import {
  boundQuery,
  chunkSql,
  KEYS_SETTINGS,
  keysQuery,
  leafCheck,
  pagesQuery,
  selectList,
  STRETCH_SETTINGS,
  wholeQuery,
} from './scan-sql.ts';
import type { BoundColumn } from './scope-bound.ts';
import { conditionSql } from './scope-bound.ts';
import { planScope } from './plan-scope.ts';
import type { KeysDetail, PagesDetail, StretchesDetail } from './scoped-plan.ts';
import { currentColumns, keysOf, nextUnits, scopedDetail, unitsOf } from './scoped-plan.ts';
import { schemaOf } from './table-schema.ts';
import type { Leaf } from './table.ts';

export interface ScannerOptions {
  readonly readers: SessionPool;
  readonly catalog: Catalog;
  readonly control: SessionPool;
  readonly tables: JoinedTables;
  readonly generatedToo: boolean;
  readonly lockMilliseconds: number;
  readonly now: () => number;
  /** Resolves when every transaction that ran when the table joined has ended. */
  readonly settled: (table: JoinedTable) => Promise<void>;
}

/** Other statements queue behind a waiting lock: many short waits instead of one long one. */
const LOCK_ATTEMPTS = 10;
const LOCK_PAUSE_MILLISECONDS = 500;
/** A table whose shape changes between every look and its lock is not going to hold still. */
const SHAPE_ATTEMPTS = 10;

interface Request {
  readonly table: JoinedTable;
  /** Leaves with the filenode they must still have; undefined: as the catalog has them. */
  readonly planned: readonly PlannedLeaf[] | undefined;
  /** The table that was planned, and leaves that must still be its own, whatever became of their pages. */
  readonly kept?: { readonly table: number; readonly leaves: readonly number[] };
  /** Every leaf that the table has now must be planned: rows in another one would be taken for read. */
  readonly wholeTree: boolean;
  readonly settings?: string;
  readonly query: (columns: string, schema: Schema, leaves: readonly Leaf[]) => string;
  readonly finished: (bytes: number) => void;
}

/** Reads chunks: locks, checks that the table is still what it was planned as, and copies. */
export class Scanner {
  readonly #options: ScannerOptions;
  readonly #sizes = new Map<string, ChunkSize>();

  constructor(options: ScannerOptions) {
    this.#options = options;
  }

  /** As chunks of the table have it. */
  schema(resource: string): Schema {
    return this.#schema(this.#table(resource));
  }

  async plan(resource: string, scope: Scope = WHOLE_TABLE): Promise<ScanPlan> {
    const table = this.#table(resource);
    await this.#options.settled(table);
    await this.#refresh(table);
    const { control } = this.#options;
    const plan = await control
      .use((session) => planScope(session, table.table, this.#schema(table), scope))
      .catch((error: unknown) => {
        throw problemOf(error, `Planning how to read ${resource}`);
      });
    this.#sizes.delete(plan.fingerprint);
    return plan;
  }

  next(plan: ScanPlan, remaining: readonly Range[], atMostBytes = Infinity): Range {
    const detail = scopedDetail(plan);
    const pages = this.#size(plan).pagesFor(atMostBytes);
    return detail === undefined || detail.kind === 'pages'
      ? nextRange(plan, remaining, pages)
      : nextUnits(detail, remaining, pages);
  }

  async scan(resource: string, plan: ScanPlan, range: Range, signal: AbortSignal): Promise<Chunk> {
    const table = this.#table(resource);
    const detail = scopedDetail(plan);
    switch (detail?.kind) {
      case 'keys':
        return this.#read(keysRequest(table, keysOf(detail, range), detail), signal);
      case 'stretches':
        return this.#read(this.#stretchRequest(table, plan, detail, range), signal);
      default:
        return this.#read(this.#pagesRequest(table, plan, detail, range), signal);
    }
  }

  #pagesRequest(table: JoinedTable, plan: ScanPlan, detail: PagesDetail | undefined, range: Range): Request {
    const ranges = pagesOf(plan, range);
    return {
      table,
      planned: plan.divisible ? ranges.map((pages) => pages.leaf) : plannedLeaves(plan),
      wholeTree: !plan.divisible,
      query: (columns, _schema, leaves) => {
        if (!plan.divisible) return wholeQuery(columns, leaves);
        const filter =
          detail === undefined
            ? undefined
            : conditionSql({ ...detail, columns: plannedColumns(table, detail.columns) });
        return pagesQuery(table.table, columns, placed(ranges, leaves), filter);
      },
      finished: this.#measuring(
        plan,
        ranges.reduce((sum, { from, to }) => sum + to - from, 0),
      ),
    };
  }

  #stretchRequest(table: JoinedTable, plan: ScanPlan, detail: StretchesDetail, range: Range): Request {
    const { from, to } = unitsOf(detail, range);
    return {
      table,
      planned: undefined,
      kept: { table: detail.table, leaves: detail.leaves },
      wholeTree: false,
      settings: STRETCH_SETTINGS,
      query: (columns) =>
        boundQuery(table.table, columns, {
          columns: plannedColumns(table, detail.columns),
          from: detail.points[from] ?? null,
          to: detail.points[to] ?? null,
        }),
      finished: this.#measuring(plan, (to - from) * detail.pages),
    };
  }

  #measuring(plan: ScanPlan, pages: number): (bytes: number) => void {
    const started = this.#options.now();
    return (bytes) =>
      this.#size(plan).measured({ pages, bytes, milliseconds: this.#options.now() - started });
  }

  async scanKeys(
    resource: string,
    keys: readonly Column[],
    rows: number,
    signal: AbortSignal,
  ): Promise<Chunk> {
    const table = this.#table(resource);
    const request: Request = {
      table,
      planned: undefined,
      wholeTree: false,
      settings: KEYS_SETTINGS,
      query: (columns, schema) => keysQuery(table.table, schema, columns, keys, rows),
      finished: () => undefined,
    };
    return this.#read(request, signal);
  }

  async #read(request: Request, signal: AbortSignal): Promise<Chunk> {
    const { resource } = request.table;
    await this.#options.settled(request.table);
    for (let attempt = 1; ; attempt += 1) {
      signal.throwIfAborted();
      const outcome = await this.#attempt(request, signal);
      if (outcome instanceof ChunkReader) return outcome;
      if (outcome === 'locked') {
        if (attempt >= LOCK_ATTEMPTS) throw await this.#lockedProblem(request.table);
        await sleep(LOCK_PAUSE_MILLISECONDS, undefined, { signal });
      } else {
        if (attempt >= SHAPE_ATTEMPTS) throw moved(resource, 'its shape keeps changing');
        await this.#refresh(request.table);
      }
    }
  }

  /** `locked`: somebody holds the table. `changed`: our picture of it is old. */
  async #attempt(request: Request, signal: AbortSignal): Promise<ChunkReader | 'locked' | 'changed'> {
    const { table, planned, kept } = request;
    const leaves = kept === undefined ? leavesOf(table, planned) : keptLeaves(table, kept);
    const schema = this.#schema(table);
    const session = await this.#options.readers.take();
    const reader = this.#reader(session, table, schema, request.finished, signal);
    try {
      const [, shape, state] = await reader.start(
        chunkSql({
          table: table.table,
          leaves,
          wholeTree: request.wholeTree,
          lockMilliseconds: this.#options.lockMilliseconds,
          query: request.query(selectList(table.table, schema), schema, leaves),
          ...(request.settings === undefined ? {} : { settings: request.settings }),
        }),
      );
      if (planned !== undefined && (state ?? '') !== leafCheck(table.table, planned)) {
        throw moved(table.resource, 'it was rewritten or its partitions changed');
      }
      if (kept !== undefined && !areKept(table, kept.leaves, state ?? '')) {
        throw moved(table.resource, 'its partitions changed');
      }
      if (shape === table.table.shape) return reader;
      await reader[Symbol.asyncDispose]();
      return 'changed';
    } catch (error) {
      await reader[Symbol.asyncDispose]();
      signal.throwIfAborted();
      if (error instanceof ServerError) {
        if (error.code === '55P03') return 'locked';
        if (CHANGED.has(error.code)) return 'changed';
      }
      throw problemOf(error, `Reading ${table.resource}`);
    }
  }

  #reader(
    session: RawSession,
    table: JoinedTable,
    schema: Schema,
    finished: (bytes: number) => void,
    signal: AbortSignal,
  ): ChunkReader {
    const onAbort = (): void => session.destroy();
    signal.addEventListener('abort', onAbort, { once: true });
    return new ChunkReader({
      session,
      schema,
      decoders: schema.columns.map((column) => decoderOf(typeOf(table, column.sourceId))),
      table: table.resource,
      finished,
      release: async () => {
        signal.removeEventListener('abort', onAbort);
        await this.#options.readers.give(session);
      },
    });
  }

  /** The table's own shape, under the key that the stream goes by. */
  #schema(table: JoinedTable): Schema {
    const schema = schemaOf(table.table, this.#options.generatedToo, table.loosened);
    const key = table.schema.key.map((name) => {
      const number = table.schema.columns.find((column) => column.name === name)?.sourceId;
      return schema.columns.find((column) => column.sourceId === number)?.name;
    });
    return key.every((name) => name !== undefined) ? { ...schema, key } : schema;
  }

  async #refresh(table: JoinedTable): Promise<void> {
    const [found] = await this.#options.control.use((session) =>
      this.#options.catalog.tablesByOid(session, [table.oid]),
    );
    if (found === undefined) throw moved(table.resource, 'it was dropped');
    table.table = found;
  }

  #table(resource: string): JoinedTable {
    const table = this.#options.tables.get(resource);
    if (table !== undefined && !table.ended) return table;
    throw new Problem(
      'BRM-PG-NOT-JOINED',
      `${resource} is not in the stream: it was dropped or has failed.`,
      {
        at: { table: resource },
      },
    );
  }

  /** Plans of earlier runs are measured anew. */
  #size(plan: ScanPlan): ChunkSize {
    const known = this.#sizes.get(plan.fingerprint);
    if (known !== undefined) return known;
    const size = new ChunkSize(plan.estimate.bytes / Math.max(1, plannedPages(plan)));
    this.#sizes.set(plan.fingerprint, size);
    return size;
  }

  async #lockedProblem(table: JoinedTable): Promise<Problem> {
    const oids = [table.oid, ...table.table.leaves.map((leaf) => leaf.oid)];
    const holders = await this.#options.control.use((session) => describeLockHolders(session, oids));
    return new Problem('BRM-PG-LOCKED', `${table.resource} cannot be read: it is locked by ${holders}.`, {
      kind: 'retry',
      remedy: 'Let the statement that holds the lock end.',
      at: { table: table.resource },
    });
  }
}

/** Undefined table, column or function; a leaf's type that no longer fits the others'. */
const CHANGED: ReadonlySet<string> = new Set(['42P01', '42703', '42883', '42804', '3F000']);

function leavesOf(table: JoinedTable, planned: readonly PlannedLeaf[] | undefined): readonly Leaf[] {
  const { leaves } = table.table;
  // A look-up by keys goes through the root and so through all leaves.
  if (planned === undefined) return table.table.kind === 'p' ? [] : leaves;
  return planned.map((one) => {
    const leaf = leaves.find((candidate) => candidate.oid === one.oid);
    if (leaf === undefined) throw moved(table.resource, 'a partition is gone');
    return leaf;
  });
}

function keptLeaves(
  table: JoinedTable,
  kept: { readonly table: number; readonly leaves: readonly number[] },
): readonly Leaf[] {
  if (kept.table !== table.oid) throw moved(table.resource, 'it is another table');
  const { leaves } = table.table;
  const present = leaves.filter((leaf) => kept.leaves.includes(leaf.oid));
  if (present.length < kept.leaves.length) throw moved(table.resource, 'a partition is gone');
  return present;
}

/** `state`: what `chunkSql` says of the leaves, each `oid:filenode:root`. */
function areKept(table: JoinedTable, leaves: readonly number[], state: string): boolean {
  const own = state.split(',').flatMap((leaf) => {
    const [oid, , root] = leaf.split(':');
    return Number(root) === table.oid ? [Number(oid)] : [];
  });
  return leaves.every((oid) => own.includes(oid));
}

function plannedColumns(table: JoinedTable, noted: PagesDetail['columns']): readonly BoundColumn[] {
  const columns = currentColumns(table.table, noted);
  if (columns === undefined) throw moved(table.resource, 'a column that the scope goes by has changed');
  return columns;
}

/** About how many pages' worth of rows a plan is for. */
function plannedPages(plan: ScanPlan): number {
  const detail = scopedDetail(plan);
  if (detail?.kind === 'stretches') return detail.pages * (detail.points.length - 1);
  if (detail?.kind === 'keys') return 0;
  return plannedLeaves(plan).reduce((sum, leaf) => sum + leaf.pages, 0);
}

function keysRequest(table: JoinedTable, keys: readonly (readonly string[])[], detail: KeysDetail): Request {
  return {
    table,
    planned: undefined,
    kept: { table: detail.table, leaves: [] },
    wholeTree: false,
    settings: KEYS_SETTINGS,
    query: (columns, schema) => {
      const names = plannedColumns(table, detail.columns).map((column) => column.name);
      if (names.join('\0') !== schema.key.join('\0')) throw moved(table.resource, 'it has another key');
      const texts = names.map((_, index) => textColumn(keys.map((key) => key[index] as string)));
      return keysQuery(table.table, schema, columns, texts, keys.length);
    },
    finished: () => undefined,
  };
}

function textColumn(values: readonly string[]): Column {
  const builder = new ColumnBuilder({ kind: 'text' });
  for (const value of values) builder.appendBytes(Buffer.from(value, 'utf8'));
  return builder.finish();
}

function placed(
  ranges: readonly PageRange[],
  leaves: readonly Leaf[],
): { readonly pages: PageRange; readonly leaf: Leaf }[] {
  return ranges.map((pages, index) => ({ pages, leaf: leaves[index] as Leaf }));
}

function typeOf(table: JoinedTable, number: number | undefined): PostgresType {
  const attribute = table.table.attributes.find((candidate) => candidate.number === number);
  return attribute?.type as PostgresType;
}

function moved(resource: string, why: string): Problem {
  return new Problem('BRM-SCAN-MOVED', `${resource} must be read from the start: ${why}.`, {
    kind: 'retry',
    at: { table: resource },
  });
}
