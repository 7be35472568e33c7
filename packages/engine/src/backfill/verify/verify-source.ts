import type { CaptureSession, Position } from '@brimful/connector';
import type { Batch, Schema, Scope } from '@brimful/model';
import { Problem, alignBatch } from '@brimful/model';
import type { Offset } from '@brimful/store';
import { rowsWhere, selectRows } from '../../collection/select-rows.ts';
import type { ComparedShape, LeftOutColumns, Level } from './compared-shape.ts';
import { ShapeWatch, shapeOf } from './compared-shape.ts';
import type { Differences } from './comparison.ts';
import { COMPARISON_LEASE_BYTES, Comparison } from './comparison.ts';
import type { LookMeans } from './look-again.ts';
import { ROUND_PAUSES, lookAgain } from './look-again.ts';
import { Scratch } from './scratch.ts';
import type { ReadAsOf, VerifyPace } from './source-reader.ts';
import { SourceReader } from './source-reader.ts';
import type { Remaining, Verified, VerifiedSubject } from './verified.ts';
import { notVerified, verified } from './verified.ts';
import type { VerifyMeans } from './verify-table.ts';

export interface SourceVerification extends VerifyMeans {
  /** For people: the collection, `shop/orders`. */
  readonly subject: string;
  readonly session: Pick<CaptureSession, 'plan' | 'next' | 'scan' | 'scanKeys' | 'nudge'>;
  readonly resource: string;
  /** The collection's newest schema. */
  readonly schema: Schema;
  readonly level: Level;
  readonly pace: VerifyPace;
  /** Resolves when the stream passed the position and all that it brought is journaled. */
  readonly reached: (position: Position, signal: AbortSignal) => Promise<void>;
  /** The end of the collection's journal now. */
  readonly head: () => Offset;
  /**
   * Every change that the journal holds below this is seen by every snapshot that the session takes from now on: the end
   * of the journal before `session.revisit` was called for the table.
   */
  readonly seesFrom: Offset;
  /** Only what is in scope; absent: the whole table. */
  readonly scope?: VerifiedScope;
  readonly leftOut?: LeftOutColumns;
  /** Milliseconds before each further look at keys that differ. For tests. */
  readonly pauses?: readonly number[];
  /** Keys looked up at once. For tests. */
  readonly lookUpKeys?: number;
}

export interface VerifiedScope {
  readonly scope: Scope;
  /** Which of the collection's rows are in scope. May say yes in doubt: what it takes too many is looked up. */
  readonly holds: (batch: Batch) => (row: number) => boolean;
}

/**
 * Compares a source table with its collection while changes flow: the table is scanned, the stream awaited, the
 * collection read. Rows that changed meanwhile are only candidates; they are looked at again (`look-again.ts`) until they
 * are equal, or differ for good. `rows` counts what was read: a row that moved during the scan may be read twice.
 *
 * A row is compared as of the snapshot that read it. A table that cannot be read in pieces (no key) is read in one
 * snapshot and compared with the collection as of that very snapshot.
 *
 * A failure is a report with the verdict `error`; only an abort rejects, with the signal's reason.
 */
export async function verifySource(verification: SourceVerification): Promise<Verified> {
  const { signal, level } = verification;
  const subject: VerifiedSubject = {
    at: verification.now(),
    sides: 'source and collection',
    subject: verification.subject,
    level,
  };
  const scratch = new Scratch(verification.blobs, verification.scratch);
  const lease = await verification.memory.take(COMPARISON_LEASE_BYTES, signal);
  try {
    return await compareSource(verification, subject, scratch);
  } catch (thrown) {
    signal.throwIfAborted();
    if (
      thrown instanceof Problem &&
      (thrown.code === 'BRM-VERIFY-MOVED' || thrown.code === 'BRM-SCAN-MOVED')
    ) {
      return notVerified(subject, { skipped: `all rows: ${thrown.message} while it was compared` });
    }
    return notVerified(subject, { thrown });
  } finally {
    lease.release();
    await scratch.remove();
  }
}

async function compareSource(
  verification: SourceVerification,
  subject: VerifiedSubject,
  scratch: Scratch,
): Promise<Verified> {
  const {
    schema,
    level,
    session,
    signal,
    head,
    onProgress,
    leftOut = new Map<string, string>(),
  } = verification;
  const shape = shapeOf(schema, level, leftOut);
  const watch = new ShapeWatch(shape, new Set(leftOut.keys()));
  const source = new SourceReader(session, verification.resource, verification.pace, signal);
  const { comparison, asOf } = await scan(verification, shape, watch, source, scratch);
  const reached = async (position: Position): Promise<void> => {
    await session.nudge();
    await verification.reached(position, signal);
  };
  await reached(asOf.passed);
  // Without a key nothing can be looked up again, so both sides must be as of one snapshot.
  const { snapshot } = asOf;
  const sees =
    schema.key.length === 0 && snapshot !== undefined
      ? { sees: snapshot.sees.bind(snapshot), seesFrom: verification.seesFrom }
      : {};
  const holds = verification.scope?.holds ?? ((): ((row: number) => boolean) => () => true);
  for await (const batch of verification.state(head(), { signal, ...sees })) {
    const whole = alignBatch(batch, schema);
    await comparison.feed('right', selectRows(whole, rowsWhere(whole.rows, holds(whole))));
    onProgress?.({ stage: 'collection', rows: comparison.rows('right') });
  }
  signal.throwIfAborted();
  onProgress?.({ stage: 'comparing', rows: comparison.rows('left') });
  const found = await comparison.finish(signal);
  const again = await remaining(verification, found, { source, shape, watch, reached });
  return verified(subject, {
    asOf: String(again.passed > asOf.passed ? again.passed : asOf.passed),
    found,
    remaining: again,
    beyond: schema.key.length === 0 ? 'divergent' : 'unchecked',
    skipped: [...shape.skipped, ...[...watch.news].map((name) => `column ${name}: it is new at the source`)],
  });
}

async function scan(
  verification: SourceVerification,
  shape: ComparedShape,
  watch: ShapeWatch,
  source: SourceReader,
  scratch: Scratch,
): Promise<{ readonly comparison: Comparison; readonly asOf: ReadAsOf }> {
  const begin = (): Comparison => new Comparison(shape, scratch);
  let comparison = begin();
  const asOf = await source.scan(
    verification.scope?.scope,
    async (batch) => {
      watch.check(batch);
      await comparison.feed('left', batch);
      verification.onProgress?.({ stage: 'source', rows: comparison.rows('left') });
    },
    async () => {
      await scratch.remove();
      comparison = begin();
    },
  );
  return { comparison, asOf };
}

async function remaining(
  verification: SourceVerification,
  found: Differences,
  means: Pick<LookMeans, 'source' | 'shape' | 'watch' | 'reached'>,
): Promise<Remaining & { readonly passed: Position }> {
  const { keys, onlyLeft, onlyRight, different } = found;
  if (keys.rows === 0) return { keys, onlyLeft, onlyRight, different, byColumn: {}, passed: 0n };
  return lookAgain(keys, {
    ...means,
    state: verification.state,
    head: verification.head,
    seesFrom: verification.seesFrom,
    pauses: verification.pauses ?? ROUND_PAUSES,
    ...(verification.lookUpKeys === undefined ? {} : { lookUpKeys: verification.lookUpKeys }),
    signal: verification.signal,
    onRound: (rows) => verification.onProgress?.({ stage: 'looking again', rows }),
  });
}
