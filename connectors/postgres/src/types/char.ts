import type { ColumnBuilder } from '@brimful/model';

const BACKSLASH = 0x5c;
const ZERO = 0x30;

/** One `"char"`: nothing for the zero byte, itself below 128, else a backslash and three octal digits. */
export function writeCharByte(byte: number, column: ColumnBuilder): void {
  column.reserveRow();
  column.reserveBytes(4);
  const { values, used } = column;
  if (byte < 128) {
    values[used] = byte;
    return column.commitBytes(byte === 0 ? 0 : 1);
  }
  values[used] = BACKSLASH;
  values[used + 1] = ZERO + (byte >> 6);
  values[used + 2] = ZERO + ((byte >> 3) & 7);
  values[used + 3] = ZERO + (byte & 7);
  column.commitBytes(4);
}
