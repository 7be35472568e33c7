import type { CaptureSession, Chunk } from '@brimful/connector';
import { Problem, batchBytes } from '@brimful/model';
import type { EngineContext } from '../context.ts';
import type { PauseGate } from '../flow/pause-gate.ts';
import type { Slots } from '../flow/slots.ts';
import type { Watermark } from '../flow/watermark.ts';
import type { CarryFrom } from './carry-over.ts';
import type { CapturedTable, OpenSegment, ReadChunk } from './captured-table.ts';
import { keyColumns } from './captured-table.ts';

/** What one open chunk holds at most: a batch being decoded, one being compressed, and the keys of the chunk. */
const CHUNK_LEASE_BYTES = 48 * 1024 * 1024;
/** What a table's first read shares with those of other tables. */
export interface BackfillMeans {
  readonly context: EngineContext;
  readonly session: CaptureSession;
  /** Everything up to here is journaled. */
  readonly passed: Watermark;
  /** How many chunks may be open at once, over all tables. */
  readonly readers: Slots;
  readonly gate: PauseGate;
  /** What the source can bear, and what the run allows. */
  readonly pace: ReadPace;
  /** What the read of a reset that keeps history carries rows over from. Ask once all else is read. */
  readonly carryFrom: () => Promise<CarryFrom & Disposable>;
}

/** Holds reading back: for the source's sake, or because a person or a clock wants it so. */
export interface ReadPace {
  /** Waits until one more chunk may be opened; the result says that it is closed. */
  reader(signal: AbortSignal): Promise<() => void>;
  /** Charges what was read of it. `openedFor`: what `chunkBytes` said when it was opened, if it was cut by that. */
  take(bytes: number, signal: AbortSignal, openedFor?: number): Promise<void>;
  /** How large the next chunk may be now, rows as decoded. */
  chunkBytes(): number;
}

/** Held back by nothing. */
export const FREE: ReadPace = {
  reader: () => Promise.resolve(() => undefined),
  take: () => Promise.resolve(),
  chunkBytes: () => Infinity,
};

/** Waits until one more chunk may be opened; the result says that it is closed. What is held back takes nobody's place. */
export async function admit(means: BackfillMeans, signal: AbortSignal): Promise<() => void> {
  const { gate, pace, readers } = means;
  await gate.pass(signal);
  const leave = await pace.reader(signal);
  try {
    const release = await readers.take(signal);
    return () => {
      release();
      leave();
    };
  } catch (thrown) {
    leave();
    throw thrown;
  }
}

export interface ChunkOrder {
  readonly asked: Pick<ReadChunk, 'range' | 'nominated'>;
  readonly read: () => Promise<Chunk>;
  /** What the pace let it be when it was cut; 0: it cannot be cut. */
  readonly cutAtBytes: number;
}

/** Reads one chunk as often as the handoff asks for it. */
export async function throughHandoff(
  table: CapturedTable,
  asked: ChunkOrder['asked'],
  read: ChunkOrder['read'],
  means: BackfillMeans,
  signal: AbortSignal,
): Promise<void> {
  for (;;) {
    const leave = await admit(means, signal);
    const outcome = await readOnce(table, { asked, read, cutAtBytes: 0 }, means, leave, signal);
    if (outcome === 'appended') return;
  }
}

/**
 * Reads one chunk that was admitted, and gives its place back with `leave`. `again`: nothing was journaled, since the
 * handoff asks for another read.
 */
export async function readOnce(
  table: CapturedTable,
  order: ChunkOrder,
  means: BackfillMeans,
  leave: () => void,
  signal: AbortSignal,
): Promise<'appended' | 'again'> {
  const { context } = means;
  const attempt = table.attempt;
  const lease = await context.memory.take(CHUNK_LEASE_BYTES, signal).catch((thrown: unknown) => {
    leave();
    throw thrown;
  });
  const open = table.recorder.open();
  const shape = table.writer.schema;
  const size: OpenSize = { rows: 0, bytes: 0 };
  const segments: OpenSegment[] = [];
  let isClosing = false;
  let finished: Awaited<ReturnType<Chunk['finish']>> | undefined;
  try {
    await using chunk = await order.read();
    const take = (bytes: number): Promise<void> => means.pace.take(bytes, signal, order.cutAtBytes);
    await stage(table, chunk, segments, size, take);
    finished = await chunk.finish();
    context.reach('chunk.read');
    // The stream must have passed everything that committed before the read ended: then all that overtook the
    // chunk is recorded.
    await means.session.nudge();
    await means.passed.reached(finished.passed, signal);
    context.reach('chunk.passed');
    const { snapshot, passed } = finished;
    isClosing = true;
    const read = { ...order.asked, segments, snapshot, passed, readAt: context.now(), shape };
    if ((await table.close(read, attempt)) === 'appended') {
      context.reach('chunk.appended');
      return 'appended';
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
    leave();
  }
  await unstage(table, segments);
  if (attempt !== table.attempt) throw startedOver();
  return 'again';
}

/** What is being read is of an earlier attempt. */
export function startedOver(): Problem {
  return new Problem('BRM-SCAN-MOVED', 'the table was started over', { kind: 'retry' });
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
  take: (bytes: number) => Promise<void>,
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
      await take(bytes);
    }
  } finally {
    await writing;
  }
}

/** Segments that no journal will mention. */
async function unstage(table: CapturedTable, segments: readonly OpenSegment[]): Promise<void> {
  await Promise.all(segments.map((segment) => table.writer.unstage(segment.staged)));
}
