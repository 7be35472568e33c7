/**
 * What a column can hold, and how its values lie in memory.
 *
 * A value that has no exact native layout travels as its source's canonical text (`kind: "other"`), next to the
 * source type's name, so that a destination of the same kind can restore it bit for bit. (Invariant 6)
 */
export type ColumnType =
  | { readonly kind: 'boolean' }
  | { readonly kind: 'int16' }
  | { readonly kind: 'int32' }
  | { readonly kind: 'int64' }
  | { readonly kind: 'float32' }
  | { readonly kind: 'float64' }
  /** Days since 1970-01-01. -2^31 and 2^31-1 are -infinity and infinity. */
  | { readonly kind: 'date' }
  /** Microseconds since midnight, 24:00:00 included. */
  | { readonly kind: 'time' }
  /**
   * Microseconds since 1970-01-01 00:00, in UTC when `zoned`, modulo 2^64: the last 29 years of PostgreSQL's range
   * (294247 to 294276 AD) wrap below -9.2e18, where no other timestamp lies. -2^63 and 2^63-1 are the infinities.
   */
  | { readonly kind: 'timestamp'; readonly zoned: boolean }
  | { readonly kind: 'uuid' }
  | { readonly kind: 'bytes' }
  | { readonly kind: 'text' }
  /** Canonical decimal text: optional minus, digits, optional fraction with its scale kept; or NaN, Infinity, -Infinity. */
  | { readonly kind: 'decimal'; readonly precision?: number; readonly scale?: number }
  /** JSON as the source prints it. `binary`: the source normalises it (jsonb), so equal documents have equal text. */
  | { readonly kind: 'json'; readonly binary: boolean }
  | { readonly kind: 'other'; readonly name: string };

export type ColumnKind = ColumnType['kind'];

/** Bytes per value; 0 for variable length (offsets + data); `bit` for one bit. */
export type Width = 0 | 'bit' | 2 | 4 | 8 | 16;

const WIDTHS: Readonly<Record<ColumnKind, Width>> = {
  boolean: 'bit',
  int16: 2,
  int32: 4,
  int64: 8,
  float32: 4,
  float64: 8,
  date: 4,
  time: 8,
  timestamp: 8,
  uuid: 16,
  bytes: 0,
  text: 0,
  decimal: 0,
  json: 0,
  other: 0,
};

export function widthOf(type: ColumnType): Width {
  return WIDTHS[type.kind];
}

export function sameType(a: ColumnType, b: ColumnType): boolean {
  if (a.kind !== b.kind) return false;
  if (a.kind === 'timestamp' && b.kind === 'timestamp') return a.zoned === b.zoned;
  if (a.kind === 'decimal' && b.kind === 'decimal') return a.precision === b.precision && a.scale === b.scale;
  if (a.kind === 'json' && b.kind === 'json') return a.binary === b.binary;
  if (a.kind === 'other' && b.kind === 'other') return a.name === b.name;
  return true;
}
