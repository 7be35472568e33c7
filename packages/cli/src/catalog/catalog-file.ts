import { createHash } from 'node:crypto';
import { open, readFile, realpath, rename, rm, stat } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { Problem } from '@brimful/model';

/** The user's file at one moment. */
export interface CatalogText {
  readonly text: string;
  /** SHA-256 of the text, in hexadecimal. */
  readonly revision: string;
}

export function revisionOf(text: string): string {
  return createHash('sha256').update(text, 'utf8').digest('hex');
}

export async function readCatalog(path: string): Promise<CatalogText> {
  try {
    const text = await readFile(path, 'utf8');
    return { text, revision: revisionOf(text) };
  } catch (cause) {
    throw new Problem('BRM-CATALOG-MISSING', `${path} cannot be read: ${reasonOf(cause)}.`, {
      remedy: 'Put it back, or make it readable for the user who runs brimful.',
      at: { file: path },
      cause,
    });
  }
}

/**
 * Replaces the file as a whole, durably: whoever reads it sees the old text or the new one. It keeps its mode; a link stays a
 * link. Throws `BRM-CATALOG-READONLY`; then nothing has changed.
 */
export async function writeCatalog(path: string, text: string): Promise<void> {
  let temporary: string | undefined;
  try {
    const target = await realpath(path);
    const directory = dirname(target);
    const { mode } = await stat(target);
    temporary = join(directory, `.brimful-${process.pid}-${revisionOf(text).slice(0, 12)}.tmp`);
    const file = await open(temporary, 'w', mode);
    try {
      // The process's umask may have taken bits away.
      await file.chmod(mode);
      await file.writeFile(text, 'utf8');
      await file.sync();
    } finally {
      await file.close();
    }
    await rename(temporary, target);
    const place = await open(directory, 'r');
    try {
      await place.sync();
    } finally {
      await place.close();
    }
  } catch (cause) {
    if (temporary !== undefined) await rm(temporary, { force: true });
    throw new Problem('BRM-CATALOG-READONLY', `${path} cannot be written: ${reasonOf(cause)}.`, {
      remedy:
        'Make the file and its directory writable for the user who runs brimful, or edit it where it comes from.',
      at: { file: path },
      cause,
    });
  }
}

function reasonOf(cause: unknown): string {
  return cause instanceof Error && 'code' in cause ? String(cause.code) : String(cause);
}
