/**
 * Journals: the durable, ordered log behind every generation of every collection.
 *
 * The store knows bytes and order, nothing else: what an entry's body means is the engine's business.
 */

/** `collection/generation/partition`, e.g. `shop/orders/1/0`. Unique within a store. */
export type JournalId = string;

/** Dense, zero-based place of an entry in one journal. Never re-used, also not after a trim. */
export type Offset = number;

/** What the engine says about an entry's body. `fence` entries are the store's own and carry no body. */
export type EntryKind = 'rows' | 'truncate' | 'schema' | 'complete' | 'fence';

/** An immutable blob that an entry claims. The blob must be durable before the entry is appended. */
export interface BlobReference {
  readonly name: string;
  /** Size of the blob as `Blobs.put` returned it. */
  readonly bytes: number;
}

/** One thing to append. `body` travels inline; bulk goes into a blob that the entry references. */
export interface NewEntry {
  readonly kind: Exclude<EntryKind, 'fence'>;
  /** Small integer and flags the engine wants back without decoding the body: rows, schema version, and so on. */
  readonly meta: EntryMeta;
  /** Handed over: never change these bytes after the call, tailing readers may be given this very array. */
  readonly body?: Uint8Array;
  readonly blob?: BlobReference;
}

/** Read without touching the body; JSON-serialisable; at most a few hundred bytes. */
export interface EntryMeta {
  readonly rows: number;
  /** Bytes of the body before compression. */
  readonly rawBytes: number;
  readonly schema: number;
  /** Milliseconds since 1970 of the newest source commit in the entry, or of the read. */
  readonly committedAt: number;
  /** Counts by what a reader may want to skip: rows scanned from the source, and rows with unknown columns. */
  readonly scanned: number;
  readonly unknown: number;
  readonly note?: string;
}

/** A durable entry. Its bytes are shared with other readers of the journal: never change them. */
export interface Entry {
  readonly offset: Offset;
  readonly kind: EntryKind;
  readonly meta: EntryMeta;
  readonly body?: Uint8Array;
  readonly blob?: BlobReference;
  /** Milliseconds since 1970 when the entry became durable, by this machine's clock. */
  readonly appendedAt: number;
}

/** The end of a journal as its writer knows it. `C` is JSON: what does not survive JSON is lost on reopening. */
export interface Head<C> {
  /** The offset the next entry will get. */
  readonly next: Offset;
  /** The writer's epoch; every `open` takes the next one. */
  readonly epoch: number;
  /** The checkpoint of the last append, or undefined in a new journal. */
  readonly checkpoint: C | undefined;
}

export interface JournalState {
  /** First offset still readable. */
  readonly first: Offset;
  readonly next: Offset;
  /** Bytes held by entries between `first` and `next`, blobs included. */
  readonly bytes: number;
}

/** The one writer of a journal. Appends are not concurrent: await one before the next (an assertion enforces it). */
export interface Writer<C> extends AsyncDisposable {
  readonly head: Head<C>;
  /**
   * Appends all entries and moves the checkpoint, or does nothing: one atomic, durable write. (Invariant 2)
   *
   * `entries` may be empty to move only the checkpoint. Resolves once it would survive a power cut. Throws
   * `BRM-STORE-FENCED` when a later writer opened the journal or it was dropped: nothing was written. A problem
   * of kind `bug` (too large, blob not there, two appends at once) also wrote nothing. After any other error the
   * outcome is unknown: the writer refuses further appends (`BRM-STORE-UNKNOWN`); open again and look at the head.
   */
  append(entries: readonly NewEntry[], checkpoint: C): Promise<Head<C>>;
}

/** One journal's part of an append to several. */
export interface JournalAppend {
  readonly writer: Writer<unknown>;
  readonly entries: readonly NewEntry[];
  readonly checkpoint: unknown;
}

export interface Journals {
  /** Opens for writing and fences every earlier writer, of this or another process. Creates the journal when new. */
  open<C>(id: JournalId): Promise<Writer<C>>;
  /**
   * Like `append` of each writer, for different journals opened here, but all of it or nothing: one atomic, durable write.
   * When one writer is fenced, nothing is written to any journal; which errors leave which writers usable is as for
   * `append`. Their heads move together.
   */
  appendTogether(appends: readonly JournalAppend[]): Promise<void>;
  /**
   * Entries from `from` on: the history, then the live tail, in order and without holes, until `signal` aborts
   * (then the iteration ends without an error). `fence` entries are delivered too, so that offsets have no holes.
   * Reads ahead at most `READ_AHEAD_BYTES`. A journal that does not exist yet is waited for.
   *
   * Throws `BRM-STORE-TRIMMED` when the next entry is no longer there because it was trimmed or the journal
   * dropped, `BRM-STORE-AHEAD` when `from` lies beyond the end (a reader's checkpoint is newer than this store:
   * somebody restored a copy), and `BRM-STORE-CORRUPT` with the offset of an entry whose bytes fail their checksum.
   */
  read(id: JournalId, from: Offset, signal: AbortSignal): AsyncIterable<Entry>;
  /** Undefined when the journal does not exist. */
  state(id: JournalId): Promise<JournalState | undefined>;
  list(prefix: string): Promise<JournalId[]>;
  /** Forgets entries below `before` (at most to the end) and the blobs that only they claim. Idempotent. */
  trim(id: JournalId, before: Offset): Promise<void>;
  /** Removes the journal, its entries and the blobs only it claims. Idempotent. A later `open` starts at 0. */
  drop(id: JournalId): Promise<void>;
}

/** How far a reader may run ahead of its consumer: enough to hide a disk read, small against the memory budget. */
export const READ_AHEAD_BYTES = 4 * 1024 * 1024;
/** An inline body larger than this is refused: put it into a blob. Keeps the log's small writes small. */
export const INLINE_LIMIT_BYTES = 4 * 1024 * 1024;
/** Inline bytes of one append. All of them are in memory at once, in the caller and in the store. */
export const APPEND_LIMIT_BYTES = 64 * 1024 * 1024;
