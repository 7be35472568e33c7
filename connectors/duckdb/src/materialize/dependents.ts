import type { Connection } from '../database/connection.ts';
import { quoteName } from '../database/sql.ts';

/** An index that somebody put on a table. */
export interface TableIndex {
  readonly name: string;
  /** The statement that makes it; names the table as it is called now. */
  readonly sql: string;
}

export async function findIndexes(
  connection: Connection,
  schema: string,
  table: string,
): Promise<TableIndex[]> {
  const rows = await connection.rows(
    `SELECT schema_name, index_name, sql FROM duckdb_indexes()
      WHERE database_name = current_database() AND lower(schema_name) = lower($1) AND lower(table_name) = lower($2)
      ORDER BY index_name`,
    [schema, table],
  );
  return rows.map((row) => ({
    name: `${quoteName(row['schema_name'] as string)}.${quoteName(row['index_name'] as string)}`,
    sql: row['sql'] as string,
  }));
}

/** Views that read a table, by name, or read such views. */
export async function findViews(connection: Connection, table: string): Promise<string[]> {
  const rows = await connection.rows(
    'SELECT view_name, sql FROM duckdb_views() WHERE NOT internal AND database_name = current_database() ORDER BY view_name',
  );
  const found = new Set<string>();
  const names = [table];
  for (let name = names.shift(); name !== undefined; name = names.shift()) {
    for (const row of rows) {
      const view = row['view_name'] as string;
      if (found.has(view) || view === name || !mentions(row['sql'] as string, name)) continue;
      found.add(view);
      names.push(view);
    }
  }
  return [...found];
}

/** Whether the text has the name, as a word or quoted. A text that merely looks alike counts too: this informs, no more. */
function mentions(sql: string, name: string): boolean {
  const body = sql.slice(sql.search(/\bAS\b/iu)).toLowerCase();
  const wanted = name.toLowerCase();
  if (body.includes(quoteName(wanted))) return true;
  for (let at = body.indexOf(wanted); at !== -1; at = body.indexOf(wanted, at + 1)) {
    const around = `${body[at - 1] ?? ' '}${body[at + wanted.length] ?? ' '}`;
    if (!/[\p{L}\p{N}_$]/u.test(around)) return true;
  }
  return false;
}

/** A constraint that a swap cannot carry. */
export interface TableConstraint {
  readonly kind: string;
  readonly text: string;
  /** Of another table, upon this one. */
  readonly from: string | undefined;
}

/** Constraints on a table but NOT NULL, and foreign keys of other tables that refer to it. */
export async function findConstraints(
  connection: Connection,
  schema: string,
  table: string,
): Promise<TableConstraint[]> {
  const rows = await connection.rows(
    `SELECT table_name, constraint_type, constraint_text, lower(table_name) = lower($2) AS own FROM duckdb_constraints()
      WHERE database_name = current_database() AND lower(schema_name) = lower($1) AND constraint_type <> 'NOT NULL'
        AND (lower(table_name) = lower($2) OR (constraint_type = 'FOREIGN KEY' AND lower(referenced_table) = lower($2)))
      ORDER BY own DESC, constraint_text`,
    [schema, table],
  );
  return rows.map((row) => ({
    kind: row['constraint_type'] as string,
    text: row['constraint_text'] as string,
    from: row['own'] === true ? undefined : (row['table_name'] as string),
  }));
}

interface Comments {
  readonly table: string | null;
  readonly columns: ReadonlyMap<string, string>;
}

export async function findComments(connection: Connection, schema: string, table: string): Promise<Comments> {
  const where =
    'database_name = current_database() AND lower(schema_name) = lower($1) AND lower(table_name) = lower($2)';
  const [own] = await connection.rows(`SELECT comment FROM duckdb_tables() WHERE ${where}`, [schema, table]);
  const columns = await connection.rows(
    `SELECT column_name, comment FROM duckdb_columns() WHERE ${where} AND comment IS NOT NULL`,
    [schema, table],
  );
  return {
    table: (own?.['comment'] as string | null | undefined) ?? null,
    columns: new Map(columns.map((row) => [row['column_name'] as string, row['comment'] as string])),
  };
}
