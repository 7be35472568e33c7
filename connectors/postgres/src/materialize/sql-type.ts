import type { ColumnType } from '@brimful/model';

const PLAIN: ReadonlyMap<string, ColumnType> = new Map<string, ColumnType>([
  ['boolean', { kind: 'boolean' }],
  ['smallint', { kind: 'int16' }],
  ['integer', { kind: 'int32' }],
  ['bigint', { kind: 'int64' }],
  ['real', { kind: 'float32' }],
  ['double precision', { kind: 'float64' }],
  ['date', { kind: 'date' }],
  ['time without time zone', { kind: 'time' }],
  ['timestamp with time zone', { kind: 'timestamp', zoned: true }],
  ['timestamp without time zone', { kind: 'timestamp', zoned: false }],
  ['uuid', { kind: 'uuid' }],
  ['bytea', { kind: 'bytes' }],
  ['text', { kind: 'text' }],
  ['character varying', { kind: 'text' }],
  ['numeric', { kind: 'decimal' }],
  ['json', { kind: 'json', binary: false }],
  ['jsonb', { kind: 'json', binary: true }],
]);

const NUMERIC = /^numeric\((\d+),(-?\d+)\)$/;

/**
 * What a column of an existing table can hold, by its type as `format_type` spells it. Types that may shorten or round
 * what they are given (`varchar(5)`, `timestamp(0)`) hold only themselves. (Invariant 6)
 */
export function columnTypeOfSql(type: string): ColumnType {
  const plain = PLAIN.get(type);
  if (plain !== undefined) return plain;
  const numeric = NUMERIC.exec(type);
  if (numeric === null) return { kind: 'other', name: type };
  return { kind: 'decimal', precision: Number(numeric[1]), scale: Number(numeric[2]) };
}
