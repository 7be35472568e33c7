import { Client } from 'pg';

/** All rows of a table as sorted text, every value as the server prints it. Generated columns included. */
export async function rowsOf(client: Client, table: string, columns: readonly string[]): Promise<string[]> {
  const list = columns.map((column) => `coalesce(${column}::text, '\\N')`).join(` || '|' || `);
  const { rows } = await client.query<{ row: string }>(`SELECT ${list} AS row FROM ${table}`);
  return rows.map(({ row }) => row).toSorted();
}

export async function columnsOf(client: Client, table: string): Promise<string[]> {
  const { rows } = await client.query<{ name: string }>(
    `SELECT quote_ident(attname) AS name FROM pg_attribute WHERE attrelid = $1::regclass AND attnum > 0 AND NOT attisdropped ORDER BY attnum`,
    [table],
  );
  return rows.map(({ name }) => name);
}

/** A table at the source and the one it became, both quoted. */
export interface TablePair {
  readonly source: string;
  readonly target: string;
}

/** Where two databases differ, table by table: at most a few rows of each. Empty: they are equal. */
export async function differences(
  source: string,
  target: string,
  tables: readonly TablePair[],
): Promise<string[]> {
  const from = new Client({ connectionString: source });
  const to = new Client({ connectionString: target });
  await Promise.all([from.connect(), to.connect()]);
  try {
    const found: string[] = [];
    for (const table of tables) {
      const columns = await columnsOf(from, table.source);
      const [expected, actual] = await Promise.all([
        rowsOf(from, table.source, columns),
        rowsOf(to, table.target, columns),
      ]);
      found.push(...rowDifferences(table.source, expected, actual));
    }
    return found;
  } finally {
    await Promise.all([from.end(), to.end()]);
  }
}

export function rowDifferences(
  table: string,
  expected: readonly string[],
  actual: readonly string[],
): string[] {
  const missing = without(expected, actual);
  const extra = without(actual, expected);
  if (missing.length === 0 && extra.length === 0) return [];
  const show = (rows: readonly string[]): string =>
    rows
      .slice(0, 3)
      .map((row) => row.slice(0, 160))
      .join('\n    ');
  return [
    `${table}: ${expected.length} rows at the source, ${actual.length} at the destination;\n  missing ${missing.length}:\n    ${show(missing)}\n  extra ${extra.length}:\n    ${show(extra)}`,
  ];
}

/** Multiset difference of sorted lists. */
function without(a: readonly string[], b: readonly string[]): string[] {
  const left = new Map<string, number>();
  for (const row of b) left.set(row, (left.get(row) ?? 0) + 1);
  return a.filter((row) => {
    const count = left.get(row) ?? 0;
    if (count > 0) left.set(row, count - 1);
    return count === 0;
  });
}
