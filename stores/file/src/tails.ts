import type { Entry, EntryMeta, JournalId, Offset } from '@brimful/store';
import { assert, Problem } from '@brimful/model';
import { bodyChecksum } from './checksum.ts';
import { TAIL_RING_BYTES } from './limits.ts';

/** An appended entry as it waits for tailing readers. `meta` is text, so that each reader gets its own object. */
export interface FreshEntry extends Omit<Entry, 'meta'> {
  readonly meta: string;
  readonly bodyChecksum: number;
}

interface Slot {
  readonly tail: Tail;
  readonly entry: FreshEntry;
  readonly bytes: number;
}

/** What an entry costs beside its body. */
const SLOT_BYTES = 512;

/**
 * The ends of the journals that somebody reads in this process: wakes readers, and keeps what was appended last so
 * that they need not read it back. One ring over all journals, oldest out first: a reader that falls behind
 * finds its entry gone and goes back to the history.
 */
export class Tails {
  readonly #tails = new Map<JournalId, Tail>();
  /** In order of appending. */
  readonly #slots = new Set<Slot>();
  readonly #limitBytes: number;
  #bytes = 0;
  #closed: Problem | undefined;

  constructor(limitBytes: number = TAIL_RING_BYTES) {
    this.#limitBytes = limitBytes;
  }

  get bytes(): number {
    return this.#bytes;
  }

  /** Every reader attaches once and detaches once. */
  attach(id: JournalId): Tail {
    const tail = this.#tails.get(id) ?? new Tail(id);
    this.#tails.set(id, tail);
    tail.readers += 1;
    return tail;
  }

  detach(tail: Tail): void {
    tail.readers -= 1;
    assert(tail.readers >= 0, 'a reader detaches once');
    if (tail.readers > 0) return;
    this.#tails.delete(tail.id);
    this.#forget(tail, Number.POSITIVE_INFINITY);
  }

  /** Entries are durable. `number` tells one life of the journal from the next. */
  appended(id: JournalId, number: number, entries: readonly FreshEntry[]): void {
    const tail = this.#tails.get(id);
    if (tail === undefined || entries.length === 0) return;
    if (tail.number !== number) this.#forget(tail, Number.POSITIVE_INFINITY);
    tail.number = number;
    for (const entry of entries) {
      const slot = { tail, entry, bytes: SLOT_BYTES + (entry.body?.buffer.byteLength ?? 0) };
      tail.slots.set(entry.offset, slot);
      this.#slots.add(slot);
      this.#bytes += slot.bytes;
    }
    tail.end = (entries.at(-1)?.offset ?? 0) + 1;
    for (const slot of this.#slots) {
      if (this.#bytes <= this.#limitBytes) break;
      this.#drop(slot);
    }
    tail.wake();
  }

  trimmed(id: JournalId, before: Offset): void {
    const tail = this.#tails.get(id);
    if (tail === undefined) return;
    this.#forget(tail, before);
    tail.wake();
  }

  dropped(id: JournalId): void {
    this.uncertain(id);
    this.trimmed(id, Number.POSITIVE_INFINITY);
  }

  /** The journal's end may have moved without `appended`: its readers look for themselves. */
  uncertain(id: JournalId): void {
    const tail = this.#tails.get(id);
    if (tail === undefined) return;
    tail.number = undefined;
    tail.wake();
  }

  /** Something changed, nobody here knows what. */
  wakeAll(): void {
    for (const tail of this.#tails.values()) tail.wake();
  }

  get isWatched(): boolean {
    return this.#tails.size > 0;
  }

  close(problem: Problem): void {
    this.#closed = problem;
    this.wakeAll();
  }

  /** Readers ask after every wait. */
  throwIfClosed(): void {
    if (this.#closed !== undefined) throw this.#closed;
  }

  #forget(tail: Tail, before: Offset): void {
    for (const slot of tail.slots.values()) {
      if (slot.entry.offset < before) this.#drop(slot);
    }
  }

  #drop(slot: Slot): void {
    this.#slots.delete(slot);
    slot.tail.slots.delete(slot.entry.offset);
    this.#bytes -= slot.bytes;
  }
}

/** One journal's end. */
export class Tail {
  readonly id: JournalId;
  readers = 0;
  /** Which life of the journal was appended to last, and where it ends; unknown before the first append seen. */
  number: number | undefined;
  end: Offset = 0;
  readonly slots = new Map<Offset, Slot>();
  /** Counts wake-ups, so that none between looking and waiting is missed. */
  version = 0;
  readonly #waiting = new Set<() => void>();

  constructor(id: JournalId) {
    this.id = id;
  }

  /** The entry at `offset` of that life of the journal, if it is still here. */
  take(number: number, offset: Offset): Entry | undefined {
    const slot = this.number === number ? this.slots.get(offset) : undefined;
    if (slot === undefined) return undefined;
    const { bodyChecksum: expected, meta, ...rest } = slot.entry;
    if (bodyChecksum(rest.body) !== expected) {
      throw new Problem(
        'BRM-STORE-CHANGED',
        `The body of entry ${offset} of journal ${this.id} was changed after its append.`,
        {
          kind: 'bug',
          remedy: 'The entry on disk is as it was appended. Report this as a bug.',
          at: { journal: this.id, offset },
        },
      );
    }
    return { ...rest, meta: JSON.parse(meta) as EntryMeta };
  }

  /** Whether that life of the journal certainly has nothing at `offset` yet. */
  endsAt(number: number | undefined, offset: Offset): boolean {
    return number !== undefined && this.number === number && this.end === offset;
  }

  wake(): void {
    this.version += 1;
    const waiting = [...this.#waiting];
    this.#waiting.clear();
    for (const resume of waiting) resume();
  }

  /** Resolves at once when something happened since `version`, or at the next wake-up or abort. */
  async changed(version: number, signal: AbortSignal): Promise<void> {
    if (this.version !== version || signal.aborted) return;
    await new Promise<void>((resolve) => {
      const resume = (): void => {
        this.#waiting.delete(resume);
        signal.removeEventListener('abort', resume);
        resolve();
      };
      this.#waiting.add(resume);
      signal.addEventListener('abort', resume, { once: true });
    });
  }
}
