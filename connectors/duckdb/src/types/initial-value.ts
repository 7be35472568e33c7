import type { ColumnDefinition } from '@brimful/model';
import { quoteText } from '../database/sql.ts';
import { nativeName } from './native-type.ts';

const ERA = / BC$/u;

/** SQL of the value that rows written before a column existed hold. A text that does not fit the type fails the statement. */
export function initialValue(definition: ColumnDefinition): string {
  const { initial, type } = definition;
  if (initial === undefined) return 'NULL';
  const native = nativeName(type);
  if (type.kind === 'bytes') {
    const hexadecimal = initial.startsWith(String.raw`\x`) ? initial.slice(2) : '';
    return `from_hex(${quoteText(hexadecimal)})`;
  }
  if (type.kind === 'date' || type.kind === 'timestamp') {
    return `CAST(${quoteText(initial.replace(ERA, ' (BC)'))} AS ${native})`;
  }
  return `CAST(${quoteText(initial)} AS ${native})`;
}
