import type { JournalId, Offset } from '@brimful/store';

/** The journal of one generation. Collections have one partition so far. */
export function journalId(collection: string, generation: number): JournalId {
  return `${collection}/${generation}/0`;
}

/** The journal of a base: the generation's rows as of an offset of its journal. */
export function baseJournalId(collection: string, generation: number, asOf: Offset): JournalId {
  return `${baseJournalPrefix(collection, generation)}${asOf}`;
}

export function baseJournalPrefix(collection: string, generation: number): string {
  return `${collection}/${generation}/base-`;
}
