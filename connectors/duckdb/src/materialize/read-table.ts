import type { TableRows } from '@brimful/connector';
import { DELETED_AT_COLUMN } from '@brimful/connector';
import type { Batch, ColumnBuilder, Json, Schema } from '@brimful/model';
import { BatchBuilder, matchColumns, Problem } from '@brimful/model';
import duckdb from '@duckdb/node-bindings';
import { quoteName } from '../database/sql.ts';
import type { ColumnReader } from '../types/column-reader.ts';
import { addStringSizes, columnReader } from '../types/column-reader.ts';
import { VECTOR_ROWS } from '../types/column-writer.ts';
import { initialValue } from '../types/initial-value.ts';
import { decimalWidth, nativeName } from '../types/native-type.ts';
import { findTable } from './bookkeeping.ts';
import { statementProblem } from './failure.ts';
import type { HeldColumn } from './held-column.ts';
import { viewOf } from './held-column.ts';
import type { OpenTable } from './open-table.ts';
import type { TableState } from './table-state.ts';
import { relationOf } from './table-state.ts';
import type { Reader } from './writer-session.ts';

/** Enough that a batch costs little, little enough that two are nothing. A longer row is a batch of its own. */
const BATCH_BYTES = 4 * 2 ** 20;

/** How a column of the result is asked for, and becomes a column of the batch. */
interface Selected {
  readonly expression: string;
  readonly read: ColumnReader;
  /** It comes as text or bytes, of any length. */
  readonly isString: boolean;
}

/**
 * Begins a snapshot of the table, wherever swaps have put it, and of its checkpoint. The reader belongs to the rows from
 * here on, and is let go of when this fails.
 */
export async function readTable(reader: Reader, table: OpenTable, schema: Schema): Promise<TableRows> {
  const { connection, signal } = reader;
  const at = { table: table.request.id.table };
  const interrupt = (): void => connection.interrupt();
  signal.addEventListener('abort', interrupt);
  const close = async (): Promise<void> => {
    signal.removeEventListener('abort', interrupt);
    // The transaction ends with its connection.
    connection.close();
    await reader.release();
  };
  try {
    signal.throwIfAborted();
    await connection.run('BEGIN TRANSACTION READ ONLY');
    const row = await findTable(connection, table.request.id);
    if (row === undefined) throw gone(table);
    const selected = select(row.state, schema);
    return new Rows(row.checkpoint, reader, queryOf(row.state, selected), schema, selected, at, close);
  } catch (error) {
    await close();
    signal.throwIfAborted();
    throw statementProblem(error, at);
  }
}

function gone({ request }: OpenTable): Problem {
  return new Problem(
    'BRM-DUCKDB-TABLE-GONE',
    `generation ${request.id.generation} of table ${request.id.table} is no longer in the file`,
    { remedy: 'Compare with the generation that took its place.' },
  );
}

class Rows implements TableRows {
  readonly checkpoint: Json | undefined;
  readonly batches: AsyncIterable<Batch>;
  readonly #close: () => Promise<void>;
  #closed: Promise<void> | undefined;

  constructor(
    checkpoint: Json | undefined,
    reader: Reader,
    sql: string,
    schema: Schema,
    selected: readonly Selected[],
    at: Readonly<Record<string, string>>,
    close: () => Promise<void>,
  ) {
    this.checkpoint = checkpoint;
    this.batches = batchesOf(reader, sql, schema, selected, at);
    this.#close = close;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#closed ??= this.#close();
    await this.#closed;
  }
}

