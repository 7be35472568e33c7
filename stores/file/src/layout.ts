import {
  closeSync,
  existsSync,
  fsyncSync,
  mkdirSync,
  openSync,
  readFileSync,
  renameSync,
  writeSync,
} from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { Problem } from '@brimful/model';
import { FORMAT_VERSION } from './limits.ts';

/** Where things are in a data directory. */
export interface Layout {
  readonly directory: string;
  /** `{"format": 1}`: read before anything else is touched. */
  readonly format: string;
  /** Held open and locked by the writing process; never opened otherwise, for closing any handle drops the lock. */
  readonly lock: string;
  /** Who holds the lock, for messages only. */
  readonly owner: string;
  readonly database: string;
  readonly blobs: string;
}

export function layoutOf(path: string): Layout {
  const directory = resolve(path);
  return {
    directory,
    format: join(directory, 'format.json'),
    lock: join(directory, 'lock.db'),
    owner: join(directory, 'owner.json'),
    database: join(directory, 'store.db'),
    blobs: join(directory, 'blobs'),
  };
}

/** Refuses what a newer Brimful wrote. Undefined when the directory holds no store yet. */
export function readFormat(layout: Layout): number | undefined {
  if (!existsSync(layout.format)) {
    if (!existsSync(layout.database)) return undefined;
    throw unreadableFormat(layout, 'it is missing');
  }
  let format: unknown;
  try {
    format = (JSON.parse(readFileSync(layout.format, 'utf8')) as { format?: unknown }).format;
  } catch (error) {
    throw unreadableFormat(layout, error instanceof Error ? error.message : String(error));
  }
  if (typeof format !== 'number') throw unreadableFormat(layout, 'it names no format');
  if (format <= FORMAT_VERSION) return format;
  throw new Problem(
    'BRM-STORE-VERSION',
    `The data in ${layout.directory} has format ${format}; this Brimful knows formats up to ${FORMAT_VERSION}.`,
    {
      remedy: 'Use the newer Brimful that wrote it, or another data directory. Nothing was changed.',
      at: { directory: layout.directory, format },
    },
  );
}

function unreadableFormat(layout: Layout, why: string): Problem {
  return new Problem('BRM-STORE-VERSION', `Cannot tell the format of the data: ${layout.format}: ${why}.`, {
    remedy: `Restore the file from a copy of the directory. It reads {"format":${FORMAT_VERSION}} for this Brimful.`,
    at: { directory: layout.directory },
  });
}

/** Creates what is missing. Call it with the lock held. The format is durable before the first byte of data. */
export function createLayout(layout: Layout): void {
  makeDirectory(layout.blobs);
  if (readFormat(layout) !== undefined) return;
  const draft = `${layout.format}.new`;
  const handle = openSync(draft, 'w');
  try {
    writeSync(handle, `${JSON.stringify({ format: FORMAT_VERSION })}\n`);
    fsyncSync(handle);
  } finally {
    closeSync(handle);
  }
  renameSync(draft, layout.format);
  syncDirectory(layout.directory);
}

/** Creates a directory and its missing parents, each durable in its own parent. Only the owner may look inside. */
export function makeDirectory(path: string): void {
  const made = mkdirSync(path, { recursive: true, mode: 0o700 });
  if (made === undefined) return;
  for (let parent = dirname(path); ; parent = dirname(parent)) {
    syncDirectory(parent);
    if (parent === dirname(made)) return;
  }
}

/** Windows cannot open directories; it makes names durable by itself. */
function syncDirectory(path: string): void {
  if (process.platform === 'win32') return;
  const handle = openSync(path, 'r');
  try {
    fsyncSync(handle);
  } finally {
    closeSync(handle);
  }
}
