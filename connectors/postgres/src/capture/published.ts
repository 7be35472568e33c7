import type { RawSession } from '../wire/raw-session.ts';
import type { Catalog } from './catalog.ts';
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
  catalog: Catalog,
  publications: Publications,
  joiner: Joiner,
  oids: readonly number[],
): Promise<void> {
  const tables = await catalog.tablesByOid(session, oids);
  const published = await publishedKinds(session, publications);
  const inside = (kind: PublicationKind): typeof tables =>
    tables.filter((table) => published.get(table.oid)?.includes(kind) === true);
  await joiner.change(
    [
      { kind: 'changes', drop: inside('changes') },
      { kind: 'inserts', drop: inside('inserts') },
    ],
    tables,
  );
}
