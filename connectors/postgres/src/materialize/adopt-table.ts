import type { ColumnType } from '@brimful/model';
import { Problem, widensTo } from '@brimful/model';
import type { TableRequest } from '@brimful/connector';
import { DELETED_AT_COLUMN } from '@brimful/connector';

import { nativeType } from '../types/destination-type.ts';
import { quoteIdentifier } from '../types/identifier.ts';
import type { Lane } from './lane.ts';
import type { TableState } from './open-table.ts';
import { columnTypeOfSql } from './sql-type.ts';
import { sqlType } from './table-shape.ts';
import type { TableColumn, TableShape } from './table-shape.ts';

const DELETED_AT_TYPE: ColumnType = { kind: 'timestamp', zoned: true };

interface Adoption {
  readonly schemaName: string;
  readonly relationName: string;
  readonly relation: string;
  /** `pg_class.relkind`. */
  readonly kind: string;
  readonly shape: TableShape;
}

/** How an adopted table begins: keyed already, or to be loaded like one of our own. */
export interface Adopted {
  readonly state: TableState;
  readonly shape: TableShape;
}

interface ExistingColumn {
  readonly name: string;
  readonly type: string;
  readonly notNull: boolean;
  readonly hasDefault: boolean;
  readonly generated: boolean;
}

/**
 * Checks that a table which somebody else made can take the collection's rows, and tells in which state it begins: with
 * a unique index on the key every row is merged from the start, else it is loaded bare like one of our own.
 */
export async function adoptTable(lane: Lane, request: TableRequest, adoption: Adoption): Promise<Adopted> {
  const refuse = (why: string, remedy: string): Problem =>
    new Problem('BRM-PG-ADOPT', `Table ${adoption.relation} cannot be adopted: ${why}`, {
      remedy,
      at: { table: request.id.table },
    });
  if (adoption.kind !== 'r' && adoption.kind !== 'p') {
    throw refuse('it is not a table.', 'Choose another `table` name.');
  }
  const existing = await existingColumns(lane, adoption);
  const mismatches = mismatchesOf(adoption, request, existing);
  if (mismatches.length > 0)
    throw refuse(mismatches.join('; '), 'Change the table so that it fits, or choose another `table` name.');
  const keyed = adoption.shape.key.length > 0 && (await hasKey(lane, adoption));
  const shape = shapeWithTypes(adoption.shape, existing);
  if (keyed) return { state: 'indexed', shape };
  const rows = await lane.query(`SELECT EXISTS (SELECT FROM ${adoption.relation}) AS some`);
  if (rows.rows[0]?.['some'] === true) {
    const key = adoption.shape.key.map((name) => quoteIdentifier(name)).join(', ');
    throw key === ''
      ? refuse(
          'it holds rows, and the collection has no key to tell which of them are its own.',
          `Empty it: TRUNCATE ${adoption.relation}`,
        )
      : refuse(
          'it holds rows but no unique index on the key.',
          `ALTER TABLE ${adoption.relation} ADD PRIMARY KEY (${key})`,
        );
  }
  return { state: 'loading', shape };
}

/** The table's own types, which may be wider than the source's. */
function shapeWithTypes(shape: TableShape, existing: readonly ExistingColumn[]): TableShape {
  const columns = shape.columns.map((column) => {
    const type = existing.find(({ name }) => name === column.name)?.type;
    return type === undefined || type === sqlType(column)
      ? column
      : { ...column, type: columnTypeOfSql(type) };
  });
  return { ...shape, columns };
}

async function existingColumns(lane: Lane, adoption: Adoption): Promise<ExistingColumn[]> {
  const found = await lane.query(
    `SELECT a.attname AS name, format_type(a.atttypid, a.atttypmod) AS type, a.attnotnull AS not_null,
            a.atthasdef AND a.attgenerated = '' OR a.attidentity <> '' AS has_default,
            a.attgenerated <> '' OR a.attidentity = 'a' AS generated
       FROM pg_attribute a JOIN pg_class c ON c.oid = a.attrelid JOIN pg_namespace n ON n.oid = c.relnamespace
      WHERE n.nspname = $1 AND c.relname = $2 AND a.attnum > 0 AND NOT a.attisdropped`,
    [adoption.schemaName, adoption.relationName],
  );
  return found.rows.map((row) => ({
    name: row['name'] as string,
    type: row['type'] as string,
    notNull: row['not_null'] as boolean,
    hasDefault: row['has_default'] as boolean,
    generated: row['generated'] as boolean,
  }));
}

/** Every way in which the table does not fit, each in words. */
function mismatchesOf(
  adoption: Adoption,
  request: TableRequest,
  existing: readonly ExistingColumn[],
): string[] {
  const mismatches: string[] = [];
  const wanted: Pick<TableColumn, 'name' | 'type'>[] = [...adoption.shape.columns];
  if (request.deletes === 'soft') wanted.push({ name: DELETED_AT_COLUMN, type: DELETED_AT_TYPE });
  for (const { name, type } of wanted) {
    const column = existing.find((candidate) => candidate.name === name);
    const needed = nativeType(type);
    if (column === undefined) mismatches.push(`column ${quoteIdentifier(name)} ${needed} is missing`);
    else if (column.generated) mismatches.push(`column ${quoteIdentifier(name)} is generated`);
    else if (!fits(type, column.type))
      mismatches.push(`column ${quoteIdentifier(name)} is ${column.type} where ${needed} is needed`);
    else if (column.notNull && name !== DELETED_AT_COLUMN && !mustHaveValue(request, name))
      mismatches.push(`column ${quoteIdentifier(name)} is NOT NULL, but the source has nulls there`);
  }
  for (const column of existing) {
    if (wanted.some(({ name }) => name === column.name)) continue;
    if (column.notNull && !column.hasDefault && !column.generated) {
      mismatches.push(
        `column ${quoteIdentifier(column.name)} is NOT NULL without a default, and the collection has no such column`,
      );
    }
  }
  return mismatches;
}

/** The same type or a wider one. */
function fits(type: ColumnType, existing: string): boolean {
  if (nativeType(type) === existing) return true;
  return widensTo(type, columnTypeOfSql(existing));
}

function mustHaveValue(request: TableRequest, name: string): boolean {
  return request.schema.columns.some((column) => column.name === name && !column.nullable);
}

/** A unique, complete and immediate index on exactly the key's columns, as ON CONFLICT needs. */
async function hasKey(lane: Lane, adoption: Adoption): Promise<boolean> {
  const found = await lane.query(
    `SELECT EXISTS (
       SELECT FROM pg_index i JOIN pg_class c ON c.oid = i.indrelid JOIN pg_namespace n ON n.oid = c.relnamespace
        WHERE n.nspname = $1 AND c.relname = $2 AND i.indisunique AND i.indimmediate AND i.indisvalid
          AND i.indpred IS NULL AND i.indexprs IS NULL
          AND (SELECT array_agg(a.attname::text ORDER BY a.attname::text)
                 FROM pg_attribute a WHERE a.attrelid = c.oid AND a.attnum = ANY (i.indkey[0:i.indnkeyatts - 1]))
              = (SELECT array_agg(k ORDER BY k) FROM jsonb_array_elements_text($3::jsonb) AS k)) AS keyed`,
    [adoption.schemaName, adoption.relationName, JSON.stringify(adoption.shape.key)],
  );
  return found.rows[0]?.['keyed'] === true;
}
