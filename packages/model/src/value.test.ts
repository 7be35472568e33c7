import fc from 'fast-check';
import { expect, test } from 'vitest';
import { dateOfDay, dayOfDate } from './calendar.ts';
import { ColumnBuilder } from './column.ts';
import type { ColumnType } from './column-type.ts';
import type { Schema } from './schema.ts';
import { arbitraryValue, EVERY_TYPE } from './testing/arbitrary-values.ts';
import type { Value } from './testing/values.ts';
import { columnOf, UNKNOWN, valueAt } from './testing/values.ts';
import { listedKeyText, rowKeyText, valueText } from './value.ts';
import { appendText } from './value-from-text.ts';

function textOf(type: ColumnType, value: Value): string | null {
  return valueText(columnOf(type, [value]), 0);
}

const date: ColumnType = { kind: 'date' };
const zoned: ColumnType = { kind: 'timestamp', zoned: true };
const local: ColumnType = { kind: 'timestamp', zoned: false };

/** Microseconds since 1970, by the language's own calendar. */
function at(text: string, microseconds = 0n): bigint {
  return BigInt(Date.parse(text)) * 1000n + microseconds;
}

test('dates and timestamps read as people write them, BC, far years and infinities too', () => {
  expect(textOf(date, 0)).toBe('1970-01-01');
  expect(textOf(date, -1)).toBe('1969-12-31');
  expect(textOf(date, Date.parse('2024-02-29') / 86_400_000)).toBe('2024-02-29');
  expect(textOf(date, Date.parse('-000043-03-15') / 86_400_000)).toBe('0044-03-15 BC');
  expect(textOf(date, Date.parse('0000-01-01') / 86_400_000)).toBe('0001-01-01 BC');
  expect(textOf(date, 2_145_042_905)).toBe('5874897-12-31');
  expect(textOf(date, 2 ** 31 - 1)).toBe('infinity');
  expect(textOf(date, -(2 ** 31))).toBe('-infinity');
  expect(textOf(zoned, at('2024-02-29T23:59:59Z', 500_000n))).toBe('2024-02-29T23:59:59.5Z');
  expect(textOf(local, at('1969-12-31T23:59:59Z', 1n))).toBe('1969-12-31T23:59:59.000001');
  expect(textOf(zoned, at('-000043-03-15T00:00:00Z'))).toBe('0044-03-15T00:00:00Z BC');
  expect(textOf(zoned, 2n ** 63n - 1n)).toBe('infinity');
  expect(textOf(zoned, -(2n ** 63n))).toBe('-infinity');
  // The last microsecond that PostgreSQL holds: beyond 2^63, so it has wrapped.
  const last = BigInt.asIntN(64, (at('+270000-01-01T00:00:00Z') / 1000n + 766_000_000_000_000n) * 1000n);
  expect(last).toBeLessThan(0n);
  expect(textOf(zoned, last)).toMatch(/^29427[3-6]-/u);
});

test('the other kinds read plainly', () => {
  expect(textOf({ kind: 'boolean' }, true)).toBe('true');
  expect(textOf({ kind: 'int64' }, 2n ** 63n - 1n)).toBe('9223372036854775807');
  expect(textOf({ kind: 'float32' }, Math.fround(0.1))).toBe('0.1');
  expect(textOf({ kind: 'float32' }, 16_777_216)).toBe('16777216');
  expect(textOf({ kind: 'float64' }, -0)).toBe('-0');
  expect(textOf({ kind: 'time' }, 86_400_000_000n)).toBe('24:00:00');
  expect(textOf({ kind: 'bytes' }, Uint8Array.of(0, 255, 16))).toBe('\\x00ff10');
  expect(textOf({ kind: 'bytes' }, new Uint8Array())).toBe('\\x');
  expect(textOf({ kind: 'decimal' }, '-1.50')).toBe('-1.50');
  expect(textOf({ kind: 'text' }, '')).toBe('');
  expect(textOf({ kind: 'text' }, null)).toBeNull();
  expect(textOf({ kind: 'text' }, UNKNOWN)).toBeNull();
  expect(textOf({ kind: 'uuid' }, '00112233-4455-6677-8899-aabbccddeeff')).toBe(
    '00112233-4455-6677-8899-aabbccddeeff',
  );
});

