import { Client } from 'pg';
import type { ClientConfig, QueryResult } from 'pg';

import { Pipeline, PipelineError } from './pipeline.ts';
import type { Statement, StatementResult } from './pipeline.ts';
import { PreparedStatements } from './prepared-statements.ts';
import { StagingTables } from './staging-tables.ts';

/** One connection to the destination. Runs one pipeline at a time; its owner sees to that. */
export class Lane implements AsyncDisposable {
  readonly staging = new StagingTables();
  readonly #client: Client;
  readonly #prepared = new PreparedStatements();
  #lost: unknown;

  private constructor(client: Client) {
    this.#client = client;
    client.on('error', (error) => {
      this.#lost ??= error;
    });
    client.on('end', () => {
      this.#lost ??= new Error('the connection has ended');
    });
  }

  /** Connects and runs `settings`, SQL that the session needs. */
  static async connect(config: ClientConfig, settings: string): Promise<Lane> {
    const client = new Client(config);
    const lane = new Lane(client);
    try {
      await client.connect();
      await client.query(settings);
    } catch (error) {
      await lane[Symbol.asyncDispose]();
      throw error;
    }
    return lane;
  }

  /** Why it can no longer be used, or undefined. */
  get lost(): unknown {
    return this.#lost;
  }

  /**
   * Runs the statements in one round trip. After a failure, a transaction they began has been rolled back when this
   * throws a `PipelineError`; if the connection broke, its outcome is unknown.
   */
  async run(statements: readonly Statement[]): Promise<readonly StatementResult[]> {
    if (this.#lost !== undefined) throw new PipelineError(0, this.#lost);
    const pipeline = new Pipeline(statements, this.#prepared);
    this.#client.query(pipeline);
    try {
      return await pipeline.done;
    } catch (error) {
      await this.rollBack();
      throw error;
    }
  }

  /** One statement outside the fast path. */
  async query(
    text: string,
    values: readonly (string | number | null)[] = [],
  ): Promise<QueryResult<Record<string, unknown>>> {
    return this.#client.query<Record<string, unknown>>(text, [...values]);
  }

  /** Ends it at once, whatever it is doing; the server rolls back when it notices. */
  destroy(): void {
    this.#lost ??= new Error('the connection was given up');
    (this.#client as unknown as { connection: { stream: { destroy(): void } } }).connection.stream.destroy();
  }

  /** The server process at the other end. */
  get backend(): number {
    return (this.#client as unknown as { processID: number | null }).processID ?? 0;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#lost !== undefined) return this.destroy();
    this.#lost = new Error('the connection was closed');
    await this.#client.end();
  }

  /** Ends a transaction that failed, if the connection still stands. */
  async rollBack(): Promise<void> {
    if (this.#lost !== undefined) return;
    try {
      await this.#client.query('ROLLBACK');
    } catch (error) {
      this.#lost ??= error;
    }
  }
}
