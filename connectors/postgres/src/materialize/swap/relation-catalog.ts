import { assert } from '@brimful/model';

import { quoteIdentifier } from '../../types/identifier.ts';
import type { Lane } from '../lane.ts';

/** Everything about a table that its name's next owner must have too, as the catalog says it. Plain data. */
export interface RelationCatalog {
  readonly oid: number;
  readonly name: string;
  /** For SQL. */
  readonly schema: string;
  /** Schema and name, for SQL. */
  readonly relation: string;
  /** For SQL. */
  readonly owner: string;
  readonly rows: number | null;
  readonly bytes: number;
  readonly options: readonly string[];
  readonly comment: string | null;
  readonly columns: readonly CatalogColumn[];
  readonly indexes: readonly CatalogIndex[];
  readonly checks: readonly { readonly name: string; readonly definition: string }[];
  readonly grants: readonly Grant[];
  /** Sequences that a column's default uses and that go with the column. */
  readonly sequences: readonly { readonly sequence: string; readonly column: string }[];
  readonly views: readonly CatalogView[];
  /** Everything else that hangs on this very table, and stays with it whatever its name. */
  readonly tied: readonly Tie[];
  /** The table's part of the rights that a swap needs. */
  readonly rights: { readonly own: boolean; readonly create: boolean; readonly ownerCreates: boolean };
}

export interface CatalogColumn {
  readonly name: string;
  readonly type: string;
  /** For SQL; empty: the type's own. */
  readonly collation: string;
  readonly notNull: boolean;
  /** `s` stored, `v` virtual, or empty. */
  readonly generated: '' | 's' | 'v';
  /** Of a default, or of what a generated column is computed from. */
  readonly expression: string | null;
  readonly identity: '' | 'a' | 'd';
  readonly sequence: IdentitySequence | null;
  readonly statistics: number | null;
  readonly comment: string | null;
}

export interface IdentitySequence {
  /** Schema and name, for SQL. */
  readonly sequence: string;
  readonly name: string;
  /** `START WITH …`, as ADD GENERATED takes it. */
  readonly options: string;
}

export interface CatalogIndex {
  readonly name: string;
  readonly unique: boolean;
  /** What follows the table's name: `USING btree (a)`. Equal for equal indexes on different tables. */
  readonly definition: string;
  readonly constraint: { readonly kind: 'p' | 'u' | 'x'; readonly definition: string } | null;
  readonly comment: string | null;
  /** Empty: the database's own. */
  readonly tablespace: string;
}

export interface Grant {
  /** For SQL: a role, or PUBLIC. */
  readonly grantee: string;
  readonly privilege: string;
  readonly grantable: boolean;
  readonly column: string | null;
}

/** A view that reads the table itself; views over it need no care. */
export interface CatalogView {
  readonly oid: number;
  /** For SQL. */
  readonly schema: string;
  /** Schema and name, for SQL. */
  readonly view: string;
  readonly owner: string;
  readonly definition: string;
  readonly options: readonly string[];
  /** Columns of the table that it reads. */
  readonly columns: readonly string[];
  readonly own: boolean;
  readonly create: boolean;
}

export interface Tie {
  readonly kind: string;
  readonly what: string;
}

/** Quoted as the server quotes, which is only where it must. */
const NAMED = `quote_ident(n.nspname) || '.' || quote_ident(c.relname)`;
const MEMBER = (owner: string): string => `pg_has_role(${owner}, 'USAGE')`;

const COLUMNS = `
SELECT a.attname AS name, format_type(a.atttypid, a.atttypmod) AS type, a.attnotnull AS "notNull",
  CASE WHEN a.attcollation <> t.typcollation
    THEN (SELECT quote_ident(cn.nspname) || '.' || quote_ident(co.collname) FROM pg_collation co
            JOIN pg_namespace cn ON cn.oid = co.collnamespace WHERE co.oid = a.attcollation)
    ELSE '' END AS collation,
  a.attgenerated AS generated, a.attidentity AS identity, pg_get_expr(d.adbin, d.adrelid) AS expression,
  NULLIF(a.attstattarget, -1) AS statistics, col_description(a.attrelid, a.attnum) AS comment,
  (SELECT json_build_object('sequence', quote_ident(sn.nspname) || '.' || quote_ident(sc.relname), 'name', sc.relname,
     'options', format('START WITH %s INCREMENT BY %s MINVALUE %s MAXVALUE %s CACHE %s %s', s.seqstart, s.seqincrement,
       s.seqmin, s.seqmax, s.seqcache, CASE WHEN s.seqcycle THEN 'CYCLE' ELSE 'NO CYCLE' END))
     FROM pg_depend dep JOIN pg_sequence s ON s.seqrelid = dep.objid JOIN pg_class sc ON sc.oid = s.seqrelid
     JOIN pg_namespace sn ON sn.oid = sc.relnamespace
    WHERE dep.classid = 'pg_class'::regclass AND dep.refclassid = 'pg_class'::regclass AND dep.refobjid = a.attrelid
      AND dep.refobjsubid = a.attnum AND dep.deptype = 'i') AS sequence
FROM pg_attribute a JOIN pg_type t ON t.oid = a.atttypid LEFT JOIN pg_attrdef d ON d.adrelid = a.attrelid AND d.adnum = a.attnum
WHERE a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped ORDER BY a.attnum`;

