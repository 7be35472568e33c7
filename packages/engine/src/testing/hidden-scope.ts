import type { RunRequest, Scope } from '@brimful/model';
import type { Value } from '@brimful/model/testing';
import type { MemoryDatabase } from './memory-destination.ts';
import { rowText } from './memory-destination.ts';
import type { Row, SimulatedDatabase, SimulatedTable } from './simulated-database.ts';
import { keyText, schemaOf } from './simulated-database.ts';
import { inScope } from './simulated-scope.ts';

type Rows = ReadonlyMap<string, Row>;

/** Rows of a source table by key. */
export function sourceRows(source: SimulatedDatabase, table: SimulatedTable): Rows {
  const rows = source.rows(table, source.snapshot());
  return new Map(rows.map(({ row }) => [keyText(schemaOf(table), row), row]));
}

/** Rows of a destination table by key, in the shape of the source's. */
export function targetRows(target: MemoryDatabase, table: SimulatedTable): Rows {
  const schema = schemaOf(table);
  const texts = target.rows(table.name.slice('public.'.length), schema);
  return new Map(
    texts.map((text) => {
      const row = (JSON.parse(text) as Value[]).map((value, index) => revived(value, schema, index));
      return [keyText(schema, row), row];
    }),
  );
}

function revived(value: Value, { columns }: ReturnType<typeof schemaOf>, index: number): Value {
  const isBig = columns[index]?.type.kind === 'int64' && typeof value === 'string';
  return isBig ? BigInt(value.slice(0, -1)) : value;
}

/** Rows as sorted texts. */
export function textsOf(rows: Rows): string[] {
  return [...rows.values()].map((row) => rowText(row)).sort();
}

/**
 * What a table must be after a run over a scope, when the source was changed unseen. In scope it is as the source; of what
 * is not, only rows change that were in scope as they were known, and only where rows are removed at all: they are looked up.
 */
export function mended(
  table: SimulatedTable,
  scope: Scope,
  missingRows: RunRequest['missingRows'],
  before: Rows,
  source: Rows,
): Rows {
  const holds = inScope(table, scope);
  const after = new Map<string, Row>();
  for (const key of new Set([...before.keys(), ...source.keys()])) {
    const known = before.get(key);
    const now = source.get(key);
    const isLookedUp = missingRows === 'remove' && known !== undefined && holds(known);
    const result = (now !== undefined && holds(now)) || isLookedUp ? now : known;
    if (result !== undefined) after.set(key, result);
  }
  return after;
}
