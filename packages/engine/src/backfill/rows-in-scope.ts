import type { Batch, Column, ColumnDefinition, RowKey, Schema, Scope } from '@brimful/model';
import { ColumnBuilder, appendText, isNull, keyListReader, keyReader, listedKeyPoint } from '@brimful/model';

/** Says of a batch's rows whether they are in scope. */
export type RowFilter = (batch: Batch) => (row: number) => boolean;

/**
 * Which rows of a collection are in a run's scope, as far as that can be told here. Says yes where it cannot (text is
 * ordered by the source's collation): good enough to nominate rows whose fate a look-up by key then decides.
 */
export function rowsInScope(scope: Scope, schema: Schema): RowFilter {
  switch (scope.kind) {
    case 'all':
      return () => () => true;
    case 'time':
      return within(schema, [scope.column], bound(scope.from), bound(scope.to));
    case 'key':
      return within(schema, schema.key, scope.from, scope.to);
    case 'keys':
      return listed(schema, scope.keys);
  }
}

/** The columns that decide, besides the key. */
export function scopeColumns(scope: Scope): readonly string[] {
  return scope.kind === 'time' ? [scope.column] : [];
}

function bound(text: string | null): readonly string[] | null {
  return text === null ? null : [text];
}

/** Kinds whose order here is the source's. */
const ORDERED: ReadonlySet<string> = new Set([
  'int16',
  'int32',
  'int64',
  'date',
  'time',
  'timestamp',
  'decimal',
  'uuid',
]);

function within(
  schema: Schema,
  names: readonly string[],
  from: readonly string[] | null,
  to: readonly string[] | null,
): RowFilter {
  const width = Math.min(names.length, from?.length ?? Infinity, to?.length ?? Infinity);
  const bounded = names.slice(0, width);
  const definitions = bounded.map((name) => schema.columns.find((column) => column.name === name));
  if (
    !definitions.every(
      (column): column is ColumnDefinition => column !== undefined && ORDERED.has(column.type.kind),
    )
  )
    return () => () => true;
  const least = from === null ? null : pointOf(definitions, from);
  const end = to === null ? null : pointOf(definitions, to);
  return (batch) => {
    const columns = definitions.map(
      ({ name }) => batch.columns[batch.schema.columns.findIndex((column) => column.name === name)] as Column,
    );
    return (row) => {
      if (columns.some((column) => isNull(column, row))) return false;
      const point = listedKeyPoint(columns, row);
      return (least === null || point >= least) && (end === null || point < end);
    };
  };
}

function pointOf(definitions: readonly ColumnDefinition[], texts: readonly string[]): string {
  return listedKeyPoint(columnsOf(definitions, [texts]), 0);
}

function listed(schema: Schema, keys: readonly (readonly string[])[]): RowFilter {
  const wanted = new Set<RowKey>();
  const columns = keyColumnsOf(schema, keys);
  const read = keyListReader(schema);
  for (let row = 0; row < keys.length; row += 1) wanted.add(read(columns, row));
  return (batch) => {
    const readKey = keyReader(batch.schema);
    return (row) => wanted.has(readKey(batch.columns, row));
  };
}

/** Columns of keys given as canonical texts, in key order. Throws `BRM-VALUE-TEXT` for one that is no value of its column. */
function keyColumnsOf(schema: Schema, keys: readonly (readonly string[])[]): readonly Column[] {
  const definitions = schema.key.map(
    (name) => schema.columns.find((column) => column.name === name) as ColumnDefinition,
  );
  return columnsOf(definitions, keys);
}

function columnsOf(definitions: readonly ColumnDefinition[], rows: readonly (readonly string[])[]): Column[] {
  return definitions.map(({ type }, index) => {
    const builder = new ColumnBuilder(type);
    for (const texts of rows) appendText(builder, texts[index] ?? '');
    return builder.finish();
  });
}
