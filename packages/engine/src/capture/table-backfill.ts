import type { CaptureSession, Chunk } from '@brimful/connector';
import type { Range } from '@brimful/model';
import { Problem, batchBytes, rangeSet } from '@brimful/model';
import type { EngineContext } from '../context.ts';
import type { PauseGate } from '../flow/pause-gate.ts';
import type { Slots } from '../flow/slots.ts';
import type { Watermark } from '../flow/watermark.ts';
import type { CapturedTable, OpenSegment } from './captured-table.ts';
import { keyColumns } from './captured-table.ts';

/** What one open chunk holds at most: a batch being decoded, one being compressed, and the keys of the chunk. */
const CHUNK_LEASE_BYTES = 48 * 1024 * 1024;
/** Keys looked up at once: a chunk of a few megabytes. */
const FILL_KEYS = 10_000;

/** What a table's first read shares with those of other tables. */
export interface BackfillMeans {
  readonly context: EngineContext;
  readonly session: CaptureSession;
  /** Everything up to here is journaled. */
  readonly passed: Watermark;
  /** How many chunks may be open at once, over all tables. */
  readonly readers: Slots;
  readonly gate: PauseGate;
}

/**
 * Reads one table for the first time, range by range beside the stream, from wherever its checkpoint stands until the
 * collection is complete. Several ranges are open at once as readers allow.
 */
export async function backfillTable(
  table: CapturedTable,
  means: BackfillMeans,
  signal: AbortSignal,
): Promise<void> {
  while (table.backfill.phase !== 'complete' && !isLost(table)) {
    try {
      if (table.backfill.phase === 'waiting') await table.begin(await means.session.plan(table.resource));
      if (table.backfill.phase === 'scanning') {
        await scanRanges(table, means, signal);
        await table.covered();
      }
      await fill(table, means, signal);
      means.context.reach('backfill.before-complete');
      await table.complete();
    } catch (thrown) {
      // The stream lost the table meanwhile: nothing that is read now makes it whole.
      if (isLost(table)) return;
      if (!(thrown instanceof Problem) || thrown.code !== 'BRM-SCAN-MOVED') throw thrown;
      means.context.log.warn(
        { resource: table.resource },
        'the table was rewritten while it was read: starting it over',
      );
      await table.restart();
    }
  }
}

/** Changes at any await. */
function isLost(table: CapturedTable): boolean {
  return table.backfill.phase === 'gap';
}

async function scanRanges(table: CapturedTable, means: BackfillMeans, signal: AbortSignal): Promise<void> {
  const { plan } = table.backfill;
  if (plan === null) return;
  let inFlight: readonly Range[] = [];
  const running = new Set<Promise<void>>();
  const failed = new AbortController();
  const either = AbortSignal.any([signal, failed.signal]);
  try {
    for (;;) {
      const release = await means.readers.take(either);
      const remaining = rangeSet.subtract(table.remaining, inFlight);
      if (remaining.length === 0) {
        release();
        if (running.size === 0) return;
        await Promise.race(running);
        continue;
      }
      const range = means.session.next(plan, remaining);
      inFlight = rangeSet.union(inFlight, [range]);
      const scan = scanRange(table, range, means, either)
        .catch((thrown: unknown) => {
          failed.abort(thrown);
          throw thrown;
        })
        .finally(() => {
          inFlight = rangeSet.subtract(inFlight, [range]);
          running.delete(scan);
          release();
        });
      running.add(scan);
      // Its failure is seen through `failed`, also while we wait for a reader.
      scan.catch(() => undefined);
    }
  } finally {
    await Promise.allSettled(running);
  }
}

async function scanRange(
  table: CapturedTable,
  range: Range,
  means: BackfillMeans,
  signal: AbortSignal,
): Promise<void> {
  const plan = table.backfill.plan;
  if (plan === null) return;
  await throughHandoff(
    table,
    range,
    () => means.session.scan(table.resource, plan, range, signal),
    means,
    signal,
  );
}

