import type { ColumnType } from '@brimful/model';
import { Problem } from '@brimful/model';
import type { Value } from '@brimful/model/testing';
import { afterEach, expect, test } from 'vitest';
import { query } from '../query.ts';
import { removeScratch, scratchConfig, testContext } from '../testing/scratch.ts';
import { batchOf, definition, requestFor, schemaOf } from '../testing/tables.ts';
import { DuckdbDestination } from './destination.ts';

afterEach(removeScratch);

const forever = new AbortController().signal;
const id = definition('id', { kind: 'int32' }, { nullable: false });

/** Loads one column and reads it back as DuckDB's text, and as `expression` over column `v`. */
async function roundTrip(
  type: ColumnType,
  values: readonly Value[],
  expression = 'v',
): Promise<(string | null)[]> {
  const config = scratchConfig();
  const context = testContext();
  const schema = schemaOf([id, definition('v', type)], ['id']);
  await using destination = new DuckdbDestination(config, context);
  const table = await destination.open(requestFor('values', schema));
  const batch = batchOf(
    schema,
    values.map((value, index) => [index, value]),
  );
  await destination.apply(
    [{ table, actions: [{ kind: 'load', batch }, { kind: 'index' }], checkpoint: 1 }],
    forever,
  );
  await destination.idle();
  const { rows } = await query(config, `SELECT ${expression} FROM "values" ORDER BY id`, context);
  return rows.map(([value]) => value as string | null);
}

const text: ColumnType = { kind: 'text' };
const bytes = (...values: number[]): Uint8Array => Uint8Array.from(values);

