import type { JournalId } from '@brimful/store';

/** The journal of one generation. Collections have one partition so far. */
export function journalId(collection: string, generation: number): JournalId {
  return `${collection}/${generation}/0`;
}
