import type { EntryKind, Offset } from '@brimful/store';
import type { Fault } from './faults.ts';

/** What the main thread asks of its two threads: `call: [argument, answer]`. Everything here crosses threads. */

/** An entry on its way in. Its body is `size` bytes of the append's `bodies`, after those of the entries before it. */
export interface IncomingEntry {
  readonly kind: EntryKind;
  readonly meta: string;
  /** Null: no body. */
  readonly size: number | null;
  /** Taken by the caller's thread, so that the bytes are covered from the first moment. */
  readonly bodyChecksum: number;
  readonly blob: string | null;
  readonly blobBytes: number | null;
}

export interface Append {
  readonly number: number;
  readonly name: string;
  readonly epoch: number;
  /** Where the writer believes the journal ends. */
  readonly next: Offset;
  readonly entries: readonly IncomingEntry[];
  readonly bodies: Uint8Array;
  readonly checkpoint: string | null;
  /** Undefined: the thread's own clock. */
  readonly now: number | undefined;
}

export interface OpenedJournal {
  readonly number: number;
  readonly epoch: number;
  readonly next: Offset;
  readonly checkpoint: string | null;
}

export interface Sweep {
  /** Whether more is left to delete. */
  readonly more: boolean;
}

export interface WriterCalls {
  /** Locks, creates, recovers, collects orphans. Answers with the journals that a crash left half swept. */
  start: [null, { readonly unswept: readonly number[] }];
  open: [{ readonly name: string }, OpenedJournal];
  /** Of different journals, as one: all of them or none. */
  append: [readonly Append[], { readonly appendedAt: number }];
  /** Answers with the journal's number, or null when there is none. */
  trim: [{ readonly name: string; readonly before: Offset }, number | null];
  drop: [{ readonly name: string }, number | null];
  sweep: [{ readonly number: number }, Sweep];
  put: [{ readonly key: string; readonly value: string; readonly expect: number | undefined }, number];
  /** Answers with the revision of the removal, or null when there was nothing to remove. */
  remove: [{ readonly key: string; readonly expect: number | undefined }, number | null];
  removeBlob: [{ readonly name: string }, null];
  /** Copies the small rest of the log, so that the next commit starts it afresh. False: readers were in the way. */
  restartLog: [null, boolean];
  stop: [null, null];
}

export interface HistoryEntry {
  readonly offset: Offset;
  readonly kind: EntryKind;
  readonly meta: string;
  readonly appendedAt: number;
  readonly body: Uint8Array | null;
  readonly blob: string | null;
  readonly blobBytes: number | null;
}

/** A consistent look at one journal, with its entries from the offset asked for. */
export interface HistoryPage {
  readonly number: number;
  readonly first: Offset;
  readonly next: Offset;
  readonly bytes: number;
  readonly entries: readonly HistoryEntry[];
}

export interface StoredRecord {
  readonly key: string;
  readonly value: string;
  readonly revision: number;
}

export interface Claim {
  readonly journal: string;
  readonly offset: Offset;
}

export interface ReaderCalls {
  start: [null, null];
  /** `bytes` 0: only the state. Null when the journal does not exist. */
  page: [{ readonly name: string; readonly from: Offset; readonly bytes: number }, HistoryPage | null];
  list: [{ readonly prefix: string }, string[]];
  records: [null, StoredRecord[]];
  claims: [{ readonly blob: string }, Claim[]];
  space: [null, { readonly usedBytes: number; readonly reusableBytes: number }];
  /** Changes whenever another connection committed. */
  version: [null, number];
  /** Copies the log into the database as far as it can beside the writer. */
  checkpoint: [null, null];
  stop: [null, null];
}

/** One call under way. `fault` is for tests. */
export interface Request {
  readonly id: number;
  readonly call: string;
  readonly argument: unknown;
  readonly fault?: Fault | undefined;
}
