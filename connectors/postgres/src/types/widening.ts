import type { ColumnType } from '@brimful/model';
import { Problem, widensTo } from '@brimful/model';

/** Invariant 6: a column that does not fit is refused before its first value is written. */
export function requireWidening(from: ColumnType, to: ColumnType, name: string): void {
  // Text holds everything's canonical form; whether a person wants that was decided before.
  if (to.kind === 'text' || widensTo(from, to)) return;
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
