import type { Batch, Column, ColumnType, Schema } from '@brimful/model';
import { Problem, assert, keyIndices, widthOf } from '@brimful/model';
import * as arrow from 'apache-arrow';

/**
 * The form of a large batch: an Arrow IPC stream that any Arrow tool reads once decompressed (files end in
 * `.arrow.zst`). The library's own buffer compression is not used: it works on the calling thread and writes the wrong
 * length in front of each buffer, so that other readers fail.
 *
 * System columns are prefixed: operation, committed_at, position, transaction; `_brimful_old_<key column>`;
 * `_brimful_unknown_<column>` says where the source left a value out.
 */
const PREFIX = '_brimful_';

/** In parts, most of them views on the batch: whoever writes them joins them. */
export function encodeSegment(batch: Batch): readonly Uint8Array[] {
  const fields: arrow.Field[] = [];
  const children: arrow.Data[] = [];
  const add = (name: string, column: Column): void => {
    const type = arrowType(column.type);
    fields.push(new arrow.Field(name, type, column.validity !== undefined));
    children.push(dataOf(type, column, batch.rows));
  };
  batch.schema.columns.forEach((definition, index) => add(definition.name, batch.columns[index] as Column));
  batch.schema.columns.forEach((definition, index) => {
    const { unknown } = batch.columns[index] as Column;
    if (unknown !== undefined) {
      add(`${PREFIX}unknown_${definition.name}`, {
        type: { kind: 'boolean' },
        values: unknown,
        offsets: undefined,
        validity: undefined,
        unknown: undefined,
      });
    }
  });
  if (batch.changes !== undefined) {
    const { changes } = batch;
    const plain = (name: string, type: arrow.DataType, data: unknown): void => {
      fields.push(new arrow.Field(PREFIX + name, type, false));
      children.push(arrow.makeData({ type, length: batch.rows, nullCount: 0, data } as never));
    };
    plain('operation', new arrow.Uint8(), changes.operations);
    plain('committed_at', new arrow.TimestampMicrosecond('UTC'), changes.committedAt);
    plain('position', new arrow.Int64(), changes.positions);
    plain('transaction', new arrow.Int64(), changes.transactions);
    changes.oldKey?.forEach((column, place) =>
      add(`${PREFIX}old_${batch.schema.key[place] as string}`, column),
    );
  }
  const schema = new arrow.Schema(fields);
  const struct = arrow.makeData({
    type: new arrow.Struct(fields),
    length: batch.rows,
    nullCount: 0,
    children,
  });
  const gathered = new Parts();
  const writer = new arrow.RecordBatchStreamWriter().reset(gathered);
  writer.write(new arrow.RecordBatch(schema, struct));
  writer.finish();
  return gathered.parts;
}

/** What the library writes, as it writes it: its own queue would make one more copy of everything. */
class Parts extends arrow.AsyncByteQueue {
  readonly parts: Uint8Array[] = [];

  override write(part: Uint8Array): void {
    this.parts.push(part);
  }
}

/** Throws `BRM-STORE-CORRUPT` when the bytes are not a batch of this schema. */
export function decodeSegment(bytes: Uint8Array, schema: Schema): Batch {
  try {
    return decodeRecord(bytes, schema);
  } catch (cause) {
    throw new Problem('BRM-STORE-CORRUPT', 'a segment does not hold the batch its entry names', { cause });
  }
}

