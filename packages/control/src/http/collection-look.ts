import type { Preview, PreviewRow } from '@brimful/api';
import type { Logger } from '@brimful/connector';
import { ByteBudget, CollectionReader, collectionGenerations, journalId, zstd } from '@brimful/engine';
import type { Batch, RegisteredSchema } from '@brimful/model';
import { Problem } from '@brimful/model';
import type { Entry, Store } from '@brimful/store';
import { changedRow } from './changed-row.ts';
import { schemaVersions } from './schema-versions.ts';
import type { CollectionLook } from './http-target.ts';

/** For one batch at a time. */
const MEMORY_BYTES = 64 * 1024 * 1024;
/** Entries are looked at backwards in such steps, so that a long journal is not read from its beginning. */
const ENTRIES_BACK = 64;
const LOOK_MILLISECONDS = 10_000;
/** Of one value: a page of text. Whole documents are in the destination. */
export const VALUE_LIMIT_CHARACTERS = 10_000;

/** Looks into the collections of a store, beside whoever writes them. */
export function collectionLook(store: Store, log: Logger): CollectionLook {
  const memory = new ByteBudget(MEMORY_BYTES);
  const open = async (name: string) => {
    const generations = await collectionGenerations(store.registry, name).read();
    const id = journalId(name, generations.current);
    const state = await store.journals.state(id);
    if (state === undefined) throw unknown(name);
    const context = { log, now: Date.now, reach() {}, store, compression: zstd, memory };
    return { generations, state, reader: new CollectionReader(context, name, generations.current) };
  };
  return {
    generations: async (name) => {
      const { generations, reader } = await open(name);
      return {
        generation: generations.current,
        nextGeneration: generations.next,
        previousGeneration: generations.previous,
        schema: (await reader.currentSchema()) ?? null,
      };
    },
    schemas: async (name) => {
      const { generations, reader } = await open(name);
      const newest = await reader.currentSchema();
      const versions: RegisteredSchema[] = [];
      for (let version = 1; version <= (newest?.version ?? 0); version += 1) {
        versions.push(await reader.schema(version));
      }
      return { generation: generations.current, versions: schemaVersions(versions) };
    },
    preview: async (name, limit, skip) => {
      const { state, reader } = await open(name);
      const rows = await newestRows(reader, state, limit, skip);
      return { rows, schema: (await reader.currentSchema()) ?? null, next: state.next } satisfies Preview;
    },
  };
}

async function newestRows(
  reader: CollectionReader,
  { first, next }: { readonly first: number; readonly next: number },
  limit: number,
  skip: number,
): Promise<PreviewRow[]> {
  const signal = AbortSignal.timeout(LOOK_MILLISECONDS);
  const found: PreviewRow[] = [];
  let toSkip = skip;
  for (let until = next; until > first && found.length < limit; until -= ENTRIES_BACK) {
    const entries: Entry[] = [];
    for await (const entry of reader.history(Math.max(first, until - ENTRIES_BACK), until, signal)) {
      if (entry.kind === 'rows' || entry.kind === 'truncate') entries.push(entry);
    }
    for (const entry of entries.reverse()) {
      const rows = entry.kind === 'truncate' ? 1 : entry.meta.rows;
      const taken = Math.min(rows, toSkip);
      toSkip -= taken;
      const wanted = Math.min(rows - taken, limit - found.length);
      if (wanted > 0) found.unshift(...(await rowsOf(reader, entry, rows - taken - wanted, rows - taken)));
    }
  }
  return found;
}

async function rowsOf(
  reader: CollectionReader,
  entry: Entry,
  from: number,
  until: number,
): Promise<PreviewRow[]> {
  const { offset } = entry;
  if (entry.kind === 'truncate') return [{ operation: 'truncate', offset, values: {} }];
  const batch: Batch = await reader.batch(entry);
  return Array.from({ length: until - from }, (_, index) =>
    shortened(changedRow(batch, from + index), offset),
  );
}

function shortened(row: ReturnType<typeof changedRow>, offset: number): PreviewRow {
  const { operation, committedAt, oldKey } = row;
  const cut: string[] = [];
  const values: Record<string, string | null> = {};
  for (const [column, value] of Object.entries(row.values)) {
    const isLong = value !== null && value.length > VALUE_LIMIT_CHARACTERS;
    if (isLong) cut.push(column);
    values[column] = isLong ? value.slice(0, VALUE_LIMIT_CHARACTERS) : value;
  }
  return {
    operation,
    offset,
    ...(committedAt === undefined ? {} : { committedAt }),
    ...(oldKey === undefined ? {} : { oldKey: [...oldKey] }),
    values,
    ...(cut.length === 0 ? {} : { cut }),
  };
}

function unknown(name: string): Problem {
  return new Problem('BRM-COLLECTION-UNKNOWN', `There is no collection ${name} in this data directory.`, {
    remedy: 'Wait until its capture has begun, or look at the list of collections.',
    at: { collection: name },
  });
}