const INDEXES = `
SELECT ic.relname AS name, i.indisunique AS unique, obj_description(ic.oid, 'pg_class') AS comment,
  COALESCE(ts.spcname, '') AS tablespace,
  substr(pg_get_indexdef(ic.oid), 1 + length(format('CREATE %sINDEX %s ON %s ',
    CASE WHEN i.indisunique THEN 'UNIQUE ' ELSE '' END, quote_ident(ic.relname), ${NAMED}))) AS definition,
  CASE WHEN con.oid IS NOT NULL
    THEN json_build_object('kind', con.contype, 'definition', pg_get_constraintdef(con.oid)) END AS constraint
FROM pg_index i JOIN pg_class ic ON ic.oid = i.indexrelid LEFT JOIN pg_tablespace ts ON ts.oid = ic.reltablespace
LEFT JOIN pg_constraint con ON con.conindid = i.indexrelid AND con.conrelid = i.indrelid AND con.contype IN ('p', 'u', 'x')
WHERE i.indrelid = c.oid AND i.indisvalid ORDER BY ic.relname`;

const CHECKS = `
SELECT con.conname AS name, pg_get_constraintdef(con.oid) AS definition
FROM pg_constraint con WHERE con.conrelid = c.oid AND con.contype = 'c' ORDER BY con.conname`;

const GRANTEE = `CASE WHEN x.grantee = 0 THEN 'PUBLIC' ELSE quote_ident(pg_get_userbyid(x.grantee)) END AS grantee,
  x.privilege_type AS privilege, x.is_grantable AS grantable`;

const GRANTS = `
SELECT ${GRANTEE}, NULL AS "column" FROM aclexplode(COALESCE(c.relacl, acldefault('r', c.relowner))) AS x
UNION ALL
SELECT ${GRANTEE}, a.attname FROM pg_attribute a, aclexplode(a.attacl) AS x
 WHERE a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped AND a.attacl IS NOT NULL`;

const SEQUENCES = `
SELECT quote_ident(sn.nspname) || '.' || quote_ident(s.relname) AS sequence, a.attname AS "column"
FROM pg_depend dep JOIN pg_class s ON s.oid = dep.objid AND s.relkind = 'S' JOIN pg_namespace sn ON sn.oid = s.relnamespace
JOIN pg_attribute a ON a.attrelid = dep.refobjid AND a.attnum = dep.refobjsubid
WHERE dep.classid = 'pg_class'::regclass AND dep.refclassid = 'pg_class'::regclass AND dep.refobjid = c.oid
  AND dep.deptype = 'a'`;

const VIEWS = `
SELECT v.oid::int8 AS oid, quote_ident(vn.nspname) AS schema,
  quote_ident(vn.nspname) || '.' || quote_ident(v.relname) AS view,
  quote_ident(pg_get_userbyid(v.relowner)) AS owner, pg_get_viewdef(v.oid) AS definition,
  COALESCE(v.reloptions, '{}') AS options, ${MEMBER('v.relowner')} AS own,
  has_schema_privilege(vn.oid, 'CREATE') AS create,
  ARRAY(SELECT DISTINCT a.attname::text FROM pg_depend used
    JOIN pg_attribute a ON a.attrelid = used.refobjid AND a.attnum = used.refobjsubid
    WHERE used.classid = 'pg_rewrite'::regclass AND used.objid = r.oid AND used.refclassid = 'pg_class'::regclass
      AND used.refobjid = c.oid) AS columns
FROM pg_rewrite r JOIN pg_class v ON v.oid = r.ev_class AND v.relkind = 'v' JOIN pg_namespace vn ON vn.oid = v.relnamespace
WHERE r.rulename = '_RETURN' AND EXISTS (SELECT FROM pg_depend dep WHERE dep.classid = 'pg_rewrite'::regclass
  AND dep.objid = r.oid AND dep.refclassid = 'pg_class'::regclass AND dep.refobjid = c.oid)
ORDER BY v.oid`;

