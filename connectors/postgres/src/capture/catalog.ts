import { quoteText } from '../types/identifier.ts';
import type { RawSession } from '../wire/raw-session.ts';
import { identityOf } from './identity.ts';
import type { Attribute, Leaf, LeafIdentity, Table } from './table.ts';
import { TypeCatalog } from './type-catalog.ts';

/** Columns of the index that matches, in index order. */
const indexColumns = (table: string, condition: string): string => `(
  SELECT json_agg(a.attname ORDER BY k.place)
  FROM pg_index i CROSS JOIN LATERAL unnest(i.indkey::int2[]) WITH ORDINALITY AS k(number, place)
  JOIN pg_attribute a ON a.attrelid = i.indrelid AND a.attnum = k.number
  WHERE i.indrelid = ${table}.oid AND i.indisvalid AND i.indimmediate AND k.place <= i.indnkeyatts AND ${condition})`;

const identityJson = (table: string): string => `json_build_object('mode', ${table}.relreplident,
  'primary', ${indexColumns(table, 'i.indisprimary')}, 'index', ${indexColumns(table, 'i.indisreplident')})`;

/**
 * Whether a partition was a table of its own before, and was attached with whatever it held: its row type is older than
 * its place in the tree, or (all in one transaction) taking that place changed columns that were there already.
 */
const ATTACHED_LATER = `COALESCE((SELECT h.xmin <> t.xmin OR EXISTS (SELECT FROM pg_attribute a
    WHERE a.attrelid = l.oid AND a.attnum > 0 AND a.xmin = h.xmin AND a.cmin = h.cmin)
  FROM pg_inherits h, pg_type t WHERE h.inhrelid = l.oid AND t.oid = l.reltype), false)`;

const LEAVES = `(
  SELECT json_agg(json_build_object('oid', l.oid::int8, 'schema', ln.nspname, 'name', l.relname, 'kind', l.relkind,
    'filenode', COALESCE(pg_relation_filenode(l.oid), 0)::int8,
    'pages', CASE WHEN l.oid IN (SELECT oid FROM locked) THEN l.relpages
      ELSE COALESCE(pg_relation_size(l.oid), 0) / current_setting('block_size')::int END,
    'bytes', CASE WHEN l.oid IN (SELECT oid FROM locked) THEN l.relpages * current_setting('block_size')::int8
      ELSE COALESCE(pg_table_size(l.oid), 0) END, 'rows', l.reltuples::float8, 'countedPages', l.relpages,
    'identity', ${identityJson('l')}, 'attachedLater', ${ATTACHED_LATER}) ORDER BY l.oid)
  FROM pg_class l JOIN pg_namespace ln ON ln.oid = l.relnamespace
  WHERE l.oid IN (SELECT tree.relid FROM pg_partition_tree(c.oid) AS tree WHERE tree.isleaf AND c.relkind = 'p'
    UNION ALL SELECT c.oid WHERE c.relkind <> 'p') AND l.relkind IN ('r', 'f'))`;

const ATTRIBUTES = `(
  SELECT json_agg(json_build_object('number', a.attnum, 'name', a.attname, 'typeOid', a.atttypid::int8,
    'modifier', a.atttypmod, 'dropped', a.attisdropped, 'generated', a.attgenerated,
    'missing', CASE WHEN a.atthasmissing THEN (a.attmissingval::text::text[])[1] END, 'hasDefault', a.atthasdef,
    'notNull', a.attnotnull AND NOT EXISTS (SELECT FROM pg_constraint k WHERE k.conrelid = a.attrelid
      AND k.contype = 'n' AND k.conkey = ARRAY[a.attnum] AND NOT k.convalidated)) ORDER BY a.attnum)
  FROM pg_attribute a WHERE a.attrelid = c.oid AND a.attnum > 0)`;

/** Changes with everything that `attributes` tells; a scan compares it under its lock. */
export const shapeSql = (oid: string): string => `(
  SELECT md5(COALESCE(string_agg(concat_ws(',', a.attnum, a.attname, a.atttypid, a.atttypmod, a.attnotnull,
    a.attisdropped, a.attgenerated, a.atthasmissing), ';' ORDER BY a.attnum), ''))
  FROM pg_attribute a WHERE a.attrelid = ${oid} AND a.attnum > 0)`;

/** Asking for a size waits for a lock: one table under VACUUM FULL must not keep all others from being listed. */
const LOCKED = `locked AS MATERIALIZED (SELECT relation AS oid FROM pg_locks
  WHERE locktype = 'relation' AND mode = 'AccessExclusiveLock')`;

