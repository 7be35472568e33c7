import type { ColumnType } from '@brimful/model';
import { Decoder, decoderOf } from './decoder.ts';
import type { PostgresType } from './postgres-type.ts';
import { storedType, typeName } from './postgres-type.ts';

/** How values of a type lie in a batch. */
export function columnTypeOf(type: PostgresType): ColumnType {
  const stored = storedType(type);
  switch (decoderOf(type)) {
    case Decoder.boolean:
      return { kind: 'boolean' };
    case Decoder.int16:
      return { kind: 'int16' };
    case Decoder.int32:
      return { kind: 'int32' };
    case Decoder.int64:
    case Decoder.oid:
      return { kind: 'int64' };
    case Decoder.float32:
      return { kind: 'float32' };
    case Decoder.float64:
      return { kind: 'float64' };
    case Decoder.decimal:
      return decimalType(stored.modifier);
    case Decoder.date:
      return { kind: 'date' };
    case Decoder.time:
      return { kind: 'time' };
    case Decoder.timestamp:
      return { kind: 'timestamp', zoned: stored.oid === TIMESTAMPTZ_OID };
    case Decoder.uuid:
      return { kind: 'uuid' };
    case Decoder.bytes:
      return { kind: 'bytes' };
    case Decoder.jsonb:
      return { kind: 'json', binary: true };
    case Decoder.char:
      return { kind: 'text' };
    case Decoder.text:
      if (stored.oid === JSON_OID) return { kind: 'json', binary: false };
      return { kind: 'text' };
    case Decoder.other:
      return { kind: 'other', name: typeName(stored) };
  }
}

const JSON_OID = 114;
const TIMESTAMPTZ_OID = 1184;

/** `numeric(p,s)` packs p and s, s in 11 bits with a sign, into the modifier; plain `numeric` has -1. */
function decimalType(modifier: number): ColumnType {
  if (modifier < 4) return { kind: 'decimal' };
  const packed = modifier - 4;
  return { kind: 'decimal', precision: (packed >> 16) & 0xffff, scale: ((packed & 0x7ff) ^ 1024) - 1024 };
}
