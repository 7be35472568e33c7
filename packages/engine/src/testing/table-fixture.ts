import type { Resource, Resume, Snapshot } from '@brimful/connector';
import type { Batch, ColumnBuilder, ColumnType, Range, Schema } from '@brimful/model';
import { BatchBuilder, ChangesBuilder, Operation, assert } from '@brimful/model';
import type { Value } from '@brimful/model/testing';
import { appendValue } from '@brimful/model/testing';
import type { OpenSegment } from '../capture/captured-table.ts';
import { CapturedResource } from '../capture/captured-resource.ts';
import { CapturedTable, keyColumns } from '../capture/captured-table.ts';
import type { CaptureCheckpoint } from '../capture/checkpoint.ts';
import { CollectionReader } from '../collection/collection-reader.ts';
import { CollectionWriter } from '../collection/collection-writer.ts';
import type { EngineContext } from '../context.ts';
import { ByteBudget } from '../flow/byte-budget.ts';
import { NEW_TABLE } from '../materialization/checkpoint.ts';
import { MaterializationTask } from '../materialization/materialization-task.ts';
import { MemoryDatabase, memoryConnector, newTable } from './memory-destination.ts';
import type { MemoryDisk } from './memory-store.ts';
import { SeededRandom } from './scheduler.ts';

const COLLECTION = 'shop/docs';

/** An engine's means over a disk in memory, at once and in silence. */
export function memoryContext(disk: MemoryDisk, changes: Partial<EngineContext> = {}): EngineContext {
  return {
    store: disk.open(),
    log: {
      debug: () => undefined,
      info: () => undefined,
      warn: () => undefined,
      error: () => undefined,
    },
    now: () => Date.now(),
    reach: () => undefined,
    compression: { compress: async (parts) => Buffer.concat(parts), decompress: async (bytes) => bytes },
    memory: new ByteBudget(10_000_000),
    ...changes,
  };
}

export function schemaWith(columns: readonly [string, ColumnType][], key: readonly string[]): Schema {
  return {
    version: 1,
    columns: columns.map(([name, type], index) => ({
      name,
      type,
      nullable: !key.includes(name),
      sourceType: type.kind,
      sourceId: index + 1,
    })),
    key,
  };
}

/** `id` and two columns whose values the stream may leave out. */
export const DOCS = schemaWith(
  [
    ['id', { kind: 'int32' }],
    ['body', { kind: 'text' }],
    ['extra', { kind: 'text' }],
  ],
  ['id'],
);

/** The same without a key. */
export const LOG: Schema = { ...DOCS, key: [] };

export interface Change {
  readonly operation: Exclude<keyof typeof Operation, 'read'>;
  readonly row: readonly Value[];
  readonly oldKey?: readonly Value[];
}

/** A transaction's changes as the stream brings them. */
export function changesOf(schema: Schema, transaction: bigint, changes: readonly Change[]): Batch {
  const builder = new ChangesBuilder(schema);
  for (const { operation, row, oldKey } of changes) {
    row.forEach((value, index) => appendValue(builder.columns[index] as ColumnBuilder, value));
    const old = oldKey === undefined ? [] : builder.oldKey();
    oldKey?.forEach((value, place) => appendValue(old[place] as ColumnBuilder, value));
    builder.endChange(Operation[operation], transaction * 1000n, transaction, transaction);
  }
  return builder.finish();
}

export function rowsOf(schema: Schema, rows: readonly (readonly Value[])[]): Batch {
  const builder = new BatchBuilder(schema);
  for (const row of rows) {
    row.forEach((value, index) => appendValue(builder.columns[index] as ColumnBuilder, value));
    builder.endRow();
  }
  return builder.finish();
}

/** A snapshot that sees the transactions up to one, but for some. */
export function snapshotOf(upTo: bigint, ...unseen: readonly bigint[]): Snapshot {
  return {
    sees: (transaction) => transaction <= upTo && !unseen.includes(transaction),
    seesAllUpTo: (transaction) => transaction <= upTo && unseen.every((hidden) => hidden > transaction),
  };
}

export const ALL_PAGES: Range = { from: null, to: '9' };
const AT_POSITION = (position: bigint): Resume => ({ position: position.toString() });

/** A captured table that is driven by hand: what the stream and the scans bring comes from the test. */
export class TableFixture {
  readonly table: CapturedTable;
  readonly resource: CapturedResource;
  readonly #schema: Schema;
  readonly #disk: MemoryDisk;

  private constructor(resource: CapturedResource, schema: Schema, disk: MemoryDisk) {
    this.resource = resource;
    this.table = resource.current;
    this.#schema = schema;
    this.#disk = disk;
  }

