import type { Batch, Schema } from '@brimful/model';
import { DELETED_AT_COLUMN } from '@brimful/connector';

import { quoteIdentifier } from '../types/identifier.ts';
import type { OpenTable } from './open-table.ts';
import type { SourceColumn } from './row-source.ts';
import { keyColumns, matchColumns } from './table-shape.ts';
import type { TableColumn } from './table-shape.ts';
import type { Transaction } from './transaction.ts';

export const DELETED_AT = quoteIdentifier(DELETED_AT_COLUMN);

/** The table's side of a merge: SQL fragments about its columns, for rows of one schema with some columns unknown. */
export interface MergeTarget {
  readonly table: OpenTable;
  readonly relation: string;
  readonly soft: boolean;
  /** Key columns, in key order, quoted. */
  readonly key: readonly string[];
  readonly keyColumns: readonly TableColumn[];
  /** Known columns in schema order, as the statement is given them. */
  readonly known: readonly SourceColumn[];
  /** The same, quoted. */
  readonly names: readonly string[];
  /** Known columns an existing row takes over, quoted. */
  readonly settable: readonly string[];
}

export function mergeTarget(
  transaction: Transaction,
  table: OpenTable,
  schema: Schema,
  unknown: readonly number[],
): MergeTarget {
  const { shape } = transaction.facts(table);
  const columns = matchColumns(shape, schema);
  const keyOf = keyColumns(shape);
  const known = columns.flatMap((column, index) =>
    unknown.includes(index) ? [] : [{ alias: column.name, type: column.type, index }],
  );
  const fixed = new Set(keyOf.filter((column) => isExactlyEqual(column)).map(({ name }) => name));
  return {
    table,
    relation: table.relation,
    soft: table.soft,
    key: keyOf.map(({ name }) => quoteIdentifier(name)),
    keyColumns: keyOf,
    known,
    names: known.map(({ alias }) => quoteIdentifier(alias)),
    settable: known.filter(({ alias }) => !fixed.has(alias)).map(({ alias }) => quoteIdentifier(alias)),
  };
}

/** Keys (columns in key order) as a batch of their own, with the table's columns they stand for. */
export function keyBatch(
  key: readonly TableColumn[],
  values: Batch['columns'],
  rows: number,
): { readonly batch: Batch; readonly columns: readonly SourceColumn[] } {
  const names = key.map(({ name }) => name);
  const columns = key.map(({ name }, index) => {
    const { type } = values[index] as Batch['columns'][number];
    return { name, type, nullable: false, sourceType: type.kind };
  });
  return {
    batch: { schema: { version: 0, columns, key: names }, rows, columns: values, changes: undefined },
    columns: key.map(({ name, type }, index) => ({ alias: name, type, index })),
  };
}

/** `t."a" = s."a" AND …` */
export function equal(left: string, right: string, names: readonly string[]): string {
  return names.map((name) => `${left}.${name} = ${right}.${name}`).join(' AND ');
}

/** `"a" = s."a", …`, and no longer deleted. */
export function assignments(target: MergeTarget, from: string): string[] {
  const sets = target.settable.map((name) => `${name} = ${from}.${name}`);
  return target.soft ? [...sets, `${DELETED_AT} = NULL`] : sets;
}

/** Whether keys that are equal are the same bytes too. 1.0 and 1.00 are not: then the new spelling must be kept. */
function isExactlyEqual(column: TableColumn): boolean {
  const { kind } = column.type;
  return kind !== 'decimal' && kind !== 'float32' && kind !== 'float64' && kind !== 'other';
}
