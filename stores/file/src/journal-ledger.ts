import { statSync } from 'node:fs';
import type { DatabaseSync, StatementSync } from 'node:sqlite';
import { assert, Problem } from '@brimful/model';
import { BLOB_TRAILER_BYTES } from './blob-file.ts';
import { blobPath } from './blob-path.ts';
import type { Append, OpenedJournal, Sweep } from './calls.ts';
import { corruptHead, entryChecksum, headChecksum } from './checksum.ts';
import { JOURNAL_NUMBER_LIMIT, OFFSET_BITS, SWEEP_BYTES, SWEEP_ENTRIES } from './limits.ts';

interface JournalRow {
  readonly number: number;
  readonly name: string | null;
  readonly epoch: number;
  readonly first: number;
  readonly next: number;
  readonly swept: number;
  readonly checkpoint: string | null;
  readonly checksum: number;
}

interface SweptRow {
  readonly offset: number;
  readonly size: number | null;
  readonly blob: string | null;
  readonly blobBytes: number | null;
}

const OFFSET_MASK = `${2 ** OFFSET_BITS - 1}`;

/**
 * Journals as rows. Every method runs inside a transaction that its caller begins and commits, and refuses with a
 * Problem before it writes anything, so that one refusal leaves the rest of the transaction intact.
 */
export class JournalLedger {
  readonly #blobs: string;
  readonly #byName: StatementSync;
  readonly #byNumber: StatementSync;
  readonly #create: StatementSync;
  readonly #setEpoch: StatementSync;
  readonly #advance: StatementSync;
  readonly #insert: StatementSync;
  readonly #setFirst: StatementSync;
  readonly #unname: StatementSync;
  readonly #sweepable: StatementSync;
  readonly #deleteRange: StatementSync;
  readonly #setSwept: StatementSync;
  readonly #forget: StatementSync;
  readonly #unswept: StatementSync;
  readonly #claimed: StatementSync;

