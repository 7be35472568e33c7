import { Problem, assert } from '@brimful/model';
import type {
  Blobs,
  Entry,
  Head,
  JournalId,
  JournalAppend,
  Journals,
  JournalState,
  NewEntry,
  Offset,
  Registered,
  Registry,
  RegistryChange,
  Revision,
  Store,
  Writer,
} from '@brimful/store';
import { INLINE_LIMIT_BYTES } from '@brimful/store';
import { Bell } from '../flow/bell.ts';

/** What may go wrong with an append: it is not written, or it is written and the answer is lost. */
export type AppendFault = 'none' | 'refused' | 'lost';

export interface MemoryStoreMeans {
  /** Waited for before and after every effect. */
  turn(): Promise<void>;
  appendFault(id: JournalId): AppendFault;
  now(): number;
}

const AT_ONCE: MemoryStoreMeans = {
  turn: () => Promise.resolve(),
  appendFault: () => 'none',
  now: () => Date.now(),
};

interface Journal {
  first: Offset;
  /** The entry of offset `first` comes first. */
  entries: Entry[];
  epoch: number;
  checkpoint: string | undefined;
  dropped: boolean;
}

/** What outlives a process: the store's durable state. */
export class MemoryDisk {
  readonly journals = new Map<JournalId, Journal>();
  readonly records = new Map<string, { readonly value: string; readonly revision: Revision }>();
  readonly blobs = new Map<string, Uint8Array>();
  readonly changed = new Bell();
  revision = 0;

  /** Opens it as the next process does: blobs that no entry claims are collected. */
  open(means: Partial<MemoryStoreMeans> = {}, collects = true): MemoryStore {
    const claimed = this.claimed();
    if (collects) for (const name of this.blobs.keys()) if (!claimed.has(name)) this.blobs.delete(name);
    return new MemoryStore(this, { ...AT_ONCE, ...means });
  }

  claimed(): Set<string> {
    const names = new Set<string>();
    for (const { entries } of this.journals.values())
      for (const { blob } of entries) if (blob !== undefined) names.add(blob.name);
    return names;
  }

  collect(candidates: readonly Entry[]): void {
    const claimed = this.claimed();
    for (const { blob } of candidates)
      if (blob !== undefined && !claimed.has(blob.name)) this.blobs.delete(blob.name);
  }
}

/** A store in memory with the whole contract, for tests. Opened by `MemoryDisk.open`. */
export class MemoryStore implements Store {
  readonly journals: Journals;
  readonly registry: Registry;
  readonly blobs: Blobs;
  readonly #disk: MemoryDisk;
  #closed = false;

