import type { Registered, Registry } from '@brimful/store';

/**
 * Which lives of a collection there are. All of them are fed from the stream: `next` is being read, `previous` can be
 * gone back to. `latest` is the highest number ever given, so that none is given twice.
 */
export interface CollectionGenerations {
  readonly current: number;
  readonly next: number | null;
  readonly previous: number | null;
  readonly latest: number;
}

/** One life of a destination table, and the generation of the collection that feeds it. */
export interface TableEdition {
  readonly generation: number;
  readonly collectionGeneration: number;
}

/** Which lives of a destination table there are. The destination itself says which of them has the table's name. */
export interface TableGenerations {
  readonly current: TableEdition;
  readonly next: TableEdition | null;
  readonly previous: TableEdition | null;
  readonly latest: number;
}

/** As it is before any run. */
export const FIRST_GENERATION: CollectionGenerations = { current: 1, next: null, previous: null, latest: 1 };
export const FIRST_TABLE: TableGenerations = {
  current: { generation: 1, collectionGeneration: 1 },
  next: null,
  previous: null,
  latest: 1,
};

/** The durable record of one thing's generations. Only runs change it, one at a time: a change that lost a race throws. */
class GenerationRecord<V> {
  readonly #registry: Registry;
  readonly #key: string;
  readonly #first: V;

  constructor(registry: Registry, key: string, first: V) {
    this.#registry = registry;
    this.#key = key;
    this.#first = first;
  }

  async read(): Promise<V> {
    return (await this.#record())?.value ?? this.#first;
  }

  /** Writes what `change` makes of the record, and returns it. */
  async change(change: (now: V) => V): Promise<V> {
    const record = await this.#record();
    const now = record?.value ?? this.#first;
    const next = change(now);
    if (next !== now) await this.#registry.put(this.#key, next, record?.revision ?? 0);
    return next;
  }

  #record(): Promise<Registered<V> | undefined> {
    return this.#registry.get<V>(this.#key);
  }
}

export function collectionGenerations(
  registry: Registry,
  collection: string,
): GenerationRecord<CollectionGenerations> {
  return new GenerationRecord(registry, `generations/${collection}`, FIRST_GENERATION);
}

export function tableGenerations(
  registry: Registry,
  materialization: string,
  table: string,
): GenerationRecord<TableGenerations> {
  return new GenerationRecord(registry, `tables/${materialization}/${table}`, FIRST_TABLE);
}
