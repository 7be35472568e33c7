import type { Column } from '@brimful/model';
import { hasBit, isNull, widthOf } from '@brimful/model';

/** Whether two values of one type are the same bit for bit, nulls included. */
export function sameValue(a: Column, rowA: number, b: Column, rowB: number): boolean {
  if (isNull(a, rowA) || isNull(b, rowB)) return isNull(a, rowA) === isNull(b, rowB);
  const width = widthOf(a.type);
  if (width === 'bit') return hasBit(a.values, rowA) === hasBit(b.values, rowB);
  const startA = width === 0 ? (a.offsets?.[rowA] as number) : rowA * width;
  const startB = width === 0 ? (b.offsets?.[rowB] as number) : rowB * width;
  const length = width === 0 ? (a.offsets?.[rowA + 1] as number) - startA : width;
  if (width === 0 && (b.offsets?.[rowB + 1] as number) - startB !== length) return false;
  for (let at = 0; at < length; at += 1) if (a.values[startA + at] !== b.values[startB + at]) return false;
  return true;
}
