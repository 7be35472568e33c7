import { statSync } from 'node:fs';
import type { DatabaseSync, StatementSync } from 'node:sqlite';
import type { EntryKind } from '@brimful/store';
import type { Claim, HistoryEntry, HistoryPage, ReaderCalls, StoredRecord } from './calls.ts';
import {
  bodyChecksum,
  corruptEntry,
  corruptHead,
  corruptRecord,
  entryChecksum,
  headChecksum,
  recordChecksum,
} from './checksum.ts';
import { openForReading } from './database.ts';
import { type Layout, layoutOf } from './layout.ts';
import { HISTORY_PAGE_ENTRIES, OFFSET_BITS } from './limits.ts';
import { SQLITE_CORRUPT, sqliteCode } from './sqlite-problem.ts';

interface JournalRow {
  readonly number: number;
  readonly epoch: number;
  readonly first: number;
  readonly next: number;
  readonly bytes: number;
  readonly checkpoint: string | null;
  readonly checksum: number;
}

interface EntryRow {
  readonly offset: number;
  readonly kind: EntryKind;
  readonly meta: string;
  readonly appendedAt: number;
  readonly blob: string | null;
  readonly blobBytes: number | null;
  readonly size: number | null;
  readonly checksum: number;
  readonly body: Uint8Array | null;
}

const OFFSET_MASK = `${2 ** OFFSET_BITS - 1}`;
const EMPTY = new Uint8Array(0);

/** Reads a directory beside its writer, in this process or another. Checks every checksum it passes. */
export class DirectoryReader {
  readonly #layout: Layout;
  readonly #database: DatabaseSync;
  readonly #journal: StatementSync;
  readonly #entries: StatementSync;
  readonly #list: StatementSync;
  readonly #records: StatementSync;
  readonly #claims: StatementSync;
  readonly #claimedBytes: StatementSync;

  constructor(directory: string, readonly: boolean) {
    this.#layout = layoutOf(directory);
    this.#database = openForReading(this.#layout, readonly);
    this.#journal = this.#database.prepare('SELECT * FROM journal WHERE name = ?');
    const place = `(?1 << ${OFFSET_BITS})`;
    this.#entries = this.#database.prepare(
      `SELECT place & ${OFFSET_MASK} AS offset, kind, meta, appended_at AS appendedAt, blob, blob_bytes AS blobBytes, ` +
        `size, checksum, body FROM entry WHERE place >= ${place} | ?2 AND place < ${place} | ?3 ` +
        `ORDER BY place LIMIT ${HISTORY_PAGE_ENTRIES}`,
    );
    this.#list = this.#database.prepare(
      'SELECT name FROM journal WHERE substr(name, 1, length(?1)) = ?1 ORDER BY name',
    );
    this.#records = this.#database.prepare('SELECT * FROM record ORDER BY key');
    this.#claims = this.#database.prepare(
      `SELECT name AS journal, place & ${OFFSET_MASK} AS offset FROM entry ` +
        `JOIN journal ON number = place >> ${OFFSET_BITS} WHERE blob = ? AND name IS NOT NULL ORDER BY place`,
    );
    this.#claimedBytes = this.#database.prepare(
      'SELECT coalesce(sum(blob_bytes), 0) AS bytes FROM (SELECT DISTINCT blob, blob_bytes FROM entry WHERE blob IS NOT NULL)',
    );
  }

  /** One snapshot: the journal's ends and its entries agree. */
  page(name: string, from: number, bytes: number): HistoryPage | null {
    this.#database.exec('BEGIN');
    try {
      const journal = this.#journal.get(name) as JournalRow | undefined;
      if (journal === undefined) return null;
      const { number, epoch, first, next, checkpoint } = journal;
      if (journal.checksum !== headChecksum(number, epoch, next, checkpoint)) throw corruptHead(name);
      const entries = bytes > 0 && from >= first && from < next ? this.#read(name, journal, from, bytes) : [];
      return { number, first, next, bytes: journal.bytes, entries };
    } finally {
      this.#database.exec('COMMIT');
    }
  }

  #read(name: string, { number, next }: JournalRow, from: number, limitBytes: number): HistoryEntry[] {
    const entries: HistoryEntry[] = [];
    let expected = from;
    let bytes = 0;
    try {
      for (const row of this.#entries.iterate(number, from, next) as Iterable<unknown>) {
        const entry = checkEntry(name, number, expected, row as EntryRow);
        bytes += entry.body?.byteLength ?? 0;
        if (bytes > limitBytes && entries.length > 0) break;
        entries.push(entry);
        expected += 1;
      }
    } catch (error) {
      if (sqliteCode(error) !== SQLITE_CORRUPT) throw error;
      throw corruptEntry(name, expected, 'the database around it cannot be read');
    }
    if (entries.length === 0) throw corruptEntry(name, from, 'it is missing');
    return entries;
  }

  list(prefix: string): string[] {
    return (this.#list.all(prefix) as unknown as { name: string }[]).map(({ name }) => name);
  }

  records(): StoredRecord[] {
    const rows = this.#records.all() as unknown as (StoredRecord & { checksum: number })[];
    return rows.map(({ key, value, revision, checksum }) => {
      if (checksum !== recordChecksum(key, value, revision)) throw corruptRecord(key);
      return { key, value, revision };
    });
  }

  claims(blob: string): Claim[] {
    return this.#claims.all(blob) as unknown as Claim[];
  }

  /** Pages that trimming freed stay in the file and are used again. */
  space(): ReaderCalls['space'][1] {
    const claimed = (this.#claimedBytes.get() as { bytes: number }).bytes;
    const pageBytes = this.#pragma('page_size');
    const reusableBytes = this.#pragma('freelist_count') * pageBytes;
    const databaseBytes = this.#pragma('page_count') * pageBytes;
    const logBytes = statSync(`${this.#layout.database}-wal`, { throwIfNoEntry: false })?.size ?? 0;
    return { usedBytes: databaseBytes - reusableBytes + logBytes + claimed, reusableBytes };
  }

  version(): number {
    return this.#pragma('data_version');
  }

  /** Never waits: what is being written meanwhile is left to the next time. */
  checkpoint(): null {
    this.#database.exec('PRAGMA wal_checkpoint(PASSIVE)');
    return null;
  }

  stop(): void {
    this.#database.close();
  }

  #pragma(name: string): number {
    return (this.#database.prepare(`PRAGMA ${name}`).get() as Record<string, number>)[name] ?? 0;
  }
}

function checkEntry(name: string, number: number, expected: number, row: EntryRow): HistoryEntry {
  const { offset, kind, meta, appendedAt, blob, blobBytes, size } = row;
  if (offset !== expected) throw corruptEntry(name, expected, 'it is missing');
  // SQLite has no difference between no bytes and none at all.
  const body = size === 0 ? EMPTY : row.body;
  if ((body?.byteLength ?? null) !== size) throw corruptEntry(name, offset, 'its size is not as written');
  const sum = entryChecksum(
    number,
    offset,
    { kind, meta, appendedAt, blob, blobBytes, size },
    bodyChecksum(body ?? undefined),
  );
  if (sum !== row.checksum) throw corruptEntry(name, offset, 'its checksum fails');
  return { offset, kind, meta, appendedAt, body, blob, blobBytes };
}
