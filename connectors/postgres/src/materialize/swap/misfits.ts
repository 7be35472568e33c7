import type { Misfit } from '@brimful/connector';
import type { ColumnDefinition, Schema } from '@brimful/model';
import { Problem, widensTo } from '@brimful/model';
import type { Evolution } from '../evolve-table.ts';
import { planEvolution } from '../evolve-table.ts';
import { columnTypeOfSql } from '../sql-type.ts';
import type { TableColumn, TableShape } from '../table-shape.ts';
import { columnOf, findColumn, sqlType } from '../table-shape.ts';

interface RealColumn {
  readonly name: string;
  /** As `format_type` spells it. */
  readonly type: string;
}

/**
 * Why a table cannot take rows of a schema: what its own evolution would refuse, and what somebody did to its columns
 * meanwhile. Pure. `shape` is what we noted about it, `real` what its columns are. (Invariant 6)
 */
export function misfitsOf(
  shape: TableShape,
  real: readonly RealColumn[],
  schema: Schema,
  table: string,
): readonly Misfit[] {
  const evolution = evolutionOf(shape, schema, table);
  if (!('shape' in evolution)) return [evolution];
  return schema.columns.flatMap((definition): Misfit[] => {
    const column = findColumn(shape, definition);
    // It is added when the first such row comes.
    if (column === undefined) return [];
    const why = whyNot(column, real, definition, table);
    return why === undefined ? [] : [{ kind: 'shape', column: definition.name, why }];
  });
}

function evolutionOf(shape: TableShape, schema: Schema, table: string): Evolution | Misfit {
  try {
    return planEvolution(shape, schema, table, true);
  } catch (thrown) {
    if (!(thrown instanceof Problem)) throw thrown;
    const { column } = thrown.at;
    return { kind: 'shape', column: typeof column === 'string' ? column : null, why: thrown.message };
  }
}

/** As we made it, it evolves. Changed by somebody else it stays as it is, and must hold the values by itself. */
function whyNot(
  column: TableColumn,
  real: readonly RealColumn[],
  definition: ColumnDefinition,
  table: string,
): string | undefined {
  const present = real.find(({ name }) => name === column.name);
  if (present === undefined) return `Column ${column.name} of ${table} is not there any more.`;
  if (present.type === sqlType(column)) return undefined;
  const wanted = columnOf(definition);
  if (widensTo(wanted.type, columnTypeOfSql(present.type))) return undefined;
  return `Column ${column.name} of ${table} was made ${present.type} by somebody: it does not hold every ${sqlType(wanted)}.`;
}
