import type { Action, MergeStep, TableHandle, Work } from '@brimful/connector';
import type { Batch, Json, ProblemRecord, Schema } from '@brimful/model';
import { alignBatch } from '@brimful/model';
import type { Entry, Offset } from '@brimful/store';
import type { OpenBase } from '../collection/base.ts';
import type { CollectionReader } from '../collection/collection-reader.ts';
import type { Budget, Lease } from '../context.ts';
import { Bell } from '../flow/bell.ts';
import { Meter } from '../flow/meter.ts';
import { untilAborted } from '../flow/pause-gate.ts';
import type { TableCheckpoint, TablePhase } from './checkpoint.ts';
import { NEW_TABLE, baseOf } from './checkpoint.ts';
import { fold } from './fold.ts';
import { interpret, needsBatch } from './interpret.ts';

/** Something read and not yet applied. */
interface Pending {
  readonly actions: readonly Action[];
  /** Changes to fold onto `schema`. */
  readonly merge: Batch | undefined;
  /** Rows of a complete table that were read again: most are there already as they are. */
  readonly mostlySame: boolean;
  readonly schema: Schema;
  readonly alone: boolean;
  readonly checkpoint: TableCheckpoint;
  readonly bytes: number;
  readonly committedAt: number;
  readonly arrivedAt: number;
  readonly lease: Lease;
}

/** Work taken from a feed, and what to do once it is applied. */
export interface TakenWork {
  readonly feed: TableFeed;
  readonly work: Work;
  readonly bytes: number;
  readonly alone: boolean;
  /** Call exactly once, when the transaction was committed or given up. */
  done(applied: boolean): void;
}

/** Rows of one table that may be read ahead of their transaction. */
const READ_AHEAD_ENTRIES = 4096;

/**
 * One destination table and the journal that feeds it: reads ahead within the memory budget, turns entries into work.
 * Reading and applying are two loops that meet in `pending`.
 */
export class TableFeed {
  readonly collection: string;
  readonly handle: TableHandle;
  readonly rowsMeter = new Meter();
  /** An apply with this table's work is under way. */
  busy = false;
  /** Transactions since the start that had something for the table. */
  batches = 0;
  problem: ProblemRecord | undefined;
  readonly #reader: CollectionReader;
  readonly #memory: Budget;
  readonly #now: () => number;
  readonly #notify: () => void;
  #applied: TableCheckpoint;
  /** Where the reading loop is. */
  #read: TableCheckpoint;
  #schema: Schema;
  #pending: Pending[] = [];
  #pendingBytes = 0;
  #indexing = false;
  /** The table may have been made by an earlier run, in an older shape, and never written to. */
  #unshaped: boolean;
  /** The table holds part of a load that counts no longer. */
  #startsOver: boolean;
  #base: OpenBase | undefined;
  #held = false;
  readonly #room = new Bell();
  readonly #closed = new AbortController();

  constructor(
    collection: string,
    handle: TableHandle,
    reader: CollectionReader,
    means: {
      readonly memory: Budget;
      readonly now: () => number;
      readonly notify: () => void;
      /** What a new table is loaded from; closed by the feed. Undefined: from the journal's beginning. */
      readonly base: OpenBase | undefined;
    },
  ) {
    this.collection = collection;
    this.handle = handle;
    this.#reader = reader;
    this.#memory = means.memory;
    this.#now = means.now;
    this.#notify = means.notify;
    this.#schema = handle.request.schema;
    this.#unshaped = handle.checkpoint === undefined;
    this.#base = means.base;
    const known = handle.checkpoint as TableCheckpoint | undefined;
    // A load from a base that has been replaced meanwhile begins again with the one there is now.
    const loading = known && baseOf(known);
    this.#startsOver = loading !== undefined && loading.journal !== means.base?.base.journal;
    const { base } = means.base ?? {};
    this.#applied =
      known === undefined || this.#startsOver
        ? {
            ...NEW_TABLE,
            schema: this.#schema.version,
            base: base === undefined ? null : { journal: base.journal, asOf: base.asOf },
          }
        : known;
    this.#read = this.#applied;
  }

  /** The generation of the collection that feeds the table. */
  get source(): { readonly generation: number; readonly journal: string } {
    return this.#reader;
  }

  get applied(): TableCheckpoint {
    return this.#applied;
  }

