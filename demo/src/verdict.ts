import { grid } from 'brimful';
import { compareTables, duckdbRows, postgresRows, tableShape } from './compare/mod.ts';
import type { TableComparison } from './compare/mod.ts';
import type { Environment } from './environment.ts';

/** One table, compared with both destinations. */
export interface TableVerdict {
  readonly table: string;
  readonly warehouse: TableComparison;
  readonly replica: TableComparison;
}

/** Compares source and destinations row by row. Nothing may write meanwhile. */
export async function compareAll(
  environment: Environment,
  tables: readonly string[],
  onTable: (verdict: TableVerdict) => void,
): Promise<TableVerdict[]> {
  const { sourceUrl, replicaUrl, duckdbPath } = environment;
  const verdicts: TableVerdict[] = [];
  for (const table of tables) {
    const shape = await tableShape(sourceUrl, table);
    const [warehouse, replica] = await Promise.all([
      compareTables(shape, postgresRows(sourceUrl, shape), duckdbRows(duckdbPath, shape)),
      compareTables(shape, postgresRows(sourceUrl, shape), postgresRows(replicaUrl, shape)),
    ]);
    const verdict = { table, warehouse, replica };
    verdicts.push(verdict);
    onTable(verdict);
  }
  return verdicts;
}

export function isEqual({ warehouse, replica }: TableVerdict): boolean {
  return warehouse.equal && replica.equal;
}

export function verdictText(verdicts: readonly TableVerdict[]): string {
  const rows = verdicts.map(({ table, warehouse, replica }) => [
    table,
    count(replica.sourceRows),
    count(warehouse.targetRows),
    outcome(warehouse),
    count(replica.targetRows),
    outcome(replica),
  ]);
  const table = grid(['table', 'source', 'DuckDB', '', 'Postgres', ''], rows, [1, 2, 4]);
  const examples = verdicts.flatMap(({ table: name, warehouse, replica }) => [
    ...warehouse.examples.map((example) => `  ${name} in DuckDB: ${example}`),
    ...replica.examples.map((example) => `  ${name} in Postgres: ${example}`),
  ]);
  const unequal = verdicts.filter((verdict) => !isEqual(verdict)).length;
  const total = verdicts.reduce((sum, { replica }) => sum + replica.sourceRows, 0);
  const sentence =
    unequal === 0
      ? `EQUAL: all ${count(total)} rows of ${verdicts.length} tables are the same in the source and in both destinations.`
      : `NOT EQUAL: ${unequal} of ${verdicts.length} tables differ.`;
  return [table, ...examples, '', sentence].join('\n');
}

function outcome(comparison: TableComparison): string {
  if (comparison.equal) return 'equal';
  const parts = (['missing', 'extra', 'different'] as const).filter((kind) => comparison[kind] > 0);
  return parts.map((kind) => `${count(comparison[kind])} ${kind}`).join(', ');
}

function count(number: number): string {
  return number.toLocaleString('en-US');
}
