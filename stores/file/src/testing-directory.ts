import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { EntryMeta, NewEntry } from '@brimful/store';

/** A new empty directory, and what removes it. */
export interface TestDirectory extends AsyncDisposable {
  readonly path: string;
}

export async function makeTestDirectory(): Promise<TestDirectory> {
  const path = await mkdtemp(join(tmpdir(), 'brimful-store-'));
  return { path, [Symbol.asyncDispose]: () => rm(path, { recursive: true, force: true }) };
}

export const META: EntryMeta = { rows: 1, rawBytes: 1, schema: 0, committedAt: 1, scanned: 0, unknown: 0 };

/** Bytes that say which journal and offset they belong to, all through. */
export function bytesFor(journal: string, offset: number, size: number): Uint8Array {
  return Buffer.alloc(size, `<${journal}@${offset}:${size}>`);
}

export function rowsFor(journal: string, offset: number, size: number): NewEntry {
  return { kind: 'rows', meta: META, body: new Uint8Array(bytesFor(journal, offset, size)) };
}