async function* batchesOf(
  { connection, signal }: Reader,
  sql: string,
  schema: Schema,
  selected: readonly Selected[],
  at: Readonly<Record<string, string>>,
): AsyncGenerator<Batch, void, undefined> {
  let builder = new BatchBuilder(schema);
  try {
    for await (const chunk of connection.stream(sql)) {
      signal.throwIfAborted();
      const rows = duckdb.data_chunk_get_size(chunk);
      for (let from = 0; from < rows;) {
        const to = fitting(chunk, rows, from, selected, BATCH_BYTES - builder.bytes);
        append(chunk, from, to, selected, builder.columns);
        builder.rows += to - from;
        from = to;
        if (builder.bytes < BATCH_BYTES && from === rows) continue;
        // Invariant 9: never more than one batch, whatever the size of the table.
        yield builder.finish();
        builder = new BatchBuilder(schema);
      }
    }
  } catch (error) {
    signal.throwIfAborted();
    throw statementProblem(error, at);
  }
  if (builder.rows > 0) yield builder.finish();
}

function append(
  chunk: duckdb.DataChunk,
  from: number,
  to: number,
  selected: readonly Selected[],
  columns: readonly ColumnBuilder[],
): void {
  for (const [index, { read }] of selected.entries())
    read(duckdb.data_chunk_get_vector(chunk, index), from, to, columns[index] as ColumnBuilder);
}

const sizes = new Float64Array(VECTOR_ROWS);

/** Up to which row of the chunk the rows from `from` on have room; always one at least. */
function fitting(
  chunk: duckdb.DataChunk,
  rows: number,
  from: number,
  selected: readonly Selected[],
  room: number,
): number {
  sizes.fill(0);
  for (const [index, { isString }] of selected.entries())
    if (isString) addStringSizes(duckdb.data_chunk_get_vector(chunk, index), rows, sizes);
  let left = room;
  let to = from;
  while (to < rows && (to === from || left >= (sizes[to] as number))) {
    left -= sizes[to] as number;
    to += 1;
  }
  return to;
}

function queryOf(state: TableState, selected: readonly Selected[]): string {
  const list = selected.map(({ expression }, index) => `${expression} AS c${index}`).join(', ');
  const alive = state.soft ? ` WHERE ${quoteName(DELETED_AT_COLUMN)} IS NULL` : '';
  return `SELECT ${list.length === 0 ? 'true' : list} FROM ${relationOf(state)}${alive}`;
}

/** Columns as the schema has them, by identity and name as when a table evolves. */
function select(state: TableState, schema: Schema): Selected[] {
  const matches = matchColumns(state.schema, schema);
  const view = viewOf(state.columns);
  return schema.columns.map((definition, index) => {
    const before = state.schema.columns[matches[index] as number];
    const held = before === undefined ? undefined : view.get(before.name);
    if (held !== undefined) return selectHeld(held, definition.type);
    // The table does not have it yet: its rows hold what they will hold when it does.
    const expression = `CAST(${initialValue(definition)} AS ${nativeName(definition.type)})`;
    return selectAs(definition.type, definition.type, expression);
  });
}

function selectHeld(held: HeldColumn, type: Schema['columns'][number]['type']): Selected {
  const name = quoteName(held.name);
  const native = nativeName(held.type);
  // A decimal's text is exact whichever type it is kept in; a cast to a narrower decimal would round.
  if (type.kind === 'decimal') {
    if (held.type.kind === 'decimal') return selectAs(type, held.type, name);
    return { expression: `CAST(${name} AS VARCHAR)`, read: columnReader(type, undefined), isString: true };
  }
  return selectAs(type, type, native === nativeName(type) ? name : `CAST(${name} AS ${nativeName(type)})`);
}

/** `kept`: the type that DuckDB's own type of the result follows from. */
function selectAs(type: HeldColumn['type'], kept: HeldColumn['type'], expression: string): Selected {
  const width = kept.kind === 'decimal' ? decimalWidth(kept) : undefined;
  const isString = type.kind === 'decimal' ? width === undefined : STRING_KINDS.includes(type.kind);
  return { expression, read: columnReader(type, width), isString };
}

const STRING_KINDS: readonly string[] = ['bytes', 'text', 'json', 'other'];