  constructor(database: DatabaseSync, blobs: string) {
    this.#blobs = blobs;
    const place = `(?1 << ${OFFSET_BITS})`;
    this.#byName = database.prepare('SELECT * FROM journal WHERE name = ?');
    this.#byNumber = database.prepare('SELECT * FROM journal WHERE number = ?');
    this.#create = database.prepare(
      'INSERT INTO journal (name, epoch, first, next, swept, bytes, checkpoint, checksum) VALUES (?, 0, 0, 0, 0, 0, NULL, 0)',
    );
    this.#setEpoch = database.prepare('UPDATE journal SET epoch = ?, checksum = ? WHERE number = ?');
    this.#advance = database.prepare(
      'UPDATE journal SET next = ?, bytes = bytes + ?, checkpoint = ?, checksum = ? ' +
        'WHERE number = ? AND epoch = ? AND next = ? AND name IS NOT NULL',
    );
    this.#insert = database.prepare(
      'INSERT INTO entry (place, kind, meta, appended_at, blob, blob_bytes, size, checksum, body) ' +
        `VALUES (${place} | ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10)`,
    );
    this.#setFirst = database.prepare('UPDATE journal SET first = ? WHERE number = ?');
    this.#unname = database.prepare('UPDATE journal SET name = NULL, first = next WHERE number = ?');
    this.#sweepable = database.prepare(
      `SELECT place & ${OFFSET_MASK} AS offset, size, blob, blob_bytes AS blobBytes FROM entry ` +
        `WHERE place >= ${place} | ?2 AND place < ${place} | ?3 ORDER BY place LIMIT ${SWEEP_ENTRIES}`,
    );
    this.#deleteRange = database.prepare(
      `DELETE FROM entry WHERE place >= ${place} | ?2 AND place < ${place} | ?3`,
    );
    this.#setSwept = database.prepare('UPDATE journal SET swept = ?, bytes = bytes - ? WHERE number = ?');
    this.#forget = database.prepare('DELETE FROM journal WHERE number = ?');
    this.#unswept = database.prepare('SELECT number FROM journal WHERE swept < first OR name IS NULL');
    this.#claimed = database.prepare('SELECT 1 FROM entry WHERE blob = ? LIMIT 1');
  }

  open(name: string): OpenedJournal {
    const found = this.#find(name);
    const number = found?.number ?? Number(this.#create.run(name).lastInsertRowid);
    assert(number < JOURNAL_NUMBER_LIMIT, 'journal numbers are used up');
    const { next, checkpoint } = found ?? { next: 0, checkpoint: null };
    const epoch = (found?.epoch ?? 0) + 1;
    this.#setEpoch.run(epoch, headChecksum(number, epoch, next, checkpoint), number);
    return { number, epoch, next, checkpoint };
  }

  /** To different journals. Refuses all before it writes to any. */
  append(appends: readonly Append[], now: number): { readonly appendedAt: number } {
    const blobBytes = appends.map((append) => this.#checkBlobs(append));
    for (const append of appends) {
      const found = this.#byNumber.get(append.number) as JournalRow | undefined;
      const isPresent = found?.name !== null && found?.epoch === append.epoch && found.next === append.next;
      if (!isPresent) throw this.#refusal(append);
    }
    const appendedAt = appends[0]?.now ?? now;
    appends.forEach((append, index) => this.#write(append, blobBytes[index] ?? 0, appendedAt));
    return { appendedAt };
  }

  #write(append: Append, blobBytes: number, appendedAt: number): void {
    const { number, epoch, next, entries, checkpoint } = append;
    const bytes = blobBytes + append.bodies.byteLength;
    const end = next + entries.length;
    const checksum = headChecksum(number, epoch, end, checkpoint);
    // Invariant 3: only the journal's present writer matches this row.
    const { changes } = this.#advance.run(end, bytes, checkpoint, checksum, number, epoch, next);
    assert(changes === 1, `the writer of ${append.name} was checked in this transaction`);
    let start = 0;
    entries.forEach((entry, index) => {
      const { kind, meta, size, blob, blobBytes: claimed, bodyChecksum } = entry;
      const offset = next + index;
      const sum = entryChecksum(
        number,
        offset,
        { kind, meta, appendedAt, blob, blobBytes: claimed, size },
        bodyChecksum,
      );
      const body = size === null ? null : append.bodies.subarray(start, start + size);
      this.#insert.run(number, offset, kind, meta, appendedAt, blob, claimed, size, sum, body);
      start += size ?? 0;
    });
  }

  /** An entry must never claim what is not there. Answers with the bytes claimed. */
  #checkBlobs(append: Append): number {
    let bytes = 0;
    for (const { blob, blobBytes } of append.entries) {
      if (blob === null) continue;
      const found = statSync(blobPath(this.#blobs, blob), { throwIfNoEntry: false });
      const size = found === undefined ? undefined : found.size - BLOB_TRAILER_BYTES;
      if (size !== blobBytes) {
        const what = size === undefined ? 'is not in the store' : `has ${size} bytes, not ${blobBytes}`;
        throw new Problem(
          'BRM-STORE-CLAIM',
          `An entry for ${append.name} claims blob ${blob}, which ${what}.`,
          {
            kind: 'bug',
            at: { journal: append.name, blob },
          },
        );
      }
      bytes += size;
    }
    return bytes;
  }

  #refusal({ number, name, epoch, next }: Append): Problem {
    const found = this.#byNumber.get(number) as JournalRow | undefined;
    const dropped = found === undefined || found.name === null;
    assert(
      dropped || found.epoch !== epoch,
      `the writer of ${name} expects offset ${next}, the journal ${found?.next}`,
    );
    const why = dropped ? 'it was dropped' : `writer ${found.epoch} took over from writer ${epoch}`;
    return new Problem('BRM-STORE-FENCED', `Nothing was appended to journal ${name}: ${why}.`, {
      kind: 'retry',
      remedy: 'The later writer goes on. If this repeats, two Brimfuls run the same task: stop one.',
      at: { journal: name, epoch },
    });
  }

  trim(name: string, before: number): number | null {
    const found = this.#find(name);
    if (found === undefined) return null;
    const first = Math.min(before, found.next);
    if (first > found.first) this.#setFirst.run(first, found.number);
    return found.number;
  }

  drop(name: string): number | null {
    const found = this.#find(name);
    if (found === undefined) return null;
    this.#unname.run(found.number);
    return found.number;
  }

  /** Deletes a slice of what was trimmed or dropped. `orphans` are the blobs to remove once this is committed. */
  sweep(number: number, orphans: Set<string>): Sweep {
    const journal = this.#byNumber.get(number) as JournalRow | undefined;
    if (journal === undefined) return { more: false };
    const rows = this.#sweepable.all(number, journal.swept, journal.first) as unknown as SweptRow[];
    let inline = 0;
    let bytes = 0;
    let swept = journal.first;
    for (const row of rows) {
      bytes += (row.size ?? 0) + (row.blobBytes ?? 0);
      inline += row.size ?? 0;
      if (row.blob !== null) orphans.add(row.blob);
      if (inline < SWEEP_BYTES) continue;
      swept = row.offset + 1;
      break;
    }
    const last = rows.at(-1);
    if (rows.length === SWEEP_ENTRIES && last !== undefined) swept = Math.min(swept, last.offset + 1);
    this.#deleteRange.run(number, journal.swept, swept);
    this.#setSwept.run(swept, bytes, number);
    const more = swept < journal.first;
    if (!more && journal.name === null) this.#forget.run(number);
    return { more };
  }

  unswept(): number[] {
    return (this.#unswept.all() as unknown as { number: number }[]).map(({ number }) => number);
  }

  isClaimed(blob: string): boolean {
    return this.#claimed.get(blob) !== undefined;
  }

  #find(name: string): JournalRow | undefined {
    const row = this.#byName.get(name) as JournalRow | undefined;
    if (row === undefined) return undefined;
    if (row.checksum !== headChecksum(row.number, row.epoch, row.next, row.checkpoint))
      throw corruptHead(name);
    return row;
  }
}
