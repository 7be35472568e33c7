import { hostname } from 'node:os';
import { readFileSync, writeFileSync } from 'node:fs';
import { DatabaseSync } from 'node:sqlite';
import { Problem } from '@brimful/model';
import type { Layout } from './layout.ts';
import { LOCK_WAIT_MS } from './limits.ts';
import { SQLITE_BUSY, sqliteCode } from './sqlite-problem.ts';

/**
 * At most one process writes a directory. (Invariant 3)
 *
 * An open exclusive transaction on an empty database of its own holds an operating-system lock, which ends with
 * the process however it ends. Nothing is left behind that somebody would have to delete.
 */
export interface DirectoryLock {
  release(): void;
}

interface Owner {
  readonly pid: number;
  readonly host: string;
  readonly since: string;
}

export function lockDirectory(layout: Layout): DirectoryLock {
  const database = new DatabaseSync(layout.lock, { timeout: LOCK_WAIT_MS });
  try {
    database.exec('BEGIN EXCLUSIVE');
  } catch (error) {
    database.close();
    if (sqliteCode(error) !== SQLITE_BUSY) throw error;
    throw lockedProblem(layout);
  }
  writeOwner(layout);
  return { release: () => database.close() };
}

/** Only for messages, so a full disk does not keep the store from opening: somebody may want to trim it. */
function writeOwner(layout: Layout): void {
  const owner: Owner = { pid: process.pid, host: hostname(), since: new Date().toISOString() };
  try {
    writeFileSync(layout.owner, `${JSON.stringify(owner)}\n`);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOSPC') throw error;
  }
}

function lockedProblem(layout: Layout): Problem {
  const owner = readOwner(layout);
  const who =
    owner === undefined ? 'another process' : `process ${owner.pid} on ${owner.host}, since ${owner.since}`;
  return new Problem('BRM-STORE-LOCKED', `The data directory ${layout.directory} is in use by ${who}.`, {
    remedy:
      `Stop that Brimful${owner === undefined ? '' : ` (kill ${owner.pid})`}, or use another data directory. ` +
      'The lock ends with its process: there is no file to delete.',
    at: { directory: layout.directory, ...(owner === undefined ? {} : { pid: owner.pid, host: owner.host }) },
  });
}

function readOwner(layout: Layout): Owner | undefined {
  try {
    return JSON.parse(readFileSync(layout.owner, 'utf8')) as Owner;
  } catch {
    // Taken a moment ago and not written yet. It only serves the message.
    return undefined;
  }
}
