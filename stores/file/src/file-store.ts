import { existsSync } from 'node:fs';
import { statfs } from 'node:fs/promises';
import type { Store } from '@brimful/store';
import { Problem } from '@brimful/model';
import type { ReaderCalls, WriterCalls } from './calls.ts';
import type { Faults } from './faults.ts';
import { FileBlobs } from './file-blobs.ts';
import { FileJournals } from './file-journals.ts';
import { FileRegistry } from './file-registry.ts';
import { type Layout, layoutOf, readFormat } from './layout.ts';
import {
  CHECKPOINT_AFTER_BYTES,
  CHECKPOINT_ROUNDS,
  LOG_RESTART_AFTER_BYTES,
  POLL_EVERY_MS,
} from './limits.ts';
import { storageProblem } from './sqlite-problem.ts';
import { Tails } from './tails.ts';
import { closedProblem, ThreadClient } from './thread-client.ts';
import type { Answer } from './thread-port.ts';

export interface FileStoreOptions {
  /** Opens beside a process that writes the directory, and never blocks it. */
  readonly readonly?: boolean;
  /** Milliseconds since 1970, for `appendedAt`. */
  readonly now?: () => number;
  /** For tests. */
  readonly faults?: Faults;
}

/** What the store did since it was opened. */
export interface FileStoreCounters {
  /** Transactions, each one sync of the log, whatever number of appends shared it. */
  readonly commits: number;
  /** Times the log was copied into the database. */
  readonly checkpoints: number;
}

/**
 * Everything durable in one local directory: `store.db` (SQLite: journals with their small entries, registry) and
 * `blobs/`. One process writes it at a time; more may look on with `readonly`.
 */
export interface FileStore extends Store {
  readonly directory: string;
  readonly counters: FileStoreCounters;
}

/**
 * Opens the store in `directory`, creating it when new.
 *
 * Throws `BRM-STORE-LOCKED` when another process writes it, `BRM-STORE-VERSION` when a newer Brimful wrote it, and
 * `BRM-STORE-MISSING` when it is to be only read and is not there. Blobs that no entry claims are removed.
 */
export async function openFileStore(directory: string, options: FileStoreOptions = {}): Promise<FileStore> {
  const layout = layoutOf(directory);
  const store = new OpenFileStore(layout, options);
  try {
    await store.start();
    return store;
  } catch (error) {
    await store[Symbol.asyncDispose]();
    throw storageProblem(error, { directory: layout.directory });
  }
}

class OpenFileStore implements FileStore {
  readonly journals: FileJournals;
  readonly registry: FileRegistry;
  readonly blobs: FileBlobs;
  readonly #layout: Layout;
  readonly #tails = new Tails();
  readonly #writer: ThreadClient<WriterCalls> | undefined;
  readonly #reader: ThreadClient<ReaderCalls>;
  #poll: NodeJS.Timeout | undefined;
  #commits = 0;
  #checkpoints = 0;
  /** Roughly, of the log: written since it was last copied, and since it last started afresh. */
  #uncopiedBytes = 0;
  #logBytes = 0;
  #checkpoint: Promise<void> | undefined;
  #disposed: Promise<void> | undefined;