test.for<[ColumnType, Value[], (string | null)[], string?]>([
  [{ kind: 'boolean' }, [true, false, null], ['true', 'false', null]],
  [{ kind: 'int16' }, [-32_768, 32_767, null, 0], ['-32768', '32767', null, '0']],
  [{ kind: 'int32' }, [-2_147_483_648, 2_147_483_647, null], ['-2147483648', '2147483647', null]],
  [
    { kind: 'int64' },
    [-(2n ** 63n), 2n ** 63n - 1n, null],
    ['-9223372036854775808', '9223372036854775807', null],
  ],
  [
    { kind: 'float32' },
    [NaN, Infinity, -Infinity, -0, 1.401_298_464_324_817e-45],
    ['nan', 'inf', '-inf', '-0.0', '1e-45'],
  ],
  [
    { kind: 'float64' },
    [NaN, Infinity, -Infinity, -0, 5e-324, 1.797_693_134_862_315_7e308, 0.1, null],
    ['nan', 'inf', '-inf', '-0.0', '5e-324', '1.7976931348623157e+308', '0.1', null],
  ],
  [
    { kind: 'date' },
    [-(2 ** 31), 2 ** 31 - 1, 0, -719_163, 2_932_897, -2_440_588 + 38, null],
    ['-infinity', 'infinity', '1970-01-01', '0001-12-31 (BC)', '10000-01-01', '4713-01-01 (BC)', null],
  ],
  [
    { kind: 'time' },
    [0n, 86_399_999_999n, 86_400_000_000n, null],
    ['00:00:00', '23:59:59.999999', '24:00:00', null],
  ],
  [
    { kind: 'timestamp', zoned: false },
    [-(2n ** 63n), 2n ** 63n - 1n, 0n, 1n, -1n, 2n ** 63n - 2n, -210_866_803_200_000_000n, null],
    [
      '-infinity',
      'infinity',
      '1970-01-01 00:00:00',
      '1970-01-01 00:00:00.000001',
      '1969-12-31 23:59:59.999999',
      '294247-01-10 04:00:54.775806',
      '4714-11-24 (BC) 00:00:00',
      null,
    ],
  ],
  [
    { kind: 'timestamp', zoned: true },
    [-(2n ** 63n), 2n ** 63n - 1n, 1_700_000_000_123_456n],
    ['-infinity', 'infinity', '2023-11-14 22:13:20.123456+00'],
  ],
  [
    { kind: 'uuid' },
    [
      '00000000-0000-0000-0000-000000000000',
      'ffffffff-ffff-ffff-ffff-ffffffffffff',
      '01234567-89ab-cdef-8123-456789abcdef',
      null,
    ],
    [
      '00000000-0000-0000-0000-000000000000',
      'ffffffff-ffff-ffff-ffff-ffffffffffff',
      '01234567-89ab-cdef-8123-456789abcdef',
      null,
    ],
  ],
  [
    { kind: 'bytes' },
    [bytes(), bytes(0), bytes(0xff, 0xfe, 0, 0x80), new Uint8Array(20).fill(0xfe), null],
    ['', '00', 'FFFE0080', 'FE'.repeat(20), null],
    'hex(v)',
  ],
  [
    text,
    [
      '',
      'a',
      'exactly twelv',
      'twelve bytes',
      'é€\u{1f600} longer than twelve',
      'null',
      null,
      'quote \' and " and \\',
    ],
    [
      '',
      'a',
      'exactly twelv',
      'twelve bytes',
      'é€\u{1f600} longer than twelve',
      'null',
      null,
      'quote \' and " and \\',
    ],
  ],
  [
    { kind: 'json', binary: true },
    ['{"a": 1, "a": 1.00000000000000000000001}', '[]', 'null', null, String.raw`"\u0000\ud800"`],
    ['{"a": 1, "a": 1.00000000000000000000001}', '[]', 'null', null, String.raw`"\u0000\ud800"`],
  ],
  [{ kind: 'other', name: 'int4range' }, ['[1,5)', '', null], ['[1,5)', '', null]],
  [
    { kind: 'decimal' },
    ['NaN', 'Infinity', `1${'0'.repeat(999)}.${'1'.repeat(1000)}`, '-0.000', '1.50', null],
    ['NaN', 'Infinity', `1${'0'.repeat(999)}.${'1'.repeat(1000)}`, '-0.000', '1.50', null],
  ],
  [
    { kind: 'decimal', precision: 4, scale: 2 },
    ['99.99', '-99.99', '0.01', '-0.01', '0', null],
    ['99.99', '-99.99', '0.01', '-0.01', '0.00', null],
  ],
  [
    { kind: 'decimal', precision: 9, scale: 0 },
    ['999999999', '-999999999', '-1'],
    ['999999999', '-999999999', '-1'],
  ],
  [
    { kind: 'decimal', precision: 18, scale: 3 },
    [
      '999999999999999.999',
      '-999999999999999.999',
      '123456789012.345',
      '-4294967.296',
      '-0.001',
      '4294967.295',
    ],
    [
      '999999999999999.999',
      '-999999999999999.999',
      '123456789012.345',
      '-4294967.296',
      '-0.001',
      '4294967.295',
    ],
  ],
  [
    { kind: 'decimal', precision: 38, scale: 10 },
    [
      `${'9'.repeat(28)}.${'9'.repeat(10)}`,
      `-${'9'.repeat(28)}.${'9'.repeat(10)}`,
      '-0.0000000001',
      '0',
      '12.5',
      '-12.5',
    ],
    [
      `${'9'.repeat(28)}.${'9'.repeat(10)}`,
      `-${'9'.repeat(28)}.${'9'.repeat(10)}`,
      '-0.0000000001',
      '0.0000000000',
      '12.5000000000',
      '-12.5000000000',
    ],
  ],
  [{ kind: 'decimal', precision: 39, scale: 1 }, [`${'9'.repeat(38)}.9`], [`${'9'.repeat(38)}.9`]],
  [{ kind: 'decimal', precision: 2, scale: 5 }, ['0.00012', '-0.00099'], ['0.00012', '-0.00099']],
  [{ kind: 'decimal', precision: 2, scale: -3 }, ['99000', '-1000'], ['99000', '-1000']],
])('extremes of %o arrive exactly', async ([type, values, expected, expression]) => {
  expect(await roundTrip(type, values, expression)).toEqual(expected);
});

