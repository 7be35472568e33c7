import type { Batch, ColumnBuilder, Schema } from '@brimful/model';
import { BatchBuilder, ChangesBuilder, Operation, isUnknown, toProblem } from '@brimful/model';
import type { Value } from '@brimful/model/testing';
import { EVERY_TYPE, UNKNOWN, appendValue, arbitraryValue, valueAt } from '@brimful/model/testing';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { DOCS, changesOf, rowsOf, schemaWith } from '../testing/table-fixture.ts';
import { decodeFrame, encodeFrame } from './frame.ts';
import { decodeSegment, encodeSegment } from './segment.ts';

const SCHEMA: Schema = schemaWith(
  EVERY_TYPE.map((type, index) => [`${index}_${type.kind}`, type]),
  ['6_date', '1_int16', '12_text'],
);
const FORMS = [
  { name: 'a frame', encode: encodeFrame, decode: decodeFrame },
  { name: 'a segment', encode: (batch: Batch) => Buffer.concat(encodeSegment(batch)), decode: decodeSegment },
];

interface ArbitraryRow {
  readonly operation: 0 | 1 | 2 | 3 | 4;
  readonly values: readonly Value[];
  readonly oldKey: readonly Value[];
}

const OPERATIONS = [Operation.insert, Operation.update, Operation.move, Operation.delete] as const;
const row: fc.Arbitrary<ArbitraryRow> = fc.record({
  operation: fc.constantFrom(...OPERATIONS),
  values: fc.tuple(
    ...EVERY_TYPE.map((type) =>
      fc.oneof({ weight: 5, arbitrary: arbitraryValue(type) }, fc.constantFrom<Value>(null, UNKNOWN)),
    ),
  ),
  oldKey: fc.tuple(
    arbitraryValue({ kind: 'date' }),
    arbitraryValue({ kind: 'int16' }),
    arbitraryValue({ kind: 'text' }),
  ),
});

function changes(rows: readonly ArbitraryRow[]): Batch {
  const builder = new ChangesBuilder(SCHEMA);
  rows.forEach(({ operation, values, oldKey }, index) => {
    values.forEach((value, column) => appendValue(builder.columns[column] as ColumnBuilder, value));
    if (operation === Operation.move) {
      const old = builder.oldKey();
      oldKey.forEach((value, place) => appendValue(old[place] as ColumnBuilder, value));
    }
    builder.endChange(operation, -5n, BigInt(index), 2n ** 62n);
  });
  return builder.finish();
}

function scanned(rows: readonly ArbitraryRow[]): Batch {
  const builder = new BatchBuilder(SCHEMA);
  for (const { values } of rows) {
    values.forEach((value, column) => {
      appendValue(builder.columns[column] as ColumnBuilder, value === UNKNOWN ? null : value);
    });
    builder.endRow();
  }
  return builder.finish();
}

/** Everything a batch says, as plain data. */
function told(batch: Batch): unknown {
  const rows = [...Array.from({ length: batch.rows }).keys()];
  return {
    values: batch.columns.map((column) =>
      rows.map((index) => [valueAt(column, index), isUnknown(column, index)]),
    ),
    changes: batch.changes && {
      operations: [...batch.changes.operations],
      committedAt: [...batch.changes.committedAt],
      positions: [...batch.changes.positions],
      transactions: [...batch.changes.transactions],
      oldKey: batch.changes.oldKey?.map((column) => rows.map((index) => valueAt(column, index))),
    },
  };
}

// Invariant 6
describe.each(FORMS)('$name', ({ encode, decode }) => {
  test('holds every value of every type, nulls, unknowns and old keys', () => {
    fc.assert(
      fc.property(fc.array(row, { minLength: 1, maxLength: 20 }), fc.boolean(), (rows, isScanned) => {
        const batch = isScanned ? scanned(rows) : changes(rows);
        expect(told(decode(encode(batch), SCHEMA))).toEqual(told(batch));
      }),
    );
  });

  test('holds many rows', () => {
    const rows = Array.from({ length: 3000 }, (_, id): Value[] => [id, id % 7 === 0 ? null : `é${id}`, '']);
    const batch = rowsOf(DOCS, rows);
    expect(told(decode(encode(batch), DOCS))).toEqual(told(batch));
  });

  test('is read wherever it lies in memory', () => {
    const batch = changesOf(DOCS, 7n, [{ operation: 'update', row: [1, 'a', UNKNOWN] }]);
    const bytes = encode(batch);
    for (let shift = 0; shift < 9; shift += 1) {
      const around = new Uint8Array(bytes.length + 16).fill(0xff);
      around.set(bytes, shift);
      const body = around.subarray(shift, shift + bytes.length);
      expect(told(decode(body, DOCS))).toEqual(told(batch));
    }
  });

  test('that was cut short or is something else is refused', () => {
    const bytes = encode(
      rowsOf(DOCS, [
        [1, 'some text', null],
        [2, 'more of it', 'x'],
      ]),
    );
    const whole = Math.min(bytes.length, 400);
    for (let length = 0; length < whole; length += 8) {
      const cut = bytes.slice(0, length);
      expect(() => decode(cut, DOCS), `${length} bytes`).toThrow(
        expect.objectContaining({ code: 'BRM-STORE-CORRUPT' }),
      );
    }
    expect(() => decode(new Uint8Array(64).fill(7), DOCS)).toThrow(
      expect.objectContaining({ code: 'BRM-STORE-CORRUPT' }),
    );
  });

  test('whose header was changed never yields rows that are not in it', () => {
    const bytes = encode(rowsOf(DOCS, [[1, 'some text', null]]));
    for (let at = 0; at < Math.min(bytes.length, 64); at += 1) {
      const changed = bytes.slice();
      (changed[at] as number) ^= 0x41;
      const rows = (): number => {
        try {
          return decode(changed, DOCS).rows;
        } catch (thrown) {
          if (toProblem(thrown).code === 'BRM-STORE-CORRUPT') return 0;
          throw thrown;
        }
      };
      expect(rows(), `byte ${at}`).toBeLessThanOrEqual(1);
    }
  });
});