  constructor(layout: Layout, { readonly = false, now, faults }: FileStoreOptions) {
    this.#layout = layout;
    if (readonly && readFormat(layout) === undefined) throw missingProblem(layout);
    const { directory } = layout;
    this.#writer = readonly
      ? undefined
      : new ThreadClient<WriterCalls>(
          new URL('./writer-thread.ts', import.meta.url),
          { directory },
          (answer) => this.#count(answer),
        );
    this.#reader = new ThreadClient<ReaderCalls>(new URL('./reader-thread.ts', import.meta.url), {
      directory,
      readonly,
    });
    const thread = (): ThreadClient<WriterCalls> => this.#writable();
    this.journals = new FileJournals(this.#reader, this.#tails, () => ({
      thread: thread(),
      tails: this.#tails,
      faults,
      now,
    }));
    this.registry = new FileRegistry(this.#reader, { thread, faults, isShared: readonly });
    this.blobs = new FileBlobs(layout.blobs, this.#reader, { thread, faults });
    if (readonly) this.#poll = setInterval(() => void this.#look(), POLL_EVERY_MS).unref();
  }

  get directory(): string {
    return this.#layout.directory;
  }

  get counters(): FileStoreCounters {
    return { commits: this.#commits, checkpoints: this.#checkpoints };
  }

  async start(): Promise<void> {
    // The writer first: it creates what the reader opens.
    const { unswept } = (await this.#writer?.call('start', null)) ?? { unswept: [] };
    await this.#reader.call('start', null);
    await this.registry.load();
    for (const number of unswept) {
      this.journals.sweep(number).catch(() => {
        // The entries are out of reach already; the next start tries again to free their space.
      });
    }
  }

  #writable(): ThreadClient<WriterCalls> {
    if (this.#disposed !== undefined) throw closedProblem();
    if (this.#writer !== undefined) return this.#writer;
    throw new Problem('BRM-STORE-READONLY', `The store in ${this.directory} was opened only to look at it.`, {
      kind: 'bug',
    });
  }

  /** Another process's changes, seen within `POLL_EVERY_MS`, and looked for only while somebody waits for them. */
  async #look(): Promise<void> {
    if (!this.#tails.isWatched && !this.registry.isWatched) return;
    try {
      if (await this.registry.refresh()) this.#tails.wakeAll();
    } catch {
      // Whoever waits meets the problem by reading.
      this.#tails.wakeAll();
    }
  }

  #count({ commits = 0, written = 0 }: Answer): void {
    this.#commits = commits;
    this.#uncopiedBytes += written;
    this.#logBytes += written;
    if (this.#uncopiedBytes < CHECKPOINT_AFTER_BYTES || this.#checkpoint !== undefined) return;
    this.#uncopiedBytes = 0;
    this.#checkpoint = this.#copyLog().finally(() => {
      this.#checkpoint = undefined;
    });
  }

  /**
   * Copies the log into the database beside the running commits. The log starts afresh only when all of it was
   * copied, which a busy writer never allows: so now and then the last few pages are the writer's own work.
   */
  async #copyLog(): Promise<void> {
    try {
      for (let round = 0; round < CHECKPOINT_ROUNDS; round += 1) await this.#reader.call('checkpoint', null);
      this.#checkpoints += 1;
      if (this.#logBytes < LOG_RESTART_AFTER_BYTES) return;
      if (await this.#writer?.call('restartLog', null)) this.#logBytes = 0;
    } catch {
      // Nothing is lost: the log keeps it, and the next round or the next start copies it.
    }
  }

  async space(): Promise<{ readonly usedBytes: number; readonly freeBytes: number }> {
    const { usedBytes, reusableBytes } = await this.#reader.call('space', null);
    const { bavail, bsize } = await statfs(this.#layout.directory);
    return { usedBytes, freeBytes: bavail * bsize + reusableBytes };
  }

  [Symbol.asyncDispose](): Promise<void> {
    this.#disposed ??= this.#dispose();
    return this.#disposed;
  }

  async #dispose(): Promise<void> {
    clearInterval(this.#poll);
    await this.#checkpoint;
    this.registry.close();
    this.#tails.close(closedProblem());
    // The reader first: the last connection to close folds the log into the database, and that takes a writer.
    await this.#reader.stop('stop');
    await this.#writer?.stop('stop');
  }
}

function missingProblem({ directory }: Layout): Problem {
  const what = existsSync(directory) ? 'holds no Brimful data' : 'does not exist';
  return new Problem('BRM-STORE-MISSING', `The data directory ${directory} ${what}.`, {
    remedy: 'Name the directory that `brimful up` writes, or run `brimful up` first.',
    at: { directory },
  });
}
