import type { Registered, Registry, RegistryChange, Revision } from '@brimful/store';
import { assert } from '@brimful/model';
import type { ReaderCalls, StoredRecord, WriterCalls } from './calls.ts';
import type { Faults } from './faults.ts';
import { closedProblem, type ThreadClient } from './thread-client.ts';

/**
 * Records are few and small: all of them are kept in memory, as text, and written through. A read-only store looks
 * for changes of the writing process before it answers.
 */
export class FileRegistry implements Registry {
  readonly #reader: ThreadClient<ReaderCalls>;
  readonly #thread: () => ThreadClient<WriterCalls>;
  readonly #faults: Faults | undefined;
  readonly #isShared: boolean;
  readonly #records = new Map<string, StoredRecord>();
  readonly #watchers = new Set<Watcher>();
  #version = -1;
  #closed = false;

  constructor(
    reader: ThreadClient<ReaderCalls>,
    options: {
      readonly thread: () => ThreadClient<WriterCalls>;
      readonly faults: Faults | undefined;
      readonly isShared: boolean;
    },
  ) {
    this.#reader = reader;
    this.#thread = options.thread;
    this.#faults = options.faults;
    this.#isShared = options.isShared;
  }

  get isWatched(): boolean {
    return this.#watchers.size > 0;
  }

  async load(): Promise<void> {
    const records = await this.#reader.call('records', null);
    const found = new Set(records.map(({ key }) => key));
    for (const key of [...this.#records.keys()].filter((known) => !found.has(known))) {
      this.#records.delete(key);
      this.#tell(key);
    }
    for (const record of records) this.#apply(record);
  }

  /** Looks for changes by another process. Answers whether there may be any. */
  async refresh(): Promise<boolean> {
    if (this.#closed) throw closedProblem();
    if (!this.#isShared) return false;
    const version = await this.#reader.call('version', null);
    if (version === this.#version) return false;
    await this.load();
    this.#version = version;
    return true;
  }

  async get<V>(key: string): Promise<Registered<V> | undefined> {
    await this.refresh();
    const record = this.#records.get(key);
    return record === undefined ? undefined : decode<V>(record);
  }

  async list<V>(prefix: string): Promise<Registered<V>[]> {
    await this.refresh();
    return this.#under(prefix).map((record) => decode<V>(record));
  }

  async put<V>(key: string, value: V, expect?: Revision): Promise<Revision> {
    const thread = this.#thread();
    const text = JSON.stringify(value) as string | undefined;
    assert(text !== undefined, `the value of record ${key} is JSON`);
    const revision = await thread.call(
      'put',
      { key, value: text, expect },
      { fault: this.#faults?.at('put') },
    );
    this.#apply({ key, value: text, revision });
    return revision;
  }

  async remove(key: string, expect?: Revision): Promise<void> {
    const revision = await this.#thread().call('remove', { key, expect });
    const known = this.#records.get(key);
    if (revision === null || known === undefined || known.revision > revision) return;
    this.#records.delete(key);
    this.#tell(key);
  }

  async *watch(prefix: string, signal: AbortSignal): AsyncGenerator<RegistryChange, void, void> {
    const watcher = new Watcher(prefix);
    this.#watchers.add(watcher);
    const wake = (): void => watcher.wake();
    signal.addEventListener('abort', wake);
    try {
      await this.refresh();
      for (const { key } of this.#under(prefix)) watcher.changed.add(key);
      while (!signal.aborted) {
        if (this.#closed) throw closedProblem();
        const key = watcher.next();
        if (key === undefined) await watcher.wait();
        else yield this.#change(key);
      }
    } finally {
      signal.removeEventListener('abort', wake);
      this.#watchers.delete(watcher);
    }
  }

  close(): void {
    this.#closed = true;
    for (const watcher of this.#watchers) watcher.wake();
  }

  #under(prefix: string): StoredRecord[] {
    const records = [...this.#records.values()].filter(({ key }) => key.startsWith(prefix));
    return records.sort((a, b) => (a.key < b.key ? -1 : 1));
  }

  #change(key: string): RegistryChange {
    const record = this.#records.get(key);
    return record === undefined ? { kind: 'remove', key } : { kind: 'put', record: decode(record) };
  }

  /** Answers may be handled out of order: the larger revision is the later one. */
  #apply(record: StoredRecord): void {
    const known = this.#records.get(record.key);
    if (known !== undefined && known.revision >= record.revision) return;
    this.#records.set(record.key, record);
    this.#tell(record.key);
  }

  #tell(key: string): void {
    for (const watcher of this.#watchers) {
      if (key.startsWith(watcher.prefix)) watcher.add(key);
    }
  }
}

/** Remembers which keys changed, not how: a slow watcher holds one name for each key and sees its latest value. */
class Watcher {
  readonly prefix: string;
  readonly changed = new Set<string>();
  #resume: (() => void) | undefined;

  constructor(prefix: string) {
    this.prefix = prefix;
  }

  add(key: string): void {
    this.changed.add(key);
    this.wake();
  }

  wake(): void {
    this.#resume?.();
    this.#resume = undefined;
  }

  next(): string | undefined {
    for (const key of this.changed) {
      this.changed.delete(key);
      return key;
    }
    return undefined;
  }

  /** Call it in the same turn in which nothing was found. */
  wait(): Promise<void> {
    return new Promise((resolve) => {
      this.#resume = resolve;
    });
  }
}

function decode<V>({ key, value, revision }: StoredRecord): Registered<V> {
  return { key, value: JSON.parse(value) as V, revision };
}
