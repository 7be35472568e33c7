import type { Batch, Changes, Column, Schema } from '@brimful/model';
import {
  Operation,
  Problem,
  alignBatch,
  assert,
  hasBit,
  hashRows,
  keyIndices,
  nullColumn,
  widthOf,
} from '@brimful/model';
import type { Entry, Offset } from '@brimful/store';
import type { EngineContext } from '../context.ts';
import type { Base } from './base.ts';
import { currentBase } from './base.ts';
import { CollectionReader } from './collection-reader.ts';
import { journalId } from './journal-id.ts';
import { rowsWhere, selectFrom, selectRows } from './select-rows.ts';
import { keyHashes } from './spread.ts';
import { TiedKeys } from './tied-keys.ts';

/** What a state is made of. */
export interface StateRequest {
  /** Entries below are in it. The journal must have reached this. */
  readonly asOf: Offset;
  /** Asked for changes from `seesFrom` on: those it says no to are left out. */
  readonly sees?: (transaction: bigint) => boolean;
  /** Default 0. No base beyond it is used, since a base has forgotten its transactions. */
  readonly seesFrom?: Offset;
  /** Entries from here on are not applied: they remove the keys they mention. */
  readonly mentionsFrom?: Offset;
  /** Only these columns of the newest schema, and its key. The rest is neither folded nor put aside. */
  readonly columns?: readonly string[];
  readonly signal: AbortSignal;
}

/** What a key that is tied to another takes in memory: half a million may be. */
const TIED_KEY_BYTES = 32;
/** A group of tied keys is in memory as a whole; a row costs more than its key: ten thousand may be in one. */
const GROUPED_KEY_BYTES = 1600;

/** Where in the journal (or in a base) the parts of a state are. */
interface Survey {
  /** Scanned rows that are taken first. Undefined: none. */
  readonly scanned: { readonly from: Offset; readonly until: Offset } | undefined;
  readonly changesFrom: Offset;
  /** Scanned rows below are not among the changes. */
  readonly scannedBelow: Offset;
  /** The rows of the source were all there from this offset on; undefined: not yet. */
  readonly completeFrom: Offset | undefined;
  readonly schema: number;
  /** Bytes and rows of all that is read, before it is folded. */
  readonly rawBytes: number;
  readonly rows: number;
  readonly entries: number;
}

/**
 * A generation's journal as a state needs it, in the order in which it must be applied: what a table does in two passes
 * and after (see `interpret`). Rows scanned before the first `complete` entry (a base's rows instead, if there is one) come
 * first; then all changes since the last truncation before it, in order; after that entry, scanned rows are changes like
 * any other. A truncation makes everything before it void. All batches have the newest schema below `asOf`.
 */
export class StateSource {
  /** Of the rows, with no more columns than were asked for. */
  readonly schema: Schema | undefined;
  /** The newest below `asOf`. */
  readonly #whole: Schema | undefined;
  readonly #request: StateRequest;
  readonly #reader: CollectionReader;
  readonly #baseReader: CollectionReader | undefined;
  readonly #survey: Survey;

  private constructor(
    request: StateRequest,
    readers: { readonly journal: CollectionReader; readonly base: CollectionReader | undefined },
    survey: Survey,
    schema: Schema | undefined,
  ) {
    this.#request = request;
    this.#reader = readers.journal;
    this.#baseReader = readers.base;
    this.#survey = survey;
    this.#whole = schema;
    this.schema = schema && narrowed(schema, request.columns);
  }

  /** The caller holds history. Throws `BRM-STORE-TRIMMED` when neither history nor a base reaches back far enough. */
  static async open(
    context: EngineContext,
    collection: string,
    generation: number,
    request: StateRequest,
  ): Promise<StateSource> {
    const id = journalId(collection, generation);
    const state = await context.store.journals.state(id);
    if (request.asOf > (state?.next ?? 0)) {
      const message = `${id} has not reached offset ${request.asOf}`;
      throw new Problem('BRM-STORE-AHEAD', message, { kind: 'bug', at: { journal: id } });
    }
    const seesFrom = request.sees === undefined ? Infinity : (request.seesFrom ?? 0);
    const atMost = Math.min(request.asOf, seesFrom, request.mentionsFrom ?? Infinity);
    const base = await currentBase(context.store.registry, collection, generation, atMost);
    const reader = new CollectionReader(context, collection, generation);
    const readers = {
      journal: reader,
      base: base && new CollectionReader(context, collection, generation, base.journal),
    };
    const survey = await surveyed(reader, base, request);
    const schema = survey.schema === 0 ? undefined : await reader.schema(survey.schema);
    return new StateSource(request, readers, survey, schema);
  }

