import type { Batch, RegisteredSchema, Schema } from '@brimful/model';
import { Operation, batchBytes, countUnknown } from '@brimful/model';
import type { EntryMeta, Head, NewEntry, Writer } from '@brimful/store';
import type { EngineContext } from '../context.ts';
import { encodeFrame } from './frame.ts';
import { journalId } from './journal-id.ts';
import { SchemaHistory } from './schema-history.ts';
import { decodeSegment, encodeSegment } from './segment.ts';

/** A batch that is durable as a blob but not yet part of the journal. */
export interface StagedSegment {
  readonly blob: { readonly name: string; readonly bytes: number };
  readonly schema: Schema;
  readonly rows: number;
  readonly rawBytes: number;
}

/** Batches up to this size travel inline, larger ones as a compressed segment. */
const INLINE_BATCH_BYTES = 1024 * 1024;

/**
 * The one writer of a collection's generation. Callers take turns through `exclusive`; whatever they append in their
 * turn is one atomic write together with the checkpoint. (Invariant 2)
 */
export class CollectionWriter<C> implements AsyncDisposable {
  readonly collection: string;
  readonly generation: number;
  readonly #context: EngineContext;
  readonly #writer: Writer<C>;
  readonly #schemas: SchemaHistory;
  #turn: Promise<unknown> = Promise.resolve();
  #pending: NewEntry[] = [];
  #blobs = 0;

  private constructor(
    context: EngineContext,
    collection: string,
    generation: number,
    writer: Writer<C>,
    schemas: SchemaHistory,
  ) {
    this.#context = context;
    this.collection = collection;
    this.generation = generation;
    this.#writer = writer;
    this.#schemas = schemas;
  }

  static async open<C>(
    context: EngineContext,
    collection: string,
    generation: number,
  ): Promise<CollectionWriter<C>> {
    const writer = await context.store.journals.open<C>(journalId(collection, generation));
    const schemas = new SchemaHistory(context.store.registry, collection, generation);
    await schemas.load();
    return new CollectionWriter(context, collection, generation, writer, schemas);
  }

  get head(): Head<C> {
    return this.#writer.head;
  }

  /** Every shape that the generation's rows have had, oldest first. */
  get shapes(): readonly RegisteredSchema[] {
    return this.#schemas.versions;
  }

  get schema(): Schema | undefined {
    return this.#schemas.current;
  }

  /** The newest version here that has this shape; undefined: none ever had. */
  known(schema: Schema): Schema | undefined {
    return this.#schemas.find(schema);
  }

