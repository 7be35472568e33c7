import type { RawSession } from '../wire/raw-session.ts';
import type { Joiner } from './joiner.ts';
import type { PublicationKind, Publications } from './publications.ts';

/** In which of the capture's publications each table is, by oid. */
export async function publishedKinds(
  session: RawSession,
  publications: Publications,
): Promise<Map<number, PublicationKind[]>> {
  const kinds = new Map<number, PublicationKind[]>();
  for (const { oid, kind } of await publications.tables(session)) {
    kinds.set(oid, [...(kinds.get(oid) ?? []), kind]);
  }
  return kinds;
}

/** Takes tables that still exist out of whichever publication has them. */
export async function unpublish(
  session: RawSession,
  publications: Publications,
  joiner: Joiner,
  oids: readonly number[],
): Promise<void> {
  const published = await publications.tables(session);
  const inside = published.filter((table) => oids.includes(table.oid));
  const changes = (['changes', 'inserts'] as const).map((kind) => ({
    kind,
    drop: inside.filter((table) => table.kind === kind),
  }));
  await joiner.change(changes, oids);
}
