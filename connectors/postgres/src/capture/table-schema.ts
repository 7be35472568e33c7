import type { ColumnDefinition, Schema } from '@brimful/model';
import { columnTypeOf } from '../types/column-type.ts';
import { typeName } from '../types/postgres-type.ts';
import type { PostgresType } from '../types/postgres-type.ts';
import type { Attribute, Table } from './table.ts';
import { isDelivered } from './table.ts';

/**
 * The collection's shape for the table as the catalog has it now, columns in the table's order. `loosened`: numbers of
 * columns that do hold nulls, whatever the catalog promises.
 */
export function schemaOf(table: Table, generatedToo: boolean, loosened?: ReadonlySet<number>): Schema {
  const columns = table.attributes
    .filter((attribute) => isDelivered(attribute, generatedToo))
    .map((attribute) => columnOf(attribute, attribute.name, attribute.type as PostgresType, loosened));
  return { version: 1, columns, key: table.identity.key };
}

/** A column as `attribute`, but with the name and type it has in the stream just now. */
export function columnOf(
  attribute: Attribute,
  name: string,
  type: PostgresType,
  loosened?: ReadonlySet<number>,
): ColumnDefinition {
  return {
    name,
    type: columnTypeOf(type),
    nullable: !attribute.notNull || loosened?.has(attribute.number) === true,
    sourceType: typeName(type),
    sourceId: attribute.number,
    ...(attribute.missing === undefined ? {} : { initial: attribute.missing }),
  };
}

/** The same shape, whatever the version. */
export function sameShape(a: Schema, b: Schema): boolean {
  return JSON.stringify([a.columns, a.key]) === JSON.stringify([b.columns, b.key]);
}
