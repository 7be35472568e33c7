import type { ColumnDefinition, ColumnType, Schema } from '@brimful/model';
import { joinTypes, Problem, sameType } from '@brimful/model';

import { quoteIdentifier, quoteText } from '../types/identifier.ts';
import { nativeType } from '../types/destination-type.ts';
import { touchedColumn } from './load-rows.ts';
import type { OpenTable } from './open-table.ts';
import { assertName, columnOf, findColumn, keyColumns, shapeOf, sqlType } from './table-shape.ts';
import type { TableColumn, TableShape } from './table-shape.ts';
import type { Transaction } from './transaction.ts';

/** How a table gets from one shape to the next: clauses of ALTER TABLE, renames first, and then the rest in one go. */
export interface Evolution {
  readonly shape: TableShape;
  readonly renames: readonly { readonly from: string; readonly to: string }[];
  /** Run together, so that the table is rewritten once at most. */
  readonly clauses: readonly string[];
  /** Defaults that only served to fill old rows. */
  readonly afterwards: readonly string[];
}

/** The table takes the shape of `schema`. Columns are added, renamed and widened, never dropped. */
export function evolveTable(transaction: Transaction, table: OpenTable, schema: Schema): void {
  const facts = transaction.facts(table);
  const evolution = planEvolution(facts.shape, schema, table.name, facts.state === 'settled');
  const origin = { table, doing: `taking version ${schema.version} of its schema` };
  const alter = (clauses: string): void => {
    transaction.exclusive = true;
    transaction.add({ text: `ALTER TABLE ${table.relation} ${clauses}` }, origin);
  };
  for (const { from, to } of evolution.renames)
    alter(`RENAME COLUMN ${quoteIdentifier(from)} TO ${quoteIdentifier(to)}`);
  if (evolution.clauses.length > 0) alter(evolution.clauses.join(', '));
  if (evolution.afterwards.length > 0) alter(evolution.afterwards.join(', '));
  for (const [index, column] of keyColumns(evolution.shape).entries()) {
    if (
      facts.state !== 'loading' ||
      sameType(column.type, (keyColumns(facts.shape)[index] as TableColumn).type)
    )
      continue;
    const text = `ALTER TABLE IF EXISTS ${table.touched} ALTER COLUMN ${touchedColumn(index)} TYPE ${sqlType(column)}`;
    transaction.add({ text }, origin);
  }
  transaction.change(table, { shape: evolution.shape, schemaVersion: schema.version });
}

/** Pure: what `evolveTable` will do. `complete`: NOT NULL may be set where the source promises it. */
export function planEvolution(
  before: TableShape,
  schema: Schema,
  table: string,
  complete: boolean,
): Evolution {
  shapeOf(schema, table);
  const matches = schema.columns.map((definition) => findColumn(before, definition));
  assertSameKey(before, schema, matches, table);
  const clauses: string[] = [];
  const afterwards: string[] = [];
  const after: TableColumn[] = [];
  for (const [index, definition] of schema.columns.entries()) {
    const match = matches[index];
    if (match === undefined) after.push(addColumn(definition, complete, clauses, afterwards));
    else after.push(changeColumn(match, definition, table, clauses));
  }
  const names = new Set(schema.columns.map(({ name }) => name));
  const renames: { from: string; to: string }[] = [];
  const gone: TableColumn[] = [];
  for (const column of before.columns) {
    if (matches.includes(column)) continue;
    const name = names.has(column.name) ? freeName(column, before, names) : column.name;
    gone.push({ ...column, name, promised: false, notNull: false, present: false });
    if (column.notNull) clauses.push(`ALTER COLUMN ${quoteIdentifier(name)} DROP NOT NULL`);
    if (name !== column.name) renames.push({ from: column.name, to: name });
  }
  const shape: TableShape = { columns: [...after, ...gone], key: schema.key };
  return { shape, renames: [...renames, ...renamesOf(matches, schema, before, names)], clauses, afterwards };
}

function assertSameKey(
  before: TableShape,
  schema: Schema,
  matches: readonly (TableColumn | undefined)[],
  table: string,
): void {
  const key = schema.key.map(
    (name) => matches[schema.columns.findIndex((column) => column.name === name)]?.name,
  );
  if (key.length === before.key.length && key.every((name, index) => name === before.key[index])) return;
  const was = before.key.length === 0 ? 'no key' : `the key (${before.key.join(', ')})`;
  const is = schema.key.length === 0 ? 'no key' : `the key (${schema.key.join(', ')})`;
  throw new Problem('BRM-PG-KEY-CHANGED', `${table} was built with ${was}, but its source has ${is} now.`, {
    remedy: 'Order a reset run of this table: it is then built anew beside the present one.',
    at: { table },
  });
}

