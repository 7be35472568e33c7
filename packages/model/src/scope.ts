/**
 * Which rows a run is about. Typed bounds that belong to the run and end with it; they never stand in the catalog.
 *
 * Values are the source's canonical text of the column's type (a timestamp with time zone: an ISO instant in UTC; without:
 * ISO local time). Every range is half-open, `[from, to)`; null is an open end.
 */
export type Scope =
  | { readonly kind: 'all' }
  | {
      readonly kind: 'time';
      readonly column: string;
      readonly from: string | null;
      readonly to: string | null;
      /** IANA zone the user's bounds were written in, for showing them again. */
      readonly zone: string;
    }
  /** Bounds on the first columns of the key, in key order: `['1000']` to `['2000']`. */
  | { readonly kind: 'key'; readonly from: readonly string[] | null; readonly to: readonly string[] | null }
  /** Single rows by their whole keys, in key order. */
  | { readonly kind: 'keys'; readonly keys: readonly (readonly string[])[] };

export const WHOLE_TABLE: Scope = { kind: 'all' };

/** At most so many single keys: more is a range, or the table. */
export const SCOPE_KEYS_LIMIT = 100_000;
