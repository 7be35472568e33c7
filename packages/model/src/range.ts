/**
 * A half-open interval `[from, to)` of an ordered space whose points are strings compared by code unit.
 *
 * Connectors choose points that order as their space does: page numbers in fixed-width hexadecimal, keys in the
 * order-preserving encoding. Null is an open end.
 */
export interface Range {
  readonly from: string | null;
  readonly to: string | null;
}
