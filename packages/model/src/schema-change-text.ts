import type { ColumnType } from './column-type.ts';
import type { SchemaChange } from './schema-lattice.ts';

/** A type as people write it: `decimal(12,2)`, `timestamp with zone`. */
export function columnTypeText(type: ColumnType): string {
  if (type.kind === 'timestamp') return type.zoned ? 'timestamp with zone' : 'timestamp, local';
  if (type.kind === 'decimal')
    return type.precision === undefined ? 'decimal' : `decimal(${type.precision},${type.scale ?? 0})`;
  if (type.kind === 'json') return type.binary ? 'json, normalised' : 'json, as written';
  return type.kind === 'other' ? `${type.name} as text` : type.kind;
}

/** One change of a shape in words: `adds note (text)`. */
export function schemaChangeText(change: SchemaChange): string {
  switch (change.kind) {
    case 'add':
      return `adds ${change.column.name} (${columnTypeText(change.column.type)})`;
    case 'drop':
      return `drops ${change.column.name}`;
    case 'rename':
      return `renames ${change.from} to ${change.to}`;
    case 'widen':
      return `widens ${change.column} from ${columnTypeText(change.from)} to ${columnTypeText(change.to)}`;
    case 'narrow':
      return `narrows ${change.column} from ${columnTypeText(change.from)} to ${columnTypeText(change.to)}`;
    case 'incompatible':
      return `makes ${columnTypeText(change.to)} of ${change.column}, which was ${columnTypeText(change.from)}`;
    case 'nullable':
      return `${change.nullable ? 'allows' : 'forbids'} nulls in ${change.column}`;
    case 'key':
      return `identifies rows by ${keyText(change.to)} instead of ${keyText(change.from)}`;
  }
}

/** Whether whoever read rows of the old shape can go on as before: nothing is lost, renamed or identified otherwise. */
export function isWidening(change: SchemaChange): boolean {
  return change.kind === 'add' || change.kind === 'widen' || change.kind === 'nullable';
}

function keyText(key: readonly string[]): string {
  return key.length === 0 ? 'all their values' : key.join(', ');
}
