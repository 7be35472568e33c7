import type { JournalId, Offset, Registered, Registry, Revision, Store } from '@brimful/store';
import type { EngineContext } from '../context.ts';
import { CollectionReader } from './collection-reader.ts';
import { heldFrom, holdHistory } from './history-hold.ts';
import { baseJournalPrefix } from './journal-id.ts';

/** What a generation's journal came to at an offset: a journal of its own, of scanned rows, one a key. */
export interface Base {
  /** Everything below this offset of the generation's journal is in it, and nothing else. */
  readonly asOf: Offset;
  readonly journal: JournalId;
  /** The offset behind its last entry. */
  readonly end: Offset;
  readonly rows: number;
  /** On disk. */
  readonly bytes: number;
  /** Before compression. */
  readonly rawBytes: number;
  /** Schema version of its rows. */
  readonly schema: number;
}

/** A base that stays as long as it is not disposed of, as do all entries of the journal from its `asOf` on. */
export interface OpenBase extends Disposable {
  readonly base: Base;
  /**
   * Reads the base's journal like a generation's: a `schema` entry, `rows` entries that are all scanned, a `complete`
   * entry. Offsets are the base's own. After it, the generation's entries from `base.asOf` on follow as changes of a table
   * that is complete.
   */
  readonly reader: CollectionReader;
}

/** The newest base, opened; undefined when there is none: history is then there from its beginning. */
export async function openBase(
  context: EngineContext,
  collection: string,
  generation: number,
): Promise<OpenBase | undefined> {
  const hold = holdHistory(context.store, collection, generation, 0);
  try {
    const base = await currentBase(context.store.registry, collection, generation);
    if (base === undefined) {
      hold[Symbol.dispose]();
      return undefined;
    }
    hold.moveTo(base.asOf);
    const reader = new CollectionReader(context, collection, generation, base.journal);
    return { base, reader, [Symbol.dispose]: () => hold[Symbol.dispose]() };
  } catch (thrown) {
    hold[Symbol.dispose]();
    throw thrown;
  }
}

/** The newest base at or below an offset. Hold history before, else it may be gone in the next moment. */
export async function currentBase(
  registry: Registry,
  collection: string,
  generation: number,
  atMost: Offset = Infinity,
): Promise<Base | undefined> {
  const { bases } = await readBases(registry, collection, generation);
  return bases.findLast(({ asOf }) => asOf <= atMost);
}

/** Makes a finished base known. Throws `BRM-STORE-CONFLICT` when somebody else did meanwhile. */
export async function recordBase(
  registry: Registry,
  collection: string,
  generation: number,
  base: Base,
): Promise<void> {
  const { bases, revision } = await readBases(registry, collection, generation);
  await registry.put(recordKey(collection, generation), [...bases, base], revision);
}

/**
 * Forgets bases that nobody needs who reads from `keepFrom` on or holds history: all older than the newest one at or below
 * that. Removes journals of bases that were not finished or are forgotten. Never while a base of the generation is written.
 */
export async function dropBases(
  store: Store,
  collection: string,
  generation: number,
  keepFrom: Offset,
): Promise<void> {
  const { bases, revision } = await readBases(store.registry, collection, generation);
  const needed = Math.min(keepFrom, heldFrom(store, collection, generation));
  const oldest = bases.findLast(({ asOf }) => asOf <= needed)?.asOf ?? 0;
  const kept = bases.filter(({ asOf }) => asOf >= oldest);
  if (kept.length < bases.length) await store.registry.put(recordKey(collection, generation), kept, revision);
  const known = new Set(kept.map(({ journal }) => journal));
  for (const journal of await store.journals.list(baseJournalPrefix(collection, generation))) {
    // A reader that came before the record was changed may have found the old one there; the next look drops it.
    if (heldFrom(store, collection, generation) < oldest) return;
    if (!known.has(journal)) await store.journals.drop(journal);
  }
}

/** Removes all bases of a generation that is given up. */
export async function removeBases(store: Store, collection: string, generation: number): Promise<void> {
  await store.registry.remove(recordKey(collection, generation));
  for (const journal of await store.journals.list(baseJournalPrefix(collection, generation)))
    await store.journals.drop(journal);
}

/** Ascending by `asOf`. */
async function readBases(
  registry: Registry,
  collection: string,
  generation: number,
): Promise<{ readonly bases: readonly Base[]; readonly revision: Revision }> {
  const record: Registered<readonly Base[]> | undefined = await registry.get(
    recordKey(collection, generation),
  );
  return { bases: record?.value ?? [], revision: record?.revision ?? 0 };
}

function recordKey(collection: string, generation: number): string {
  return `bases/${collection}/${generation}`;
}
