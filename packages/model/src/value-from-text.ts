import { dayOfDate } from './calendar.ts';
import type { ColumnBuilder } from './column.ts';
import type { ColumnType } from './column-type.ts';
import { Problem } from './problem.ts';
import {
  DATE_INFINITY,
  DATE_MINUS_INFINITY,
  DAY_MICROSECONDS,
  TIMESTAMP_INFINITY,
  TIMESTAMP_MINUS_INFINITY,
} from './value.ts';

/**
 * Appends the value that a text stands for: the inverse of `valueText`, which also reads what SQL databases print (a
 * space for the `T`, offsets for the `Z`, `t` and `f`). Kinds whose layout is text take it as it is. Not for hot paths.
 *
 * Throws `BRM-VALUE-TEXT` when the text is not a value of the builder's type; the builder is then unchanged.
 */
export function appendText(builder: ColumnBuilder, text: string): void {
  const { kind } = builder.type;
  if (kind === 'boolean') return builder.appendBoolean(oneOf(text, builder.type));
  if (kind === 'bytes') return builder.appendBytes(bytesOf(text, builder.type));
  if (builder.width === 0) return builder.appendBytes(new TextEncoder().encode(text));
  const write = fixedWriter(builder.type, text);
  builder.reserveRow();
  write(builder.view, builder.rows * (builder.width as number));
  builder.commitFixed();
}

type Write = (view: DataView, at: number) => void;

function fixedWriter(type: ColumnType, text: string): Write {
  switch (type.kind) {
    case 'int16': {
      const value = Number(integer(text, type, 16));
      return (view, at) => view.setInt16(at, value, true);
    }
    case 'int32': {
      const value = Number(integer(text, type, 32));
      return (view, at) => view.setInt32(at, value, true);
    }
    case 'int64': {
      const value = integer(text, type, 64);
      return (view, at) => view.setBigInt64(at, value, true);
    }
    case 'float32':
    case 'float64': {
      const value = float(text, type);
      if (type.kind === 'float32') return (view, at) => view.setFloat32(at, value, true);
      return (view, at) => view.setFloat64(at, value, true);
    }
    case 'date': {
      const value = date(text, type);
      return (view, at) => view.setInt32(at, value, true);
    }
    case 'time':
    case 'timestamp': {
      const value = type.kind === 'time' ? timeOfDay(text, type) : timestamp(text, type);
      return (view, at) => view.setBigInt64(at, value, true);
    }
    case 'uuid': {
      const digits = text.replaceAll('-', '');
      if (!/^[0-9a-f]{32}$/iu.test(digits)) throw notA(type, text);
      return (view, at) => {
        for (let index = 0; index < 16; index += 1) {
          view.setUint8(at + index, Number.parseInt(digits.slice(index * 2, index * 2 + 2), 16));
        }
      };
    }
    default:
      throw notA(type, text);
  }
}

function notA(type: ColumnType, text: string): Problem {
  const shown = text.length > 80 ? `${text.slice(0, 80)}…` : text;
  return new Problem('BRM-VALUE-TEXT', `"${shown}" is not a value of type ${type.kind}`);
}

function oneOf(text: string, type: ColumnType): boolean {
  if (text === 'true' || text === 't') return true;
  if (text === 'false' || text === 'f') return false;
  throw notA(type, text);
}

function bytesOf(text: string, type: ColumnType): Uint8Array {
  if (!/^\\x(?:[0-9a-f]{2})*$/iu.test(text)) throw notA(type, text);
  const bytes = new Uint8Array(text.length / 2 - 1);
  for (let index = 0; index < bytes.length; index += 1) {
    bytes[index] = Number.parseInt(text.slice(index * 2 + 2, index * 2 + 4), 16);
  }
  return bytes;
}

function integer(text: string, type: ColumnType, bits: number): bigint {
  if (!/^-?\d+$/u.test(text)) throw notA(type, text);
  const value = BigInt(text);
  if (BigInt.asIntN(bits, value) !== value) throw notA(type, text);
  return value;
}

function float(text: string, type: ColumnType): number {
  if (!/^(?:-?(?:\d+(?:\.\d*)?(?:e[+-]?\d+)?|Infinity)|NaN)$/iu.test(text)) throw notA(type, text);
  return Number(text);
}

const DATE = /^(?<year>\d{4,})-(?<month>\d\d)-(?<day>\d\d)(?<era> BC)?$/u;
const TIME = /^(?<hours>\d\d):(?<minutes>\d\d):(?<seconds>\d\d)(?:\.(?<fraction>\d{1,6}))?$/u;
const TIMESTAMP =
  /^(?<date>\d{4,}-\d\d-\d\d)[T ](?<time>[\d:.]+)(?:Z|(?<sign>[+-])(?<hours>\d\d)(?::(?<minutes>\d\d))?(?::(?<seconds>\d\d))?)?(?<era> BC)?$/u;

function date(text: string, type: ColumnType): number {
  if (text === 'infinity') return DATE_INFINITY;
  if (text === '-infinity') return DATE_MINUS_INFINITY;
  const parts = DATE.exec(text)?.groups;
  if (parts === undefined) throw notA(type, text);
  const year = Number(parts['year']);
  const month = Number(parts['month']);
  const day = Number(parts['day']);
  if (month < 1 || month > 12 || day < 1 || day > 31) throw notA(type, text);
  return dayOfDate({ year: parts['era'] === undefined ? year : 1 - year, month, day });
}

function timeOfDay(text: string, type: ColumnType): bigint {
  const parts = TIME.exec(text)?.groups;
  if (parts === undefined) throw notA(type, text);
  const seconds = Number(parts['hours']) * 3600 + Number(parts['minutes']) * 60 + Number(parts['seconds']);
  return BigInt(seconds) * 1_000_000n + BigInt((parts['fraction'] ?? '').padEnd(6, '0'));
}

function timestamp(text: string, type: ColumnType): bigint {
  if (text === 'infinity') return TIMESTAMP_INFINITY;
  if (text === '-infinity') return TIMESTAMP_MINUS_INFINITY;
  const parts = TIMESTAMP.exec(text)?.groups;
  if (parts === undefined) throw notA(type, text);
  const day = BigInt(date(`${parts['date']}${parts['era'] ?? ''}`, type));
  const offset = timeOfDay(
    `${parts['hours'] ?? '00'}:${parts['minutes'] ?? '00'}:${parts['seconds'] ?? '00'}`,
    type,
  );
  const local = day * DAY_MICROSECONDS + timeOfDay(parts['time'] as string, type);
  return BigInt.asIntN(64, parts['sign'] === '-' ? local + offset : local - offset);
}
