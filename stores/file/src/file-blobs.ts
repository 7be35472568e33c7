import { open, readdir } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import type { Blobs } from '@brimful/store';
import { Problem } from '@brimful/model';
import { readBlobFile, writeBlobFile } from './blob-file.ts';
import { blobName, blobPath } from './blob-path.ts';
import type { ReaderCalls, WriterCalls } from './calls.ts';
import type { Faults } from './faults.ts';
import { makeDirectory } from './layout.ts';
import { storageProblem } from './sqlite-problem.ts';
import type { ThreadClient } from './thread-client.ts';

export class FileBlobs implements Blobs {
  readonly #directory: string;
  readonly #reader: ThreadClient<ReaderCalls>;
  readonly #thread: () => ThreadClient<WriterCalls>;
  readonly #faults: Faults | undefined;
  /** Being written: not there yet for `list`. */
  readonly #unfinished = new Set<string>();
  readonly #directories = new Set<string>();

  constructor(
    directory: string,
    reader: ThreadClient<ReaderCalls>,
    options: { readonly thread: () => ThreadClient<WriterCalls>; readonly faults: Faults | undefined },
  ) {
    this.#directory = directory;
    this.#reader = reader;
    this.#thread = options.thread;
    this.#faults = options.faults;
  }

  async put(name: string, parts: readonly Uint8Array[]): Promise<{ readonly bytes: number }> {
    this.#thread();
    const path = blobPath(this.#directory, name);
    if (this.#unfinished.has(name)) throw existsProblem(name);
    this.#unfinished.add(name);
    try {
      if (this.#faults?.at('blob') === 'full')
        throw Object.assign(new Error('no space left'), { code: 'ENOSPC' });
      this.#makeDirectoryOf(path);
      const bytes = await writeBlobFile(path, parts, () => syncDirectoryOf(path));
      return { bytes };
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === 'EEXIST') throw existsProblem(name);
      throw storageProblem(error, { blob: name });
    } finally {
      this.#unfinished.delete(name);
    }
  }

  async get(name: string): Promise<Uint8Array> {
    let found: Uint8Array | string;
    try {
      found = await readBlobFile(blobPath(this.#directory, name));
    } catch (error) {
      throw storageProblem(error, { blob: name });
    }
    if (typeof found === 'string') throw await this.#corrupt(name, found);
    return found;
  }

  /** Names who needs the blob, so that somebody can tell what to read again. */
  async #corrupt(name: string, what: string): Promise<Problem> {
    const [claim] = await this.#reader.call('claims', { blob: name });
    if (claim === undefined) {
      return new Problem(
        'BRM-STORE-CORRUPT',
        `Blob ${name} cannot be used: ${what}. No journal entry claims it.`,
        {
          kind: 'bug',
          at: { blob: name },
        },
      );
    }
    const { journal, offset } = claim;
    return new Problem(
      'BRM-STORE-CORRUPT',
      `Entry ${offset} of journal ${journal} cannot be read: ${what} (blob ${name}).`,
      {
        remedy:
          `Check the disk. Restore ${blobPath(this.#directory, name)} from a copy, or reset the collection of ` +
          `${journal} so that it is read again from its source.`,
        at: { journal, offset, blob: name },
      },
    );
  }

  async list(prefix: string): Promise<string[]> {
    const files = await readdir(this.#directory, { recursive: true, withFileTypes: true });
    return files
      .filter((file) => file.isFile())
      .map((file) => blobName(join(file.parentPath, file.name).slice(this.#directory.length + 1)))
      .filter((name) => name !== undefined && name.startsWith(prefix) && !this.#unfinished.has(name))
      .map(String)
      .sort();
  }

  async remove(name: string): Promise<void> {
    await this.#thread().call('removeBlob', { name });
  }

  /** Rare enough to be done in one go: once for each journal. */
  #makeDirectoryOf(path: string): void {
    const directory = dirname(path);
    if (this.#directories.has(directory)) return;
    makeDirectory(directory);
    this.#directories.add(directory);
  }
}

async function syncDirectoryOf(path: string): Promise<void> {
  if (process.platform === 'win32') return;
  const handle = await open(dirname(path), 'r');
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}

function existsProblem(name: string): Problem {
  return new Problem('BRM-STORE-EXISTS', `There is a blob ${name} already; a name is written once.`, {
    kind: 'bug',
    at: { blob: name },
  });
}
