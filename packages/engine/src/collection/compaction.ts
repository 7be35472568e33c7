import type { Batch, Schema } from '@brimful/model';
import { Problem, batchBytes } from '@brimful/model';
import { SCAN_BATCH_BYTES } from '@brimful/connector';
import type { EntryMeta, NewEntry, Offset, Store, Writer } from '@brimful/store';
import type { EngineContext } from '../context.ts';
import type { Base } from './base.ts';
import { currentBase, dropBases, recordBase } from './base.ts';
import type { OpenState } from './collection-state.ts';
import { openState } from './collection-state.ts';
import { baseJournalId } from './journal-id.ts';
import { RowNumbers } from './row-numbers.ts';
import { encodeSegment } from './segment.ts';

export interface CompactOptions {
  /** Entries below are folded. */
  readonly asOf: Offset;
  /** As in `ReadStateOptions`. */
  readonly costBytes?: number;
  readonly onProgress?: (progress: { readonly rows: number; readonly bytes: number }) => void;
  readonly signal: AbortSignal;
}

/** Segments that are made known to the journal at once. */
const APPEND_ENTRIES = 32;

/**
 * Writes the state of a generation at `asOf` as a base: a journal of its own (see `OpenBase`), known once it is whole.
 * Starts from the newest base and the entries since. Returns the newest base where that is at or beyond `asOf` already.
 * One at a time and generation; others wait. Earlier bases stay until `dropBases`. A base that was not finished is dropped
 * by the next compaction or look of retention; none of its rows was ever visible.
 *
 * Refuses (`BRM-COMPACT-EARLY`) a generation whose first read is not over below `asOf`: it has no state yet.
 */
export function compact(
  context: EngineContext,
  collection: string,
  generation: number,
  options: CompactOptions,
): Promise<Base> {
  return alone(context.store, `${collection}/${generation}`, async () => {
    const { registry } = context.store;
    const known = await currentBase(registry, collection, generation);
    if (known !== undefined && known.asOf >= options.asOf) return known;
    await dropBases(context.store, collection, generation, 0);
    const state = await openState(context, collection, generation, options);
    try {
      const { schema, completeFrom } = state;
      if (schema === undefined || completeFrom === undefined)
        throw early(collection, generation, options.asOf);
      const base = await writeBase(context, { collection, generation, schema }, state, options);
      context.reach('compaction.before-record');
      await recordBase(registry, collection, generation, base);
      context.reach('compaction.after-record');
      return base;
    } finally {
      await state[Symbol.asyncDispose]();
    }
  });
}

/** Forgets bases that are not needed from `keepFrom` on, and what unfinished compactions left. See `dropBases`. */
export function forgetBases(
  context: EngineContext,
  collection: string,
  generation: number,
  keepFrom: Offset,
): Promise<void> {
  return alone(context.store, `${collection}/${generation}`, () =>
    dropBases(context.store, collection, generation, keepFrom),
  );
}

/** Of this process: what is done to a generation's bases is done one after the other. */
const turns = new WeakMap<Store, Map<string, Promise<unknown>>>();

async function alone<T>(store: Store, generation: string, work: () => Promise<T>): Promise<T> {
  const all = turns.get(store) ?? new Map<string, Promise<unknown>>();
  turns.set(store, all);
  const turn = (all.get(generation) ?? Promise.resolve()).then(work);
  const settled = turn.then(
    () => undefined,
    () => undefined,
  );
  all.set(generation, settled);
  try {
    return await turn;
  } finally {
    if (all.get(generation) === settled) all.delete(generation);
  }
}

interface Subject {
  readonly collection: string;
  readonly generation: number;
  readonly schema: Schema;
}

async function writeBase(
  context: EngineContext,
  subject: Subject,
  state: OpenState,
  { asOf, onProgress }: CompactOptions,
): Promise<Base> {
  const journal = baseJournalId(subject.collection, subject.generation, asOf);
  // Also fences whoever wrote it before a crash.
  await using writer = await context.store.journals.open<Written>(journal);
  const base = new BaseWriter(context, journal, writer, subject.schema);
  let gathered: Batch[] = [];
  let bytes = 0;
  const put = async (): Promise<void> => {
    await base.put(joined(gathered));
    [gathered, bytes] = [[], 0];
    onProgress?.({ rows: base.rows, bytes: base.bytes });
  };
  for await (const { batch } of state.pieces()) {
    gathered.push(batch);
    bytes += batchBytes(batch);
    if (bytes >= SCAN_BATCH_BYTES) await put();
  }
  if (gathered.length > 0) await put();
  const end = await base.finish();
  const { rows, rawBytes } = base;
  return { asOf, journal, end, rows, bytes: base.bytes, rawBytes, schema: subject.schema.version };
}

/** A base's journal has no checkpoint of use: one that is not whole is dropped. */
type Written = { readonly rows: number };

class BaseWriter {
  rows = 0;
  bytes = 0;
  rawBytes = 0;
  readonly #context: EngineContext;
  readonly #journal: string;
  readonly #writer: Writer<Written>;
  readonly #schema: Schema;
  readonly #readAt: number;
  #pending: NewEntry[];
  #blobs = 0;

  constructor(context: EngineContext, journal: string, writer: Writer<Written>, schema: Schema) {
    this.#context = context;
    this.#journal = journal;
    this.#writer = writer;
    this.#schema = schema;
    this.#readAt = context.now();
    this.#pending = [{ kind: 'schema', meta: this.#meta(0, 0) }];
  }

  async put(batch: Batch): Promise<void> {
    const compressed = await this.#context.compression.compress(encodeSegment(batch));
    this.#blobs += 1;
    // One that failed may have left its blobs until the next start.
    const name = `${this.#journal}/${this.#readAt}-${this.#writer.head.epoch}-${this.#blobs}.arrow.zst`;
    const { bytes } = await this.#context.store.blobs.put(name, [compressed]);
    const rawBytes = batchBytes(batch);
    this.#pending.push({ kind: 'rows', meta: this.#meta(batch.rows, rawBytes), blob: { name, bytes } });
    this.rows += batch.rows;
    this.bytes += bytes;
    this.rawBytes += rawBytes;
    if (this.#pending.length >= APPEND_ENTRIES) await this.#append();
  }

  /** Returns the offset behind the last entry. */
  async finish(): Promise<Offset> {
    this.#pending.push({ kind: 'complete', meta: this.#meta(0, 0) });
    await this.#append();
    return this.#writer.head.next;
  }

  async #append(): Promise<void> {
    this.#context.reach('compaction.before-append');
    await this.#writer.append(this.#pending, { rows: this.rows });
    this.#pending = [];
  }

  #meta(rows: number, rawBytes: number): EntryMeta {
    const committedAt = this.#readAt;
    return { rows, rawBytes, schema: this.#schema.version, committedAt, scanned: rows, unknown: 0 };
  }
}

function joined(batches: readonly Batch[]): Batch {
  const [first] = batches as [Batch];
  if (batches.length === 1) return first;
  const numbers = new RowNumbers(batches);
  const all = new Int32Array(numbers.count).map((_, index) => index);
  const columns = first.schema.columns.map(({ type }, column) => numbers.gather(type, column, all));
  return { schema: first.schema, rows: numbers.count, columns, changes: undefined };
}

function early(collection: string, generation: number, asOf: Offset): Problem {
  return new Problem(
    'BRM-COMPACT-EARLY',
    `${collection} (generation ${generation}) is still being read for the first time at offset ${asOf}`,
    { kind: 'retry', remedy: 'Compact it once its first read is over.', at: { collection, generation } },
  );
}