  constructor(disk: MemoryDisk, means: MemoryStoreMeans) {
    this.#disk = disk;
    const enter = async (): Promise<void> => {
      this.#check();
      await means.turn();
      this.#check();
    };
    this.journals = new MemoryJournals(disk, means, enter, () => this.#check());
    this.registry = new MemoryRegistry(disk, enter, () => this.#check());
    this.blobs = new MemoryBlobs(disk, means, enter);
  }

  async space(): Promise<{ readonly usedBytes: number; readonly freeBytes: number }> {
    const usedBytes = [...this.#disk.blobs.values()].reduce((sum, blob) => sum + blob.length, 0);
    return { usedBytes, freeBytes: 2 ** 40 };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#closed = true;
    this.#disk.changed.ring();
  }

  #check(): void {
    if (this.#closed) throw new Problem('BRM-STORE-CLOSED', 'the store was closed');
  }
}

class MemoryJournals implements Journals {
  readonly #disk: MemoryDisk;
  readonly #means: MemoryStoreMeans;
  readonly #enter: () => Promise<void>;
  readonly #check: () => void;

  constructor(disk: MemoryDisk, means: MemoryStoreMeans, enter: () => Promise<void>, check: () => void) {
    this.#disk = disk;
    this.#means = means;
    this.#enter = enter;
    this.#check = check;
  }

  async open<C>(id: JournalId): Promise<Writer<C>> {
    await this.#enter();
    const journal: Journal = this.#disk.journals.get(id) ?? {
      first: 0,
      entries: [],
      epoch: 0,
      checkpoint: undefined,
      dropped: false,
    };
    this.#disk.journals.set(id, journal);
    journal.epoch += 1;
    return new MemoryWriter<C>(id, journal, this.#disk, this.#means, this.#enter);
  }

  async appendTogether(appends: readonly JournalAppend[]): Promise<void> {
    await MemoryWriter.appendTogether(
      appends.map(({ writer, entries, checkpoint }) => {
        assert(writer instanceof MemoryWriter, 'the writer is of this store');
        return { writer, entries, checkpoint };
      }),
    );
  }

  async *read(id: JournalId, from: Offset, signal: AbortSignal): AsyncIterable<Entry> {
    let next = from;
    let journal: Journal | undefined;
    while (!signal.aborted) {
      this.#check();
      const changed = this.#disk.changed.next;
      journal ??= this.#disk.journals.get(id);
      if (journal !== undefined) {
        const entry = entryAt(journal, id, next);
        if (entry !== undefined) {
          yield entry;
          next += 1;
          await this.#means.turn();
          continue;
        }
      }
      await either(changed, signal);
    }
  }

  async state(id: JournalId): Promise<JournalState | undefined> {
    await this.#enter();
    const journal = this.#disk.journals.get(id);
    if (journal === undefined) return undefined;
    const bytes = journal.entries.reduce(
      (sum, { body, blob }) => sum + (body?.length ?? 0) + (blob?.bytes ?? 0),
      0,
    );
    return { first: journal.first, next: journal.first + journal.entries.length, bytes };
  }

  async list(prefix: string): Promise<JournalId[]> {
    await this.#enter();
    return [...this.#disk.journals.keys()].filter((id) => id.startsWith(prefix)).sort();
  }

  async trim(id: JournalId, before: Offset): Promise<void> {
    await this.#enter();
    const journal = this.#disk.journals.get(id);
    if (journal === undefined) return;
    const gone = journal.entries.splice(0, Math.max(0, before - journal.first));
    journal.first += gone.length;
    this.#disk.collect(gone);
    this.#disk.changed.ring();
  }

  async drop(id: JournalId): Promise<void> {
    await this.#enter();
    const journal = this.#disk.journals.get(id);
    if (journal === undefined) return;
    journal.dropped = true;
    this.#disk.journals.delete(id);
    this.#disk.collect(journal.entries);
    this.#disk.changed.ring();
  }
}

function entryAt(journal: Journal, id: JournalId, offset: Offset): Entry | undefined {
  const end = journal.first + journal.entries.length;
  if (journal.dropped || offset < journal.first)
    throw new Problem('BRM-STORE-TRIMMED', `${id} no longer has entry ${offset}`);
  if (offset > end) throw new Problem('BRM-STORE-AHEAD', `${id} ends at ${end}, before ${offset}`);
  return journal.entries[offset - journal.first];
}

class MemoryWriter<C> implements Writer<C> {
  readonly #id: JournalId;
  readonly #journal: Journal;
  readonly #epoch: number;
  readonly #disk: MemoryDisk;
  readonly #means: MemoryStoreMeans;
  readonly #enter: () => Promise<void>;
  #head: Head<C>;
  #appending = false;
  #unknown = false;

  constructor(
    id: JournalId,
    journal: Journal,
    disk: MemoryDisk,
    means: MemoryStoreMeans,
    enter: () => Promise<void>,
  ) {
    this.#id = id;
    this.#journal = journal;
    this.#epoch = journal.epoch;
    this.#disk = disk;
    this.#means = means;
    this.#enter = enter;
    this.#head = this.#headNow();
  }

  get head(): Head<C> {
    return this.#head;
  }

  async append(entries: readonly NewEntry[], checkpoint: C): Promise<Head<C>> {
    await MemoryWriter.appendTogether([{ writer: this, entries, checkpoint }]);
    return this.#head;
  }

  /** See `Journals.appendTogether`. */
  static async appendTogether(
    appends: readonly {
      readonly writer: MemoryWriter<unknown>;
      readonly entries: readonly NewEntry[];
      readonly checkpoint: unknown;
    }[],
  ): Promise<void> {
    const kept = appends.map(({ checkpoint }) => JSON.stringify(checkpoint));
    const writers = appends.map(({ writer }) => writer);
    for (const writer of writers) writer.#begin();
    const [first] = writers;
    try {
      if (first === undefined) return;
      await first.#enter();
      for (const { writer, entries } of appends) writer.#check(entries);
      const fault = first.#means.appendFault(first.#id);
      if (fault !== 'refused')
        appends.forEach(({ writer, entries }, index) => writer.#write(entries, kept[index] as string));
      await first.#means.turn();
      for (const writer of writers) writer.#end(fault);
      if (fault !== 'none')
        throw new Problem('BRM-STORE-FAULT', `the append to ${first.#id} failed`, { kind: 'retry' });
    } finally {
      for (const writer of writers) writer.#appending = false;
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.resolve();
  }

  #begin(): void {
    assert(!this.#appending, `two appends to ${this.#id} at once`);
    if (this.#unknown)
      throw new Problem('BRM-STORE-UNKNOWN', `an append to ${this.#id} failed`, { kind: 'retry' });
    this.#appending = true;
  }

  #check(entries: readonly NewEntry[]): void {
    const journal = this.#journal;
    if (journal.dropped || journal.epoch !== this.#epoch)
      throw new Problem('BRM-STORE-FENCED', `${this.#id} has a later writer`, { kind: 'retry' });
    for (const { body, blob } of entries) {
      if ((body?.length ?? 0) > INLINE_LIMIT_BYTES)
        throw new Problem('BRM-STORE-TOO-LARGE', 'the body does not fit inline', { kind: 'bug' });
      assert(blob === undefined || this.#disk.blobs.has(blob.name), `blob ${blob?.name} is there`);
    }
  }

  #write(entries: readonly NewEntry[], checkpoint: string): void {
    const journal = this.#journal;
    const next = journal.first + journal.entries.length;
    const appendedAt = this.#means.now();
    entries.forEach((entry, index) => {
      journal.entries.push({ ...entry, meta: { ...entry.meta }, offset: next + index, appendedAt });
    });
    journal.checkpoint = checkpoint;
    this.#disk.changed.ring();
  }

  #end(fault: AppendFault): void {
    if (fault === 'none') this.#head = this.#headNow();
    else this.#unknown = true;
  }

  #headNow(): Head<C> {
    const { first, entries, checkpoint } = this.#journal;
    return {
      next: first + entries.length,
      epoch: this.#epoch,
      checkpoint: checkpoint === undefined ? undefined : (JSON.parse(checkpoint) as C),
    };
  }
}

class MemoryRegistry implements Registry {
  readonly #disk: MemoryDisk;
  readonly #enter: () => Promise<void>;
  readonly #check: () => void;

  constructor(disk: MemoryDisk, enter: () => Promise<void>, check: () => void) {
    this.#disk = disk;
    this.#enter = enter;
    this.#check = check;
  }

  async get<V>(key: string): Promise<Registered<V> | undefined> {
    await this.#enter();
    return this.#at<V>(key);
  }

  async list<V>(prefix: string): Promise<Registered<V>[]> {
    await this.#enter();
    return this.#all<V>(prefix);
  }

  async put<V>(key: string, value: V, expect?: Revision): Promise<Revision> {
    const kept = JSON.stringify(value);
    await this.#enter();
    this.#expect(key, expect);
    this.#disk.revision += 1;
    this.#disk.records.set(key, { value: kept, revision: this.#disk.revision });
    this.#disk.changed.ring();
    return this.#disk.revision;
  }

  async remove(key: string, expect?: Revision): Promise<void> {
    await this.#enter();
    this.#expect(key, expect);
    this.#disk.records.delete(key);
    this.#disk.changed.ring();
  }

  async *watch(prefix: string, signal: AbortSignal): AsyncIterable<RegistryChange> {
    const seen = new Map<string, Revision>();
    while (!signal.aborted) {
      this.#check();
      const changed = this.#disk.changed.next;
      const records = this.#all(prefix);
      for (const record of records) {
        if (seen.get(record.key) === record.revision) continue;
        seen.set(record.key, record.revision);
        yield { kind: 'put', record };
      }
      for (const key of seen.keys()) {
        if (records.some((record) => record.key === key)) continue;
        seen.delete(key);
        yield { kind: 'remove', key };
      }
      await either(changed, signal);
    }
  }

  #expect(key: string, expect: Revision | undefined): void {
    const actual = this.#disk.records.get(key)?.revision ?? 0;
    if (expect !== undefined && expect !== actual)
      throw new Problem('BRM-STORE-CONFLICT', `${key} is at revision ${actual}`, { at: { key, actual } });
  }

  #at<V>(key: string): Registered<V> | undefined {
    const record = this.#disk.records.get(key);
    return record && { key, value: JSON.parse(record.value) as V, revision: record.revision };
  }

  #all<V>(prefix: string): Registered<V>[] {
    const keys = [...this.#disk.records.keys()].filter((key) => key.startsWith(prefix)).sort();
    return keys.map((key) => this.#at<V>(key) as Registered<V>);
  }
}

class MemoryBlobs implements Blobs {
  readonly #disk: MemoryDisk;
  readonly #means: MemoryStoreMeans;
  readonly #enter: () => Promise<void>;

  constructor(disk: MemoryDisk, means: MemoryStoreMeans, enter: () => Promise<void>) {
    this.#disk = disk;
    this.#means = means;
    this.#enter = enter;
  }

  async put(name: string, parts: readonly Uint8Array[]): Promise<{ readonly bytes: number }> {
    assert(
      name.split('/').every((part) => part !== '' && part !== '.' && part !== '..'),
      `${name} is a path`,
    );
    await this.#enter();
    assert(!this.#disk.blobs.has(name), `blob ${name} is written once`);
    const whole = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0));
    let at = 0;
    for (const part of parts) {
      whole.set(part, at);
      at += part.length;
    }
    this.#disk.blobs.set(name, whole);
    await this.#means.turn();
    return { bytes: whole.length };
  }

  async get(name: string): Promise<Uint8Array> {
    await this.#enter();
    const blob = this.#disk.blobs.get(name);
    if (blob === undefined) throw new Problem('BRM-STORE-CORRUPT', `blob ${name} is missing`);
    return blob.slice();
  }

  async list(prefix: string): Promise<string[]> {
    await this.#enter();
    return [...this.#disk.blobs.keys()].filter((name) => name.startsWith(prefix)).sort();
  }

  async remove(name: string): Promise<void> {
    await this.#enter();
    assert(!this.#disk.claimed().has(name), `blob ${name} is claimed by no entry`);
    this.#disk.blobs.delete(name);
  }
}

/** The promise, or the signal, whichever comes first. */
async function either(promise: Promise<void>, signal: AbortSignal): Promise<void> {
  const aborted = Promise.withResolvers<void>();
  const abort = (): void => aborted.resolve();
  if (signal.aborted) return;
  signal.addEventListener('abort', abort, { once: true });
  await Promise.race([promise, aborted.promise]);
  signal.removeEventListener('abort', abort);
}
