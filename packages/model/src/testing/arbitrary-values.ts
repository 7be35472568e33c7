import fc from 'fast-check';
import type { ColumnType } from '../column-type.ts';
import type { Value } from './values.ts';

/** Text that trips naive encodings: separators, digits, zero bytes, characters of every UTF-8 length. */
const text = fc.oneof(
  fc.string({
    unit: fc.constantFrom(
      '',
      '\u0000',
      '\u0001',
      '\u0002',
      '0',
      '1',
      ':',
      ';',
      ',',
      'a',
      'é',
      '€',
      '\u{1f600}',
      '\uffff',
    ),
    maxLength: 5,
  }),
  fc.string({ unit: 'grapheme', maxLength: 8 }),
);

/** Never a lone surrogate, which has no UTF-8 form. */
export const arbitraryText = text.filter((value) => value.isWellFormed());

export const arbitraryDecimal: fc.Arbitrary<string> = fc.oneof(
  {
    weight: 1,
    arbitrary: fc.constantFrom(
      'NaN',
      'Infinity',
      '-Infinity',
      '0',
      '-0',
      '0.00',
      '-0.0',
      '10',
      '1.0',
      '0.10',
    ),
  },
  {
    weight: 6,
    arbitrary: fc
      .tuple(fc.constantFrom('', '-'), digits(0, 6), fc.option(digits(1, 6), { nil: '' }))
      .map(([sign, whole, fraction]) => {
        const integer = whole.replace(/^0+/u, '') || '0';
        return `${sign}${integer}${fraction === '' ? '' : `.${fraction}`}`;
      }),
  },
  { weight: 1, arbitrary: digits(30, 60).map((value) => value.replace(/^0+/u, '') || '0') },
);

function digits(minLength: number, maxLength: number): fc.Arbitrary<string> {
  return fc.string({ unit: fc.constantFrom('0', '0', '1', '5', '9'), minLength, maxLength });
}

function int64(): fc.Arbitrary<bigint> {
  return fc.oneof(
    fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n }),
    fc.bigInt({ min: -3n, max: 3n }),
    fc
      .tuple(
        fc.constantFrom(-(2n ** 53n), 2n ** 53n, -(2n ** 32n), 2n ** 32n),
        fc.bigInt({ min: -2n, max: 2n }),
      )
      .map(([base, step]) => base + step),
    fc.constantFrom(-(2n ** 63n), 2n ** 63n - 1n, -(2n ** 63n) + 7n),
  );
}

/** A value of a type that is neither null nor unknown, extremes often. */
export function arbitraryValue(type: ColumnType): fc.Arbitrary<Value> {
  switch (type.kind) {
    case 'boolean':
      return fc.boolean();
    case 'int16':
      return fc.oneof(fc.integer({ min: -3, max: 3 }), fc.integer({ min: -(2 ** 15), max: 2 ** 15 - 1 }));
    case 'int32':
    case 'date':
      return fc.oneof(
        fc.integer({ min: -3, max: 3 }),
        fc.integer({ min: -(2 ** 31), max: 2 ** 31 - 1 }),
        fc.constantFrom(-(2 ** 31), 2 ** 31 - 1),
      );
    case 'int64':
    case 'timestamp':
      return int64();
    case 'time':
      return fc.bigInt({ min: 0n, max: 86_400_000_000n });
    case 'float32':
      return fc.oneof(fc.float(), fc.constantFrom(-0, 0, NaN, Infinity, -Infinity));
    case 'float64':
      return fc.oneof(fc.double(), fc.constantFrom(-0, 0, NaN, Infinity, -Infinity, 2 ** 53, -(2 ** 53) - 2));
    case 'uuid':
      return fc.uuid();
    case 'bytes':
      return fc.oneof(fc.uint8Array({ maxLength: 4, max: 2 }), fc.uint8Array({ maxLength: 20 }));
    case 'decimal':
      return arbitraryDecimal;
    case 'json':
      return fc.json({ maxDepth: 1 }).filter((value) => value.isWellFormed());
    case 'text':
    case 'other':
      return arbitraryText;
  }
}

export const EVERY_TYPE: readonly ColumnType[] = [
  { kind: 'boolean' },
  { kind: 'int16' },
  { kind: 'int32' },
  { kind: 'int64' },
  { kind: 'float32' },
  { kind: 'float64' },
  { kind: 'date' },
  { kind: 'time' },
  { kind: 'timestamp', zoned: true },
  { kind: 'timestamp', zoned: false },
  { kind: 'uuid' },
  { kind: 'bytes' },
  { kind: 'text' },
  { kind: 'decimal' },
  { kind: 'json', binary: true },
  { kind: 'json', binary: false },
  { kind: 'other', name: 'interval' },
];