test('a column has its native type, and JSON is a type without a download', async () => {
  const types = await roundTrip({ kind: 'json', binary: false }, ['{}'], 'typeof(v)');
  expect(types).toEqual(['JSON']);
  expect(await roundTrip({ kind: 'decimal', precision: 12, scale: 2 }, ['1'], 'typeof(v)')).toEqual([
    'DECIMAL(12,2)',
  ]);
  expect(await roundTrip({ kind: 'timestamp', zoned: true }, [0n], 'typeof(v)')).toEqual([
    'TIMESTAMP WITH TIME ZONE',
  ]);
});

test('texts of a megabyte, and chunks beyond one vector, keep every byte', async () => {
  const long = Array.from({ length: 5 }, (_, index) => `${index}é`.repeat(350_000));
  const mixed = Array.from({ length: 5000 }, (_, index) =>
    index % 7 === 0 ? null : 'x'.repeat(index % 40) + String(index),
  );
  expect(await roundTrip(text, long)).toEqual(long);
  expect(await roundTrip(text, mixed)).toEqual(mixed);
});

test.for<[ColumnType, Value, RegExp]>([
  [{ kind: 'decimal', precision: 10, scale: 2 }, 'NaN', /NaN is not a finite number/u],
  [{ kind: 'decimal', precision: 10, scale: 2 }, '-Infinity', /-Infinity is not a finite number/u],
  [{ kind: 'decimal', precision: 10, scale: 2 }, '1.234', /more than 2 decimal places/u],
  [{ kind: 'decimal', precision: 38, scale: 0 }, '9'.repeat(39), /more than 38 digits before the point/u],
  [{ kind: 'timestamp', zoned: true }, -(2n ** 63n) + 1n, /after DuckDB's last one/u],
  [{ kind: 'timestamp', zoned: false }, -9_200_000_000_000_000_001n, /after DuckDB's last one/u],
  [{ kind: 'date' }, -(2 ** 31) + 1, /before DuckDB's first date/u],
])(
  'Invariant 6: %o that DuckDB cannot hold stops its table and names row and column: %s',
  async ([type, value, why]) => {
    const config = scratchConfig();
    const schema = schemaOf([id, definition('price', type)], ['id']);
    await using destination = new DuckdbDestination(config, testContext());
    const table = await destination.open(requestFor('orders', schema));
    const batch = batchOf(
      schema,
      Array.from({ length: 3000 }, (_, row) => [row, row === 2500 ? value : null]),
    );
    const failed = destination.apply([{ table, actions: [{ kind: 'load', batch }], checkpoint: 1 }], forever);
    const problem = await failed.then(
      () => undefined,
      (error: unknown) => error,
    );
    expect(problem).toBeInstanceOf(Problem);
    expect(problem).toMatchObject({
      code: 'BRM-DUCKDB-VALUE',
      kind: 'operator',
      message: expect.stringMatching(why),
      at: { table: 'orders', column: 'price', row: 'id=2500' },
    });
    // Nothing of it was written, and the table can go on.
    await destination.apply([{ table, actions: [], checkpoint: 2 }], forever);
    const { rows } = await query(config, 'SELECT count(*) FROM orders', testContext());
    expect(rows).toEqual([['0']]);
  },
);

test('text that is not UTF-8 is refused, not dropped', async () => {
  const schema = schemaOf([id, definition('v', { kind: 'bytes' })], ['id']);
  const batch = batchOf(schema, [[1, bytes(0x61, 0xff, ...new Uint8Array(20).fill(0x61))]]);
  const asText = schemaOf([id, definition('v', text)], ['id']);
  const columns = [batch.columns[0]!, { ...batch.columns[1]!, type: text }];
  await using destination = new DuckdbDestination(scratchConfig(), testContext());
  const table = await destination.open(requestFor('t', asText));
  const load = { kind: 'load', batch: { ...batch, schema: asText, columns } } as const;
  await expect(destination.apply([{ table, actions: [load], checkpoint: 1 }], forever)).rejects.toMatchObject(
    {
      code: 'BRM-DUCKDB-VALUE',
      at: { column: 'v', row: 'id=1' },
    },
  );
});
