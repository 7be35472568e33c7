import { connector } from '@brimful/connector-duckdb';
import { Client } from 'pg';

/** What a reader that asked again and again met with. */
export interface Readings {
  readonly milliseconds: readonly number[];
  readonly errors: readonly string[];
  /** Answers that were not the whole table. */
  readonly partial: number;
}

/** Asks for the number of rows and the sum of their keys. */
export type Ask = () => Promise<readonly (string | null)[]>;

export const WHOLE = 'SELECT count(*)::text, sum(id)::text FROM orders';

/** Asks until aborted, resting in between. `whole`: the answer that every single one has to be. */
export async function readInLoop(
  ask: Ask,
  whole: readonly string[],
  restMilliseconds: number,
  signal: AbortSignal,
): Promise<Readings> {
  const milliseconds: number[] = [];
  const errors: string[] = [];
  let partial = 0;
  while (!signal.aborted) {
    const started = performance.now();
    try {
      const answer = await ask();
      milliseconds.push(performance.now() - started);
      if (answer.join() !== whole.join()) partial += 1;
    } catch (thrown) {
      errors.push(thrown instanceof Error ? thrown.message : String(thrown));
    }
    await new Promise((resolve) => setTimeout(resolve, restMilliseconds));
  }
  return { milliseconds, errors, partial };
}

/** A session of its own on a Postgres destination. */
export async function postgresReader(url: string): Promise<AsyncDisposable & { readonly ask: Ask }> {
  const client = new Client({ connectionString: url });
  await client.connect();
  return {
    ask: async () =>
      (await client.query<string[]>({ text: WHOLE, rowMode: 'array' })).rows[0] ?? ['no', 'answer'],
    [Symbol.asyncDispose]: () => client.end(),
  };
}

/** Opens the file for every question, from a process that is not the pipe's, as `brimful query` does. */
export function duckdbReader(path: string): Ask {
  const { destination } = connector;
  if (destination === undefined) throw new Error('DuckDB is a destination');
  const config = destination.config.parse({ path });
  const silent = (): void => undefined;
  const log = { debug: silent, info: silent, warn: silent, error: silent };
  return async () =>
    (await destination.query(config, WHOLE, { log, now: Date.now, reach: silent })).rows[0] ?? [
      'no',
      'answer',
    ];
}

/** Somebody who looks at the table and leaves the transaction open for long, again and again, until aborted. */
export async function holdInLoop(
  url: string,
  milliseconds: number,
  restMilliseconds: number,
  signal: AbortSignal,
): Promise<void> {
  const client = new Client({ connectionString: url });
  await client.connect();
  const wait = (time: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, time));
  while (!signal.aborted) {
    await client.query('BEGIN; SELECT 1 FROM orders LIMIT 1');
    await wait(milliseconds);
    await client.query('COMMIT');
    await wait(restMilliseconds);
  }
  await client.end();
}
