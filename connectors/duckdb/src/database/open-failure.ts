import { basename } from 'node:path';
import { Problem } from '@brimful/model';

/** Another process has the file open. */
export interface Occupied {
  /** A few words: `file in use by pid 42 (duckdb)`. */
  readonly reason: string;
}

const HELD = /Conflicting lock is held(?: in (?<program>.*?) \(PID (?<pid>\d+)\))?/u;

/** Reads DuckDB's refusal to open a file: who has it, or undefined when that is not the reason. */
export function occupiedBy(error: unknown): Occupied | undefined {
  const message = messageOf(error);
  const held = HELD.exec(message);
  if (held === null) {
    return message.includes('Could not set lock on file')
      ? { reason: 'file in use by another process' }
      : undefined;
  }
  const { program, pid } = held.groups ?? {};
  if (pid === undefined) return { reason: 'file in use by another process' };
  return { reason: `file in use by pid ${pid}${program === undefined ? '' : ` (${basename(program)})`}` };
}

/** Why a file cannot be opened at all, in words for the user. */
export function openProblem(error: unknown, path: string): Problem {
  const message = messageOf(error);
  const at = { file: path };
  const options = { at, cause: error };
  if (message.includes('not a valid DuckDB database file')) {
    return new Problem('BRM-DUCKDB-NOT-A-DATABASE', `${path} exists, but is not a DuckDB database`, {
      ...options,
      remedy: 'Choose another path, or move that file away.',
    });
  }
  if (/version number \d+/u.test(message)) {
    return new Problem('BRM-DUCKDB-NEWER', `${path} was written by a newer DuckDB: ${message}`, {
      ...options,
      remedy: 'Choose another path, or update Brimful to a release with that DuckDB.',
    });
  }
  if (message.includes('Corrupt database file')) {
    return new Problem('BRM-DUCKDB-CORRUPT', `${path} is damaged: ${message}`, {
      ...options,
      remedy: 'Move the file away; it is loaded again from the collections.',
    });
  }
  if (message.includes('database does not exist')) {
    return new Problem('BRM-DUCKDB-MISSING', `${path} does not exist yet`, {
      ...options,
      remedy: 'Start the pipeline with `brimful up`; the file appears with the first table.',
    });
  }
  return new Problem('BRM-DUCKDB-OPEN', `${path} cannot be opened: ${message}`, {
    ...options,
    remedy: 'Make sure that the directory exists and that this user may write the file.',
  });
}

export function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
