import { readdirSync, rmdirSync, unlinkSync } from 'node:fs';
import { join } from 'node:path';
import type { DatabaseSync } from 'node:sqlite';
import { assert, Problem } from '@brimful/model';
import { blobName, blobPath } from './blob-path.ts';
import type { Append, Request, WriterCalls } from './calls.ts';
import { openForWriting } from './database.ts';
import { type DirectoryLock, lockDirectory } from './directory-lock.ts';
import { JournalLedger } from './journal-ledger.ts';
import { createLayout, type Layout, layoutOf, makeDirectory, readFormat } from './layout.ts';
import { BUSY_WAIT_MS, LOG_RESTART_WAIT_MS } from './limits.ts';
import { RecordLedger } from './record-ledger.ts';
import { isFatal, storageProblem } from './sqlite-problem.ts';
import type { Reply } from './thread-port.ts';

type Argument<Call extends keyof WriterCalls> = WriterCalls[Call][0];

/** Who writes a directory: the lock, the database and the removal of blobs. Synchronous, so one at a time. */
export class DirectoryWriter {
  readonly #layout: Layout;
  readonly #lock: DirectoryLock;
  readonly #database: DatabaseSync;
  readonly #journals: JournalLedger;
  readonly #records: RecordLedger;
  /** After a failed sync nobody knows what is on disk: nothing is written any more. */
  #broken: Problem | undefined;
  commits = 0;

