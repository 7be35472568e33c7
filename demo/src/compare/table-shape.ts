import { Client } from 'pg';

/** What the comparison needs to know about a source table. */
export interface TableShape {
  readonly schema: string;
  readonly name: string;
  readonly columns: readonly ShapeColumn[];
  /** Names of the primary key's columns in order; empty where there is none. */
  readonly key: readonly string[];
}

interface ShapeColumn {
  readonly name: string;
  /** As Postgres formats it: `numeric(12,2)`. Of a domain, its base type. */
  readonly type: string;
}

const COLUMNS = `
  SELECT a.attname AS name,
    CASE t.typtype WHEN 'd' THEN format_type(t.typbasetype, t.typtypmod) ELSE format_type(a.atttypid, a.atttypmod) END AS type,
    array_position(i.indkey::int2[], a.attnum) AS place
  FROM pg_attribute a
  JOIN pg_type t ON t.oid = a.atttypid
  LEFT JOIN pg_index i ON i.indrelid = a.attrelid AND i.indisprimary
  WHERE a.attrelid = format('%I.%I', $1::text, $2::text)::regclass AND a.attnum > 0 AND NOT a.attisdropped
  ORDER BY a.attnum`;

/** Reads a table's columns and key from its source. */
export async function tableShape(url: string, name: string, schema = 'public'): Promise<TableShape> {
  const client = new Client({ connectionString: url });
  await client.connect();
  try {
    const { rows } = await client.query<{ name: string; type: string; place: number | null }>(COLUMNS, [
      schema,
      name,
    ]);
    const key = rows.filter((row) => row.place !== null).sort((a, b) => (a.place ?? 0) - (b.place ?? 0));
    return {
      schema,
      name,
      columns: rows.map((row) => ({ name: row.name, type: row.type })),
      key: key.map((row) => row.name),
    };
  } finally {
    await client.end();
  }
}

/** The order in which both sides are read, and how two places in it compare. */
export interface ShapeOrder {
  readonly column: ShapeColumn;
  /** Index into `columns`. */
  readonly index: number;
  /**
   * Integers and UUIDs order the same everywhere, and an index gives that order; everything else is ordered by the bytes
   * of its text.
   */
  readonly native: 'integer' | 'uuid' | undefined;
}

export function shapeOrder(shape: TableShape): ShapeOrder[] {
  // Without a key a row is told by all its values. Floats are printed differently by different systems.
  const names =
    shape.key.length > 0
      ? shape.key
      : shape.columns.filter(({ type }) => !isFloat(type)).map(({ name }) => name);
  return names.map((name) => {
    const index = shape.columns.findIndex((column) => column.name === name);
    const column = shape.columns[index];
    if (column === undefined) throw new Error(`${shape.name} has no column ${name}`);
    return { column, index, native: nativeOrder(column.type) };
  });
}

function nativeOrder(type: string): ShapeOrder['native'] {
  if (type === 'uuid') return 'uuid';
  return /^(small|big)?int(eger)?$/.test(type) ? 'integer' : undefined;
}

export function isFloat(type: string): boolean {
  return type === 'real' || type === 'double precision';
}

export function quoted(name: string): string {
  return `"${name.replaceAll('"', '""')}"`;
}