test('every value is read back from its text', () => {
  fc.assert(
    fc.property(
      fc.constantFrom(...EVERY_TYPE).chain((type) => fc.tuple(fc.constant(type), arbitraryValue(type))),
      ([type, value]) => {
        const builder = new ColumnBuilder(type);
        appendText(builder, textOf(type, value) as string);
        expect(valueAt(builder.finish(), 0)).toEqual(valueAt(columnOf(type, [value]), 0));
      },
    ),
    { numRuns: 5000 },
  );
});

test('the calendar agrees with the language in its range, and with itself beyond', () => {
  fc.assert(
    fc.property(fc.integer({ min: -100_000_000, max: 100_000_000 }), (day) => {
      const expected = new Date(day * 86_400_000);
      const { year, month, day: dayOfMonth } = dateOfDay(day);
      expect([year, month, dayOfMonth]).toEqual([
        expected.getUTCFullYear(),
        expected.getUTCMonth() + 1,
        expected.getUTCDate(),
      ]);
    }),
  );
  fc.assert(
    fc.property(fc.integer(), (day) => {
      expect(dayOfDate(dateOfDay(day))).toBe(day);
    }),
  );
});

test('what SQL databases print is understood', () => {
  const parse = (type: ColumnType, text: string): Value => {
    const builder = new ColumnBuilder(type);
    appendText(builder, text);
    return valueAt(builder.finish(), 0);
  };
  expect(parse({ kind: 'boolean' }, 't')).toBe(true);
  expect(parse(zoned, '2024-01-31 12:00:00.25+00')).toBe(at('2024-01-31T12:00:00Z', 250_000n));
  expect(parse(zoned, '2024-01-31 12:00:00-05:30')).toBe(at('2024-01-31T17:30:00Z'));
  expect(parse(zoned, '0044-03-15 00:00:00+00 BC')).toBe(at('-000043-03-15T00:00:00Z'));
  expect(parse(local, '2024-01-31 12:00:00')).toBe(at('2024-01-31T12:00:00Z'));
  expect(parse({ kind: 'float64' }, '1e-07')).toBe(1e-7);
});

test('a text that is not a value is refused', () => {
  const wrong: [ColumnType, string][] = [
    [{ kind: 'int16' }, '32768'],
    [{ kind: 'int32' }, '1.0'],
    [{ kind: 'int64' }, ''],
    [{ kind: 'float64' }, '0x10'],
    [{ kind: 'boolean' }, 'yes!'],
    [date, '2024-13-01'],
    [zoned, 'yesterday'],
    [{ kind: 'uuid' }, '0011'],
    [{ kind: 'bytes' }, '\\x0'],
    [{ kind: 'time' }, '1:2'],
  ];
  for (const [type, text] of wrong) {
    const builder = new ColumnBuilder(type);
    expect(() => appendText(builder, text), text).toThrow(/is not a value/u);
    expect(builder.rows).toBe(0);
  }
});

test('row keys name their columns', () => {
  const schema: Schema = {
    version: 1,
    columns: [
      { name: 'note', type: { kind: 'text' }, nullable: true, sourceType: 'text' },
      { name: 'line', type: { kind: 'text' }, nullable: false, sourceType: 'text' },
      { name: 'id', type: { kind: 'int32' }, nullable: false, sourceType: 'integer' },
    ],
    key: ['id', 'line'],
  };
  const columns = [
    columnOf({ kind: 'text' }, [null, 'x'.repeat(500)]),
    columnOf({ kind: 'text' }, ['a', 'b, c="d"']),
    columnOf({ kind: 'int32' }, [42, 7]),
  ];
  const batch = { schema, rows: 2, columns, changes: undefined };
  expect(rowKeyText(batch, 0)).toBe('id=42, line=a');
  expect(rowKeyText(batch, 1)).toBe('id=7, line="b, c=\\"d\\""');
  expect(listedKeyText(schema, [columns[2] as never, columns[1] as never], 0)).toBe('id=42, line=a');
  const keyless = { ...batch, schema: { ...schema, key: [] } };
  expect(rowKeyText(keyless, 0)).toBe('note=null, line=a, id=42');
  expect(rowKeyText(keyless, 1)).toHaveLength(201);
});