  /** Locks the directory and creates what is missing. Touches nothing that a newer Brimful wrote. */
  constructor(directory: string) {
    this.#layout = layoutOf(directory);
    readFormat(this.#layout);
    makeDirectory(this.#layout.directory);
    this.#lock = lockDirectory(this.#layout);
    try {
      createLayout(this.#layout);
      this.#database = openForWriting(this.#layout);
      this.#journals = new JournalLedger(this.#database, this.#layout.blobs);
      this.#records = new RecordLedger(this.#database);
    } catch (error) {
      this.#lock.release();
      throw error;
    }
  }

  start(): WriterCalls['start'][1] {
    this.#collectOrphans();
    return { unswept: this.#journals.unswept() };
  }

  /**
   * Blobs that no entry claims are left over from processes that ended: this one has put none yet, and holds the
   * lock. Half-written ones are among them.
   */
  #collectOrphans(): void {
    const found = readdirSync(this.#layout.blobs, { recursive: true, withFileTypes: true });
    for (const file of found) {
      if (file.isDirectory()) continue;
      const path = join(file.parentPath, file.name);
      const name = blobName(path.slice(this.#layout.blobs.length + 1));
      if (name !== undefined && !this.#journals.isClaimed(name)) unlinkSync(path);
    }
    const directories = found
      .filter((file) => file.isDirectory())
      .map((file) => join(file.parentPath, file.name));
    // Deepest first, so that a parent is empty once its children are gone.
    for (const path of directories.sort((a, b) => b.length - a.length)) {
      if (readdirSync(path).length === 0) rmdirSync(path);
    }
  }

  /** One transaction for all; when it fails, one for each. Every request gets its own answer. */
  commit(requests: readonly Request[]): Reply[] {
    const orphans = new Set<string>();
    let replies: Reply[];
    try {
      replies = this.#transact(requests, orphans);
    } catch (error) {
      if (requests.length === 1 || this.#broken !== undefined) {
        return requests.map((request) => this.#failed(request, error));
      }
      return requests.flatMap((request) => this.commit([request]));
    }
    try {
      this.#removeOrphans(orphans);
      return replies;
    } catch (error) {
      // What is committed stays committed; only who asked for the removal hears of it.
      return requests.map((request, index) =>
        request.call === 'sweep' ? this.#failed(request, error) : (replies[index] as Reply),
      );
    }
  }

  #transact(requests: readonly Request[], orphans: Set<string>): Reply[] {
    if (this.#broken !== undefined) throw this.#broken;
    const now = Date.now();
    try {
      this.#database.exec('BEGIN IMMEDIATE');
      const replies = requests.map((request) => this.#run(request, now, orphans));
      // Invariant 2: an append's entries and its checkpoint are rows of one transaction.
      this.#database.exec('COMMIT');
      this.commits += 1;
      return replies;
    } catch (error) {
      // A full disk rolls back by itself.
      if (this.#database.isTransaction) this.#database.exec('ROLLBACK');
      if (isFatal(error)) this.#broken = storageProblem(error, { directory: this.#layout.directory });
      throw error;
    }
  }

  /** A refusal is an answer like any other: the ledgers refuse before they write. */
  #run(request: Request, now: number, orphans: Set<string>): Reply {
    try {
      if (request.fault === 'full')
        throw Object.assign(new Error('database or disk is full'), { errcode: 13 });
      return { id: request.id, value: this.#apply(request, now, orphans) };
    } catch (error) {
      if (!(error instanceof Problem) && request.fault !== 'full') throw error;
      return this.#failed(request, error);
    }
  }

  #apply({ call, argument }: Request, now: number, orphans: Set<string>): unknown {
    switch (call as keyof WriterCalls) {
      case 'open':
        return this.#journals.open((argument as Argument<'open'>).name);
      case 'append':
        return this.#journals.append(argument as readonly Append[], now);
      case 'trim': {
        const { name, before } = argument as Argument<'trim'>;
        return this.#journals.trim(name, before);
      }
      case 'drop':
        return this.#journals.drop((argument as Argument<'drop'>).name);
      case 'sweep':
        return this.#journals.sweep((argument as Argument<'sweep'>).number, orphans);
      case 'put': {
        const { key, value, expect } = argument as Argument<'put'>;
        return this.#records.put(key, value, expect);
      }
      case 'remove': {
        const { key, expect } = argument as Argument<'remove'>;
        return this.#records.remove(key, expect);
      }
      default:
        return assert(false, `no write is called ${call}`);
    }
  }

  #failed(request: Request, error: unknown): Reply {
    const { name, key } = request.argument as { name?: string; key?: string };
    const where = {
      directory: this.#layout.directory,
      ...(name === undefined ? {} : { journal: name }),
      ...(key === undefined ? {} : { key }),
    };
    return { id: request.id, problem: storageProblem(error, where).toJSON() };
  }

  /** After the commit, so that a crash in between leaves an orphan and never an entry without its blob. */
  #removeOrphans(orphans: ReadonlySet<string>): void {
    for (const blob of orphans) {
      if (!this.#journals.isClaimed(blob)) removeFile(blobPath(this.#layout.blobs, blob));
    }
  }

  removeBlob(name: string): void {
    if (this.#journals.isClaimed(name)) {
      throw new Problem(
        'BRM-STORE-CLAIM',
        `Blob ${name} is claimed by a journal entry: trim or drop the journal.`,
        {
          kind: 'bug',
          at: { blob: name },
        },
      );
    }
    removeFile(blobPath(this.#layout.blobs, name));
  }

  /** Copies the rest of the log and starts it afresh. Answers whether nobody was reading it just then. */
  restartLog(): boolean {
    if (this.#broken !== undefined) return false;
    this.#database.exec(`PRAGMA busy_timeout = ${LOG_RESTART_WAIT_MS}`);
    try {
      const row = this.#database.prepare('PRAGMA wal_checkpoint(RESTART)').get() as { readonly busy: number };
      return row.busy === 0;
    } finally {
      this.#database.exec(`PRAGMA busy_timeout = ${BUSY_WAIT_MS}`);
    }
  }

  /** The last connection to close copies the whole log into the database. */
  stop(): void {
    this.#database.close();
    this.#lock.release();
  }
}

function removeFile(path: string): void {
  try {
    unlinkSync(path);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error;
  }
}
