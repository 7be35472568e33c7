import type { Arrival, Misfit } from '@brimful/connector';
import type { ColumnDefinition, Schema } from '@brimful/model';
import { Problem, compareSchemas } from '@brimful/model';
import { decimalWidth, nativeName, nativeType } from '../types/native-type.ts';
import { evolve } from './evolve.ts';
import type { PresentColumn } from './present-columns.ts';
import type { TableState } from './table-state.ts';

/**
 * Why a table cannot take what arrives: what its own evolution would refuse, what somebody did to its columns meanwhile, and
 * values that DuckDB has no place for. `real`: what its columns are. (Invariant 6)
 */
export function misfitsOf(
  state: TableState,
  real: readonly PresentColumn[],
  { schema, extremes }: Arrival,
): readonly Misfit[] {
  const refused = evolutionMisfit(state, schema, real);
  const values = extremes.flatMap(({ column, value }): Misfit[] => {
    const definition = schema.columns.find(({ name }) => name === column);
    const why = definition === undefined ? undefined : homeless(definition, value);
    return why === undefined ? [] : [{ kind: 'value', column, why }];
  });
  return [...(refused === undefined ? alteredColumns(state, real) : [refused]), ...values];
}

function evolutionMisfit(
  state: TableState,
  schema: Schema,
  real: readonly PresentColumn[],
): Misfit | undefined {
  const key = compareSchemas(state.schema, schema).find((change) => change.kind === 'key');
  if (key !== undefined) {
    const why = `${state.table} was built with the key (${key.from.join(', ')}), its source has (${key.to.join(', ')}).`;
    return { kind: 'shape', column: null, why };
  }
  const ours = new Set(state.columns.map(({ name }) => name));
  const foreign = real.flatMap(({ name }) => (ours.has(name) ? [] : [name]));
  try {
    evolve(structuredClone(state), schema, foreign);
    return undefined;
  } catch (thrown) {
    if (!(thrown instanceof Problem)) throw thrown;
    const { column } = thrown.at;
    return { kind: 'shape', column: typeof column === 'string' ? column : null, why: thrown.message };
  }
}

/** Columns that are not as we made them: what they hold is not known to be the same. */
function alteredColumns({ columns, table }: TableState, real: readonly PresentColumn[]): readonly Misfit[] {
  return columns.flatMap(({ name, collected, type, live }): Misfit[] => {
    if (!live) return [];
    const present = real.find((column) => column.name.toLowerCase() === name.toLowerCase());
    const made = catalogName(type);
    if (present?.type === made) return [];
    const why =
      present === undefined
        ? `column ${name} of ${table} is not there any more`
        : `column ${name} of ${table} was made ${present.type} by somebody, and was ${made}`;
    return [{ kind: 'shape', column: collected, why }];
  });
}

/** As DuckDB's catalog spells it. */
function catalogName(type: ColumnDefinition['type']): string {
  return type.kind === 'json' ? nativeName(type) : String(nativeType(type));
}

/** Years beyond this one are after DuckDB's last timestamp. */
const LAST_YEAR = 294_246;

function homeless({ name, type }: ColumnDefinition, value: string): string | undefined {
  if (type.kind === 'decimal') {
    const isFinite = !/^(?:NaN|-?Infinity)$/u.test(value);
    return isFinite || decimalWidth(type) === undefined
      ? undefined
      : `${name} holds ${value}, which is none of DuckDB's ${nativeName(type)}`;
  }
  if (type.kind !== 'timestamp') return undefined;
  const year = Number(/^\d+(?=-)/u.exec(value)?.[0] ?? 0);
  return year > LAST_YEAR && !value.endsWith(' BC')
    ? `${name} holds ${value}, which is after DuckDB's last timestamp`
    : undefined;
}
