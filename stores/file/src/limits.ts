/** Everything the file adapter bounds, with its reason. */

const KIB = 1024;
const MIB = 1024 * KIB;

/** Layout of the directory. A larger number on disk means: written by a newer Brimful. */
export const FORMAT_VERSION = 1;

/** Commands in one SQLite transaction: every journal of a large installation, yet its replies stay prompt. */
export const GROUP_COMMANDS_LIMIT = 4_096;
/** Inline bytes in one transaction: a commit of this size takes some 100 ms, and nobody waits longer than one. */
export const GROUP_BYTES_LIMIT = 32 * MIB;

/** Freshly appended entries kept for tailing readers, over all journals: half a second at 32 MB/s. */
export const TAIL_RING_BYTES = 16 * MIB;

/** One page of history. Large enough to hide the hop between threads, small enough that pages take turns. */
export const HISTORY_PAGE_BYTES = 1 * MIB;
/** Entries in one page: tiny entries cost more as objects than as bytes. */
export const HISTORY_PAGE_ENTRIES = 1_024;
/** Bytes of history pages in the hands of all readers; beyond it pages shrink to the minimum, but never wait. */
export const HISTORY_BUDGET_BYTES = 32 * MIB;
/** What a reader gets however many there are: with less, a thousand lagging readers would crawl. */
export const HISTORY_PAGE_MINIMUM_BYTES = 32 * KIB;

/** Log written since the last copying into the database that makes the next one worth its syncs. */
export const CHECKPOINT_AFTER_BYTES = 16 * MIB;
/** Copies in a row away from the hot path: the second takes what was committed during the first, and is short. */
export const CHECKPOINT_ROUNDS = 2;
/**
 * Log written after which the writer itself copies the rest, so that the log starts afresh instead of growing. Every
 * commit waits meanwhile, some milliseconds; this is also about how large the log gets, and how much a crash leaves
 * to be read at the next start.
 */
export const LOG_RESTART_AFTER_BYTES = 64 * MIB;
/** How long that waits for readers to finish a page; longer, and it is tried again with the next copying. */
export const LOG_RESTART_WAIT_MS = 20;

/** Entries and inline bytes deleted in one go after a trim or drop: appends wait no longer than for this. */
export const SWEEP_ENTRIES = 256;
export const SWEEP_BYTES = 1 * MIB;

/** A stalled disk may take this long to answer; then the outcome counts as unknown. */
export const REPLY_LIMIT_MS = 120_000;
/** How long opening waits for a process that is just ending. */
export const LOCK_WAIT_MS = 250;
/** How long SQLite waits for another process that recovers the log. */
export const BUSY_WAIT_MS = 5_000;
/** How often a read-only store looks for changes of the writing process. */
export const POLL_EVERY_MS = 250;

/** Bytes checksummed before the event loop gets its turn: about a millisecond. */
export const CHECKSUM_SLICE_BYTES = 4 * MIB;
/** Parts of a blob smaller than this are joined before writing: a system call costs more than the copy. */
export const JOIN_PARTS_BELOW_BYTES = 64 * KIB;
export const JOINED_PARTS_BYTES = 1 * MIB;
/** Bytes of one read or write call: Linux cuts calls at 2 GiB, and a smaller one keeps the thread pool fair. */
export const BLOB_IO_BYTES = 16 * MIB;

/** Offsets share a 63-bit key with the journal's number: a trillion entries in each of eight million journals. */
export const OFFSET_BITS = 40;
export const JOURNAL_NUMBER_LIMIT = 2 ** (63 - OFFSET_BITS);
