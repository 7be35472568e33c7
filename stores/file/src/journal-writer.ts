import {
  APPEND_LIMIT_BYTES,
  type Head,
  INLINE_LIMIT_BYTES,
  type JournalId,
  type NewEntry,
  type Writer,
} from '@brimful/store';
import { assert, Problem } from '@brimful/model';
import type { Append, IncomingEntry, OpenedJournal, WriterCalls } from './calls.ts';
import { bodyChecksum } from './checksum.ts';
import type { Faults } from './faults.ts';
import type { FreshEntry, Tails } from './tails.ts';
import type { ThreadClient } from './thread-client.ts';

export interface WriterDependencies {
  readonly thread: ThreadClient<WriterCalls>;
  readonly tails: Tails;
  readonly faults: Faults | undefined;
  readonly now: (() => number) | undefined;
}

interface WriterAppend {
  readonly writer: JournalWriter<unknown>;
  readonly entries: readonly NewEntry[];
  readonly checkpoint: unknown;
}

interface PreparedAppend extends WriterAppend {
  readonly append: Append;
}

export class JournalWriter<C> implements Writer<C> {
  readonly #dependencies: WriterDependencies;
  readonly #id: JournalId;
  readonly #number: number;
  #head: Head<C>;
  #pending: Promise<void> | undefined;
  /** Why nothing more can be appended. */
  #ended: Problem | undefined;

  constructor(dependencies: WriterDependencies, id: JournalId, opened: OpenedJournal) {
    this.#dependencies = dependencies;
    this.#id = id;
    this.#number = opened.number;
    const checkpoint = opened.checkpoint === null ? undefined : (JSON.parse(opened.checkpoint) as C);
    this.#head = { next: opened.next, epoch: opened.epoch, checkpoint };
  }

  get head(): Head<C> {
    return this.#head;
  }

