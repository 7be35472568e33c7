import { crc32 } from 'node:zlib';
import { Problem } from '@brimful/model';

/**
 * Checksums of what SQLite keeps: its pages have none. Each covers the fields that must not change silently,
 * and where they belong, so that a row that turns up in the wrong place fails too.
 */
export interface EntryFields {
  readonly kind: string;
  readonly meta: string;
  readonly appendedAt: number;
  readonly blob: string | null;
  readonly blobBytes: number | null;
  /** Of the body, or null. */
  readonly size: number | null;
}

export function bodyChecksum(body: Uint8Array | undefined): number {
  return body === undefined ? 0 : crc32(body);
}

export function entryChecksum(number: number, offset: number, entry: EntryFields, ofBody: number): number {
  const { kind, meta, appendedAt, blob, blobBytes, size } = entry;
  return crc32(JSON.stringify([number, offset, kind, meta, appendedAt, blob, blobBytes, size]), ofBody);
}

export function headChecksum(number: number, epoch: number, next: number, checkpoint: string | null): number {
  return crc32(JSON.stringify([number, epoch, next, checkpoint]));
}

export function recordChecksum(key: string, value: string, revision: number): number {
  return crc32(JSON.stringify([key, value, revision]));
}

export function corruptEntry(journal: string, offset: number, what: string): Problem {
  return new Problem('BRM-STORE-CORRUPT', `Entry ${offset} of journal ${journal} is damaged: ${what}.`, {
    remedy:
      `Check the disk. Restore the data directory from a copy, or reset the collection of ${journal} ` +
      `so that it is read again from its source; what was appended from offset ${offset} on cannot be trusted.`,
    at: { journal, offset },
  });
}

export function corruptHead(journal: string): Problem {
  return new Problem('BRM-STORE-CORRUPT', `The checkpoint of journal ${journal} is damaged.`, {
    remedy: `Check the disk. Restore the data directory from a copy, or reset the collection of ${journal}.`,
    at: { journal },
  });
}

export function corruptRecord(key: string): Problem {
  return new Problem('BRM-STORE-CORRUPT', `The record ${key} is damaged: its checksum fails.`, {
    remedy: 'Check the disk, then restore the data directory from a copy.',
    at: { key },
  });
}
