import type { ColumnBuilder } from '@brimful/model';
import type { DecoderCode } from './decoder.ts';
import { Decoder } from './decoder.ts';
import { appendBoolean, appendBytea, appendChar, appendRaw, appendUuid } from './text-bytes.ts';
import { appendFloat32, appendFloat64, appendInt16, appendInt32, appendInt64 } from './text-number.ts';
import { appendDate, appendTime, appendTimestamp } from './text-time.ts';

/**
 * Appends the value that `buffer[start..end)` spells in Postgres' text format, bit for bit what the binary decoder
 * would append. Expects DateStyle ISO, extra_float_digits ≥ 1, bytea_output hex. Throws `UnfitValue`, which knows no
 * place: the caller adds column and row.
 */
export function appendText(
  decoder: DecoderCode,
  buffer: Uint8Array,
  start: number,
  end: number,
  column: ColumnBuilder,
): void {
  switch (decoder) {
    case Decoder.boolean:
      return appendBoolean(buffer, start, end, column);
    case Decoder.int16:
      return appendInt16(buffer, start, end, column);
    case Decoder.int32:
      return appendInt32(buffer, start, end, column);
    case Decoder.int64:
    case Decoder.oid:
      return appendInt64(buffer, start, end, column);
    case Decoder.float32:
      return appendFloat32(buffer, start, end, column);
    case Decoder.float64:
      return appendFloat64(buffer, start, end, column);
    case Decoder.date:
      return appendDate(buffer, start, end, column);
    case Decoder.time:
      return appendTime(buffer, start, end, column);
    case Decoder.timestamp:
      return appendTimestamp(buffer, start, end, column);
    case Decoder.uuid:
      return appendUuid(buffer, start, end, column);
    case Decoder.bytes:
      return appendBytea(buffer, start, end, column);
    case Decoder.char:
      return appendChar(buffer, start, end, column);
    case Decoder.decimal:
    case Decoder.text:
    case Decoder.jsonb:
    case Decoder.other:
      return appendRaw(buffer, start, end, column);
  }
}
