import type { Connection } from '../database/connection.ts';

export interface PresentColumn {
  readonly name: string;
  /** As DuckDB spells it: `DECIMAL(12,2)`. */
  readonly type: string;
  readonly notNull: boolean;
}

/** What a table's columns really are now; none when there is no such table or view. */
export async function presentColumns(
  connection: Connection,
  schema: string,
  table: string,
): Promise<PresentColumn[]> {
  const rows = await connection.rows(
    `SELECT column_name, data_type, is_nullable FROM duckdb_columns()
      WHERE database_name = current_database() AND lower(schema_name) = lower($1) AND lower(table_name) = lower($2)
      ORDER BY column_index`,
    [schema, table],
  );
  return rows.map((row) => ({
    name: row['column_name'] as string,
    type: row['data_type'] as string,
    notNull: row['is_nullable'] === false,
  }));
}
