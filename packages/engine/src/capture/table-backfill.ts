import type { Chunk } from '@brimful/connector';
import type { Range, Scope } from '@brimful/model';
import { Problem, rangeSet } from '@brimful/model';
import { CollectionReader } from '../collection/collection-reader.ts';
import type { CapturedTable } from './captured-table.ts';
import { keyColumns } from './captured-table.ts';
import { carryOver } from './carry-over.ts';
import { leftOut } from './left-out.ts';
import { reconcileMissing } from './missing-rows.ts';
import type { BackfillMeans } from './read-chunk.ts';
import { admit, readOnce, startedOver, throughHandoff } from './read-chunk.ts';

/** Keys looked up at once: a chunk of a few megabytes. */
const FILL_KEYS = 10_000;

/**
 * Reads one table, for the first time or for a run, range by range beside the stream, from wherever its checkpoint stands
 * until what is wanted is complete. Several ranges are open at once as readers allow.
 */
export async function backfillTable(
  table: CapturedTable,
  means: BackfillMeans,
  signal: AbortSignal,
): Promise<void> {
  while (!table.isRead) {
    try {
      if (table.backfill.phase === 'waiting')
        await table.begin(await means.session.plan(table.resource, scopeOf(table)));
      if (table.backfill.phase === 'scanning') {
        await scanRanges(table, means, signal);
        await table.covered();
      }
      await reconcileMissing(table, means, signal);
      await fill(table, means, signal);
      if (table.backfill.carriesOver) {
        using from = await means.carryFrom();
        await carryOver(means.context, table, from, signal);
      }
      means.context.reach('backfill.before-complete');
      await table.complete();
    } catch (thrown) {
      // Meanwhile the stream lost the table, or the run was cancelled: nothing more is to be read.
      if (table.isRead) return;
      if (!(thrown instanceof Problem) || thrown.code !== 'BRM-SCAN-MOVED') throw thrown;
      means.context.log.warn(
        { resource: table.resource },
        'the table was rewritten while it was read: starting it over',
      );
      await table.restart();
    }
  }
}

function scopeOf(table: CapturedTable): Scope | undefined {
  return table.backfill.reread?.scope;
}

async function scanRanges(table: CapturedTable, means: BackfillMeans, signal: AbortSignal): Promise<void> {
  const { attempt } = table;
  const { plan } = table.backfill;
  if (plan === null) return;
  let inFlight: readonly Range[] = [];
  const running = new Set<Promise<unknown>>();
  const failed = new AbortController();
  const either = AbortSignal.any([signal, failed.signal]);
  try {
    for (;;) {
      either.throwIfAborted();
      const remaining = rangeSet.subtract(table.remaining, inFlight);
      if (remaining.length === 0 && running.size === 0) return;
      if (remaining.length === 0 || running.size >= means.session.readers) {
        await Promise.race(running);
        continue;
      }
      const leave = await admit(means, either);
      if (attempt !== table.attempt) {
        leave();
        throw startedOver();
      }
      // Chosen after all waiting: as large as the rate is by now. Whoever ended meanwhile may have left something.
      const left = rangeSet.subtract(table.remaining, inFlight);
      if (left.length === 0) {
        leave();
        continue;
      }
      const most = means.pace.chunkBytes();
      const range = means.session.next(plan, left, most);
      inFlight = rangeSet.union(inFlight, [range]);
      const read = (): Promise<Chunk> => means.session.scan(table.resource, plan, range, either);
      const order = { asked: { range }, read, cutAtBytes: plan.divisible ? most : 0 };
      // What is to be read again stays in what remains, and may be cut otherwise then.
      const scan: Promise<unknown> = readOnce(table, order, means, leave, either)
        .catch((thrown: unknown) => {
          failed.abort(thrown);
          throw thrown;
        })
        .finally(() => {
          inFlight = rangeSet.subtract(inFlight, [range]);
          running.delete(scan);
        });
      running.add(scan);
      // Its failure is seen through `failed`, also while we wait for another.
      scan.catch(() => undefined);
    }
  } finally {
    await Promise.allSettled(running);
  }
}

/**
 * Looks up what the stream left out. A row that moves meanwhile takes what it lacks along to its new key, so moves that
 * came during one pass are looked up in another, until a pass sees none.
 */
async function fill(table: CapturedTable, means: BackfillMeans, signal: AbortSignal): Promise<void> {
  const { collection, generation } = table.writer;
  const reader = new CollectionReader(means.context, collection, generation);
  let between = { from: table.backfill.from, until: table.writer.head.next, movesOnly: false };
  for (let found = true; found;) {
    found = false;
    for await (const batch of leftOut(reader, between, FILL_KEYS, signal)) {
      found = true;
      const read = (): Promise<Chunk> =>
        means.session.scanKeys(table.resource, keyColumns(batch), batch.rows, signal);
      await throughHandoff(table, { range: null }, read, means, signal);
    }
    between = { from: between.until, until: table.writer.head.next, movesOnly: true };
  }
}
