import { setTimeout as sleep } from 'node:timers/promises';
import { Problem } from '@brimful/model';
import type { DuckdbConfig } from '../config.ts';
import { Connection } from '../database/connection.ts';
import type { DatabaseFile, Lease } from '../database/database-file.ts';
import { FileOccupied } from '../database/database-file.ts';

/** Others get the file at least this often, however much there is to write. */
const HOLD_MILLISECONDS = 3_000;
/** For so long after it was let go under load: several times a reader's retry interval. */
const YIELD_MILLISECONDS = 150;
/**
 * Work that follows within as much time as the last took, between these, finds the file still open. Opening and closing
 * takes about 20 ms, and after a load also a checkpoint; between merges the file should be free most of the time.
 */
const LEAST_LINGER_MILLISECONDS = 50;
const MOST_LINGER_MILLISECONDS = 300;
const FIRST_RETRY_MILLISECONDS = 50;
const LAST_RETRY_MILLISECONDS = 500;

interface Opened {
  readonly lease: Lease;
  readonly connection: Connection;
  readonly since: number;
}

/** A connection for reading; `signal` ends with the caller's, and with the destination. */
export interface Reader {
  readonly connection: Connection;
  readonly signal: AbortSignal;
  release(): Promise<void>;
}

/**
 * The writer's hold on the file: open while there is work, let go soon after, and now and then in between so that
 * people with other tools get in. While somebody else has the file it waits, and says so.
 */
export class WriterSession {
  readonly #file: DatabaseFile;
  readonly #config: DuckdbConfig;
  readonly #now: () => number;
  readonly #closing = new AbortController();
  #opened: Opened | undefined;
  #openings = 0;
  #freeUntil = 0;
  #linger: NodeJS.Timeout | undefined;
  #waiting: string | undefined;
  #broken = false;

  constructor(file: DatabaseFile, config: DuckdbConfig, now: () => number) {
    this.#file = file;
    this.#config = config;
    this.#now = now;
  }

  get waiting(): string | undefined {
    return this.#waiting;
  }

  /** Grows whenever the file was opened anew: what was known about foreign things in it may be out of date. */
  get openings(): number {
    return this.#openings;
  }

  /** Runs `work` on the open file, waiting for it as long as it takes. One at a time. */
  async use<T>(signal: AbortSignal | undefined, work: (connection: Connection) => Promise<T>): Promise<T> {
    const signals =
      signal === undefined ? this.#closing.signal : AbortSignal.any([signal, this.#closing.signal]);
    return this.#file.exclusively(async () => {
      clearTimeout(this.#linger);
      const { connection } = await this.#ensureOpen(signals);
      const interrupt = (): void => connection.interrupt();
      signals.addEventListener('abort', interrupt);
      const started = this.#now();
      try {
        return await work(connection);
      } finally {
        signals.removeEventListener('abort', interrupt);
        await this.#afterUse(this.#now() - started);
      }
    });
  }

  /**
   * A hold on the file beside the writer's, with a connection of its own, for reading: it does not wait for the writer's
   * work, nor the writer for it. Other programs do not get in while it lasts.
   */
  async openReader(signal: AbortSignal): Promise<Reader> {
    const signals = AbortSignal.any([signal, this.#closing.signal]);
    const lease = await this.#acquire(signals);
    try {
      const connection = await Connection.open(lease.database);
      return { connection, signal: signals, release: async () => lease.release() };
    } catch (error) {
      await lease.release();
      throw error;
    }
  }

  /** The open database is of no use any more: it is opened anew for the next work. */
  discard(): void {
    this.#broken = true;
  }

  /** Lets go of the file now. */
  async release(): Promise<void> {
    await this.#file.exclusively(async () => this.#close());
  }

  async dispose(): Promise<void> {
    this.#closing.abort(
      new Problem('BRM-DUCKDB-CLOSED', 'the destination was closed', {
        kind: 'retry',
        at: { file: this.#file.path },
      }),
    );
    await this.release();
  }

  async #ensureOpen(signal: AbortSignal): Promise<Opened> {
    signal.throwIfAborted();
    if (this.#opened !== undefined) return this.#opened;
    const free = this.#freeUntil - this.#now();
    if (free > 0) await delay(Math.min(free, YIELD_MILLISECONDS), signal);
    const lease = await this.#acquire(signal);
    try {
      const connection = await Connection.open(lease.database);
      this.#opened = { lease, connection, since: this.#now() };
      this.#openings += 1;
      return this.#opened;
    } catch (error) {
      await lease.release();
      throw error;
    }
  }

  /** Waits while somebody else has the file. */
  async #acquire(signal: AbortSignal): Promise<Lease> {
    let pause = FIRST_RETRY_MILLISECONDS;
    try {
      for (;;) {
        signal.throwIfAborted();
        try {
          // To write, for readers too: a file that is open for reading would keep the writer out.
          return await this.#file.acquire('write', this.#config);
        } catch (error) {
          if (!(error instanceof FileOccupied)) throw error;
          this.#waiting = error.message;
          await Promise.race([delay(pause, signal), ...(error.freed === undefined ? [] : [error.freed])]);
        }
        pause = Math.min(pause * 1.5, LAST_RETRY_MILLISECONDS);
      }
    } finally {
      this.#waiting = undefined;
    }
  }

  async #afterUse(took: number): Promise<void> {
    if (this.#opened === undefined) return;
    if (this.#broken || this.#now() - this.#opened.since >= HOLD_MILLISECONDS) {
      await this.#close();
      this.#freeUntil = this.#now() + YIELD_MILLISECONDS;
      return;
    }
    clearTimeout(this.#linger);
    const linger = Math.min(Math.max(took, LEAST_LINGER_MILLISECONDS), MOST_LINGER_MILLISECONDS);
    this.#linger = setTimeout(() => void this.release(), linger);
  }

  async #close(): Promise<void> {
    clearTimeout(this.#linger);
    const opened = this.#opened;
    this.#opened = undefined;
    this.#broken = false;
    if (opened === undefined) return;
    await writeThrough(opened.connection);
    opened.connection.close();
    await opened.lease.release();
  }
}

/** Closing would write everything into the file too, but on this thread: seconds after a large merge. */
async function writeThrough(connection: Connection): Promise<void> {
  try {
    await connection.run('CHECKPOINT');
  } catch {
    // A query of this process may be reading, or the disk be full: the log beside the file holds everything meanwhile.
  }
}

/** Throws the signal's reason when it is aborted meanwhile. */
export async function delay(milliseconds: number, signal: AbortSignal): Promise<void> {
  try {
    await sleep(milliseconds, undefined, { signal });
  } catch {
    // Only an abort ends a sleep early; its reason says more than the sleep's own error.
    signal.throwIfAborted();
  }
}
