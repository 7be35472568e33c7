import type { ColumnType } from '@brimful/model';
import { Problem } from '@brimful/model';

/** Decimal digits that every value of an integer type fits into. */
const INTEGER_DIGITS = { int16: 5, int32: 10, int64: 19 } as const;

/** Whether every value of `from` can be held by a column of `to` with nothing lost. */
export function widens(from: ColumnType, to: ColumnType): boolean {
  if (to.kind === 'text') return true;
  switch (from.kind) {
    case 'int16':
      return (
        ['int16', 'int32', 'int64', 'float32', 'float64'].includes(to.kind) || fitsDecimal(from.kind, to)
      );
    case 'int32':
      return ['int32', 'int64', 'float64'].includes(to.kind) || fitsDecimal(from.kind, to);
    case 'int64':
      return to.kind === 'int64' || fitsDecimal(from.kind, to);
    case 'float32':
      return to.kind === 'float32' || to.kind === 'float64';
    case 'decimal':
      return to.kind === 'decimal' && decimalFits(from, to);
    case 'timestamp':
      return to.kind === 'timestamp' && to.zoned === from.zoned;
    case 'json':
      // The text of a jsonb is json; the other way loses spaces, order and double keys.
      return to.kind === 'json' && (from.binary || !to.binary);
    case 'other':
      return to.kind === 'other' && to.name === from.name;
    case 'boolean':
    case 'float64':
    case 'date':
    case 'time':
    case 'uuid':
    case 'bytes':
    case 'text':
      return to.kind === from.kind;
  }
}

function fitsDecimal(kind: keyof typeof INTEGER_DIGITS, to: ColumnType): boolean {
  if (to.kind !== 'decimal') return false;
  return to.precision === undefined || to.precision - (to.scale ?? 0) >= INTEGER_DIGITS[kind];
}

type Decimal = Extract<ColumnType, { kind: 'decimal' }>;

function decimalFits(from: Decimal, to: Decimal): boolean {
  if (to.precision === undefined) return true;
  if (from.precision === undefined) return false;
  const fromScale = from.scale ?? 0;
  const toScale = to.scale ?? 0;
  return toScale >= fromScale && to.precision - toScale >= from.precision - fromScale;
}

/** Invariant 6: a column that does not fit is refused before its first value is written. */
export function requireWidening(from: ColumnType, to: ColumnType, name: string): void {
  if (widens(from, to)) return;
  throw new Problem(
    'BRM-PG-WIDEN',
    `column ${name} holds ${describe(from)}, which does not fit exactly into ${describe(to)}`,
    {
      remedy: `Change the destination's column ${name} to a type that holds ${describe(from)}, or to text.`,
      at: { column: name },
    },
  );
}

function describe(type: ColumnType): string {
  if (type.kind === 'decimal' && type.precision !== undefined)
    return `decimal(${type.precision},${type.scale ?? 0})`;
  if (type.kind === 'timestamp') return type.zoned ? 'timestamps with a zone' : 'timestamps without a zone';
  return type.kind === 'other' ? type.name : type.kind;
}
