import type { Batch, Column, ColumnDefinition, ColumnType, Schema } from '@brimful/model';
import { BatchBuilder, ColumnBuilder, keyIndices } from '@brimful/model';
import type { ColumnKind } from '@brimful/model';

import { Decoder } from '../../types/decoder.ts';
import type { DecoderCode } from '../../types/decoder.ts';
import { appendText } from '../../types/text-decoder.ts';

/** A row as text, column by column. */
export type TextRow = readonly (string | null)[];

const DECODERS: Readonly<Record<ColumnKind, DecoderCode>> = {
  boolean: Decoder.boolean,
  int16: Decoder.int16,
  int32: Decoder.int32,
  int64: Decoder.int64,
  float32: Decoder.float32,
  float64: Decoder.float64,
  date: Decoder.date,
  time: Decoder.time,
  timestamp: Decoder.timestamp,
  uuid: Decoder.uuid,
  bytes: Decoder.bytes,
  text: Decoder.text,
  decimal: Decoder.decimal,
  json: Decoder.text,
  other: Decoder.other,
};

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
  appendText(DECODERS[builder.type.kind], bytes, 0, bytes.length, builder);
}