  /** The generation held every row of its source from this offset on, at the latest. Undefined: its first read goes on. */
  get completeFrom(): Offset | undefined {
    return this.#survey.completeFrom;
  }

  get changesFrom(): Offset {
    return this.#survey.changesFrom;
  }

  /** At most so much memory takes the whole of it, unfolded. */
  get costBytes(): number {
    const { rows, entries } = this.#survey;
    const width = this.schema?.columns.length ?? 0;
    // As `costBytes` of one batch, were all rows moves with columns left out.
    return this.#rawBytes + rows * (112 + width * 8) + entries * (512 + width * 256);
  }

  /** At most so many bytes are the columns that were asked for: where all are of one width, that is known. */
  get #rawBytes(): number {
    const { rawBytes, rows } = this.#survey;
    if (this.#request.columns === undefined || this.schema === undefined) return rawBytes;
    let bytesPerRow = 0;
    for (const { type } of this.schema.columns) {
      const width = widthOf(type);
      if (width === 0) return rawBytes;
      // Validity and what was left out are a bit each; a move brings its old key.
      bytesPerRow += 2 * ((width === 'bit' ? 1 : width) + 1);
    }
    return Math.min(rawBytes, rows * bytesPerRow);
  }

  /** The scanned rows that come first. */
  async *scanned(): AsyncIterable<Batch> {
    const { scanned } = this.#survey;
    if (scanned === undefined) return;
    const reader = this.#baseReader ?? this.#reader;
    for await (const entry of reader.history(scanned.from, scanned.until, this.#request.signal))
      if (entry.kind === 'rows' && entry.meta.scanned > 0) yield this.#aligned(await reader.batch(entry));
  }

  /** The changes of entries `[from, until)`, in order. */
  async *changes(from: Offset, until: Offset): AsyncIterable<Batch> {
    for await (const entry of this.#changeEntries(from, until)) {
      const batch = this.#aligned(await this.#reader.batch(entry));
      if (entry.offset >= (this.#request.mentionsFrom ?? Infinity)) yield* mentions(batch);
      else yield this.#visible(batch, entry.offset);
    }
  }

  /**
   * The keys that changes from an offset on tie together, up to the end or to where they became too many. Looks only into
   * entries that left columns out.
   */
  async ties(from: Offset, limitBytes: number): Promise<{ readonly keys: TiedKeys; readonly until: Offset }> {
    const keys = new TiedKeys();
    const until = Math.min(this.#request.asOf, this.#request.mentionsFrom ?? Infinity);
    for await (const entry of this.#changeEntries(from, until)) {
      if (entry.meta.unknown === 0) continue;
      tie(keys, this.#aligned(await this.#reader.batch(entry)));
      // Invariant 9
      if (keys.size * TIED_KEY_BYTES > limitBytes || keys.largestGroup * GROUPED_KEY_BYTES > limitBytes)
        return { keys, until: entry.offset + 1 };
    }
    return { keys, until: this.#request.asOf };
  }

  async *#changeEntries(from: Offset, until: Offset): AsyncIterable<Entry> {
    for await (const entry of this.#reader.history(from, until, this.#request.signal)) {
      if (entry.kind !== 'rows' || entry.meta.rows === 0) continue;
      if (entry.meta.scanned > 0 && entry.offset < this.#survey.scannedBelow) continue;
      yield entry;
    }
  }

  #aligned(batch: Batch): Batch {
    assert(this.schema !== undefined && this.#whole !== undefined, 'rows have a schema');
    const aligned = alignBatch(batch, this.#whole);
    if (this.schema === this.#whole) return aligned;
    const { columns } = this.#whole;
    const kept = this.schema.columns.map((column) => aligned.columns[columns.indexOf(column)] as Column);
    return { ...aligned, schema: this.schema, columns: kept };
  }

  #visible(batch: Batch, offset: Offset): Batch {
    const { sees, seesFrom } = this.#request;
    const { changes } = batch;
    if (sees === undefined || changes === undefined || offset < (seesFrom ?? 0)) return batch;
    return selectRows(
      batch,
      rowsWhere(batch.rows, (row) => sees(changes.transactions[row] as bigint)),
    );
  }
}

function narrowed(schema: Schema, names: readonly string[] | undefined): Schema {
  if (names === undefined) return schema;
  const columns = schema.columns.filter(({ name }) => schema.key.includes(name) || names.includes(name));
  return { ...schema, columns };
}

async function surveyed(
  reader: CollectionReader,
  base: Base | undefined,
  { asOf, signal }: StateRequest,
): Promise<Survey> {
  let isLoading = base === undefined;
  let start = base?.asOf ?? 0;
  let completeAt: Offset | undefined;
  let schema = base?.schema ?? 0;
  let [rawBytes, rows, entries] = [base?.rawBytes ?? 0, base?.rows ?? 0, base?.end ?? 0];
  // A base that a truncation made void.
  let isVoid = false;
  for await (const { kind, meta, offset } of reader.history(start, asOf, signal)) {
    schema = Math.max(schema, meta.schema);
    entries += 1;
    rawBytes += meta.rawBytes;
    rows += meta.rows;
    if (kind === 'truncate') {
      start = offset + 1;
      isVoid = !isLoading;
      [rawBytes, rows, entries] = [0, 0, 0];
    } else if (kind === 'complete' && isLoading) {
      isLoading = false;
      completeAt = offset;
    }
  }
  const end = completeAt ?? asOf;
  const inJournal = base === undefined && !isVoid ? { from: start, until: end } : undefined;
  return {
    scanned: base === undefined || isVoid ? inJournal : { from: 0, until: base.end },
    changesFrom: start,
    scannedBelow: inJournal?.until ?? 0,
    completeFrom: base?.asOf ?? (completeAt === undefined ? undefined : completeAt + 1),
    schema,
    rawBytes,
    rows,
    entries,
  };
}

/** Every key that a batch names, as deletes. */
function* mentions(batch: Batch): Iterable<Batch> {
  yield { ...batch, columns: batch.columns.map(known), changes: deletes(batch.rows) };
  const { changes } = batch;
  if (changes?.oldKey === undefined) return;
  const moves = rowsWhere(batch.rows, (row) => changes.operations[row] === Operation.move);
  const oldKey = changes.oldKey.map((column) => selectFrom(column, moves));
  const indices = keyIndices(batch.schema);
  const columns = batch.schema.columns.map(
    ({ type }, index): Column => oldKey[indices.indexOf(index)] ?? nullColumn(type, moves.length),
  );
  yield { schema: batch.schema, rows: moves.length, columns, changes: deletes(moves.length) };
}

function known(column: Column): Column {
  return { ...column, unknown: undefined };
}

function deletes(rows: number): Changes {
  return {
    operations: new Uint8Array(rows).fill(Operation.delete),
    committedAt: new BigInt64Array(rows),
    positions: new BigInt64Array(rows),
    transactions: new BigInt64Array(rows),
    oldKey: undefined,
  };
}

/** Ties old and new key of every move that left something out. */
function tie(keys: TiedKeys, batch: Batch): void {
  const { changes, columns, rows } = batch;
  const bitmaps = columns.flatMap(({ unknown }) => (unknown === undefined ? [] : [unknown]));
  if (changes?.oldKey === undefined || bitmaps.length === 0) return;
  const own = keyHashes(batch, keyIndices(batch.schema));
  const old = hashRows(changes.oldKey, rows);
  for (let row = 0; row < rows; row += 1) {
    if (changes.operations[row] !== Operation.move || !bitmaps.some((bitmap) => hasBit(bitmap, row)))
      continue;
    keys.tie(
      own.high[row] as number,
      own.low[row] as number,
      old.high[row] as number,
      old.low[row] as number,
    );
  }
}
