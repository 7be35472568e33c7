import type { ColumnBuilder } from '@brimful/model';
import { writeCharByte } from './char.ts';
import { UnfitValue } from './value-problem.ts';

const LOWER_T = 0x74;
const LOWER_F = 0x66;
const LOWER_X = 0x78;
const BACKSLASH = 0x5c;
const DASH = 0x2d;
const INVALID = 255;

const HEX: Uint8Array = (() => {
  const values = new Uint8Array(256).fill(INVALID);
  for (let digit = 0; digit < 16; digit += 1) {
    values[digit.toString(16).charCodeAt(0)] = digit;
    values[digit.toString(16).toUpperCase().charCodeAt(0)] = digit;
  }
  return values;
})();

/** Above this a native copy beats a loop, though it makes a view. */
const LOOP_BYTES = 128;

/** The bytes as they are. */
export function appendRaw(buffer: Uint8Array, start: number, end: number, column: ColumnBuilder): void {
  const length = end - start;
  column.reserveRow();
  column.reserveBytes(length);
  const { values, used } = column;
  if (length > LOOP_BYTES) values.set(buffer.subarray(start, end), used);
  else for (let index = 0; index < length; index += 1) values[used + index] = buffer[start + index] as number;
  column.commitBytes(length);
}

export function appendBoolean(buffer: Uint8Array, start: number, end: number, column: ColumnBuilder): void {
  const byte = buffer[start];
  if (end - start !== 1 || (byte !== LOWER_T && byte !== LOWER_F)) throw new UnfitValue('neither t nor f');
  column.appendBoolean(byte === LOWER_T);
}

/** `\x` and two hexadecimal digits a byte. */
export function appendBytea(buffer: Uint8Array, start: number, end: number, column: ColumnBuilder): void {
  if (buffer[start] !== BACKSLASH || buffer[start + 1] !== LOWER_X) {
    throw new UnfitValue('bytea that is not in hexadecimal (bytea_output)');
  }
  const length = (end - start - 2) >> 1;
  column.reserveRow();
  column.reserveBytes(length);
  const { values, used } = column;
  for (let index = 0, at = start + 2; index < length; index += 1, at += 2) {
    values[used + index] = readHex(buffer, at);
  }
  column.commitBytes(length);
}

export function appendUuid(buffer: Uint8Array, start: number, end: number, column: ColumnBuilder): void {
  column.reserveRow();
  const { values } = column;
  let to = column.rows * 16;
  const stop = to + 16;
  let at = start;
  while (at < end && to < stop) {
    if (buffer[at] === DASH) {
      at += 1;
      continue;
    }
    values[to] = readHex(buffer, at);
    to += 1;
    at += 2;
  }
  if (to !== stop || at !== end) throw new UnfitValue('a uuid that has not 32 digits');
  column.commitFixed();
}

function readHex(buffer: Uint8Array, at: number): number {
  const high = HEX[buffer[at] as number] as number;
  const low = HEX[buffer[at + 1] as number] as number;
  if (high === INVALID || low === INVALID)
    throw new UnfitValue('a character that is not a hexadecimal digit');
  return (high << 4) | low;
}

/** Servers before 16 send the byte itself, later ones escape those above 127. */
export function appendChar(buffer: Uint8Array, start: number, end: number, column: ColumnBuilder): void {
  if (end - start === 1) writeCharByte(buffer[start] as number, column);
  else appendRaw(buffer, start, end, column);
}
