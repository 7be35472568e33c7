import { realpathSync } from 'node:fs';
import { basename, dirname, join, resolve } from 'node:path';
import duckdb from '@duckdb/node-bindings';
import type { DuckdbConfig } from '../config.ts';
import { openProblem, occupiedBy } from './open-failure.ts';
import { quoteName } from './sql.ts';

export type Access = 'read' | 'write';

/** The file could not be had now; it is expected to be free later. */
export class FileOccupied extends Error {
  override readonly name = 'FileOccupied';
  /** Resolves when it is worth another try, where that is known. */
  readonly freed: Promise<void> | undefined;

  constructor(message: string, freed: Promise<void> | undefined, cause?: unknown) {
    super(message, cause === undefined ? undefined : { cause });
    this.freed = freed;
  }
}

/** For so long readers of this process wait for a writer that found them in its way; it comes back at once. */
const WANTED_MILLISECONDS = 1_000;

/** Use of the open file. The file closes with the last lease. */
export interface Lease {
  readonly database: duckdb.Database;
  readonly access: Access;
  release(): Promise<void>;
}

/**
 * A database file as this process uses it: open at most once, whoever asks.
 *
 * The system's file locks belong to the process, not to the opener. A second instance in the same process would get
 * the file unprotected, and closing it would drop the first one's lock: other processes could then write into an open
 * file. So everything here shares one instance per file. (Invariant 3)
 */
export class DatabaseFile {
  readonly path: string;
  #open: { readonly database: duckdb.Database; readonly access: Access } | undefined;
  #leases = 0;
  #wantedUntil = 0;
  readonly #waiting: (() => void)[] = [];
  #turn: Promise<unknown> = Promise.resolve();
  #writing: Promise<unknown> = Promise.resolve();

  private constructor(path: string) {
    this.path = path;
  }

  static at(path: string): DatabaseFile {
    const real = realPath(path);
    const known = files.get(real);
    if (known !== undefined) return known;
    const file = new DatabaseFile(real);
    files.set(real, file);
    return file;
  }

  /** Throws `FileOccupied` while another process has the file, or readers of this one hold it when asked to write. */
  async acquire(access: Access, config: DuckdbConfig): Promise<Lease> {
    return this.#next(async () => {
      if (this.#open?.access === 'read') this.#takeTurns(access);
      this.#open ??= { database: await openDatabase(this.path, access, config), access };
      if (access === 'write') this.#wantedUntil = 0;
      this.#leases += 1;
      return this.#lease(this.#open.database, this.#open.access);
    });
  }

  /** One at a time over all writers of this process, so that their transactions never conflict. */
  async exclusively<T>(work: () => Promise<T>): Promise<T> {
    const result = this.#writing.then(work, work);
    this.#writing = result.catch(ignore);
    return result;
  }

  get isOpen(): boolean {
    return this.#open !== undefined;
  }

  /** The file is open for reading: a writer has to wait for the readers, and no more of them may join meanwhile. */
  #takeTurns(access: Access): void {
    const now = performance.now();
    if (access === 'write') {
      this.#wantedUntil = now + WANTED_MILLISECONDS;
      const freed = new Promise<void>((resolve) => this.#waiting.push(resolve));
      throw new FileOccupied('file in use by a query of this process', freed);
    }
    if (now < this.#wantedUntil) throw new FileOccupied('file wanted by a writer of this process', undefined);
  }

  #lease(database: duckdb.Database, access: Access): Lease {
    let released = false;
    return {
      database,
      access,
      release: async () =>
        this.#next(async () => {
          if (released) return;
          released = true;
          this.#leases -= 1;
          if (this.#leases > 0) return;
          this.#open = undefined;
          duckdb.close_sync(database);
          for (const resolve of this.#waiting.splice(0)) resolve();
        }),
    };
  }

  async #next<T>(work: () => Promise<T>): Promise<T> {
    const result = this.#turn.then(work, work);
    this.#turn = result.catch(ignore);
    return result;
  }
}

const files = new Map<string, DatabaseFile>();

/** The caller of the failed turn has its rejection; the next in line only waits for the end. */
function ignore(): void {}

async function openDatabase(path: string, access: Access, config: DuckdbConfig): Promise<duckdb.Database> {
  const options = duckdb.create_config();
  const set = (name: string, value: string): void => duckdb.set_config(options, name, value);
  set('access_mode', access === 'read' ? 'READ_ONLY' : 'READ_WRITE');
  set('memory_limit', config.memoryLimit);
  set('threads', String(config.threads));
  set('temp_directory', config.temporaryDirectory ?? `${path}.tmp`);
  // Nothing is fetched from the network behind the user's back.
  set('autoinstall_known_extensions', 'false');
  set('autoload_known_extensions', 'false');
  try {
    return await duckdb.open(path, options);
  } catch (error) {
    const occupied = occupiedBy(error);
    if (occupied !== undefined) throw new FileOccupied(occupied.reason, undefined, error);
    throw openProblem(error, path);
  }
}

/** Symbolic links must not make one file look like two. The file itself need not exist. */
function realPath(path: string): string {
  const absolute = resolve(path);
  try {
    return realpathSync(absolute);
  } catch {
    // Not there yet: its directory decides.
  }
  try {
    return join(realpathSync(dirname(absolute)), basename(absolute));
  } catch {
    return absolute;
  }
}

/** `"main"."orders"` */
export function relationName(schema: string, table: string): string {
  return `${quoteName(schema)}.${quoteName(table)}`;
}
