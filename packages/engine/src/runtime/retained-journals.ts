import type { CapturedTable } from '../capture/captured-table.ts';
import type { TableFeed } from '../materialization/table-feed.ts';
import type { RetainedJournal } from './retention.ts';
import type { Tasks } from './tasks.ts';

/** Every journal that is fed now, and who still needs how much of it. */
export function retainedJournals({ captures, materializations }: Tasks): readonly RetainedJournal[] {
  return captures.flatMap((capture) =>
    [...capture.resources.values()].flatMap(({ tables }) =>
      tables.map((table): RetainedJournal => {
        const { collection, generation } = table.writer;
        return {
          collection,
          generation,
          applied: appliedOf(collection, generation, materializations),
          floor: floorOf(table),
          complete: table.backfill.phase === 'complete',
        };
      }),
    ),
  );
}

/** A run that reads a table again looks back to where it began: what was left out, what nobody mentioned. */
function floorOf({ isRead, backfill }: CapturedTable): number {
  if (isRead) return Infinity;
  return backfill.reread?.outcome === 'reading' ? backfill.from : 0;
}

function appliedOf(
  collection: string,
  generation: number,
  materializations: Tasks['materializations'],
): number | null {
  let lowest = Infinity;
  for (const task of materializations) {
    if (!task.bindings.has(collection)) continue;
    // A table that is not open, or has stopped, may need all of it.
    const live = task.feeds.get(collection);
    if (live === undefined) return null;
    for (const feed of task.feedsOf(collection)) {
      if (feed.source.generation !== generation) continue;
      const offset = liveOffset(feed);
      if (offset === null) return null;
      lowest = Math.min(lowest, offset);
    }
  }
  return lowest;
}

function liveOffset({ applied }: TableFeed): number | null {
  return applied.phase === 'live' ? applied.offset : null;
}
