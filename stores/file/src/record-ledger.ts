import type { DatabaseSync, StatementSync } from 'node:sqlite';
import { Problem } from '@brimful/model';
import { recordChecksum } from './checksum.ts';

/** The registry as rows. Like `JournalLedger`: inside the caller's transaction, refusing before it writes. */
export class RecordLedger {
  readonly #revision: StatementSync;
  readonly #next: StatementSync;
  readonly #put: StatementSync;
  readonly #remove: StatementSync;

  constructor(database: DatabaseSync) {
    this.#revision = database.prepare('SELECT revision FROM record WHERE key = ?');
    this.#next = database.prepare(
      "UPDATE counter SET value = value + 1 WHERE name = 'revision' RETURNING value",
    );
    this.#put = database.prepare(
      'INSERT OR REPLACE INTO record (key, value, revision, checksum) VALUES (?, ?, ?, ?)',
    );
    this.#remove = database.prepare('DELETE FROM record WHERE key = ?');
  }

  put(key: string, value: string, expect: number | undefined): number {
    this.#check(key, expect);
    const revision = this.#nextRevision();
    this.#put.run(key, value, revision, recordChecksum(key, value, revision));
    return revision;
  }

  remove(key: string, expect: number | undefined): number | null {
    if (this.#check(key, expect) === 0) return null;
    this.#remove.run(key);
    return this.#nextRevision();
  }

  /** One counter for all keys, so that a key that comes back has a larger revision than before. */
  #nextRevision(): number {
    return (this.#next.get() as { value: number }).value;
  }

  #check(key: string, expect: number | undefined): number {
    const actual = (this.#revision.get(key) as { revision: number } | undefined)?.revision ?? 0;
    if (expect === undefined || expect === actual) return actual;
    throw new Problem(
      'BRM-STORE-CONFLICT',
      `Record ${key} is at revision ${actual}, not ${expect}: somebody else changed it.`,
      {
        kind: 'retry',
        remedy: 'Read the record again and repeat the change.',
        at: { key, expected: expect, actual },
      },
    );
  }
}