  /** Runs `work` alone. `put*` calls inside it only gather; `commit` writes. What failed before it wrote leaves nothing. */
  exclusive<T>(work: () => Promise<T>): Promise<T> {
    const turn = this.#turn.then(work);
    this.#turn = turn.catch(() => {
      // Invariant 2: the next turn's checkpoint must not carry data of this one.
      this.#pending = [];
    });
    return turn;
  }

  /** The schema under its version in this journal; a new shape adds a `schema` entry. */
  async putSchema(schema: Schema): Promise<Schema> {
    const registered = await this.#schemas.register(schema, this.#context.now());
    if (registered.isNew) {
      this.#pending.push({ kind: 'schema', meta: { ...EMPTY_META, schema: registered.schema.version } });
    }
    return registered.schema;
  }

  /** Streamed or remedial changes. Their schema may be older than the current one. */
  async putChanges(batch: Batch, committedAt: number): Promise<void> {
    if (batch.rows === 0) return;
    const known = this.#schemas.find(batch.schema) ?? (await this.putSchema(batch.schema));
    const rawBytes = batchBytes(batch);
    const meta: EntryMeta = {
      rows: batch.rows,
      rawBytes,
      schema: known.version,
      committedAt,
      scanned: countScanned(batch),
      unknown: countUnknown(batch),
    };
    if (rawBytes <= INLINE_BATCH_BYTES) {
      this.#pending.push({ kind: 'rows', meta, body: encodeFrame(batch) });
    } else {
      this.#pending.push({ kind: 'rows', meta, blob: await this.#putBlob(batch) });
    }
  }

  /** Makes a scanned batch durable without showing it to anybody. */
  async stage(batch: Batch): Promise<StagedSegment> {
    return {
      blob: await this.#putBlob(batch),
      schema: batch.schema,
      rows: batch.rows,
      rawBytes: batchBytes(batch),
    };
  }

  /** The batch of a staged segment, read back. */
  async readStaged(segment: StagedSegment): Promise<Batch> {
    const bytes = await this.#context.store.blobs.get(segment.blob.name);
    return decodeSegment(await this.#context.compression.decompress(bytes, segment.rawBytes), segment.schema);
  }

  /** A staged segment is not needed after all. */
  async unstage(segment: StagedSegment): Promise<void> {
    await this.#context.store.blobs.remove(segment.blob.name);
  }

  /** A staged segment joins the journal, without the rows listed in `dropped` (ascending): as rows a scan
   * read, which a load may take in any order, or as changes, which have their place among the others. */
  async putStaged(
    segment: StagedSegment,
    dropped: readonly number[],
    committedAt: number,
    as: 'scan' | 'changes',
  ): Promise<void> {
    const rows = segment.rows - dropped.length;
    const known = await this.putSchema(segment.schema);
    this.#pending.push({
      kind: 'rows',
      meta: {
        rows,
        rawBytes: segment.rawBytes,
        schema: known.version,
        committedAt,
        scanned: as === 'scan' ? rows : 0,
        unknown: 0,
      },
      blob: segment.blob,
      ...(dropped.length === 0 ? {} : { body: new Uint8Array(Uint32Array.from(dropped).buffer) }),
    });
  }

  putTruncate(committedAt: number): void {
    this.#pending.push({ kind: 'truncate', meta: { ...EMPTY_META, committedAt } });
  }

  /** From here on the collection holds every row of its source. */
  putComplete(committedAt: number): void {
    this.#pending.push({ kind: 'complete', meta: { ...EMPTY_META, committedAt } });
  }

  /** Writes what was put since the last commit, and the checkpoint. */
  async commit(checkpoint: C): Promise<Head<C>> {
    const entries = this.#pending;
    this.#pending = [];
    this.#context.reach('journal.before-append');
    const head = await this.#writer.append(entries, checkpoint);
    this.#context.reach('journal.after-append');
    return head;
  }

  /** Commits what was put into several writers, each in its own turn, as one atomic write. (Invariant 2) */
  static async commitTogether<C>(
    context: EngineContext,
    commits: readonly { readonly writer: CollectionWriter<C>; readonly checkpoint: C }[],
  ): Promise<void> {
    const appends = commits.map(({ writer, checkpoint }) => {
      const entries = writer.#pending;
      writer.#pending = [];
      return { writer: writer.#writer, entries, checkpoint };
    });
    context.reach('journal.before-append');
    await context.store.journals.appendTogether(appends);
    context.reach('journal.after-append');
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#turn;
    await this.#writer[Symbol.asyncDispose]();
  }

  async #putBlob(batch: Batch): Promise<{ readonly name: string; readonly bytes: number }> {
    const compressed = await this.#context.compression.compress(encodeSegment(batch));
    this.#blobs += 1;
    const name = `${journalId(this.collection, this.generation)}/${this.#writer.head.epoch}-${this.#blobs}.arrow.zst`;
    this.#context.reach('segment.before-put');
    const { bytes } = await this.#context.store.blobs.put(name, [compressed]);
    return { name, bytes };
  }
}

const EMPTY_META: EntryMeta = { rows: 0, rawBytes: 0, schema: 0, committedAt: 0, scanned: 0, unknown: 0 };

function countScanned(batch: Batch): number {
  const { changes } = batch;
  if (changes === undefined) return batch.rows;
  let scanned = 0;
  for (const operation of changes.operations) if (operation === Operation.read) scanned += 1;
  return scanned;
}
