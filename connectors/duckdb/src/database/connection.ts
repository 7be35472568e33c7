import { DuckDBConnection } from '@duckdb/node-api';
import duckdb from '@duckdb/node-bindings';
import { registerFeeds } from './feed.ts';

export type SqlValue = string | number | bigint | boolean | null;

/** A connection that runs statements one after the other, and lets them read batches in memory. */
export class Connection {
  readonly #raw: duckdb.Connection;
  readonly #connection: DuckDBConnection;

  private constructor(raw: duckdb.Connection) {
    this.#raw = raw;
    this.#connection = new DuckDBConnection(raw);
    registerFeeds(raw);
  }

  static async open(database: duckdb.Database): Promise<Connection> {
    return new Connection(await duckdb.connect(database));
  }

  /** Runs one statement; tells how many rows it changed. */
  async run(sql: string, values: readonly SqlValue[] = []): Promise<number> {
    const result = await (values.length === 0
      ? this.#connection.run(sql)
      : this.#connection.run(sql, [...values]));
    return result.rowsChanged;
  }

  /** Runs one query; 64-bit numbers come as bigint. */
  async rows(sql: string, values: readonly SqlValue[] = []): Promise<Readonly<Record<string, unknown>>[]> {
    const reader = await (values.length === 0
      ? this.#connection.runAndReadAll(sql)
      : this.#connection.runAndReadAll(sql, [...values]));
    return reader.getRowObjects();
  }

  /**
   * Runs one query and hands over its chunks as the engine makes them, a few ahead at most. No other statement may run
   * until the last one was taken. A chunk is good until the next is asked for.
   */
  async *stream(sql: string): AsyncGenerator<duckdb.DataChunk, void, undefined> {
    const prepared = await duckdb.prepare(this.#raw, sql);
    try {
      const result = await duckdb.execute_prepared_streaming(prepared);
      for (;;) {
        const chunk = await duckdb.fetch_chunk(result);
        if (chunk === null || duckdb.data_chunk_get_size(chunk) === 0) return;
        yield chunk;
      }
    } finally {
      duckdb.destroy_prepare_sync(prepared);
    }
  }

  /** Stops the statement that is running, if any: it fails. */
  interrupt(): void {
    this.#connection.interrupt();
  }

  close(): void {
    this.#connection.closeSync();
  }

  /** The driver's own connection, for what users ask. */
  get driver(): DuckDBConnection {
    return this.#connection;
  }
}
