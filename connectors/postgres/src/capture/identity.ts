import type { Identity, Leaf, LeafIdentity } from './table.ts';

/** The columns a leaf's log names old rows by; `all` for whole rows, undefined when it does not. */
export function loggedBy(identity: LeafIdentity): readonly string[] | 'all' | undefined {
  switch (identity.mode) {
    case 'd':
      return identity.primary;
    case 'i':
      return identity.index;
    case 'f':
      return 'all';
    case 'n':
      return undefined;
  }
}

/**
 * The key of a collection is the replica identity, and one that all leaves share: with FULL the log names whole rows,
 * so the primary key serves; without a primary key whole rows are all there is. One leaf that logs nothing makes the
 * table insert-only, since publishing its updates would make the application's own UPDATEs fail.
 *
 * `own`: the root's, which counts for its key, and for everything while it has no leaves.
 */
export function identityOf(own: LeafIdentity, leaves: readonly Leaf[]): Identity {
  const all = leaves.length === 0 ? [own] : leaves.map((leaf) => leaf.identity);
  const logged = all.map(loggedBy);
  if (logged.some((columns) => columns === undefined)) return { key: [], publication: 'inserts' };
  const named = logged.filter((columns) => columns !== 'all' && columns !== undefined);
  const first = named[0] ?? own.primary;
  if (first === undefined) return { key: [], publication: 'changes' };
  if (named.every((columns) => sameColumns(columns, first))) {
    return { key: orderedAs(first, own), publication: 'changes' };
  }
  return { key: [], publication: 'inserts' };
}

function orderedAs(columns: readonly string[], own: LeafIdentity): readonly string[] {
  const roots = [own.index, own.primary].find(
    (candidate) => candidate !== undefined && sameColumns(candidate, columns),
  );
  return roots ?? columns;
}

function sameColumns(a: readonly string[], b: readonly string[]): boolean {
  return a.length === b.length && a.every((name) => b.includes(name));
}
