import type { Snapshot } from '@brimful/connector';
import type { Batch } from '@brimful/model';
import type { Offset } from '@brimful/store';

/**
 * Reads the complete rows of one generation of a collection as they are after all entries before `asOf`, which the
 * journal has reached: of every key its one row, of rows without a key as many as there are. Batches may be of any version
 * of the schema. Can be called again and again.
 */
export type StateReader = (asOf: Offset, options: StateOptions) => AsyncIterable<Batch>;

export interface StateOptions {
  readonly signal: AbortSignal;
  /** Changes of transactions that it does not see are left out: the state as of a source snapshot. */
  readonly sees?: Snapshot['sees'];
  /** Everything below is seen by every snapshot that is asked about. */
  readonly seesFrom?: Offset;
  /** Only these keys are asked for, by both halves of `hashRows` of the key's columns in key order; others may come too. */
  readonly only?: (high: number, low: number) => boolean;
}
