import type { Batch, RegisteredSchema, Schema } from '@brimful/model';
import { ColumnBuilder, Problem } from '@brimful/model';
import type { Entry, JournalId, Offset } from '@brimful/store';
import type { EngineContext } from '../context.ts';
import { decodeFrame } from './frame.ts';
import { journalId } from './journal-id.ts';
import { SchemaHistory } from './schema-history.ts';
import { decodeSegment } from './segment.ts';

/**
 * Reads a generation's entries and turns their bytes back into batches. Any number of readers, any speed. Its bases are
 * journals of their own, with the schemas of the generation.
 */
export class CollectionReader {
  readonly generation: number;
  readonly #context: EngineContext;
  readonly #id: JournalId;
  readonly #schemas: SchemaHistory;

  constructor(
    context: EngineContext,
    collection: string,
    generation: number,
    journal: JournalId = journalId(collection, generation),
  ) {
    this.#context = context;
    this.#id = journal;
    this.generation = generation;
    this.#schemas = new SchemaHistory(context.store.registry, collection, generation);
  }

  get journal(): JournalId {
    return this.#id;
  }

  /** See `Journals.read`. */
  entries(from: Offset, signal: AbortSignal): AsyncIterable<Entry> {
    return this.#context.store.journals.read(this.#id, from, signal);
  }

  /** Entries from `from` up to but not including `until`, which the journal has already reached. Rejects with the signal's reason. */
  async *history(from: Offset, until: Offset, signal: AbortSignal): AsyncIterable<Entry> {
    if (from >= until) return;
    const end = new AbortController();
    for await (const entry of this.entries(from, AbortSignal.any([signal, end.signal]))) {
      yield entry;
      if (entry.offset >= until - 1) {
        end.abort();
        return;
      }
    }
    // A journal's reader ends in silence; half of a history must not pass for the whole.
    signal.throwIfAborted();
  }

  schema(version: number): Promise<RegisteredSchema> {
    return this.#schemas.version(version);
  }

  /** The newest schema, or undefined while the collection has none. */
  async currentSchema(): Promise<Schema | undefined> {
    await this.#schemas.load();
    return this.#schemas.current;
  }

  /** The batch of a `rows` entry. */
  async batch(entry: Entry): Promise<Batch> {
    const batch = await this.#decode(entry);
    if (batch.rows === entry.meta.rows) return batch;
    throw new Problem(
      'BRM-STORE-CORRUPT',
      `entry ${entry.offset} of ${this.#id} holds ${batch.rows} rows, not ${entry.meta.rows}`,
      { at: { journal: this.#id, offset: entry.offset } },
    );
  }

  async #decode(entry: Entry): Promise<Batch> {
    const schema = await this.#schemas.version(entry.meta.schema);
    if (entry.blob === undefined) return decodeFrame(entry.body as Uint8Array, schema);
    const bytes = await this.#context.store.blobs.get(entry.blob.name);
    const batch = decodeSegment(
      await this.#context.compression.decompress(bytes, entry.meta.rawBytes),
      schema,
    );
    return entry.body === undefined ? batch : withoutRows(batch, droppedRows(entry.body));
  }
}

function droppedRows(body: Uint8Array): Uint32Array {
  const copy = body.slice();
  return new Uint32Array(copy.buffer, 0, copy.byteLength / 4);
}

/** A scanned batch without the rows the stream had overtaken. `dropped` ascends. */
function withoutRows(batch: Batch, dropped: Uint32Array): Batch {
  const columns = batch.columns.map((column) => {
    const builder = new ColumnBuilder(column.type);
    let place = 0;
    for (let row = 0; row < batch.rows; row += 1) {
      if (dropped[place] === row) place += 1;
      else builder.appendFrom(column, row);
    }
    return builder.finish();
  });
  return { schema: batch.schema, rows: batch.rows - dropped.length, columns, changes: undefined };
}
