import type { ColumnDefinition, ColumnType, Schema } from '@brimful/model';
import { sameType } from '@brimful/model';

/**
 * Whether rows written before may hold other values now than the stream delivered: a rewriting ALTER computes values
 * without logging rows. Returns the columns it may have touched.
 *
 * A new column without a note of what old rows hold has null in them, unless it came with a default that is computed per
 * row; a column whose type changed to a wider one keeps its values, any other change may have come with USING.
 * `computed`: names of columns that have a default or are generated.
 */
export function rewrittenColumns(
  before: Schema,
  after: Schema,
  computed: ReadonlySet<string>,
): readonly string[] {
  return after.columns.flatMap((column) => {
    const old = before.columns.find((candidate) => candidate.sourceId === column.sourceId);
    if (old === undefined) {
      return column.initial === undefined && computed.has(column.name) ? [column.name] : [];
    }
    return keepsValues(old, column) ? [] : [column.name];
  });
}

const WIDER: ReadonlyMap<ColumnType['kind'], readonly ColumnType['kind'][]> = new Map([
  ['int16', ['int32', 'int64', 'decimal']],
  ['int32', ['int64', 'decimal']],
  ['int64', ['decimal']],
  ['float32', ['float64']],
]);

function keepsValues(before: ColumnDefinition, after: ColumnDefinition): boolean {
  if (sameType(before.type, after.type)) return true;
  const { type: from } = before;
  const { type: to } = after;
  if (from.kind === 'decimal' && to.kind === 'decimal') return holdsDecimals(from, to);
  if (WIDER.get(from.kind)?.includes(to.kind) === true)
    return to.kind !== 'decimal' || to.precision === undefined;
  return false;
}

type Decimal = Extract<ColumnType, { kind: 'decimal' }>;

/** Another scale prints other digits (1.5 becomes 1.50), so only the part before the point may grow. */
function holdsDecimals(from: Decimal, to: Decimal): boolean {
  if (to.precision === undefined) return true;
  if (from.precision === undefined || (from.scale ?? 0) !== (to.scale ?? 0)) return false;
  return to.precision >= from.precision;
}