function decodeRecord(bytes: Uint8Array, schema: Schema): Batch {
  const reader = arrow.RecordBatchReader.from(bytes);
  const record = reader.next().value as arrow.RecordBatch | undefined;
  // Where a stream ends too early, the library makes up an empty batch.
  assert(record !== undefined && record.numRows > 0, 'a segment holds rows');
  const rows = record.numRows;
  const places = new Map(record.schema.fields.map((field, index) => [field.name, index]));
  const child = (name: string): arrow.Data | undefined => record.data.children[places.get(name) ?? -1];
  const column = (name: string, type: ColumnType): Column => {
    const data = child(name);
    assert(data !== undefined, `a segment has its schema's column ${name}`);
    return columnOf(type, data, rows, child(`${PREFIX}unknown_${name}`));
  };
  const columns = schema.columns.map((definition) => column(definition.name, definition.type));
  const operations = child(`${PREFIX}operation`);
  if (operations === undefined) return { schema, rows, columns, changes: undefined };
  const hasOldKey = schema.key.length > 0 && places.has(`${PREFIX}old_${schema.key[0] as string}`);
  const longs = (name: string): BigInt64Array =>
    ((child(PREFIX + name) as arrow.Data).values as BigInt64Array).subarray(0, rows);
  return {
    schema,
    rows,
    columns,
    changes: {
      operations: (operations.values as Uint8Array).subarray(0, rows),
      committedAt: longs('committed_at'),
      positions: longs('position'),
      transactions: longs('transaction'),
      oldKey: hasOldKey
        ? keyIndices(schema).map((index) => {
            const definition = schema.columns[index] as { name: string; type: ColumnType };
            return column(`${PREFIX}old_${definition.name}`, definition.type);
          })
        : undefined,
    },
  };
}

function arrowType(type: ColumnType): arrow.DataType {
  switch (type.kind) {
    case 'boolean':
      return new arrow.Bool();
    case 'int16':
      return new arrow.Int16();
    case 'int32':
      return new arrow.Int32();
    case 'int64':
      return new arrow.Int64();
    case 'float32':
      return new arrow.Float32();
    case 'float64':
      return new arrow.Float64();
    case 'date':
      return new arrow.DateDay();
    case 'time':
      return new arrow.TimeMicrosecond();
    case 'timestamp':
      return type.zoned ? new arrow.TimestampMicrosecond('UTC') : new arrow.TimestampMicrosecond();
    case 'uuid':
      return new arrow.FixedSizeBinary(16);
    case 'bytes':
      return new arrow.Binary();
    case 'text':
    case 'decimal':
    case 'json':
    case 'other':
      return new arrow.Utf8();
  }
}

function dataOf(type: arrow.DataType, column: Column, rows: number): arrow.Data {
  const nulls =
    column.validity === undefined ? { nullCount: 0 } : { nullCount: -1, nullBitmap: column.validity };
  if (column.offsets !== undefined) {
    return arrow.makeData({
      type,
      length: rows,
      ...nulls,
      valueOffsets: column.offsets,
      data: column.values,
    } as never);
  }
  return arrow.makeData({ type, length: rows, ...nulls, data: typedValues(type, column.values) } as never);
}

/** Arrow's library wants the array class that its type names; the bytes are the same. */
function typedValues(type: arrow.DataType, bytes: Uint8Array): ArrayBufferView {
  const Typed = type.ArrayType as unknown as {
    new (buffer: ArrayBufferLike, offset: number, length: number): ArrayBufferView;
    BYTES_PER_ELEMENT: number;
  };
  if (Typed.BYTES_PER_ELEMENT === 1) return bytes;
  const aligned = bytes.byteOffset % Typed.BYTES_PER_ELEMENT === 0 ? bytes : bytes.slice();
  return new Typed(aligned.buffer, aligned.byteOffset, aligned.byteLength / Typed.BYTES_PER_ELEMENT);
}

function columnOf(type: ColumnType, data: arrow.Data, rows: number, unknown: arrow.Data | undefined): Column {
  const width = widthOf(type);
  const bitmap = (rows + 7) >> 3;
  const values = viewOf(data.values as ArrayBufferView | undefined);
  const length = width === 0 ? undefined : width === 'bit' ? bitmap : rows * width;
  const nulls = data.nullCount > 0 ? viewOf(data.nullBitmap).subarray(0, bitmap) : undefined;
  return {
    type,
    // Arrow pads buffers to eight bytes; the offsets say where the text ends.
    values: values.subarray(0, length ?? (data.valueOffsets as Int32Array)[rows]),
    offsets: width === 0 ? (data.valueOffsets as Int32Array).subarray(0, rows + 1) : undefined,
    validity: nulls,
    unknown:
      unknown === undefined ? undefined : viewOf(unknown.values as ArrayBufferView).subarray(0, bitmap),
  };
}

function viewOf(view: ArrayBufferView | undefined): Uint8Array {
  return view === undefined
    ? new Uint8Array(0)
    : new Uint8Array(view.buffer, view.byteOffset, view.byteLength);
}
