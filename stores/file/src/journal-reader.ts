import type { Entry, EntryMeta, JournalId, Offset } from '@brimful/store';
import { assert, Problem } from '@brimful/model';
import type { HistoryEntry, HistoryPage } from './calls.ts';
import type { History } from './history.ts';
import type { Tail, Tails } from './tails.ts';

/**
 * Reads one journal: from the ring while the next entry is there, else a page of history, and when that is at the
 * journal's end, sleeps until something is appended. A reader that sleeps costs one small object.
 */
export async function* readJournal(
  history: History,
  tails: Tails,
  id: JournalId,
  from: Offset,
  signal: AbortSignal,
): AsyncGenerator<Entry, void, void> {
  assert(Number.isSafeInteger(from) && from >= 0, `offset ${from} is not a place in a journal`);
  const tail = tails.attach(id);
  const cursor: Cursor = { next: from, number: undefined };
  try {
    while (!signal.aborted) {
      tails.throwIfClosed();
      const fresh = cursor.number === undefined ? undefined : tail.take(cursor.number, cursor.next);
      if (fresh !== undefined) {
        cursor.next += 1;
        yield fresh;
      } else if (tail.endsAt(cursor.number, cursor.next)) {
        await tail.changed(tail.version, signal);
      } else {
        yield* readHistory(history, tail, cursor, signal);
      }
    }
  } finally {
    tails.detach(tail);
  }
}

interface Cursor {
  next: Offset;
  /** Which life of the journal is being read; undefined before it was seen. */
  number: number | undefined;
}

/** One page, or a sleep when there is nothing new. */
async function* readHistory(
  history: History,
  tail: Tail,
  cursor: Cursor,
  signal: AbortSignal,
): AsyncGenerator<Entry, void, void> {
  const { version } = tail;
  const held = await history.page(tail.id, cursor.next);
  if (signal.aborted) return held?.release();
  try {
    const page = checkPage(tail.id, cursor, held?.page);
    for (const stored of page?.entries ?? []) {
      cursor.next = stored.offset + 1;
      yield toEntry(stored);
      if (signal.aborted) return;
    }
    if (page !== undefined && page.entries.length > 0) return;
  } finally {
    held?.release();
  }
  await tail.changed(version, signal);
}

/** Whether what was found continues what was read. */
function checkPage(id: JournalId, cursor: Cursor, page: HistoryPage | undefined): HistoryPage | undefined {
  const { next, number } = cursor;
  const gone = page === undefined || (number !== undefined && page.number !== number);
  if (gone && number !== undefined && next > 0) throw trimmedProblem(id, next, 'the journal was dropped');
  if (page === undefined) {
    cursor.number = undefined;
    return undefined;
  }
  if (next < page.first) throw trimmedProblem(id, next, `it now starts at offset ${page.first}`);
  if (next > page.next) throw aheadProblem(id, next, page.next);
  cursor.number = page.number;
  return page;
}

function toEntry({ offset, kind, meta, appendedAt, body, blob, blobBytes }: HistoryEntry): Entry {
  return {
    offset,
    kind,
    meta: JSON.parse(meta) as EntryMeta,
    ...(body === null ? {} : { body }),
    ...(blob === null || blobBytes === null ? {} : { blob: { name: blob, bytes: blobBytes } }),
    appendedAt,
  };
}

function trimmedProblem(id: JournalId, offset: Offset, why: string): Problem {
  return new Problem('BRM-STORE-TRIMMED', `Entry ${offset} of journal ${id} is no longer there: ${why}.`, {
    remedy:
      'Whoever reads it must start again from a backfill; a longer retention keeps it from happening again.',
    at: { journal: id, offset },
  });
}

function aheadProblem(id: JournalId, offset: Offset, next: Offset): Problem {
  return new Problem(
    'BRM-STORE-AHEAD',
    `Journal ${id} ends at offset ${next}; its reader is already at ${offset}.`,
    {
      remedy:
        'The data directory is older than its reader, probably restored from a copy, or the journal was dropped and ' +
        'begun anew. Whoever reads it must start again from a backfill.',
      at: { journal: id, offset, next },
    },
  );
}
