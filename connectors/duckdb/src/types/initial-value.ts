import type { ColumnDefinition } from '@brimful/model';
import { quoteText } from '../database/sql.ts';

const ERA = / BC$/u;

/**
 * The value that rows written before a column existed hold, as a text literal that DuckDB converts to the column's type;
 * a text that does not fit the type fails the statement.
 *
 * A literal on purpose: with any other expression as its default, ADD COLUMN counts as an update of the table, and DuckDB
 * refuses to commit an ALTER after an update.
 */
export function initialValue(definition: ColumnDefinition): string {
  const { initial, type } = definition;
  if (initial === undefined) return 'NULL';
  if (type.kind === 'bytes' && initial.startsWith(String.raw`\x`)) {
    return quoteText(initial.slice(2).replaceAll(/../gu, String.raw`\x$&`));
  }
  if (type.kind === 'date' || type.kind === 'timestamp') return quoteText(initial.replace(ERA, ' (BC)'));
  return quoteText(initial);
}