function addColumn(
  definition: ColumnDefinition,
  complete: boolean,
  clauses: string[],
  afterwards: string[],
): TableColumn {
  const column = columnOf(definition);
  const name = quoteIdentifier(column.name);
  const { initial } = definition;
  const notNull = complete && initial !== undefined && !definition.nullable;
  // A constant default fills old rows without rewriting them.
  const filled = initial === undefined ? '' : ` DEFAULT ${quoteText(initial)}`;
  clauses.push(`ADD COLUMN ${name} ${sqlType(column)}${filled}${notNull ? ' NOT NULL' : ''}`);
  if (initial !== undefined) afterwards.push(`ALTER COLUMN ${name} DROP DEFAULT`);
  return { ...column, notNull };
}

function changeColumn(
  match: TableColumn,
  definition: ColumnDefinition,
  table: string,
  clauses: string[],
): TableColumn {
  const wanted = columnOf(definition);
  const name = quoteIdentifier(wanted.name);
  const type = joinedType(match.type, wanted.type);
  if (type === undefined) {
    throw new Problem(
      'BRM-PG-TYPE-CHANGED',
      `Column ${wanted.name} of ${table} is ${sqlType(match)}, its source has become ${definition.sourceType}: no type holds the old values and the new ones exactly.`,
      {
        remedy: 'Order a reset run of this table: it is then built anew with the new type.',
        at: { table, column: wanted.name },
      },
    );
  }
  if (!sameType(type, match.type)) {
    clauses.push(`ALTER COLUMN ${name} TYPE ${nativeType(type)} USING ${name}::${nativeType(type)}`);
  }
  const notNull = match.notNull && !definition.nullable;
  if (match.notNull && !notNull) clauses.push(`ALTER COLUMN ${name} DROP NOT NULL`);
  return {
    ...match,
    name: wanted.name,
    type,
    promised: wanted.promised,
    notNull,
    sourceId: definition.sourceId ?? match.sourceId,
    present: true,
  };
}

const LENGTH = /\((\d+)\)/;

function joinedType(old: ColumnType, wanted: ColumnType): ColumnType | undefined {
  if (old.kind !== 'other' || wanted.kind !== 'other') return joinTypes(old, wanted);
  if (old.name === wanted.name) return old;
  // `bit varying(5)` grows to `bit varying(9)`; `bit(5)` does not: its length is part of the value.
  if (old.name.replace(LENGTH, '') !== wanted.name.replace(LENGTH, '') || /^bit(\(|\[|$)/.test(old.name))
    return undefined;
  const limit = (name: string): number => Number(LENGTH.exec(name)?.[1] ?? Infinity);
  return limit(wanted.name) > limit(old.name) ? wanted : old;
}

/** A name for a column that the source dropped and whose name another column takes now. */
function freeName(column: TableColumn, before: TableShape, taken: ReadonlySet<string>): string {
  for (let attempt = 1; ; attempt += 1) {
    const ending = attempt === 1 ? ' (dropped)' : ` (dropped ${attempt})`;
    let start = column.name;
    while (Buffer.byteLength(start + ending) > 63) start = Array.from(start).slice(0, -1).join('');
    const name = start + ending;
    if (taken.has(name) || before.columns.some((other) => other.name === name)) continue;
    assertName(name, 'column', name);
    return name;
  }
}

/** All renames happen at once at the source: names may be exchanged, so those that collide take a detour. */
function renamesOf(
  matches: readonly (TableColumn | undefined)[],
  schema: Schema,
  before: TableShape,
  taken: ReadonlySet<string>,
): { from: string; to: string }[] {
  const wanted = schema.columns.flatMap((definition, index) => {
    const match = matches[index];
    return match === undefined || match.name === definition.name
      ? []
      : [{ from: match.name, to: definition.name }];
  });
  const occupied = new Set(wanted.map(({ from }) => from));
  const detours = wanted.map(({ from, to }, index) => {
    if (!occupied.has(to)) return { from, to };
    let via = `brimful renaming ${index}`;
    while (taken.has(via) || before.columns.some(({ name }) => name === via)) via += '_';
    return { from, via, to };
  });
  return [
    ...detours.flatMap((rename) => (rename.via === undefined ? [] : [{ from: rename.from, to: rename.via }])),
    ...detours.map((rename) => ({ from: rename.via ?? rename.from, to: rename.to })),
  ];
}
