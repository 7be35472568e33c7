import type { Batch, Schema } from '@brimful/model';
import { alignBatch } from '@brimful/model';
import { valueAt } from '@brimful/model/testing';
import type { Offset } from '@brimful/store';
import { CollectionReader } from '../collection/collection-reader.ts';
import type { CollectionWriter } from '../collection/collection-writer.ts';
import type { StatePiece } from '../collection/collection-state.ts';
import type { EngineContext } from '../context.ts';
import { NEW_TABLE } from '../materialization/checkpoint.ts';
import { fold } from '../materialization/fold.ts';
import { interpret, needsBatch } from '../materialization/interpret.ts';
import { MemoryDatabase, memoryConnector, rowText } from './memory-destination.ts';
import { SeededRandom } from './scheduler.ts';

/** One entry of a journal that is written by hand. */
export type Piece =
  | { readonly kind: 'scan'; readonly batch: Batch }
  | { readonly kind: 'changes'; readonly batch: Batch }
  | { readonly kind: 'schema'; readonly schema: Schema }
  | { readonly kind: 'truncate' }
  | { readonly kind: 'complete' };

/** Appends each piece as an entry of its own. */
export async function append(writer: CollectionWriter<number>, pieces: readonly Piece[]): Promise<void> {
  for (const piece of pieces) {
    if (piece.kind === 'schema') await writer.putSchema(piece.schema);
    else if (piece.kind === 'truncate') writer.putTruncate(1);
    else if (piece.kind === 'complete') writer.putComplete(1);
    else if (piece.batch.rows === 0) continue;
    else if (piece.kind === 'scan') await writer.putStaged(await writer.stage(piece.batch), [], 1, 'scan');
    else await writer.putChanges(piece.batch, 1);
    await writer.commit(0);
  }
}

/** The rows of a table that took entries `[0, asOf)` in, one by one, as materializations interpret them. Sorted texts. */
export async function tableOf(
  context: EngineContext,
  collection: string,
  asOf: Offset,
  shape: Schema,
): Promise<string[]> {
  const database = new MemoryDatabase();
  const connector = memoryConnector(database, {
    turn: () => Promise.resolve(),
    applyFault: () => 'none',
    poison: () => undefined,
    random: new SeededRandom(1),
    lanes: 1,
    gatherMilliseconds: 0,
  });
  const { signal } = new AbortController();
  const reader = new CollectionReader(context, collection, 1);
  const destination = await connector.open({}, context);
  let schema = await reader.schema(1);
  const id = { materialization: 'copy', table: 'docs', generation: 1 };
  const table = await destination.open({ id, collection, schema, deletes: 'hard', adopt: false });
  let checkpoint = { ...NEW_TABLE, schema: 1 };
  while (checkpoint.offset < asOf) {
    let entry;
    for await (const next of reader.history(checkpoint.offset, checkpoint.offset + 1, signal)) entry = next;
    if (entry === undefined) break;
    const batch = needsBatch(entry, checkpoint) ? await reader.batch(entry) : undefined;
    const meaning = interpret(entry, undefined, checkpoint);
    const actions = [];
    const version = batch?.schema.version ?? entry.meta.schema;
    if (version > schema.version) {
      schema = await reader.schema(version);
      actions.push({ kind: 'evolve' as const, schema });
    }
    const loaded = batch !== undefined && checkpoint.phase === 'loading' ? alignBatch(batch, schema) : batch;
    const { actions: own, merge } = interpret(entry, loaded, checkpoint);
    actions.push(...own);
    if (merge && batch !== undefined) actions.push({ kind: 'merge' as const, steps: fold([batch], schema) });
    ({ checkpoint } = meaning);
    if (actions.length > 0) await destination.apply([{ table, actions, checkpoint: null }], signal);
  }
  return database.rows('docs', shape);
}

/** The rows of a state, as sorted texts. */
export async function rowsOfState(state: AsyncIterable<StatePiece>): Promise<string[]> {
  const rows: string[] = [];
  for await (const { batch } of state)
    for (let row = 0; row < batch.rows; row += 1)
      rows.push(rowText(batch.columns.map((column) => valueAt(column, row))));
  return rows.sort();
}