  append(entries: readonly NewEntry[], checkpoint: C): Promise<Head<C>> {
    return JournalWriter.appendTogether([{ writer: this, entries, checkpoint }]).then(() => this.#head);
  }

  /** See `Journals.appendTogether`. The writers are of one store. */
  static async appendTogether(appends: readonly WriterAppend[]): Promise<void> {
    // Taken before anything can fail, so that what JSON cannot hold is refused without a trace.
    const prepared = appends.map(({ writer, entries, checkpoint }) => writer.#prepare(entries, checkpoint));
    const pending = JournalWriter.#write(prepared);
    for (const { writer } of prepared) writer.#pending = pending;
    try {
      await pending;
    } finally {
      for (const { writer } of prepared) writer.#pending = undefined;
    }
  }

  #prepare(entries: readonly NewEntry[], checkpoint: C): PreparedAppend {
    if (this.#ended !== undefined) throw this.#ended;
    assert(this.#pending === undefined, `two appends at once to journal ${this.#id}`);
    const { next, epoch } = this.#head;
    const append: Append = {
      number: this.#number,
      name: this.#id,
      epoch,
      next,
      entries: entries.map((entry) => toIncoming(this.#id, entry)),
      bodies: joinBodies(this.#id, entries),
      checkpoint: jsonOf(checkpoint),
      now: this.#dependencies.now?.(),
    };
    return { writer: this, append, entries, checkpoint };
  }

  static async #write(prepared: readonly PreparedAppend[]): Promise<void> {
    const first = prepared[0]?.writer;
    if (first === undefined) return;
    const { thread, faults } = first.#dependencies;
    const appends = prepared.map(({ append }) => append);
    try {
      const transfer = appends.map(({ bodies }) => bodies.buffer as ArrayBuffer);
      const { appendedAt } = await thread.call('append', appends, { transfer, fault: faults?.at('append') });
      for (const one of prepared) one.writer.#settle(one, appendedAt);
    } catch (error) {
      for (const { writer } of prepared) writer.#fail(error);
      throw error;
    }
  }

  #settle({ append, entries, checkpoint }: PreparedAppend, appendedAt: number): void {
    const { next, epoch } = append;
    const fresh = entries.map((entry, index) =>
      toFresh(entry, append.entries[index], next + index, appendedAt),
    );
    this.#head = { next: next + entries.length, epoch, checkpoint: checkpoint as C };
    this.#dependencies.tails.appended(this.#id, this.#number, fresh);
  }

  #fail(error: unknown): void {
    const code = error instanceof Problem ? error.code : undefined;
    if (code === 'BRM-STORE-CLAIM') return;
    this.#ended = error instanceof Problem && code === 'BRM-STORE-FENCED' ? error : this.#unknown(error);
    this.#dependencies.tails.uncertain(this.#id);
  }

  #unknown(cause: unknown): Problem {
    const why = cause instanceof Error ? cause.message : String(cause);
    return new Problem('BRM-STORE-UNKNOWN', `An earlier append to journal ${this.#id} failed: ${why}`, {
      kind: 'retry',
      remedy: 'Open the journal again: its head says whether that append was written.',
      at: { journal: this.#id },
      cause,
    });
  }

  /** Waits for an append under way. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.#ended ??= new Problem('BRM-STORE-CLOSED', `The writer of journal ${this.#id} is closed.`, {
      kind: 'bug',
    });
    await this.#pending?.catch(() => {
      // Its caller was told.
    });
  }
}

/** Null for what JSON has no word for. */
function jsonOf(value: unknown): string | null {
  const text: string | undefined = JSON.stringify(value);
  return text ?? null;
}

function toIncoming(id: JournalId, { kind, meta, body, blob }: NewEntry): IncomingEntry {
  if (body !== undefined && body.byteLength > INLINE_LIMIT_BYTES) {
    throw new Problem(
      'BRM-STORE-TOO-LARGE',
      `A body of ${body.byteLength} bytes for journal ${id} is over the limit of ${INLINE_LIMIT_BYTES}.`,
      { kind: 'bug', remedy: 'Put it into a blob and claim that.', at: { journal: id } },
    );
  }
  return {
    kind,
    meta: JSON.stringify(meta),
    size: body?.byteLength ?? null,
    bodyChecksum: bodyChecksum(body),
    blob: blob?.name ?? null,
    blobBytes: blob?.bytes ?? null,
  };
}

/** The one copy on the way to disk: the thread needs bytes of its own, and the caller's stay with the readers. */
function joinBodies(id: JournalId, entries: readonly NewEntry[]): Uint8Array {
  const bytes = entries.reduce((sum, { body }) => sum + (body?.byteLength ?? 0), 0);
  if (bytes > APPEND_LIMIT_BYTES) {
    throw new Problem(
      'BRM-STORE-TOO-LARGE',
      `An append of ${bytes} bytes to journal ${id} is over the limit of ${APPEND_LIMIT_BYTES}.`,
      { kind: 'bug', remedy: 'Put the bulk into blobs, or append in several steps.', at: { journal: id } },
    );
  }
  const joined = new Uint8Array(bytes);
  let start = 0;
  for (const { body } of entries) {
    if (body === undefined) continue;
    joined.set(body, start);
    start += body.byteLength;
  }
  return joined;
}

function toFresh(
  entry: NewEntry,
  incoming: IncomingEntry | undefined,
  offset: number,
  appendedAt: number,
): FreshEntry {
  assert(incoming !== undefined, 'every entry was prepared');
  const { kind, body, blob } = entry;
  return {
    offset,
    kind,
    meta: incoming.meta,
    ...(body === undefined ? {} : { body: ownBytes(body) }),
    ...(blob === undefined ? {} : { blob: { name: blob.name, bytes: blob.bytes } }),
    appendedAt,
    bodyChecksum: incoming.bodyChecksum,
  };
}

/** A small view of a large buffer would keep all of it in memory. */
function ownBytes(body: Uint8Array): Uint8Array {
  return body.byteLength * 2 < body.buffer.byteLength ? new Uint8Array(body) : body;
}
