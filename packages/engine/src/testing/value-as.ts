import type { ColumnType } from '@brimful/model';
import type { Value } from '@brimful/model/testing';

/** A value that was written before its column became wider. */
export function valueAs(type: ColumnType, value: Value): Value {
  if (typeof value !== 'number' && typeof value !== 'bigint') return value;
  if (type.kind === 'int64') return BigInt(value);
  return type.kind === 'decimal' ? String(value) : value;
}