/**
 * Looks up what the stream left out. A row that moves meanwhile takes what it lacks along to its new key, so moves that
 * came during one pass are looked up in another, until a pass sees none.
 */
async function fill(table: CapturedTable, means: BackfillMeans, signal: AbortSignal): Promise<void> {
  let between = { from: table.backfill.from, until: table.writer.head.next, movesOnly: false };
  for (let found = true; found;) {
    found = false;
    for await (const batch of table.leftOut(between, FILL_KEYS, signal)) {
      found = true;
      const release = await means.readers.take(signal);
      try {
        const read = (): Promise<Chunk> =>
          means.session.scanKeys(table.resource, keyColumns(batch), batch.rows, signal);
        await throughHandoff(table, null, read, means, signal);
      } finally {
        release();
      }
    }
    between = { from: between.until, until: table.writer.head.next, movesOnly: true };
  }
}

/** Reads one chunk as often as the handoff asks for it. */
async function throughHandoff(
  table: CapturedTable,
  range: Range | null,
  read: () => Promise<Chunk>,
  means: BackfillMeans,
  signal: AbortSignal,
): Promise<void> {
  const { context } = means;
  const attempt = table.attempt;
  for (;;) {
    await means.gate.pass(signal);
    const lease = await context.memory.take(CHUNK_LEASE_BYTES, signal);
    const open = table.recorder.open();
    const shape = table.writer.schema;
    const size: OpenSize = { rows: 0, bytes: 0 };
    const segments: OpenSegment[] = [];
    let isClosing = false;
    let finished: Awaited<ReturnType<Chunk['finish']>> | undefined;
    try {
      await using chunk = await read();
      await stage(table, chunk, segments, size);
      finished = await chunk.finish();
      context.reach('chunk.read');
      // The stream must have passed everything that committed before the read ended: then all that overtook the
      // chunk is recorded.
      await means.session.nudge();
      await means.passed.reached(finished.passed, signal);
      context.reach('chunk.passed');
      const { snapshot, passed } = finished;
      isClosing = true;
      const outcome = await table.close(
        { range, segments, snapshot, passed, readAt: context.now(), shape },
        attempt,
      );
      if (outcome === 'appended') {
        context.reach('chunk.appended');
        return;
      }
    } catch (thrown) {
      // Once an append was tried, the journal may mention them.
      if (!isClosing) await unstage(table, segments).catch(() => undefined);
      throw thrown;
    } finally {
      table.recorder.close(open, finished?.snapshot);
      table.openRows -= size.rows;
      table.openBytes -= size.bytes;
      lease.release();
    }
    await unstage(table, segments);
    if (attempt !== table.attempt)
      throw new Problem('BRM-SCAN-MOVED', 'the table was started over', { kind: 'retry' });
  }
}

/** What an open chunk has brought so far, for the progress people see. */
interface OpenSize {
  rows: number;
  bytes: number;
}

/** Makes a chunk's batches durable while it is read: one is compressed and written while the next is decoded. */
async function stage(
  table: CapturedTable,
  chunk: Chunk,
  segments: OpenSegment[],
  open: OpenSize,
): Promise<void> {
  let writing: Promise<void> = Promise.resolve();
  try {
    for await (const batch of chunk.batches) {
      await writing;
      if (batch.rows === 0) continue;
      const bytes = batchBytes(batch);
      table.rowsMeter.add(batch.rows);
      table.bytesMeter.add(bytes);
      open.rows += batch.rows;
      open.bytes += bytes;
      table.openRows += batch.rows;
      table.openBytes += bytes;
      writing = table.writer.stage(batch).then((staged) => {
        segments.push({ staged, keys: keyColumns(batch) });
      });
      writing.catch(() => undefined);
    }
  } finally {
    await writing;
  }
}

/** Segments that no journal will mention. */
async function unstage(table: CapturedTable, segments: readonly OpenSegment[]): Promise<void> {
  await Promise.all(segments.map((segment) => table.writer.unstage(segment.staged)));
}
