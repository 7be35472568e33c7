import type { ColumnBuilder } from '@brimful/model';

const ZERO = 48;
const MINUS = 45;
const DOT = 46;
/** Sign, 39 digits, a point, and a zero before it. */
const LONGEST_TEXT = 44;
const scratch = new Uint8Array(LONGEST_TEXT);

/** Appends `value / 10^scale` as canonical decimal text. `value` is a safe integer. Allocates nothing. */
export function appendScaled(builder: ColumnBuilder, value: number, scale: number): void {
  let rest = Math.abs(value);
  let at = LONGEST_TEXT;
  for (let place = 0; rest > 0 || place <= scale; place += 1) {
    if (place === scale && scale > 0) {
      at -= 1;
      scratch[at] = DOT;
    }
    const next = Math.floor(rest / 10);
    at -= 1;
    scratch[at] = ZERO + (rest - next * 10);
    rest = next;
  }
  if (value < 0) {
    at -= 1;
    scratch[at] = MINUS;
  }
  builder.appendBytes(scratch, at, LONGEST_TEXT);
}

/** The same for integers of any size. */
export function appendLargeScaled(builder: ColumnBuilder, value: bigint, scale: number): void {
  const digits = String(value < 0n ? -value : value).padStart(scale + 1, '0');
  const point = digits.length - scale;
  let at = 0;
  const put = (byte: number): void => {
    scratch[at] = byte;
    at += 1;
  };
  if (value < 0n) put(MINUS);
  for (let index = 0; index < digits.length; index += 1) {
    if (index === point) put(DOT);
    put(digits.charCodeAt(index));
  }
  builder.appendBytes(scratch, 0, at);
}