const tablesSql = (condition: string): string => `
WITH ${LOCKED}
SELECT json_build_object('oid', c.oid::int8, 'root', COALESCE(pg_partition_root(c.oid)::oid, c.oid)::int8,
  'schema', n.nspname, 'name', c.relname,
  'resource', quote_ident(n.nspname) || '.' || quote_ident(c.relname), 'kind', c.relkind,
  'shape', ${shapeSql('c.oid')}, 'persistence', c.relpersistence, 'attributes', ${ATTRIBUTES}, 'own', ${identityJson('c')}, 'leaves', ${LEAVES},
  'rowsHidden', row_security_active(c.oid),
  'canSelect', has_table_privilege(c.oid, 'SELECT') AND has_schema_privilege(n.oid, 'USAGE'),
  'isOwner', pg_has_role(c.relowner, 'USAGE'), 'owner', r.rolname, 'ownerIsSuper', r.rolsuper)
FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace JOIN pg_roles r ON r.oid = c.relowner
WHERE c.relkind IN ('r', 'p', 'f') AND ${condition}
ORDER BY n.nspname, c.relname`;

/** Planning takes longer than finding one table. */
const PREPARE_TABLES = `SET plan_cache_mode = force_generic_plan;
PREPARE brimful_tables(oid[]) AS ${tablesSql('c.oid = ANY ($1)')}`;

const SYSTEM_SCHEMAS = `n.nspname <> 'information_schema' AND n.nspname !~ '^pg_'`;

interface AttributeRow extends Omit<Attribute, 'type' | 'missing'> {
  readonly typeOid: number;
  readonly modifier: number;
  readonly missing: string | null;
}

interface LeafIdentityRow {
  readonly mode: LeafIdentity['mode'];
  readonly primary: readonly string[] | null;
  readonly index: readonly string[] | null;
}

type TableRow = Omit<Table, 'attributes' | 'leaves' | 'identity'> & {
  readonly attributes: readonly AttributeRow[] | null;
  readonly own: LeafIdentityRow;
  readonly leaves: readonly (Omit<Leaf, 'identity'> & { readonly identity: LeafIdentityRow })[] | null;
};

/** Reads tables from the source's catalog. Every method is one round trip, plus one when types are new. */
export class Catalog {
  readonly types = new TypeCatalog();
  readonly #prepared = new WeakSet<RawSession>();

  /** Ordinary, foreign and partitioned tables; partitions only as leaves of their root. */
  async listTables(session: RawSession, schemas: readonly string[] | undefined): Promise<Table[]> {
    const chosen =
      schemas === undefined ? SYSTEM_SCHEMAS : `n.nspname IN (${schemas.map(quoteText).join(', ')})`;
    return this.#read(session, tablesSql(`${chosen} AND NOT c.relispartition AND c.relpersistence <> 't'`));
  }

  /** Tables that exist, by oid. Order and number may differ from what was asked for. */
  async tablesByOid(session: RawSession, oids: readonly number[]): Promise<Table[]> {
    if (oids.length === 0) return [];
    const execute = `EXECUTE brimful_tables('{${oids.join(',')}}')`;
    if (this.#prepared.has(session)) return this.#read(session, execute);
    this.#prepared.add(session);
    return this.#read(session, `${PREPARE_TABLES}; ${execute}`);
  }

  /** Tables by name as users write them; names that are not tables, or no names, are left out. */
  async tablesByName(session: RawSession, resources: readonly string[]): Promise<Map<string, Table>> {
    const names = `'${JSON.stringify(resources).replaceAll("'", "''")}'::json`;
    const rows = await session.query(
      `SELECT name, to_regclass(name)::oid::int8 FROM json_array_elements_text(${names}) AS name`,
    );
    const oids = new Map(
      rows.flatMap(([name, oid]) => (typeof oid === 'string' ? [[name as string, Number(oid)]] : [])),
    );
    const tables = await this.tablesByOid(session, [...new Set(oids.values())]);
    const byOid = new Map(tables.map((table) => [table.oid, table]));
    const found = new Map<string, Table>();
    for (const [name, oid] of oids) {
      const table = byOid.get(oid);
      if (table !== undefined) found.set(name, table);
    }
    return found;
  }

  async #read(session: RawSession, sql: string): Promise<Table[]> {
    const rows = (await session.query(sql)).map(([json]) => JSON.parse(json as string) as TableRow);
    const attributes = rows.flatMap((row) => row.attributes ?? []);
    await this.types.load(
      session,
      attributes.map((attribute) => attribute.typeOid),
    );
    return rows.map((row) => this.#table(row));
  }

  #table(row: TableRow): Table {
    const { own, ...rest } = row;
    const leaves = (row.leaves ?? []).map((leaf) => ({ ...leaf, identity: leafIdentity(leaf.identity) }));
    return {
      ...rest,
      leaves,
      identity: identityOf(leafIdentity(own), leaves),
      attributes: (row.attributes ?? []).map(({ typeOid, modifier, missing, ...attribute }) => ({
        ...attribute,
        missing: missing ?? undefined,
        type: attribute.dropped ? undefined : this.types.get(typeOid, modifier),
      })),
    };
  }
}

function leafIdentity(row: LeafIdentityRow): LeafIdentity {
  return { mode: row.mode, primary: row.primary ?? undefined, index: row.index ?? undefined };
}
