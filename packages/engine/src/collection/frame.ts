import type { Batch, Column, Schema } from '@brimful/model';
import { Problem, assert, keyIndices, widthOf } from '@brimful/model';

/**
 * The compact form of a small batch, kept inline in a journal entry.
 *
 * A header of 32-bit words, then every buffer at a multiple of eight bytes. The schema is not repeated: the entry names
 * its version. Arrow IPC costs a kilobyte and a hundred microseconds a batch, too much for one row; segments use it.
 */
const MAGIC = 0x314d5242; // "BRM1"
const HEADER_WORDS = 4;
const WORDS_PER_COLUMN = 4;
const HAS_VALIDITY = 1;
const HAS_UNKNOWN = 2;
const HAS_CHANGES = 1;
const HAS_OLD_KEY = 2;

export function encodeFrame(batch: Batch): Uint8Array {
  const { changes } = batch;
  const columns = changes?.oldKey === undefined ? batch.columns : [...batch.columns, ...changes.oldKey];
  const words = HEADER_WORDS + columns.length * WORDS_PER_COLUMN;
  const size = columns.reduce(
    (sum, column) => sum + columnSize(column),
    padded(words * 4) + (changes === undefined ? 0 : padded(batch.rows) + batch.rows * 24),
  );
  const bytes = new Uint8Array(size);
  const header = new Uint32Array(bytes.buffer, 0, words);
  header[0] = MAGIC;
  header[1] = batch.rows;
  header[2] = columns.length;
  header[3] = (changes === undefined ? 0 : HAS_CHANGES) | (changes?.oldKey === undefined ? 0 : HAS_OLD_KEY);
  let at = padded(words * 4);
  const put = (part: Uint8Array): void => {
    bytes.set(part, at);
    at = padded(at + part.length);
  };
  if (changes !== undefined) {
    put(changes.operations);
    put(bytesOf(changes.committedAt));
    put(bytesOf(changes.positions));
    put(bytesOf(changes.transactions));
  }
  columns.forEach((column, index) => {
    const word = HEADER_WORDS + index * WORDS_PER_COLUMN;
    header[word] = column.values.length;
    header[word + 1] =
      (column.validity === undefined ? 0 : HAS_VALIDITY) | (column.unknown === undefined ? 0 : HAS_UNKNOWN);
    put(column.values);
    if (column.offsets !== undefined) put(bytesOf(column.offsets));
    if (column.validity !== undefined) put(column.validity);
    if (column.unknown !== undefined) put(column.unknown);
  });
  assert(at === size, "a frame's size is the sum of its parts");
  return bytes;
}

/** Throws `BRM-STORE-CORRUPT` when the bytes are not a whole frame; that their values are right is the store's to check. */
export function decodeFrame(bytes: Uint8Array, schema: Schema): Batch {
  // Buffers are read in place where the body happens to be aligned, else once copied.
  const body = bytes.byteOffset % 8 === 0 ? bytes : bytes.slice();
  const need = (condition: boolean): void => {
    if (!condition) throw new Problem('BRM-STORE-CORRUPT', 'a journal entry does not hold a batch');
  };
  need(body.length >= HEADER_WORDS * 4);
  const header = new Uint32Array(body.buffer, body.byteOffset, HEADER_WORDS);
  need(header[0] === MAGIC);
  const rows = header[1] as number;
  const count = header[2] as number;
  const flags = header[3] as number;
  const keys = (flags & HAS_OLD_KEY) === 0 ? [] : keyIndices(schema);
  need(count === schema.columns.length + keys.length);
  need((HEADER_WORDS + count * WORDS_PER_COLUMN) * 4 <= body.length);
  const words = new Uint32Array(body.buffer, body.byteOffset + HEADER_WORDS * 4, count * WORDS_PER_COLUMN);
  let at = padded((HEADER_WORDS + count * WORDS_PER_COLUMN) * 4);
  const take = (length: number): Uint8Array => {
    // Never into what lies behind: journals hand out views on larger buffers.
    need(at + length <= body.length);
    const part = body.subarray(at, at + length);
    at = padded(at + length);
    return part;
  };
  const longs = (): BigInt64Array => {
    const part = take(rows * 8);
    return new BigInt64Array(part.buffer, part.byteOffset, rows);
  };
  const system =
    (flags & HAS_CHANGES) === 0
      ? undefined
      : { operations: take(rows), committedAt: longs(), positions: longs(), transactions: longs() };
  const column = (index: number, type: Column['type']): Column => {
    const word = index * WORDS_PER_COLUMN;
    const present = words[word + 1] as number;
    const values = take(words[word] as number);
    const offsets = widthOf(type) === 0 ? take((rows + 1) * 4) : undefined;
    return {
      type,
      values,
      offsets: offsets && new Int32Array(offsets.buffer, offsets.byteOffset, rows + 1),
      validity: (present & HAS_VALIDITY) === 0 ? undefined : take((rows + 7) >> 3),
      unknown: (present & HAS_UNKNOWN) === 0 ? undefined : take((rows + 7) >> 3),
    };
  };
  const columns = schema.columns.map((definition, index) => column(index, definition.type));
  const oldKey = keys.map((index, place) =>
    column(schema.columns.length + place, (schema.columns[index] as { type: Column['type'] }).type),
  );
  need(at === body.length);
  return {
    schema,
    rows,
    columns,
    changes: system && { ...system, oldKey: (flags & HAS_OLD_KEY) === 0 ? undefined : oldKey },
  };
}

function columnSize(column: Column): number {
  return (
    padded(column.values.length) +
    (column.offsets === undefined ? 0 : padded(column.offsets.byteLength)) +
    (column.validity === undefined ? 0 : padded(column.validity.length)) +
    (column.unknown === undefined ? 0 : padded(column.unknown.length))
  );
}

function padded(length: number): number {
  return (length + 7) & ~7;
}

function bytesOf(array: BigInt64Array | Int32Array): Uint8Array {
  return new Uint8Array(array.buffer, array.byteOffset, array.byteLength);
}
