import type { Batch } from './batch.ts';
import { dateOfDay } from './calendar.ts';
import type { Column } from './column.ts';
import { hasBit, isNull } from './column.ts';
import type { Schema } from './schema.ts';
import { keyIndices } from './schema.ts';

/** Dates and timestamps that stand for the infinities. */
export const DATE_INFINITY = 2 ** 31 - 1;
export const DATE_MINUS_INFINITY = -(2 ** 31);
export const TIMESTAMP_INFINITY = 2n ** 63n - 1n;
export const TIMESTAMP_MINUS_INFINITY = -(2n ** 63n);
/** Timestamps below are in the last years of the range and have wrapped by 2^64; no others lie here. */
export const TIMESTAMP_WRAPPED_BELOW = -9_200_000_000_000_000_000n;

export const DAY_MICROSECONDS = 86_400_000_000n;

/**
 * A value for people: previews, messages, row keys in problems. Null for null, and for what the source left out.
 *
 * Exact: `appendText` reads every value back. Years before 1 AD end in ` BC`, years after 9999 have more digits,
 * timestamps are ISO 8601 (`2024-02-29T12:00:00.5Z`, without the `Z` when not zoned), bytes `\x` and hexadecimal.
 */
export function valueText(column: Column, row: number): string | null {
  if (isNull(column, row)) return null;
  const { values } = column;
  const view = new DataView(values.buffer, values.byteOffset, values.byteLength);
  switch (column.type.kind) {
    case 'boolean':
      return hasBit(values, row) ? 'true' : 'false';
    case 'int16':
      return String(view.getInt16(row * 2, true));
    case 'int32':
      return String(view.getInt32(row * 4, true));
    case 'int64':
      return String(view.getBigInt64(row * 8, true));
    case 'float32':
      return float32Text(view.getFloat32(row * 4, true));
    case 'float64':
      return floatText(view.getFloat64(row * 8, true));
    case 'date':
      return dateText(view.getInt32(row * 4, true));
    case 'time':
      return timeText(view.getBigInt64(row * 8, true));
    case 'timestamp':
      return timestampText(view.getBigInt64(row * 8, true), column.type.zoned);
    case 'uuid':
      return uuidText(values, row * 16);
    case 'bytes':
      return `\\x${hex(values, ...range(column, row))}`;
    case 'text':
    case 'decimal':
    case 'json':
    case 'other':
      return decoder.decode(values.subarray(...range(column, row)));
  }
}

const decoder = new TextDecoder('utf-8', { ignoreBOM: true });

function range(column: Column, row: number): [number, number] {
  const offsets = column.offsets as Int32Array;
  return [offsets[row] as number, offsets[row + 1] as number];
}

/** Longest key text; what is beyond is cut, marked by an ellipsis. */
const KEY_TEXT_CHARACTERS = 200;

/** The key of a row for messages: `id=42`, `order_id=7, line=1`. Where there is no key, its values as far as they fit. */
export function rowKeyText(batch: Batch, row: number): string {
  const { schema } = batch;
  const indices = schema.key.length === 0 ? [...schema.columns.keys()] : keyIndices(schema);
  return pairsText(
    indices.map((index) => schema.columns[index]?.name ?? ''),
    indices.map((index) => batch.columns[index] as Column),
    row,
  );
}

/** The same for a list of keys: columns in key order. */
export function listedKeyText(schema: Schema, keys: readonly Column[], row: number): string {
  return pairsText(schema.key, keys, row);
}

function pairsText(names: readonly string[], columns: readonly Column[], row: number): string {
  let text = '';
  for (const [index, column] of columns.entries()) {
    if (text.length > KEY_TEXT_CHARACTERS) break;
    const value = valueText(column, row);
    const plain = value === null || /^[^\s,="]+$/u.test(value);
    text += `${index === 0 ? '' : ', '}${names[index]}=${plain ? value : JSON.stringify(value)}`;
  }
  return text.length > KEY_TEXT_CHARACTERS ? `${text.slice(0, KEY_TEXT_CHARACTERS)}…` : text;
}

function floatText(value: number): string {
  return Object.is(value, -0) ? '-0' : String(value);
}

/** The fewest digits that read back as the same float. */
function float32Text(value: number): string {
  if (!Number.isFinite(value) || value === 0) return floatText(value);
  for (let digits = 6; digits < 9; digits += 1) {
    const shorter = Number(value.toPrecision(digits));
    if (Math.fround(shorter) === value) return String(shorter);
  }
  return String(Number(value.toPrecision(9)));
}

function dateText(days: number): string {
  if (days === DATE_INFINITY) return 'infinity';
  if (days === DATE_MINUS_INFINITY) return '-infinity';
  const { text, era } = dayText(days);
  return text + era;
}

/** A date and the era it needs behind everything. Year 0 is 1 BC. */
function dayText(days: number): { readonly text: string; readonly era: '' | ' BC' } {
  const { year, month, day } = dateOfDay(days);
  const shown = year > 0 ? year : 1 - year;
  return { text: `${pad(shown, 4)}-${pad(month, 2)}-${pad(day, 2)}`, era: year > 0 ? '' : ' BC' };
}

function timeText(microseconds: bigint): string {
  const seconds = Number(microseconds / 1_000_000n);
  const fraction = Number(microseconds % 1_000_000n);
  const clock = `${pad(Math.floor(seconds / 3600), 2)}:${pad(Math.floor(seconds / 60) % 60, 2)}:${pad(seconds % 60, 2)}`;
  return fraction === 0 ? clock : `${clock}.${pad(fraction, 6).replace(/0+$/u, '')}`;
}

function timestampText(stored: bigint, zoned: boolean): string {
  if (stored === TIMESTAMP_INFINITY) return 'infinity';
  if (stored === TIMESTAMP_MINUS_INFINITY) return '-infinity';
  const value = stored < TIMESTAMP_WRAPPED_BELOW ? stored + 2n ** 64n : stored;
  const timeOfDay = ((value % DAY_MICROSECONDS) + DAY_MICROSECONDS) % DAY_MICROSECONDS;
  const { text, era } = dayText(Number((value - timeOfDay) / DAY_MICROSECONDS));
  return `${text}T${timeText(timeOfDay)}${zoned ? 'Z' : ''}${era}`;
}

function pad(value: number, digits: number): string {
  return String(value).padStart(digits, '0');
}

function uuidText(values: Uint8Array, at: number): string {
  const text = hex(values, at, at + 16);
  return [text.slice(0, 8), text.slice(8, 12), text.slice(12, 16), text.slice(16, 20), text.slice(20)].join(
    '-',
  );
}

function hex(bytes: Uint8Array, start: number, end: number): string {
  let text = '';
  for (let index = start; index < end; index += 1)
    text += (bytes[index] as number).toString(16).padStart(2, '0');
  return text;
}
