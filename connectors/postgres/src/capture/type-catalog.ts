import type { RawSession } from '../wire/raw-session.ts';
import type { PostgresType } from '../types/postgres-type.ts';

interface TypeRow {
  readonly oid: number;
  readonly name: string;
  readonly schema: string;
  readonly typtype: PostgresType['typtype'];
  readonly base: number;
  readonly modifier: number;
  readonly element: number;
  readonly output: string;
}

/** With everything a type is made of, in one round trip. */
const typesSql = (oids: readonly number[]): string => `
WITH RECURSIVE wanted(oid) AS (
  SELECT unnest('{${oids.join(',')}}'::oid[])
  UNION
  SELECT part.oid FROM wanted JOIN pg_type t ON t.oid = wanted.oid
  LEFT JOIN pg_range r ON r.rngtypid = t.oid OR r.rngmultitypid = t.oid
  CROSS JOIN LATERAL (VALUES (t.typbasetype), (t.typelem), (r.rngsubtype)) AS part(oid)
  WHERE part.oid <> 0
)
SELECT json_agg(json_build_object(
  'oid', t.oid::int8, 'name', format_type(t.oid, NULL), 'schema', n.nspname, 'typtype', t.typtype,
  'base', t.typbasetype::int8, 'modifier', t.typtypmod,
  'element', COALESCE(r.rngsubtype, NULLIF(t.typelem, 0), 0)::int8,
  'output', quote_ident(pn.nspname) || '.' || quote_ident(p.proname)))
FROM wanted JOIN pg_type t ON t.oid = wanted.oid JOIN pg_namespace n ON n.oid = t.typnamespace
JOIN pg_proc p ON p.oid = t.typoutput JOIN pg_namespace pn ON pn.oid = p.pronamespace
LEFT JOIN pg_range r ON r.rngtypid = t.oid OR r.rngmultitypid = t.oid`;

/** Types of the source by oid, read when first met. A type's oid is never given to another type while it is in use. */
export class TypeCatalog {
  readonly #rows = new Map<number, TypeRow>();

  async load(session: RawSession, oids: Iterable<number>): Promise<void> {
    const missing = [...new Set(oids)].filter((oid) => oid !== 0 && !this.#rows.has(oid));
    if (missing.length === 0) return;
    const [row] = await session.query(typesSql(missing));
    const types = JSON.parse(row?.[0] ?? '[]') as TypeRow[] | null;
    for (const type of types ?? []) this.#rows.set(type.oid, type);
  }

  has(oid: number): boolean {
    return this.#rows.has(oid);
  }

  /** A type that is gone from the catalog travels as its text. */
  get(oid: number, modifier: number): PostgresType {
    const row = this.#rows.get(oid);
    if (row === undefined) {
      return { oid, name: `type ${oid}`, schema: 'pg_catalog', typtype: 'b', modifier: -1 };
    }
    return {
      oid,
      name: row.name,
      schema: row.schema,
      typtype: row.typtype,
      modifier,
      output: row.output,
      ...(row.base === 0 ? {} : { base: this.get(row.base, row.modifier) }),
      ...(row.element === 0 ? {} : { element: this.get(row.element, -1) }),
    };
  }
}
