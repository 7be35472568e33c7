import type { Destination, TableHandle, TableRows } from '@brimful/connector';
import type { Schema } from '@brimful/model';
import type { Blobs, Offset } from '@brimful/store';
import type { Budget } from '../../context.ts';
import type { TableCheckpoint } from '../../materialization/checkpoint.ts';
import type { ComparedShape, LeftOutColumns, Level } from './compared-shape.ts';
import { shapeOf } from './compared-shape.ts';
import type { Differences } from './comparison.ts';
import { COMPARISON_LEASE_BYTES, Comparison } from './comparison.ts';
import { KeyedRows } from './keyed-rows.ts';
import { Scratch } from './scratch.ts';
import type { StateReader } from './state-reader.ts';
import type { Verified, VerifiedSubject } from './verified.ts';
import { notVerified, verified } from './verified.ts';

export interface VerifyProgress {
  readonly stage: 'source' | 'collection' | 'table' | 'comparing' | 'looking again';
  /** Rows of this stage so far. */
  readonly rows: number;
}

/** What every verification needs. */
export interface VerifyMeans {
  readonly state: StateReader;
  readonly blobs: Blobs;
  /** Prefix of scratch blobs that nobody else uses and that was not used before in this process. */
  readonly scratch: string;
  /**
   * `COMPARISON_LEASE_BYTES` are held of it from beginning to end: a budget of verifications alone. Were it the one that
   * `state` leases from, two of them could wait for each other for ever.
   */
  readonly memory: Budget;
  readonly now: () => number;
  readonly signal: AbortSignal;
  readonly onProgress?: (progress: VerifyProgress) => void;
}

/** `state` is asked for the offset that the table is at: history must be held from its present offset on. */
export interface TableVerification extends VerifyMeans {
  /** For people: `shop/warehouse: orders`. */
  readonly subject: string;
  readonly destination: Pick<Destination, 'read'>;
  readonly table: TableHandle;
  /** The collection's schema: that of the version at which the table is. */
  readonly schema: Schema;
  readonly level: Level;
  /** Columns that the destination does not hold exactly, and why. */
  readonly leftOut?: LeftOutColumns;
}

/**
 * Compares a destination table with its collection at the very offset the table is at, while changes flow into both: the
 * table's checkpoint is read in the snapshot that its rows are of. Every difference is real. Writes nothing to either.
 *
 * A failure is a report with the verdict `error`; only an abort rejects, with the signal's reason. When rows differ in
 * values, the table and the collection are read once more to tell in which columns.
 */
export async function verifyTable(verification: TableVerification): Promise<Verified> {
  const { signal, now, level } = verification;
  const subject: VerifiedSubject = {
    at: now(),
    sides: 'collection and table',
    subject: verification.subject,
    level,
  };
  const scratch = new Scratch(verification.blobs, verification.scratch);
  const lease = await verification.memory.take(COMPARISON_LEASE_BYTES, signal);
  try {
    return await compareTable(verification, subject, scratch);
  } catch (thrown) {
    signal.throwIfAborted();
    return notVerified(subject, { thrown });
  } finally {
    lease.release();
    await scratch.remove();
  }
}

async function compareTable(
  verification: TableVerification,
  subject: VerifiedSubject,
  scratch: Scratch,
): Promise<Verified> {
  const shape = shapeOf(verification.schema, verification.level, verification.leftOut ?? new Map());
  const comparison = new Comparison(shape, scratch);
  const asOf = await readTable(verification, async (batch) => {
    await comparison.feed('right', batch);
    verification.onProgress?.({ stage: 'table', rows: comparison.rows('right') });
  });
  if (typeof asOf === 'string') return notVerified(subject, { skipped: asOf });
  const { signal, onProgress } = verification;
  for await (const batch of verification.state(asOf, { signal })) {
    await comparison.feed('left', batch);
    onProgress?.({ stage: 'collection', rows: comparison.rows('left') });
  }
  signal.throwIfAborted();
  onProgress?.({ stage: 'comparing', rows: comparison.rows('left') });
  const found = await comparison.finish(signal);
  const byColumn = found.different === 0 ? {} : await differingColumns(verification, shape, found);
  const { keys, onlyLeft, onlyRight, different } = found;
  return verified(subject, {
    asOf: String(asOf),
    found,
    remaining: { keys, onlyLeft, onlyRight, different, byColumn },
    beyond: 'divergent',
    skipped: shape.skipped,
  });
}

/** Reads the table in one snapshot. Returns the offset that its rows are as of, or why they cannot be compared. */
async function readTable(
  { destination, table, schema, signal }: TableVerification,
  take: (batch: Parameters<Comparison['feed']>[1]) => Promise<void>,
): Promise<Offset | string> {
  await using rows: TableRows = await destination.read(table, schema, signal);
  const checkpoint = rows.checkpoint as TableCheckpoint | undefined;
  if (checkpoint === undefined) return 'all rows: the table has not been begun';
  if (checkpoint.phase !== 'live') return 'all rows: the table is still being built';
  if (checkpoint.schema !== schema.version) {
    return `all rows: the table's columns are version ${checkpoint.schema}, not ${schema.version}`;
  }
  for await (const batch of rows.batches) {
    signal.throwIfAborted();
    await take(batch);
  }
  return checkpoint.offset;
}

/** In which columns rows differ: both sides are read again, at a later offset maybe, for the keys that were found. */
async function differingColumns(
  verification: TableVerification,
  shape: ComparedShape,
  { keys }: Differences,
): Promise<Record<string, number>> {
  const counts: Record<string, number> = {};
  if (keys.rows === 0) return counts;
  const { signal, onProgress } = verification;
  onProgress?.({ stage: 'looking again', rows: keys.rows });
  const left = new KeyedRows(keys, shape);
  const right = new KeyedRows(keys, shape);
  const asOf = await readTable(verification, async (batch) => right.feed(batch));
  if (typeof asOf === 'string') return counts;
  const only = (high: number, low: number): boolean => left.has(high, low);
  for await (const batch of verification.state(asOf, { signal, only })) left.feed(batch);
  signal.throwIfAborted();
  for (let key = 0; key < keys.rows; key += 1) left.countColumns(right, key, shape.schema, counts);
  return counts;
}
