import type { Batch, Column } from '@brimful/model';
import { assert, keyIndices } from '@brimful/model';
import type { Offset } from '@brimful/store';
import type { EngineContext } from '../context.ts';
import { openState } from './collection-state.ts';
import { rowsWhere, selectFrom } from './select-rows.ts';

export interface NominateOptions {
  /** The state as of here is asked for its keys. The collection must have been complete by then. */
  readonly from: Offset;
  /** Keys that entries in `[from, until)` mention, as their own or as an old key, are left out. */
  readonly until: Offset;
  /** Which rows of a batch of that state are in scope, by its key and `columns`. Called for one batch after the other. */
  readonly inScope: (batch: Batch) => (row: number) => boolean;
  /** What `inScope` looks at besides the key. Other columns are not gone through: they are most of the work. */
  readonly columns: readonly string[];
  /** As in `ReadStateOptions`. */
  readonly costBytes?: number;
  readonly signal: AbortSignal;
}

export interface Nominated {
  /** Columns of the key, in key order. */
  readonly keys: readonly Column[];
  readonly rows: number;
}

/**
 * Keys that the collection holds in scope and that nothing has confirmed since `from`: neither a scan nor the stream. They
 * are candidates only; whether the source still has them, a look-up decides. Each key once, in batches of bounded size, in
 * no order; memory as in `readState`. The collection must have a key. A truncation since `from` leaves nothing to nominate.
 */
export async function* nominate(
  context: EngineContext,
  collection: string,
  generation: number,
  options: NominateOptions,
): AsyncIterable<Nominated> {
  const { from, until, inScope, columns, signal } = options;
  const state = await openState(context, collection, generation, {
    asOf: until,
    // What is mentioned is removed from the state as of `from`; what remains is the difference.
    mentionsFrom: from,
    columns,
    signal,
    ...(options.costBytes === undefined ? {} : { costBytes: options.costBytes }),
  });
  try {
    const { schema, completeFrom } = state;
    if (schema === undefined) return;
    assert(schema.key.length > 0, 'rows without a key are not nominated');
    assert((completeFrom ?? Infinity) <= from, 'only a collection that is complete knows what is missing');
    const key = keyIndices(schema);
    for await (const { batch } of state.pieces()) {
      const rows = rowsWhere(batch.rows, inScope(batch));
      if (rows.length === 0) continue;
      const keys = key.map((index) => selectFrom(batch.columns[index] as Column, rows));
      yield { keys, rows: rows.length };
    }
  } finally {
    await state[Symbol.asyncDispose]();
  }
}
