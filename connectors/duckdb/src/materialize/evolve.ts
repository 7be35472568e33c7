import type { ColumnDefinition, Schema } from '@brimful/model';
import { joinTypes, matchColumns, Problem } from '@brimful/model';
import { quoteName } from '../database/sql.ts';
import { initialValue } from '../types/initial-value.ts';
import { nativeName } from '../types/native-type.ts';
import type { HeldColumn } from './held-column.ts';
import { freeName, viewOf } from './held-column.ts';
import type { TableState } from './table-state.ts';
import { relationOf } from './table-state.ts';

/**
 * Gives the table the collection's next shape: adds, renames, widens; never drops. Changes `state` and returns the
 * statements. `foreign` are columns that somebody else added to the table.
 *
 * DuckDB refuses to commit an ALTER that follows a delete from the same table, so all statements of a transaction's
 * evolutions run before its first change of data; a batch of an older shape is then written to the newer table.
 */
export function evolve(state: TableState, next: Schema, foreign: readonly string[]): string[] {
  const alter = `ALTER TABLE ${relationOf(state)}`;
  const view = viewOf(state.columns);
  const matches = matchColumns(state.schema, next);
  const statements: string[] = [];
  const kept = next.columns.map((_, index) => {
    const before = state.schema.columns[matches[index] as number];
    return before === undefined ? undefined : view.get(before.name);
  });
  retire(state, kept, statements, alter);
  for (const [index, definition] of next.columns.entries()) {
    const held = kept[index];
    if (held === undefined) continue;
    relax(held, definition, statements, alter);
    widen(held, definition, statements, alter, state);
  }
  rename(state, next, kept, foreign, statements, alter);
  for (const [index, definition] of next.columns.entries()) {
    if (kept[index] === undefined) statements.push(...add(state, definition, foreign, alter));
  }
  if (state.touched !== undefined && keyMoved(state, next, kept)) state.touched.everything = true;
  state.schema = next;
  return statements;
}

/** Columns the collection no longer has stay as they are, out of the way of new ones of their name. */
function retire(
  state: TableState,
  kept: readonly (HeldColumn | undefined)[],
  statements: string[],
  alter: string,
): void {
  for (const held of state.columns) {
    if (!held.live || kept.includes(held)) continue;
    held.live = false;
    if (held.notNull) statements.push(`${alter} ALTER COLUMN ${quoteName(held.name)} DROP NOT NULL`);
    held.notNull = false;
  }
}

function relax(held: HeldColumn, definition: ColumnDefinition, statements: string[], alter: string): void {
  if (!held.notNull || !definition.nullable) return;
  statements.push(`${alter} ALTER COLUMN ${quoteName(held.name)} DROP NOT NULL`);
  held.notNull = false;
}

function widen(
  held: HeldColumn,
  definition: ColumnDefinition,
  statements: string[],
  alter: string,
  state: TableState,
): void {
  const joined = joinTypes(held.type, definition.type);
  if (joined === undefined) {
    // Invariant 6: converting would alter values.
    throw new Problem(
      'BRM-DUCKDB-WIDEN',
      `column ${definition.name} of ${state.table} is ${nativeName(held.type)}, which cannot become ${nativeName(definition.type)} without changing values`,
      {
        remedy: 'Backfill the table into a new generation.',
        at: { table: state.table, column: definition.name },
      },
    );
  }
  if (nativeName(joined) !== nativeName(held.type)) {
    statements.push(`${alter} ALTER COLUMN ${quoteName(held.name)} SET DATA TYPE ${nativeName(joined)}`);
  }
  held.type = joined;
}

function rename(
  state: TableState,
  next: Schema,
  kept: readonly (HeldColumn | undefined)[],
  foreign: readonly string[],
  statements: string[],
  alter: string,
): void {
  const to = (held: HeldColumn, name: string): void => {
    statements.push(`${alter} RENAME COLUMN ${quoteName(held.name)} TO ${quoteName(name)}`);
    held.name = name;
  };
  const names = (): string[] => [...foreign, ...state.columns.map((column) => column.name)];
  const wanted = new Set(next.columns.map((definition) => definition.name.toLowerCase()));
  for (const held of state.columns) {
    if (!held.live && wanted.has(held.name.toLowerCase()))
      to(held, freeName(`${held.name}_dropped`, [...names(), ...wanted]));
  }
  const renames: { held: HeldColumn; name: string }[] = [];
  for (const [index, definition] of next.columns.entries()) {
    const held = kept[index];
    if (held !== undefined && held.collected !== definition.name)
      renames.push({ held, name: definition.name });
  }
  // Names may be exchanged: all step aside before any takes its new one.
  if (renames.length > 1)
    for (const { held } of renames) to(held, freeName(`_brimful_${held.name}`, names()));
  for (const { held, name } of renames) {
    held.collected = name;
    to(held, freeName(name, names()));
  }
}

function add(
  state: TableState,
  definition: ColumnDefinition,
  foreign: readonly string[],
  alter: string,
): string[] {
  const taken = [...foreign, ...state.columns.map((column) => column.name)];
  const held: HeldColumn = {
    collected: definition.name,
    name: freeName(definition.name, taken),
    type: definition.type,
    live: true,
    notNull: false,
    initial: initialValue(definition),
  };
  state.columns.push(held);
  const column = quoteName(held.name);
  const statement = `${alter} ADD COLUMN ${column} ${nativeName(held.type)}`;
  if (definition.initial === undefined) return [statement];
  return [`${statement} DEFAULT ${held.initial}`, `${alter} ALTER COLUMN ${column} DROP DEFAULT`];
}

function keyMoved(state: TableState, next: Schema, kept: readonly (HeldColumn | undefined)[]): boolean {
  const view = viewOf(state.columns);
  const before = state.schema.key.map((name) => [...view.values()].find((held) => held.collected === name));
  const after = next.key.map((name) => kept[next.columns.findIndex((column) => column.name === name)]);
  return before.length !== after.length || before.some((held, index) => held !== after[index]);
}
