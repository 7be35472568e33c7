import { Problem } from '@brimful/model';
import type { Journals } from '@brimful/store';
import { sleep } from '../flow/pause-gate.ts';
import type { TableFeed } from './table-feed.ts';

/** How often a table that is still being written to is looked at, when it must be at rest. */
const REST_MILLISECONDS = 5;

/** Two generations of a table that are about to exchange their names. */
export interface LivePair {
  readonly collection: string;
  readonly live: TableFeed;
  readonly next: TableFeed;
}

/**
 * Stops what readers see where it is, lets what takes over come at least as far, and stops that, too: readers must not go
 * back in time. (Invariant 5) The caller lets the feeds go again. Rejects with the signal's reason, or with what stopped one
 * that takes over.
 */
export async function bringToRest(
  pairs: readonly LivePair[],
  journals: Journals,
  signal: AbortSignal,
): Promise<void> {
  for (const { live } of pairs) live.held = true;
  await untilAtRest(
    pairs.map(({ live }) => live),
    signal,
  );
  // Nothing that the live table has was journaled after this moment, in any generation.
  const ends = await Promise.all(
    pairs.map(async ({ next }) => ({ next, end: (await journals.state(next.source.journal))?.next ?? 0 })),
  );
  for (const { next, end } of ends) {
    while (next.offset < end) {
      if (next.problem !== undefined) {
        const { code, message, kind, at } = next.problem;
        throw new Problem(code, message, { kind, at });
      }
      await sleep(REST_MILLISECONDS, signal);
    }
  }
  for (const { next } of pairs) next.held = true;
  await untilAtRest(
    pairs.map(({ next }) => next),
    signal,
  );
}

export async function untilAtRest(feeds: readonly TableFeed[], signal: AbortSignal): Promise<void> {
  while (feeds.some((feed) => feed.busy)) await sleep(REST_MILLISECONDS, signal);
}
