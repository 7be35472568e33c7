import { setTimeout as sleep } from 'node:timers/promises';
import type { ConnectorContext } from '@brimful/connector';
import { Problem } from '@brimful/model';
import type { DuckdbConfig } from '../config.ts';
import type { DatabaseFile, Lease } from './database-file.ts';
import { FileOccupied } from './database-file.ts';

/** The writer lets go of the file every few seconds, and between merges; a single large merge may hold it longer. */
const PATIENCE_MILLISECONDS = 30_000;
/** Well below the time the writer leaves the file alone. */
const RETRY_MILLISECONDS = 15;

/** The file for reading, as soon as another program's writer lets go of it. Throws `BRM-DUCKDB-IN-USE` when none does. */
export async function acquireToRead(
  file: DatabaseFile,
  config: DuckdbConfig,
  context: ConnectorContext,
): Promise<Lease> {
  const until = context.now() + PATIENCE_MILLISECONDS;
  for (;;) {
    try {
      return await file.acquire('read', config);
    } catch (error) {
      if (!(error instanceof FileOccupied)) throw error;
      if (context.now() >= until) {
        throw new Problem(
          'BRM-DUCKDB-IN-USE',
          `${file.path}: ${error.message} for more than ${PATIENCE_MILLISECONDS / 1000} s`,
          {
            kind: 'retry',
            remedy: 'Close the program that has the file open, or try again.',
            at: { file: file.path },
            cause: error,
          },
        );
      }
    }
    await sleep(RETRY_MILLISECONDS);
  }
}
