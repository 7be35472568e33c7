import type { Batch, Column } from '@brimful/model';
import { Problem } from '@brimful/model';
import type { Offset } from '@brimful/store';
import type { EngineContext } from '../context.ts';

/** Keys in groups of bounded size: columns in key order. */
export interface Nominated {
  readonly keys: readonly Column[];
  readonly rows: number;
}

export interface Nomination {
  /** The collection's state as of here is looked at, */
  readonly from: Offset;
  /** for keys that no entry from there up to here mentions, as own key or old key. */
  readonly until: Offset;
  readonly inScope: (batch: Batch) => (row: number) => boolean;
  readonly signal: AbortSignal;
}

/** (The signature capture/missing-rows.ts calls; the body is the compaction engineer's.) At most 10,000 keys a group. */
export async function* nominate(
  _context: EngineContext,
  _collection: string,
  _generation: number,
  _nomination: Nomination,
): AsyncIterable<Nominated> {
  yield* [];
  throw new Problem('BRM-BUG', 'nomination is not built yet', { kind: 'bug' });
}
