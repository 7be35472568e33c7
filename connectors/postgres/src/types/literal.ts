import type { Column } from '@brimful/model';

/** A row's value as Postgres prints it; null for null and unknown. For messages and single parameters, not hot paths. */
export function literal(_column: Column, _row: number): string | null {
  throw new Error('not yet');
}

/**
 * Rows' values as the text of a one-dimensional Postgres array, for `unnest($1::type[])`. A column that itself holds
 * arrays must go through `unnest($1::text[])` and a cast of each element. `rows`: a count (the first so many) or indices.
 */
export function arrayLiteral(_column: Column, _rows: number | Int32Array): string {
  throw new Error('not yet');
}
