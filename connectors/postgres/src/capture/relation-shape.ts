import type { ColumnDefinition, Schema } from '@brimful/model';
import { decoderOf } from '../types/decoder.ts';
import type { PostgresType } from '../types/postgres-type.ts';
import type { RelationColumn, RelationInfo } from '../wire/pgoutput-relation.ts';
import type { RelationMapping } from '../wire/pgoutput-table.ts';
import { alignColumns } from './align-columns.ts';
import type { PublicationKind } from './publications.ts';
import { columnOf } from './table-schema.ts';
import type { Attribute, Table } from './table.ts';

/** A relation of the stream as its table's shape, and how its columns reach that shape. */
export interface RelationShape {
  readonly schema: Schema;
  readonly mapping: readonly RelationMapping[];
}

export interface RelationContext {
  readonly relation: RelationInfo;
  /** The ordinary table or the leaf that the relation is; its last known state where it is gone. */
  readonly owner: Table;
  /** Where the collection's shape is from: the same, or the root of the partition tree. */
  readonly root: Table;
  readonly publication: PublicationKind;
  /** The shape last delivered. */
  readonly known: Schema;
  readonly loosened: ReadonlySet<number>;
  readonly typeOf: (oid: number, modifier: number) => PostgresType;
}

/** Undefined when the relation has columns that the catalog never had: it is not the same table. */
export function shapeOf(context: RelationContext): RelationShape | undefined {
  const { relation, owner, root, known } = context;
  const own = alignColumns(relation.columns, owner.attributes, owner === root ? known : undefined);
  if (own === undefined) return undefined;
  const attributes = owner === root ? own : own.map((leafs, index) => rootAttribute(context, leafs, index));
  const types = relation.columns.map((column) => context.typeOf(column.typeOid, column.modifier));
  const placed = attributes.map((attribute, index) => ({
    index,
    definition: columnOf(
      attribute,
      (relation.columns[index] as RelationColumn).name,
      types[index] as PostgresType,
      context.loosened,
    ),
  }));
  // Leaves may hold their columns in another order than their root.
  placed.sort((a, b) => (a.definition.sourceId as number) - (b.definition.sourceId as number));
  const mapping: RelationMapping[] = Array.from({ length: placed.length });
  for (const [column, { index }] of placed.entries()) {
    mapping[index] = { column, decoder: decoderOf(types[index] as PostgresType) };
  }
  const columns = placed.map(({ definition }) => definition);
  return { schema: { version: known.version, columns, key: keyOf(context, columns) }, mapping };
}

/** A leaf's column has the name of its root's at any moment, but not its number. */
function rootAttribute(context: RelationContext, leafs: Attribute, index: number): Attribute {
  const { root, known } = context;
  const { name } = context.relation.columns[index] as RelationColumn;
  const number = known.columns.find((column) => column.name === name)?.sourceId;
  const found =
    root.attributes.find((attribute) => attribute.number === number) ??
    root.attributes.find((attribute) => !attribute.dropped && attribute.name === name) ??
    root.attributes.find((attribute) => !attribute.dropped && attribute.name === leafs.name);
  // A column that came and went again since: past all others, and the same one on every leaf.
  return found ?? { ...leafs, number: GONE_FROM_ROOT + leafs.number };
}

/** Above every real attribute number. */
const GONE_FROM_ROOT = 10_000;

/** The replica identity as the stream marks it, in the order of the index where that is known. */
function keyOf(context: RelationContext, columns: readonly ColumnDefinition[]): readonly string[] {
  const { relation, root, known } = context;
  const names = new Set(columns.map((column) => column.name));
  const renamed = renamedKey(known, columns);
  if (context.publication === 'inserts') return [];
  if (relation.identity === 'f') {
    // Whole rows are logged: any key works, so the collection keeps the one it has.
    if (renamed !== undefined) return renamed;
    return root.identity.key.every((name) => names.has(name)) ? root.identity.key : [];
  }
  const marked = relation.columns.filter((column) => column.key).map((column) => column.name);
  const ordered = [renamed, root.identity.key].find(
    (key) => key !== undefined && key.length === marked.length && marked.every((name) => key.includes(name)),
  );
  return ordered ?? marked;
}

/** The known key under the names its columns have now. */
function renamedKey(known: Schema, columns: readonly ColumnDefinition[]): readonly string[] | undefined {
  const key = known.key.map((name) => {
    const number = known.columns.find((column) => column.name === name)?.sourceId;
    return columns.find((column) => column.sourceId === number)?.name;
  });
  return key.every((name) => name !== undefined) ? key : undefined;
}
