import type { ColumnType } from '@brimful/model';
import { assert } from '@brimful/model';
import type { DuckDBType } from '@duckdb/node-api';
import {
  BIGINT,
  BLOB,
  BOOLEAN,
  DATE,
  DECIMAL,
  DOUBLE,
  DuckDBVarCharType,
  FLOAT,
  INTEGER,
  SMALLINT,
  TIME,
  TIMESTAMP,
  TIMESTAMPTZ,
  UUID,
  VARCHAR,
} from '@duckdb/node-api';

const MAX_DECIMAL_WIDTH = 38;
/** Built into the engine; its values are kept as the text they came as. */
const JSON_TYPE = DuckDBVarCharType.create('JSON');

const NATIVE: Readonly<Record<Exclude<ColumnType['kind'], 'decimal' | 'timestamp'>, DuckDBType>> = {
  boolean: BOOLEAN,
  int16: SMALLINT,
  int32: INTEGER,
  int64: BIGINT,
  float32: FLOAT,
  float64: DOUBLE,
  date: DATE,
  time: TIME,
  uuid: UUID,
  bytes: BLOB,
  text: VARCHAR,
  json: JSON_TYPE,
  other: VARCHAR,
};

/** The DuckDB type that holds every value of a column exactly, but for those `column-writer` refuses. (Invariant 6) */
export function nativeType(type: ColumnType): DuckDBType {
  if (type.kind === 'timestamp') return type.zoned ? TIMESTAMPTZ : TIMESTAMP;
  if (type.kind !== 'decimal') return NATIVE[type.kind];
  const width = decimalWidth(type);
  return width === undefined ? VARCHAR : DECIMAL(width.width, width.scale);
}

/** The same as SQL text. */
export function nativeName(type: ColumnType): string {
  return type.kind === 'json' ? 'JSON' : nativeType(type).toString();
}

export interface DecimalWidth {
  readonly width: number;
  readonly scale: number;
}

/**
 * Undefined: kept as text. Negative scales and scales beyond the precision (0.00012) need more digits than the
 * precision; one digit before the point is always there, or DuckDB's text for 0.5 would be `.5`.
 */
export function decimalWidth(type: ColumnType): DecimalWidth | undefined {
  assert(type.kind === 'decimal', 'only decimals have a width');
  if (type.precision === undefined) return undefined;
  const declared = type.scale ?? 0;
  const scale = Math.max(declared, 0);
  const width = Math.max(type.precision - Math.min(declared, 0), scale + 1);
  return width > MAX_DECIMAL_WIDTH ? undefined : { width, scale };
}