/**
 * Whatever depends on the table's identity, less what a swap carries: a kind of dependent that nobody has thought of is
 * refused, not left behind. (Invariant 7)
 */
const TIED = `
SELECT DISTINCT tie.kind, tie.what FROM (
  SELECT CASE
      WHEN dep.classid = 'pg_class'::regclass AND (dep.objid = c.oid OR other.relkind IN ('i', 'I', 't')
        OR (other.relkind = 'S' AND dep.deptype IN ('a', 'i'))) THEN NULL
      WHEN dep.classid = 'pg_type'::regclass AND dep.objid IN (own.oid, own.typarray) THEN NULL
      WHEN dep.classid = 'pg_attrdef'::regclass AND def.adrelid = c.oid THEN NULL
      WHEN dep.classid = 'pg_constraint'::regclass AND con.contype = 'f' AND con.conrelid <> c.oid THEN 'incoming foreign key'
      WHEN dep.classid = 'pg_constraint'::regclass AND con.contype = 'f' THEN 'foreign key'
      WHEN dep.classid = 'pg_constraint'::regclass AND con.conrelid = c.oid THEN NULL
      WHEN dep.classid = 'pg_trigger'::regclass AND trigger.tgisinternal THEN NULL
      WHEN dep.classid = 'pg_trigger'::regclass THEN 'trigger'
      WHEN dep.classid = 'pg_policy'::regclass THEN 'row-level-security policy'
      WHEN dep.classid = 'pg_publication_rel'::regclass THEN NULL
      WHEN dep.classid = 'pg_statistic_ext'::regclass THEN 'statistics'
      WHEN dep.classid = 'pg_rewrite'::regclass AND rule.rulename = '_RETURN' AND holder.relkind = 'v' THEN NULL
      WHEN dep.classid = 'pg_rewrite'::regclass AND holder.relkind = 'm' THEN 'materialized view'
      WHEN dep.classid = 'pg_rewrite'::regclass THEN 'rule'
      WHEN dep.classid = 'pg_proc'::regclass THEN 'function'
      ELSE 'other' END AS kind,
    CASE WHEN dep.classid = 'pg_rewrite'::regclass AND rule.rulename = '_RETURN'
      THEN pg_describe_object('pg_class'::regclass, holder.oid, 0)
      ELSE pg_describe_object(dep.classid, dep.objid, dep.objsubid) END AS what
    FROM pg_depend dep
    LEFT JOIN pg_class other ON dep.classid = 'pg_class'::regclass AND other.oid = dep.objid
    LEFT JOIN pg_attrdef def ON dep.classid = 'pg_attrdef'::regclass AND def.oid = dep.objid
    LEFT JOIN pg_constraint con ON dep.classid = 'pg_constraint'::regclass AND con.oid = dep.objid
    LEFT JOIN pg_trigger trigger ON dep.classid = 'pg_trigger'::regclass AND trigger.oid = dep.objid
    LEFT JOIN pg_rewrite rule ON dep.classid = 'pg_rewrite'::regclass AND rule.oid = dep.objid
    LEFT JOIN pg_class holder ON holder.oid = rule.ev_class
   WHERE (dep.refclassid = 'pg_class'::regclass AND dep.refobjid = c.oid)
      OR (dep.refclassid = 'pg_type'::regclass AND dep.refobjid IN (own.oid, own.typarray))
  UNION ALL
  SELECT 'publication', 'publication ' || quote_ident(p.pubname) FROM pg_publication_tables p
   WHERE p.schemaname = n.nspname AND p.tablename = c.relname
  UNION ALL
  SELECT 'inheritance', 'table ' || i.inhrelid::regclass::text || ' that inherits' FROM pg_inherits i WHERE i.inhparent = c.oid
  UNION ALL
  SELECT 'inheritance', 'parent table ' || i.inhparent::regclass::text FROM pg_inherits i WHERE i.inhrelid = c.oid
  UNION ALL
  SELECT 'partitioned table', 'its partitions' WHERE c.relkind = 'p'
  UNION ALL
  SELECT 'not a table', 'relation of kind ' || c.relkind::text WHERE c.relkind NOT IN ('r', 'p')
  UNION ALL
  SELECT 'row-level-security policy', 'row-level security' WHERE c.relrowsecurity
) AS tie WHERE tie.kind IS NOT NULL ORDER BY 1, 2`;

