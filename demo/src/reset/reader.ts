import { setTimeout as sleep } from 'node:timers/promises';
import { Client } from 'pg';

/** Somebody who looks at a table all the time, and what they had to put up with. */
export interface Reader {
  readonly experience: ReaderExperience;
  /** Resolves when the query under way has ended. Idempotent. */
  stop(): Promise<void>;
}

export interface ReaderExperience {
  readonly queries: number;
  readonly errors: number;
  /** Looks at which the table was empty, or far smaller than before. */
  readonly partial: number;
  /** The slowest answer. */
  readonly longestMilliseconds: number;
}

const PAUSE_MILLISECONDS = 5;
/** The live writer removes rows one by one; a table that is only half there lacks more. */
const LEAST_PART = 0.95;

export async function startReader(url: string, table: string): Promise<Reader> {
  const client = new Client({ connectionString: url, application_name: 'reader' });
  // The query under way rejects too, and that is where it is counted.
  client.on('error', () => undefined);
  await client.connect();
  const experience = { queries: 0, errors: 0, partial: 0, longestMilliseconds: 0 };
  let stopping = false;
  let expected = 1;
  const look = async (): Promise<void> => {
    const startedAt = performance.now();
    try {
      const { rows } = await client.query<{ rows: string }>(`SELECT count(*) AS rows FROM ${table}`);
      const count = Number(rows[0]?.rows ?? 0);
      if (count < expected) experience.partial += 1;
      expected = Math.max(expected, count * LEAST_PART);
    } catch {
      experience.errors += 1;
    }
    experience.queries += 1;
    const took = performance.now() - startedAt;
    experience.longestMilliseconds = Math.max(experience.longestMilliseconds, took);
  };
  const looking = (async () => {
    while (!stopping) {
      await look();
      await sleep(PAUSE_MILLISECONDS);
    }
  })();
  let stopped: Promise<void> | undefined;
  return {
    experience,
    stop() {
      stopping = true;
      stopped ??= looking.then(() => client.end());
      return stopped;
    },
  };
}
