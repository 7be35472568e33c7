export { compareTables } from './compare.ts';
export type { TableComparison } from './compare.ts';
export { duckdbRows } from './duckdb-rows.ts';
export { postgresRows } from './postgres-rows.ts';
export type { Line, LineBlocks } from './rows.ts';
export { tableShape } from './table-shape.ts';
export type { TableShape } from './table-shape.ts';