const list = (query: string): string => `COALESCE((SELECT json_agg(q) FROM (${query}) AS q), '[]')`;

const CATALOG = `
SELECT json_build_object(
  'oid', c.oid::int8, 'name', c.relname, 'schema', quote_ident(n.nspname),
  'relation', ${NAMED}, 'owner', quote_ident(pg_get_userbyid(c.relowner)),
  'rows', CASE WHEN c.reltuples >= 0 THEN c.reltuples::int8 END,
  'bytes', CASE WHEN c.relkind IN ('r', 'm', 'p') THEN pg_total_relation_size(c.oid) ELSE 0 END,
  'options', COALESCE(c.reloptions, '{}'), 'comment', obj_description(c.oid, 'pg_class'),
  'columns', ${list(COLUMNS)}, 'indexes', ${list(INDEXES)}, 'checks', ${list(CHECKS)}, 'grants', ${list(GRANTS)},
  'sequences', ${list(SEQUENCES)}, 'views', ${list(VIEWS)}, 'tied', ${list(TIED)},
  'rights', json_build_object('own', ${MEMBER('c.relowner')}, 'create', has_schema_privilege(n.oid, 'CREATE'),
    'ownerCreates', has_schema_privilege(c.relowner, n.oid, 'CREATE')))::text AS catalog
FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace LEFT JOIN pg_type own ON own.oid = c.reltype
WHERE n.nspname = $1 AND c.relname = $2`;

/** Undefined: nothing has the name. Under `search_path = pg_catalog`, so that every name comes with its schema. */
export async function readCatalog(
  lane: Pick<Lane, 'query'>,
  schemaName: string,
  relationName: string,
): Promise<RelationCatalog | undefined> {
  const found = await lane.query(CATALOG, [schemaName, relationName]);
  const text = found.rows[0]?.['catalog'];
  return text === undefined ? undefined : (JSON.parse(text as string) as RelationCatalog);
}

/** The schema's part of a catalog's names. */
export function qualified(schemaName: string, name: string): string {
  return `${quoteIdentifier(schemaName)}.${quoteIdentifier(name)}`;
}

/**
 * SQL for a digest over everything `readCatalog` reads of these tables: another one means that somebody has changed them,
 * their indexes, rights or views in between.
 */
export function digestSql(oids: readonly number[]): string {
  assert(oids.length > 0, 'there are tables');
  const these = `(${oids.join(', ')})`;
  const rules = `(SELECT dep.objid FROM pg_depend dep WHERE dep.classid = 'pg_rewrite'::regclass AND dep.refclassid = 'pg_class'::regclass AND dep.refobjid IN ${these})`;
  const row = (what: string, from: string): string => `SELECT concat_ws(' ', ${what}) AS line FROM ${from}`;
  return `(SELECT md5(string_agg(line, ',' ORDER BY line)) FROM (${[
    row(`'class', oid, xmin`, `pg_class WHERE oid IN ${these}`),
    row(`'column', attrelid, attnum, xmin`, `pg_attribute WHERE attrelid IN ${these}`),
    row(`'default', oid, xmin`, `pg_attrdef WHERE adrelid IN ${these}`),
    row(
      `'index', indexrelid, i.xmin, c.xmin`,
      `pg_index i JOIN pg_class c ON c.oid = indexrelid WHERE indrelid IN ${these}`,
    ),
    row(`'constraint', oid, xmin`, `pg_constraint WHERE conrelid IN ${these} OR confrelid IN ${these}`),
    row(
      `'dependent', classid::oid, objid, objsubid, refobjid, refobjsubid, deptype`,
      `pg_depend WHERE refclassid = 'pg_class'::regclass AND refobjid IN ${these}`,
    ),
    row(
      `'rule', r.oid, r.xmin, v.xmin`,
      `pg_rewrite r JOIN pg_class v ON v.oid = r.ev_class WHERE r.oid IN ${rules}`,
    ),
    row(
      `'comment', objoid, objsubid, xmin`,
      `pg_description WHERE classoid = 'pg_class'::regclass AND objoid IN ${these}`,
    ),
  ].join(' UNION ALL ')}) AS lines)`;
}
