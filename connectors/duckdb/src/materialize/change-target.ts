import { DELETED_AT_COLUMN } from '@brimful/connector';
import type { ColumnType, Schema } from '@brimful/model';
import { assert } from '@brimful/model';
import type { Connection } from '../database/connection.ts';
import type { FeedPart } from '../database/feed.ts';
import { quoteName } from '../database/sql.ts';
import { nativeName } from '../types/native-type.ts';
import type { HeldColumn, View } from './held-column.ts';
import type { TableState } from './table-state.ts';
import { relationOf } from './table-state.ts';

/** The table that one action changes, seen with the collection's schema as of that action. */
export interface ChangeTarget {
  readonly connection: Connection;
  readonly state: TableState;
  readonly schema: Schema;
  readonly view: View;
  /** Columns that somebody else added to the table: their values stay. */
  readonly foreign: readonly string[];
  /** Microseconds since 1970, for deletes that have no time of their own. */
  readonly now: bigint;
  /** Feeds rows to the statements of `work`, which read them from `source`; a refused value becomes a problem. */
  feed<T>(
    types: readonly ColumnType[],
    parts: readonly FeedPart[],
    origin: FeedOrigin,
    work: (source: string) => Promise<T>,
  ): Promise<T>;
}

/** What a feed's columns are, to name a refused value by. */
export interface FeedOrigin {
  readonly columns: readonly string[];
  /** Indices of the columns that identify a row. */
  readonly key: readonly number[];
}

/** Where the values of one column of the table come from. */
export interface Assignment {
  readonly held: string;
  /** Index of the feed's column; undefined: `constant`, or where that is missing too, the present value. */
  readonly feed: number | undefined;
  readonly constant: string | undefined;
}

export function relationOfTarget(target: ChangeTarget): string {
  return relationOf(target.state);
}

export function heldOf(target: ChangeTarget, name: string): HeldColumn {
  const held = target.view.get(name);
  assert(held !== undefined, `table ${target.state.table} has column ${name}`);
  return held;
}

/** How each column of the table gets its value from rows of `schema` whose `unknown` columns are left out. */
export function assignments(target: ChangeTarget, schema: Schema, unknown: readonly number[]): Assignment[] {
  const { state } = target;
  const fed = new Map<HeldColumn, number>();
  const present = new Set(target.view.values());
  schema.columns.forEach((definition, index) => {
    if (!unknown.includes(index)) fed.set(heldOf(target, definition.name), index);
  });
  const result: Assignment[] = [];
  for (const held of state.columns) {
    const feed = fed.get(held);
    // Added later in this transaction: these rows were written before, as far as the source is concerned.
    const later = held.live && !present.has(held);
    result.push({
      held: quoteName(held.name),
      feed,
      constant: later ? `CAST(${held.initial} AS ${nativeName(held.type)})` : undefined,
    });
  }
  for (const name of target.foreign)
    result.push({ held: quoteName(name), feed: undefined, constant: undefined });
  if (state.soft) result.push({ held: quoteName(DELETED_AT_COLUMN), feed: undefined, constant: 'NULL' });
  return result;
}

/** `t.key = f.key` for all columns of the key; `columns` are the feed's. */
export function keyMatch(
  target: ChangeTarget,
  table: string,
  feed: string,
  columns: readonly number[],
): string {
  return target.schema.key
    .map((name, place) => {
      const held = heldOf(target, name);
      const left = comparable(held, `${table}.${quoteName(held.name)}`);
      return `${left} = ${comparable(held, fedValue(target, name, `${feed}.c${String(columns[place])}`))}`;
    })
    .join(' AND ');
}

/** A fed value in the table's own type, which may have grown since. */
function fedValue(target: ChangeTarget, name: string, value: string): string {
  const definition = target.schema.columns.find((column) => column.name === name);
  const held = heldOf(target, name);
  assert(definition !== undefined, `the schema has column ${name}`);
  const native = nativeName(held.type);
  return nativeName(definition.type) === native ? value : `CAST(${value} AS ${native})`;
}

/** Decimals kept as text are the same key whatever their scale: 1.0 is 1.00. */
export function comparable(held: HeldColumn, value: string): string {
  if (held.type.kind !== 'decimal' || nativeName(held.type) !== 'VARCHAR') return value;
  return `CASE WHEN contains(${value}, '.') THEN rtrim(rtrim(${value}, '0'), '.') ELSE ${value} END`;
}

/** Only rows that are there for readers: under soft deletes, not those marked as deleted. */
export function aliveOnly(target: ChangeTarget, table: string): string {
  return target.state.soft ? ` AND ${table}.${quoteName(DELETED_AT_COLUMN)} IS NULL` : '';
}