  /** The first entry whose effect is not in the destination yet. Entries that mean nothing to the table count as applied. */
  get offset(): Offset {
    const reached = this.#pending.length === 0 && !this.busy ? this.#read : this.#applied;
    return baseOf(reached) === undefined ? reached.offset : 0;
  }

  /** For people: an index that is being built is a phase of its own. */
  get phase(): TablePhase | 'indexing' {
    return this.#indexing ? 'indexing' : this.#applied.phase;
  }

  /** Milliseconds since 1970 of the oldest change that is not visible yet; undefined when there is none. */
  get oldestPending(): number | undefined {
    return this.#pending[0]?.committedAt;
  }

  get pendingSince(): number | undefined {
    return this.#pending[0]?.arrivedAt;
  }

  get pendingBytes(): number {
    return this.#pendingBytes;
  }

  /** Whether what comes next is to be applied apart from other tables' work. */
  get nextAlone(): boolean {
    return this.#pending[0]?.alone ?? false;
  }

  /** Nothing is to be applied for now: the table is about to change its name, or its run rests. */
  get held(): boolean {
    return this.#held;
  }

  set held(held: boolean) {
    const wasHeld = this.#held;
    this.#held = held;
    if (wasHeld && !held) this.#notify();
  }

  get ready(): boolean {
    return this.#pending.length > 0 && !this.busy && !this.held && this.problem === undefined;
  }

