import type { ColumnKind } from '@brimful/model';
import type { PostgresType } from './postgres-type.ts';
import { storedType } from './postgres-type.ts';
import { quoteIdentifier } from './identifier.ts';

/**
 * How a field's bytes become a column's value, in binary COPY and in text alike. Small numbers, because decoders
 * switch over them for every field.
 */
export const Decoder = {
  boolean: 0,
  int16: 1,
  int32: 2,
  int64: 3,
  /** Four bytes without a sign, held as int64. */
  oid: 4,
  float32: 5,
  float64: 6,
  decimal: 7,
  date: 8,
  time: 9,
  timestamp: 10,
  uuid: 11,
  bytes: 12,
  /** The value's bytes as they come: text, varchar, bpchar, name, json, enum. */
  text: 13,
  /** As text, behind a version byte in binary. */
  jsonb: 14,
  /** `"char"`: one byte of any value. */
  char: 15,
  /** No binary decoder: the type's own text, which scans ask for by an expression. */
  other: 16,
} as const;
export type DecoderCode = (typeof Decoder)[keyof typeof Decoder];

const BY_OID: ReadonlyMap<number, DecoderCode> = new Map<number, DecoderCode>([
  [16, Decoder.boolean],
  [21, Decoder.int16],
  [23, Decoder.int32],
  [20, Decoder.int64],
  [26, Decoder.oid],
  [700, Decoder.float32],
  [701, Decoder.float64],
  [1700, Decoder.decimal],
  [1082, Decoder.date],
  [1083, Decoder.time],
  [1114, Decoder.timestamp],
  [1184, Decoder.timestamp],
  [2950, Decoder.uuid],
  [17, Decoder.bytes],
  [25, Decoder.text],
  [1043, Decoder.text],
  [1042, Decoder.text],
  [19, Decoder.text],
  [114, Decoder.text],
  [3802, Decoder.jsonb],
  [18, Decoder.char],
]);

/** Which decoder reads a type's values. Domains are read as what they restrict. */
export function decoderOf(type: PostgresType): DecoderCode {
  const stored = storedType(type);
  if (stored.typtype === 'e') return Decoder.text;
  return BY_OID.get(stored.oid) ?? Decoder.other;
}

const BY_KIND: Readonly<Record<ColumnKind, DecoderCode>> = {
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

/** Which decoder reads what a column of ours is written as. */
export function decoderOfKind(kind: ColumnKind): DecoderCode {
  return BY_KIND[kind];
}

/** Built-in types whose cast to text is not what they print: `inet` gains a mask, `xml` keeps its encoding. */
const OUTPUT_BY_OID: ReadonlyMap<number, string> = new Map([
  [869, 'inet_out'],
  [650, 'cidr_out'],
  [142, 'xml_out'],
]);

/** Types made in a database have oids from here on. */
const FIRST_NORMAL_OID = 16_384;

/**
 * What a scan selects for a column: the column itself where binary COPY can be decoded, else the text that the type's
 * output function prints, which is also what logical decoding sends. (Invariant 6)
 *
 * A type of the database's own may have any cast to text, so `format` is asked, which always calls the output
 * function; of the built-in ones we know when the faster cast is the same.
 */
export function scanExpression(column: { readonly name: string; readonly type: PostgresType }): string {
  const name = quoteIdentifier(column.name);
  if (decoderOf(column.type) !== Decoder.other) return name;
  const { oid } = storedType(column.type);
  // Not `IS NULL`, which holds for a row of nulls too.
  if (oid >= FIRST_NORMAL_OID) {
    return `CASE WHEN ${name} IS DISTINCT FROM NULL THEN pg_catalog.format('%s', ${name}) END`;
  }
  const output = OUTPUT_BY_OID.get(oid);
  return output === undefined ? `${name}::pg_catalog.text` : `pg_catalog.${output}(${name})::pg_catalog.text`;
}
