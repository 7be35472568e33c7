import type { Batch, Column, ColumnDefinition, ColumnType, Schema } from '@brimful/model';
import { BatchBuilder, ColumnBuilder, keyIndices } from '@brimful/model';

import { decoderOfKind } from '../../types/decoder.ts';
import { appendText } from '../../types/text-decoder.ts';

/** A row as text, column by column. */
export type TextRow = readonly (string | null)[];

export function column(
  name: string,
  type: ColumnType,
  more: Partial<ColumnDefinition> = {},
): ColumnDefinition {
  return { name, type, nullable: true, sourceType: type.kind, ...more };
}

export const INT64: ColumnType = { kind: 'int64' };
export const INT32: ColumnType = { kind: 'int32' };
export const TEXT: ColumnType = { kind: 'text' };
export const DECIMAL: ColumnType = { kind: 'decimal' };

export function schemaOf(columns: readonly ColumnDefinition[], key: readonly string[], version = 1): Schema {
  return { version, columns, key };
}

export function batchOf(schema: Schema, rows: readonly TextRow[]): Batch {
  const builder = new BatchBuilder(schema);
  for (const row of rows) {
    for (const [index, text] of row.entries()) append(builder.columns[index] as ColumnBuilder, text);
    builder.endRow();
  }
  return builder.finish();
}

/** Keys, each as text in key order, as columns. */
export function keysOf(schema: Schema, keys: readonly TextRow[]): Column[] {
  return keyIndices(schema).map((place, index) => {
    const builder = new ColumnBuilder((schema.columns[place] as ColumnDefinition).type);
    for (const key of keys) append(builder, key[index] ?? null);
    return builder.finish();
  });
}

function append(builder: ColumnBuilder, text: string | null): void {
  if (text === null) return builder.appendNull();
  const bytes = Buffer.from(text);
  appendText(decoderOfKind(builder.type.kind), bytes, 0, bytes.length, builder);
}
