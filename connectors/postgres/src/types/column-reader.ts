import type { Column } from '@brimful/model';

/** A column with a view over its values, made once per batch. */
export interface ColumnReader {
  readonly column: Column;
  readonly view: DataView;
}

export function readerOf(column: Column): ColumnReader {
  const { buffer, byteOffset, byteLength } = column.values;
  return { column, view: new DataView(buffer, byteOffset, byteLength) };
}
