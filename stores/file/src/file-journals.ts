import type { Entry, JournalAppend, JournalId, JournalState, Journals, Offset, Writer } from '@brimful/store';
import { assert } from '@brimful/model';
import type { ReaderCalls } from './calls.ts';
import { History } from './history.ts';
import { readJournal } from './journal-reader.ts';
import { JournalWriter, type WriterDependencies } from './journal-writer.ts';
import type { ThreadClient } from './thread-client.ts';

export class FileJournals implements Journals {
  readonly #reader: ThreadClient<ReaderCalls>;
  readonly #history: History;
  readonly #dependencies: () => WriterDependencies;
  readonly #tails: WriterDependencies['tails'];

  /** `dependencies` throws in a read-only store. */
  constructor(
    reader: ThreadClient<ReaderCalls>,
    tails: WriterDependencies['tails'],
    dependencies: () => WriterDependencies,
  ) {
    this.#reader = reader;
    this.#history = new History(reader);
    this.#tails = tails;
    this.#dependencies = dependencies;
  }

  async open<C>(id: JournalId): Promise<Writer<C>> {
    const dependencies = this.#dependencies();
    assert(id !== '', 'a journal has a name');
    const opened = await dependencies.thread.call(
      'open',
      { name: id },
      { fault: dependencies.faults?.at('open') },
    );
    // An append whose outcome was unknown may have been written after all; now it has been, or never will be.
    this.#tails.uncertain(id);
    return new JournalWriter<C>(dependencies, id, opened);
  }

  appendTogether(appends: readonly JournalAppend[]): Promise<void> {
    return JournalWriter.appendTogether(
      appends.map(({ writer, entries, checkpoint }) => {
        assert(writer instanceof JournalWriter, 'the writer is of this store');
        return { writer: writer as JournalWriter<unknown>, entries, checkpoint };
      }),
    );
  }

  read(id: JournalId, from: Offset, signal: AbortSignal): AsyncIterable<Entry> {
    return readJournal(this.#history, this.#tails, id, from, signal);
  }

  async state(id: JournalId): Promise<JournalState | undefined> {
    const page = await this.#reader.call('page', { name: id, from: 0, bytes: 0 });
    return page === null ? undefined : { first: page.first, next: page.next, bytes: page.bytes };
  }

  list(prefix: string): Promise<JournalId[]> {
    return this.#reader.call('list', { prefix });
  }

  async trim(id: JournalId, before: Offset): Promise<void> {
    const { thread } = this.#dependencies();
    assert(Number.isSafeInteger(before) && before >= 0, `offset ${before} is not a place in a journal`);
    const number = await thread.call('trim', { name: id, before });
    this.#tails.trimmed(id, before);
    if (number !== null) await this.sweep(number);
  }

  async drop(id: JournalId): Promise<void> {
    const { thread } = this.#dependencies();
    const number = await thread.call('drop', { name: id });
    this.#tails.dropped(id);
    if (number !== null) await this.sweep(number);
  }

  /** In slices, between which appends get their turn. What a crash leaves is swept after the next start. */
  async sweep(number: number): Promise<void> {
    const { thread } = this.#dependencies();
    for (;;) {
      const { more } = await thread.call('sweep', { number });
      if (!more) return;
    }
  }
}
