import type { Column, ColumnType } from '@brimful/model';
import { assert } from '@brimful/model';
import type { DuckDBType } from '@duckdb/node-api';
import { INTEGER } from '@duckdb/node-api';
import duckdb from '@duckdb/node-bindings';
import type { ColumnWriter } from '../types/column-writer.ts';
import { columnWriter, VECTOR_ROWS } from '../types/column-writer.ts';
import { nativeType } from '../types/native-type.ts';
import { ValueRefused } from '../types/value-refused.ts';

/** Rows in memory that a statement reads as a table; its columns are called `c0`, `c1`, … */
export interface Feed {
  readonly types: readonly ColumnType[];
  /** All have columns of these types. */
  readonly parts: readonly FeedPart[];
}

export interface FeedPart {
  readonly rows: number;
  readonly columns: readonly Column[];
}

/** A value of a feed that DuckDB cannot hold. */
export class FeedRefused extends Error {
  override readonly name = 'FeedRefused';
  readonly part: number;
  readonly row: number;
  /** Index in `Feed.types`. */
  readonly column: number;

  constructor(part: number, column: number, cause: ValueRefused) {
    super(cause.message, { cause });
    this.part = part;
    this.row = cause.row;
    this.column = column;
  }
}

interface Serving {
  readonly feed: Feed;
  readonly natives: readonly DuckDBType[];
  readonly writers: readonly ColumnWriter[];
  readonly rows: number;
  /** What went wrong while vectors were filled; the engine only passes on its text. */
  failure: unknown;
}

/** Where one scan of a feed stands. Threads of one scan share it; calls come one at a time. */
interface Scan {
  readonly serving: Serving;
  /** Which of the feed's columns the statement asked for. */
  readonly columns: readonly number[];
  part: number;
  row: number;
}

const FUNCTION_NAME = 'brimful_feed';
/** Over all connections: those of one instance share its functions, whichever of them registered last. */
const servings = new Map<number, Serving>();
let nextId = 1;

/**
 * Registers the table function through which statements read batches where they lie: vectors are filled from Arrow
 * memory when the engine asks for them, so nothing is staged twice, and the engine compresses on its own threads
 * meanwhile.
 */
export function registerFeeds(connection: duckdb.Connection): void {
  const table = duckdb.create_table_function();
  duckdb.table_function_set_name(table, FUNCTION_NAME);
  duckdb.table_function_add_parameter(table, INTEGER.toLogicalType().logical_type);
  duckdb.table_function_supports_projection_pushdown(table, true);
  duckdb.table_function_set_bind(table, bind);
  duckdb.table_function_set_init(table, beginScan);
  duckdb.table_function_set_function(table, (info, output) => {
    const scan = duckdb.function_get_init_data(info) as Scan;
    try {
      fillChunk(scan, output);
    } catch (error) {
      duckdb.data_chunk_set_size(output, 0);
      duckdb.function_set_error(info, error instanceof Error ? error.message : String(error));
      scan.serving.failure = error;
    }
  });
  duckdb.register_table_function(connection, table);
}

/**
 * Lets `work`'s statements read a feed's rows as the table `source`, as often as they like. Throws `FeedRefused` when a
 * value of the feed was refused.
 */
export async function serveFeed<T>(feed: Feed, work: (source: string) => Promise<T>): Promise<T> {
  const id = nextId;
  // The engine's parameter is a 32-bit integer.
  nextId = (nextId % 0x7fff_ffff) + 1;
  const serving: Serving = {
    feed,
    natives: feed.types.map(nativeType),
    writers: feed.types.map(columnWriter),
    rows: feed.parts.reduce((sum, part) => sum + part.rows, 0),
    failure: undefined,
  };
  servings.set(id, serving);
  try {
    return await work(`${FUNCTION_NAME}(${id})`);
  } catch (error) {
    throw serving.failure ?? error;
  } finally {
    servings.delete(id);
  }
}

function bind(info: duckdb.TableFunctionBindInfo): void {
  const id = duckdb.get_int32(duckdb.bind_get_parameter(info, 0));
  const serving = servings.get(id);
  if (serving === undefined) {
    duckdb.bind_set_error(info, `there is no feed ${id}`);
    return;
  }
  serving.natives.forEach((type, index) => {
    duckdb.bind_add_result_column(info, `c${index}`, type.toLogicalType().logical_type);
  });
  duckdb.bind_set_cardinality(info, serving.rows, true);
  duckdb.bind_set_bind_data(info, serving);
}

/** One thread a scan: with two, rows of one batch land in two half-filled row groups, and the file grows by half. */
function beginScan(info: duckdb.TableFunctionInitInfo): void {
  const serving = duckdb.init_get_bind_data(info) as Serving;
  const columns = Array.from({ length: duckdb.init_get_column_count(info) }, (_, index) =>
    duckdb.init_get_column_index(info, index),
  );
  duckdb.init_set_init_data(info, { serving, columns, part: 0, row: 0 } satisfies Scan);
  duckdb.init_set_max_threads(info, 1);
}

function fillChunk(scan: Scan, output: duckdb.DataChunk): void {
  const { feed, writers } = scan.serving;
  let part = feed.parts[scan.part];
  while (part !== undefined && scan.row >= part.rows) {
    scan.part += 1;
    scan.row = 0;
    part = feed.parts[scan.part];
  }
  if (part === undefined) {
    duckdb.data_chunk_set_size(output, 0);
    return;
  }
  const rows = Math.min(VECTOR_ROWS, part.rows - scan.row);
  duckdb.data_chunk_set_size(output, rows);
  for (const [place, index] of scan.columns.entries()) {
    const column = part.columns[index];
    const write = writers[index];
    // A scan that needs no column at all still asks for one, by an index of its own.
    if (column === undefined || write === undefined) continue;
    try {
      write(duckdb.data_chunk_get_vector(output, place), column, scan.row, rows);
    } catch (error) {
      assert(error instanceof ValueRefused, `writing a vector failed: ${String(error)}`);
      throw new FeedRefused(scan.part, index, error);
    }
  }
  scan.row += rows;
}
