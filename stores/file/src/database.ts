import { DatabaseSync } from 'node:sqlite';
import type { Layout } from './layout.ts';
import { BUSY_WAIT_MS } from './limits.ts';

/**
 * The tables. An entry's key is `journal number << 40 | offset`: one tree in journal order, so that reading and
 * trimming a journal touch neighbouring pages. `swept` says how far trimmed entries are really deleted.
 */
const TABLES = `
CREATE TABLE IF NOT EXISTS journal (
  number INTEGER PRIMARY KEY AUTOINCREMENT,
  name TEXT UNIQUE, -- NULL: dropped, waiting to be swept
  epoch INTEGER NOT NULL,
  first INTEGER NOT NULL,
  next INTEGER NOT NULL,
  swept INTEGER NOT NULL,
  bytes INTEGER NOT NULL,
  checkpoint TEXT,
  checksum INTEGER NOT NULL
) STRICT;
CREATE TABLE IF NOT EXISTS entry (
  place INTEGER PRIMARY KEY,
  kind TEXT NOT NULL,
  meta TEXT NOT NULL,
  appended_at INTEGER NOT NULL,
  blob TEXT,
  blob_bytes INTEGER,
  size INTEGER, -- of the body; NULL: none
  checksum INTEGER NOT NULL,
  body BLOB -- last, so that the rest is read without it
) STRICT;
CREATE INDEX IF NOT EXISTS claim ON entry (blob, blob_bytes) WHERE blob IS NOT NULL;
CREATE TABLE IF NOT EXISTS record (
  key TEXT PRIMARY KEY,
  value TEXT NOT NULL,
  revision INTEGER NOT NULL,
  checksum INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS counter (name TEXT PRIMARY KEY, value INTEGER NOT NULL) STRICT, WITHOUT ROWID;
INSERT OR IGNORE INTO counter VALUES ('revision', 0);
`;

/** The usual block of a file system. Larger pages make small commits write more: 36 KB of log for a 10 KB body, not 25. */
const PAGE_BYTES = 4096;
const CACHE_KIB = 16 * 1024;

/** The one connection that writes. Checkpoints are made elsewhere, so that no commit pays for a large one. */
export function openForWriting(layout: Layout): DatabaseSync {
  const database = new DatabaseSync(layout.database, { timeout: BUSY_WAIT_MS });
  database.exec(`PRAGMA page_size = ${PAGE_BYTES}`);
  database.exec('PRAGMA journal_mode = WAL');
  database.exec('PRAGMA synchronous = FULL');
  database.exec('PRAGMA wal_autocheckpoint = 0');
  database.exec(`PRAGMA cache_size = -${CACHE_KIB}`);
  database.exec(`BEGIN IMMEDIATE; ${TABLES} COMMIT`);
  return database;
}

/** For history and checkpoints beside the writer, or for looking into a directory that another process writes. */
export function openForReading(layout: Layout, readonly: boolean): DatabaseSync {
  const database = new DatabaseSync(layout.database, { timeout: BUSY_WAIT_MS, readOnly: readonly });
  if (!readonly) {
    database.exec('PRAGMA synchronous = FULL');
    database.exec('PRAGMA wal_autocheckpoint = 0');
    // Checkpoints stay possible; anything else would be a mistake.
    database.exec('PRAGMA query_only = ON');
  }
  return database;
}