  /** Reads until aborted or closed. Throws what the journal throws. */
  async read(outer: AbortSignal): Promise<void> {
    const signal = AbortSignal.any([outer, this.#closed.signal]);
    try {
      await this.#readOn(signal);
    } catch (thrown) {
      if (!signal.aborted) throw thrown;
    }
  }

  /** Nothing more is written to it, for this reason. It can still be exchanged. */
  stop(problem: ProblemRecord): void {
    this.problem = problem;
    this.close();
  }

  /** Gives up what was read, for good. */
  close(): void {
    this.#closed.abort();
    this.#releaseBase();
    for (const item of this.#pending) item.lease.release();
    this.#pending = [];
    this.#pendingBytes = 0;
  }

  async #readOn(signal: AbortSignal): Promise<void> {
    // The table's version is what its last work made it, which may be older than the newest schema.
    if (this.#applied.schema > 0 && this.handle.checkpoint !== undefined) {
      this.#schema = await this.#reader.schema(this.#applied.schema);
    }
    while (!signal.aborted) {
      const turn = new AbortController();
      const from = this.#read.offset;
      const reader = baseOf(this.#read) === undefined ? this.#reader : (this.#base?.reader ?? this.#reader);
      for await (const entry of reader.entries(from, AbortSignal.any([signal, turn.signal]))) {
        const jumped = await this.#take(entry, signal);
        if (!jumped) continue;
        // A load is over: what follows begins elsewhere.
        turn.abort();
        break;
      }
    }
  }

  /**
   * Takes pending work of up to about `limitBytes`, at least one item. When it throws, nothing was taken: changes and table
   * do not fit together, and the feed must be closed.
   */
  takeWork(limitBytes: number): TakenWork {
    const items: Pending[] = [];
    let bytes = 0;
    for (const item of this.#pending) {
      if (items.length > 0 && (bytes + item.bytes > limitBytes || item.alone)) break;
      items.push(item);
      bytes += item.bytes;
      if (item.alone) break;
    }
    const actions = this.#actionsOf(items);
    this.#pending.splice(0, items.length);
    this.#pendingBytes -= bytes;
    this.busy = true;
    this.#indexing = items.some((item) => item.actions.some((action) => action.kind === 'index'));
    const checkpoint = { ...(items.at(-1) as Pending).checkpoint };
    const last: TableCheckpoint = { ...checkpoint, bytes: this.#applied.bytes + bytes };
    const rows = last.rows - this.#applied.rows;
    return {
      feed: this,
      work: { table: this.handle, actions, checkpoint: last as unknown as Json },
      bytes,
      alone: items.some((item) => item.alone),
      done: (applied) => {
        this.busy = false;
        this.#indexing = false;
        for (const item of items) item.lease.release();
        this.#room.ring();
        if (!applied) return;
        this.#applied = last;
        this.batches += 1;
        this.rowsMeter.add(Math.max(0, rows));
      },
    };
  }

  #actionsOf(items: readonly Pending[]): Action[] {
    const actions: Action[] = [];
    let changes: Batch[] = [];
    let mostlySame = false;
    const deleteTimes = this.handle.request.deletes === 'soft' ? 'each' : 'latest';
    const flush = (schema: Schema): void => {
      if (changes.length === 0) return;
      const steps = fold(changes, schema, deleteTimes);
      const marked = mostlySame ? steps.map(markedSame) : steps;
      if (steps.length > 0) actions.push({ kind: 'merge', steps: marked });
      changes = [];
      mostlySame = false;
    };
    let schema = items[0]?.schema as Schema;
    for (const item of items) {
      if (item.actions.length > 0 || item.schema !== schema) flush(schema);
      schema = item.schema;
      actions.push(...item.actions);
      if (item.merge !== undefined) changes.push(item.merge);
      mostlySame ||= item.mostlySame;
    }
    flush(schema);
    return actions;
  }

  /** Returns whether the next entry to read is not the one that follows. */
  async #take(entry: Entry, signal: AbortSignal): Promise<boolean> {
    const needed = needsBatch(entry, this.#read);
    const inBase = baseOf(this.#read) !== undefined;
    if (!needed && entry.kind === 'rows') {
      // Nothing to do, but the checkpoint should move on with the next work.
      this.#read = { ...this.#read, offset: entry.offset + 1 };
      return false;
    }
    if (entry.kind === 'fence' || (entry.kind === 'schema' && entry.meta.schema <= this.#schema.version)) {
      this.#read = { ...this.#read, offset: entry.offset + 1 };
      return false;
    }
    while (this.#pending.length >= READ_AHEAD_ENTRIES) await untilAborted(this.#room.next, signal);
    const lease = await this.#memory.take(Math.max(1024, needed ? entry.meta.rawBytes : 0), signal);
    try {
      const reader = inBase ? (this.#base?.reader ?? this.#reader) : this.#reader;
      const batch = needed ? await reader.batch(entry) : undefined;
      const evolution = await this.#evolution(batch?.schema.version ?? entry.meta.schema);
      signal.throwIfAborted();
      this.#push(entry, batch, lease, evolution);
    } catch (thrown) {
      lease.release();
      throw thrown;
    }
    return this.#read.offset !== entry.offset + 1 || (inBase && baseOf(this.#read) === undefined);
  }

  /** The table follows to a newer schema when its first entry comes. */
  async #evolution(version: number): Promise<readonly Action[]> {
    if (version <= this.#schema.version) return [];
    this.#schema = await this.#reader.schema(version);
    this.#read = { ...this.#read, schema: this.#schema.version };
    return [{ kind: 'evolve', schema: this.#schema }];
  }

  /** History before it may go. */
  #releaseBase(): void {
    this.#base?.[Symbol.dispose]();
    this.#base = undefined;
  }

  #push(entry: Entry, batch: Batch | undefined, lease: Lease, evolution: readonly Action[]): void {
    // Rows and keys that are loaded have the table's shape; what is merged is aligned by the fold.
    const loaded = batch !== undefined && this.#read.phase === 'loading';
    const meaning = interpret(entry, loaded ? alignBatch(batch, this.#schema) : batch, this.#read);
    this.#read = meaning.checkpoint;
    const actions = [...meaning.actions];
    if (this.#startsOver) actions.unshift({ kind: 'truncate' });
    this.#startsOver = false;
    if (baseOf(this.#read) === undefined) this.#releaseBase();
    if (this.#unshaped && evolution.length === 0) actions.unshift({ kind: 'evolve', schema: this.#schema });
    this.#unshaped = false;
    this.#pendingBytes += entry.meta.rawBytes;
    this.#pending.push({
      actions: [...evolution, ...actions],
      merge: meaning.merge ? batch : undefined,
      mostlySame: meaning.merge && entry.meta.scanned > 0,
      schema: this.#schema,
      alone: meaning.alone,
      checkpoint: meaning.checkpoint,
      bytes: entry.meta.rawBytes,
      committedAt: entry.meta.committedAt === 0 ? entry.appendedAt : entry.meta.committedAt,
      arrivedAt: this.#now(),
      lease,
    });
    this.#notify();
  }
}

function markedSame(step: MergeStep): MergeStep {
  return step.kind === 'upsert' ? { ...step, mostlySame: true } : step;
}
