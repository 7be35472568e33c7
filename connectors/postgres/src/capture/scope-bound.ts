import { quoteIdentifier, quoteText } from '../types/identifier.ts';
import { storedType, typeName } from '../types/postgres-type.ts';
import type { PostgresType } from '../types/postgres-type.ts';

/** A column that a scope goes by. */
export interface BoundColumn {
  /** `attnum`: a plan outlives a rename. */
  readonly number: number;
  readonly name: string;
  readonly type: PostgresType;
}

/** The values of a bound's first columns, as canonical text; null: open. */
export type BoundEnd = readonly string[] | null;

/** Rows from `from` up to and without `to`, in the order of the columns. Rows with a null in them are in no bound. */
export interface Bound {
  readonly columns: readonly BoundColumn[];
  readonly from: BoundEnd;
  readonly to: BoundEnd;
}

/** What literals are cast to: no length or precision, which would cut them, and no domain, which would check them. */
export function literalType(type: PostgresType): string {
  return typeName({ ...storedType(type), modifier: -1 });
}

export function literalSql(column: BoundColumn, value: string): string {
  return `${quoteText(value)}::${literalType(column.type)}`;
}

/**
 * The bound as SQL. Comparing rows is exact; what it says about the first column alone is said again, because only that
 * prunes partitions.
 */
export function conditionSql(bound: Bound): string {
  const conditions = [...endSql(bound, '>=', '>='), ...endSql(bound, '<', '<=')];
  return conditions.length === 0 ? notNullSql(bound) : conditions.join(' AND ');
}

/**
 * The same for the planner's statistics, which know single columns: the values that both ends share, and the range of
 * the column where they part. Close to the bound, not the bound.
 */
export function estimateSql(bound: Bound): string {
  const { columns, from, to } = bound;
  const shared = sharedValues(bound);
  const same = shared.map((value, index) => comparison(columns[index], '=', value));
  const column = columns[shared.length];
  const low = from?.[shared.length];
  const high = to?.[shared.length];
  const range = [
    ...(low === undefined ? [] : [comparison(column, '>=', low)]),
    ...(high === undefined
      ? []
      : [comparison(column, (to?.length ?? 0) > shared.length + 1 ? '<=' : '<', high)]),
  ];
  const conditions = [...same, ...range];
  return conditions.length === 0 ? notNullSql(bound) : conditions.join(' AND ');
}

/** The first values of both ends, as far as they are equal, but for the last column. */
export function sharedValues({ columns, from, to }: Bound): readonly string[] {
  if (from === null || to === null) return [];
  const shared: string[] = [];
  while (shared.length < columns.length - 1) {
    const value = from[shared.length];
    if (value === undefined || value !== to[shared.length]) break;
    shared.push(value);
  }
  return shared;
}

function endSql(bound: Bound, operator: '>=' | '<', first: '>=' | '<='): string[] {
  const end = operator === '<' ? bound.to : bound.from;
  if (end === null) return [];
  const [column] = bound.columns;
  if (end.length === 1) return [comparison(column, operator, end[0] as string)];
  const names = end.map((_, index) => quoteIdentifier((bound.columns[index] as BoundColumn).name));
  const values = end.map((value, index) => literalSql(bound.columns[index] as BoundColumn, value));
  return [
    `(${names.join(', ')}) ${operator} (${values.join(', ')})`,
    comparison(column, first, end[0] as string),
  ];
}

function comparison(column: BoundColumn | undefined, operator: string, value: string): string {
  const known = column as BoundColumn;
  return `${quoteIdentifier(known.name)} ${operator} ${literalSql(known, value)}`;
}

function notNullSql({ columns }: Bound): string {
  return `${quoteIdentifier((columns[0] as BoundColumn).name)} IS NOT NULL`;
}
