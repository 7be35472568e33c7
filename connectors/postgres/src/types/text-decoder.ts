import type { ColumnBuilder } from '@brimful/model';
import type { DecoderCode } from './decoder.ts';

/**
 * Appends the value that `buffer[start..end)` spells in Postgres' text format, bit for bit what the binary decoder
 * would append. Expects DateStyle ISO, extra_float_digits ≥ 1, bytea_output hex. Throws `BRM-PG-VALUE` without a place:
 * the caller adds column and row.
 */
export function appendText(
  _decoder: DecoderCode,
  _buffer: Uint8Array,
  _start: number,
  _end: number,
  _column: ColumnBuilder,
): void {
  throw new Error('not yet');
}
