import type { Column } from '@brimful/model';
import { hasBit, isNull, Problem } from '@brimful/model';
import type { Feed, FeedRefused } from '../database/feed.ts';
import type { FeedOrigin } from './change-target.ts';

const SHOWN_CHARACTERS = 80;

/** Names table, row and column of a value that DuckDB cannot hold. (Invariant 6) */
export function valueProblem(refused: FeedRefused, feed: Feed, origin: FeedOrigin, table: string): Problem {
  const part = feed.parts[refused.part];
  const column = origin.columns[refused.column] ?? `column ${refused.column}`;
  const key = origin.key.map((index) => {
    const values = part?.columns[index];
    return `${String(origin.columns[index])}=${values === undefined ? '?' : shown(values, refused.row)}`;
  });
  const row = key.length === 0 ? `row ${refused.row} of its batch` : key.join(', ');
  return new Problem('BRM-DUCKDB-VALUE', `${table}, ${row}, column ${column}: ${refused.message}`, {
    remedy: 'Correct the value at the source, or make the column text there; then retry the table.',
    at: { table, column, row },
    cause: refused,
  });
}

/** A key's value for people: not exact for rare types, but enough to find the row. */
function shown(column: Column, row: number): string {
  if (isNull(column, row)) return 'null';
  const { values, offsets } = column;
  const view = new DataView(values.buffer, values.byteOffset, values.byteLength);
  switch (column.type.kind) {
    case 'boolean':
      return String(hasBit(values, row));
    case 'int16':
      return String(view.getInt16(row * 2, true));
    case 'int32':
      return String(view.getInt32(row * 4, true));
    case 'date':
      return `day ${view.getInt32(row * 4, true)}`;
    case 'int64':
    case 'time':
    case 'timestamp':
      return String(view.getBigInt64(row * 8, true));
    case 'float32':
      return String(view.getFloat32(row * 4, true));
    case 'float64':
      return String(view.getFloat64(row * 8, true));
    case 'uuid':
      return Buffer.from(values.subarray(row * 16, row * 16 + 16)).toString('hex');
    case 'bytes':
      return Buffer.from(values.subarray(offsets?.[row], offsets?.[row + 1]))
        .toString('hex')
        .slice(0, SHOWN_CHARACTERS);
    case 'text':
    case 'decimal':
    case 'json':
    case 'other':
      return Buffer.from(values.subarray(offsets?.[row], offsets?.[row + 1]))
        .toString()
        .slice(0, SHOWN_CHARACTERS);
  }
}