  /** A session of a new process: opens the journal and joins. */
  static async open(
    disk: MemoryDisk,
    schema: Schema = DOCS,
    changes: Partial<EngineContext> = {},
  ): Promise<TableFixture> {
    const context = memoryContext(disk, changes);
    const resource: Resource = {
      name: 'public.docs',
      schema,
      estimate: { rows: 0, bytes: 0, quality: 'unknown' },
      suggestedTarget: 'docs',
    };
    const writer = await CollectionWriter.open<CaptureCheckpoint>(context, COLLECTION, 1);
    const table = new CapturedTable(context, resource, writer);
    await table.joined(schema, 0n);
    return new TableFixture(new CapturedResource(context, table), schema, disk);
  }

  async begin(divisible = this.#schema.key.length > 0): Promise<void> {
    await this.table.begin({
      fingerprint: '1',
      total: [ALL_PAGES],
      divisible,
      estimate: this.table.estimate,
      detail: null,
    });
  }

  async stream(transaction: bigint, ...changes: readonly Change[]): Promise<void> {
    const batch = changesOf(this.#schema, transaction, changes);
    const { resource } = this.table;
    await this.resource.follow([
      { kind: 'schema', resource, schema: this.#schema },
      { kind: 'rows', resource, batch, resume: AT_POSITION(transaction) },
    ]);
  }

  async truncate(transaction: bigint): Promise<void> {
    const { resource } = this.table;
    const resume = AT_POSITION(transaction);
    await this.resource.follow([{ kind: 'truncate', resource, transaction, committedAt: 0n, resume }]);
  }

  /** Reads rows as of a snapshot; the returned function closes the chunk. */
  async read(
    rows: readonly (readonly Value[])[],
    snapshot: Snapshot,
    range: Range | null = ALL_PAGES,
  ): Promise<() => Promise<'appended' | 'again'>> {
    const open = this.table.recorder.open();
    const shape = this.table.writer.schema;
    const { attempt } = this.table;
    const batch = rowsOf(this.#schema, rows);
    const segments: OpenSegment[] =
      rows.length === 0 ? [] : [{ staged: await this.table.writer.stage(batch), keys: keyColumns(batch) }];
    return async () => {
      const chunk = { range, segments, snapshot, passed: 0n, readAt: 1, shape };
      try {
        return await this.table.close(chunk, attempt);
      } finally {
        this.table.recorder.close(open, snapshot);
      }
    };
  }

  reader(): CollectionReader {
    return new CollectionReader(memoryContext(this.#disk), COLLECTION, 1);
  }

  /** All is read: the phases up to the end. */
  async finish(): Promise<void> {
    await this.table.covered();
    await this.table.complete();
  }

  /** What materializations make of the journal, with a load and a replay or entry by entry: the same. */
  async rows(): Promise<string[]> {
    const loaded = await materialized(this.#disk, this.#schema, 'new');
    const followed = await materialized(this.#disk, this.#schema, 'live');
    assert(loaded.join('\n') === followed.join('\n'), `loaded ${loaded.join()}, followed ${followed.join()}`);
    return loaded;
  }
}

/** The rows that a materialization of the journal comes to. The collection must be complete. */
async function materialized(disk: MemoryDisk, schema: Schema, table: 'new' | 'live'): Promise<string[]> {
  const target = new MemoryDatabase();
  if (table === 'live') {
    target.tables.set('docs', {
      collection: COLLECTION,
      epoch: 0,
      state: newTable(schema, 'settled'),
      checkpoint: JSON.stringify({ ...NEW_TABLE, phase: 'live', schema: 1 }),
    });
  }
  const stop = new AbortController();
  const connector = memoryConnector(target, {
    turn: () => Promise.resolve(),
    applyFault: () => 'none',
    poison: () => undefined,
    random: new SeededRandom(1),
    lanes: 1,
    gatherMilliseconds: 0,
  });
  const spec = {
    name: 'copy',
    connector: 'memory',
    config: {},
    source: undefined,
    bindings: [],
    deletes: 'hard' as const,
    adopt: false,
  };
  const task = new MaterializationTask(memoryContext(disk), spec, connector);
  task.add(COLLECTION);
  const ended = task.run(stop.signal);
  const end = disk.journals.get(`${COLLECTION}/1/0`)?.entries.length ?? 0;
  for (
    let applied = task.feeds.get(COLLECTION)?.applied;
    applied?.offset !== end || applied.phase !== 'live';
  ) {
    if (task.failed.size > 0) throw new Error(JSON.stringify([...task.failed]));
    await new Promise((resolve) => setImmediate(resolve));
    applied = task.feeds.get(COLLECTION)?.applied;
  }
  stop.abort();
  await ended;
  return target.rows('docs', schema);
}
