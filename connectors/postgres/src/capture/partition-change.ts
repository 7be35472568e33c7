import { Problem } from '@brimful/model';
import type { Table } from './table.ts';

/** Partitions by oid, with their names. Empty for ordinary tables. */
export type Leaves = ReadonlyMap<number, string>;

export function leavesOf(table: Table): Leaves {
  if (table.kind !== 'p') return new Map();
  return new Map(table.leaves.map((leaf) => [leaf.oid, leaf.name]));
}

/**
 * What happened to the partitions that the stream did not bring; undefined when nothing did. A partition that was made
 * as one is followed from its first row; one that was filled before it was attached is not.
 */
export function partitionChange(before: Leaves, now: Table): string | undefined {
  const present = leavesOf(now);
  const gone = [...before].filter(([oid]) => !present.has(oid)).map(([, name]) => name);
  const attached = now.leaves.filter((leaf) => !before.has(leaf.oid) && leaf.attachedLater && leaf.pages > 0);
  const changes = [
    ...(gone.length === 0 ? [] : [`${gone.join(', ')} detached or dropped`]),
    ...(attached.length === 0 ? [] : [`${attached.map((leaf) => leaf.name).join(', ')} attached`]),
  ];
  return changes.length === 0 ? undefined : changes.join('; ');
}

export function partitionProblem(resource: string, change: string): Problem {
  return new Problem('BRM-PG-PARTITIONS', `Partitions of ${resource} changed with their rows: ${change}.`, {
    remedy: `Reset its collection to read ${resource} again.`,
    at: { table: resource },
  });
}

/** Only the root's TRUNCATE empties the collection. */
export function partlyTruncated(resource: string): Problem {
  return new Problem(
    'BRM-PG-PARTITIONS',
    `Some partitions of ${resource} were truncated: their rows are still in the collection.`,
    { remedy: `Reset its collection to read ${resource} again.`, at: { table: resource } },
  );
}
