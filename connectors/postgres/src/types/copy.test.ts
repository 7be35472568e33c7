import type { Batch, Column, ColumnType, Problem, Schema } from '@brimful/model';
import { BatchBuilder, widenColumn, widensTo } from '@brimful/model';
import type { Value } from '@brimful/model/testing';
import { arbitraryValue, columnOf, EVERY_TYPE, valueAt } from '@brimful/model/testing';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { CopyDecoder } from './copy-decoder.ts';
import { CopyEncoder } from './copy-encoder.ts';
import type { DecoderCode } from './decoder.ts';
import { Decoder } from './decoder.ts';
import { FramePool } from './frame-pool.ts';
import { concat, frame, int16, int32, int64 } from './testing/frames.ts';

const TYPES = EVERY_TYPE.filter((type) => type.kind !== 'other');

function decoderFor(type: ColumnType): DecoderCode {
  if (type.kind === 'json') return type.binary ? Decoder.jsonb : Decoder.text;
  return type.kind === 'other' ? Decoder.other : Decoder[type.kind];
}

/** Values that a Postgres server could send for a type: not every 64-bit number is a timestamp. */
function serverValue(type: ColumnType): fc.Arbitrary<Value> {
  const day = 10_957;
  if (type.kind === 'date') {
    return fc.oneof(
      fc.constantFrom(-(2 ** 31), 2 ** 31 - 1),
      fc.integer({ min: -(2 ** 31) + day + 1, max: 2 ** 31 - 2 }),
    );
  }
  if (type.kind === 'decimal')
    return arbitraryValue(type).map((text) => (/^-[0.]*$/.test(String(text)) ? '0' : text));
  // A NaN has one form here.
  return arbitraryValue(type);
}

function schemaOf(types: readonly ColumnType[]): Schema {
  const columns = types.map((type, index) => ({
    name: `c${index}`,
    type,
    nullable: true,
    sourceType: type.kind,
  }));
  return { version: 1, columns, key: ['c0'] };
}

function batchOf(types: readonly ColumnType[], rows: readonly (readonly Value[])[]): Batch {
  const columns = types.map((type, index) =>
    columnOf(
      type,
      rows.map((row) => row[index] as Value),
    ),
  );
  return { schema: schemaOf(types), rows: rows.length, columns, changes: undefined };
}

const tables = fc.array(fc.constantFrom(...TYPES), { minLength: 1, maxLength: 5 }).chain((types) =>
  fc.record({
    types: fc.constant(types),
    rows: fc.array(fc.tuple(...types.map((type) => fc.option(serverValue(type), { freq: 4 }))), {
      maxLength: 40,
    }),
  }),
);

/** What a server would send: the encoder's frames, one row in each as servers do, or several. */
function encode(
  batch: Batch,
  frameBytes: number,
  rows?: Int32Array,
  types?: readonly ColumnType[],
): Uint8Array[] {
  const pool = new FramePool(frameBytes);
  const columns = batch.schema.columns.map(({ name, type }, source) => ({
    source,
    name,
    type: types?.[source] ?? type,
  }));
  const encoder = new CopyEncoder(columns, pool);
  const frames: Uint8Array[] = [encoder.header()];
  for (const sent of encoder.encode(batch, rows)) {
    frames.push(sent.slice());
    pool.release(sent);
  }
  frames.push(encoder.trailer());
  return frames;
}

function decode(
  types: readonly ColumnType[],
  bytes: Uint8Array,
  cuts: readonly number[],
): { batch: Batch; kinds: string } {
  let kinds = '';
  const builder = new BatchBuilder(schemaOf(types));
  const onFrame = (kind: number): void => {
    kinds += `${String.fromCharCode(kind)}${decoder.builder.rows}${decoder.done ? '!' : ''} `;
  };
  const decoder = new CopyDecoder({ decoders: types.map(decoderFor), builder, onFrame });
  // One buffer for all chunks, as a socket's reader has, wiped to catch whoever still looks into it.
  const shared = new Uint8Array(bytes.length + 7);
  let from = 0;
  for (const to of [...new Set(cuts.map((cut) => Math.min(cut, bytes.length)))]
    .sort((a, b) => a - b)
    .concat(bytes.length)) {
    shared.set(bytes.subarray(from, to), 7);
    decoder.push(shared, 7, 7 + to - from);
    shared.fill(0xaa);
    from = to;
  }
  return { batch: decoder.builder.finish(), kinds };
}

function valuesOf(columns: readonly Column[], rows: number): Value[][] {
  return Array.from({ length: rows }, (_, row) => columns.map((column) => valueAt(column, row)));
}

test('rows survive encoding and decoding wherever chunks and frames are cut', () => {
  fc.assert(
    fc.property(
      tables,
      fc.array(fc.nat(3000)),
      fc.integer({ min: 64, max: 600 }),
      ({ types, rows }, cuts, frameBytes) => {
        const batch = batchOf(types, rows);
        const notice = frame('N', new Uint8Array(11));
        const sent = encode(batch, frameBytes).flatMap((bytes) => [bytes, notice]);
        const bytes = concat([
          frame('H', int16(0)),
          ...sent,
          frame('c', new Uint8Array(0)),
          frame('Z', Uint8Array.of(0x49)),
        ]);
        const { batch: back, kinds } = decode(types, bytes, cuts);
        expect(back.rows).toBe(rows.length);
        expect(valuesOf(back.columns, back.rows)).toEqual(rows);
        // Frames between rows are told in their place, when all rows before them are there.
        expect(kinds).toMatch(
          new RegExp(`^H0 N0 (N\\d+ )*N${rows.length}! c${rows.length}! Z${rows.length}! $`),
        );
      },
    ),
    { numRuns: 600 },
  );
});

test('decimals keep their scale, however small, large or special', () => {
  const texts = ['0', '0.0000', '0.00001', '-0.000000000001', '10000', '99999999', `1${'0'.repeat(400)}`];
  const more = [
    '123.4500',
    '-1000000.0000001',
    `0.${'0'.repeat(200)}70`,
    'NaN',
    'Infinity',
    '-Infinity',
    '9999.9999',
  ];
  const rows = [...texts, ...more].map((text) => [text]);
  const { batch } = decode(
    [{ kind: 'decimal' }],
    concat(encode(batchOf([{ kind: 'decimal' }], rows), 4096)),
    [],
  );
  expect(valuesOf(batch.columns, batch.rows)).toEqual(rows);
});

test('a list of rows encodes those rows in that order', () => {
  fc.assert(
    fc.property(tables, fc.array(fc.nat(), { maxLength: 1200 }), ({ types, rows }, picks) => {
      const indices = rows.length === 0 ? [] : picks.map((pick) => pick % rows.length);
      const frames = encode(batchOf(types, rows), 512, Int32Array.from(indices));
      const { batch } = decode(types, concat(frames), []);
      expect(valuesOf(batch.columns, batch.rows)).toEqual(indices.map((index) => rows[index]));
    }),
    { numRuns: 200 },
  );
});

test('a row larger than a frame, and a frame larger than any chunk', () => {
  const types: ColumnType[] = [{ kind: 'int64' }, { kind: 'text' }, { kind: 'json', binary: true }];
  const rows: Value[][] = [
    [1n, 'a'.repeat(1_000_000), '"b"'],
    [2n, '', `"${'ü'.repeat(700_000)}"`],
    [3n, null, null],
  ];
  const bytes = concat(encode(batchOf(types, rows), 4096));
  const cuts = Array.from({ length: 400 }, (_, index) => index * 10_007);
  const { batch } = decode(types, bytes, cuts);
  expect(valuesOf(batch.columns, batch.rows)).toEqual(rows);
});

test('values reach a wider destination type as the model widens them', () => {
  const pairs = TYPES.flatMap((from) => TYPES.map((to) => [from, to] as const)).filter(([a, b]) =>
    widensTo(a, b),
  );
  fc.assert(
    fc.property(
      fc
        .constantFrom(...pairs)
        .chain(([from, to]) =>
          fc.tuple(
            fc.constant(from),
            fc.constant(to),
            fc.array(fc.option(serverValue(from)), { maxLength: 20 }),
          ),
        ),
      ([from, to, values]) => {
        const batch = batchOf(
          [from],
          values.map((value) => [value]),
        );
        const { batch: back } = decode([to], concat(encode(batch, 4096, undefined, [to])), []);
        const widened = widenColumn(batch.columns[0] as Column, to, values.length);
        expect(valuesOf(back.columns, back.rows)).toEqual(valuesOf([widened], values.length));
      },
    ),
    { numRuns: 1000 },
  );
});

// Invariant 6
test('a column that does not fit its destination is refused by name, before anything is written', () => {
  const batch = batchOf([{ kind: 'int64' }], [[5n]]);
  const encoder = new CopyEncoder([{ source: 0, name: 'total', type: { kind: 'int32' } }], new FramePool());
  expect(() => [...encoder.encode(batch)]).toThrow(
    expect.objectContaining({ code: 'BRM-PG-WIDEN', at: { column: 'total' } }) as Problem,
  );
});

// Invariant 6
test('a decimal that Postgres cannot hold is refused by name', () => {
  for (const text of ['1e5', `0.${'1'.repeat(16_384)}`, '9'.repeat(131_073)]) {
    const batch = batchOf([{ kind: 'decimal' }], [['1'], [text]]);
    expect(() => encode(batch, 4096)).toThrow(
      expect.objectContaining({ code: 'BRM-PG-VALUE', at: { column: 'c0' } }) as Problem,
    );
  }
});

function rowFrame(fields: readonly (Uint8Array | null)[]): Uint8Array {
  const parts = fields.flatMap((field) => (field === null ? [int32(-1)] : [int32(field.length), field]));
  return frame('d', concat([int16(fields.length), ...parts]));
}

const HEADER = frame(
  'd',
  concat([new TextEncoder().encode('PGCOPY\n'), Uint8Array.of(255, 13, 10, 0), new Uint8Array(8)]),
);

// Invariant 6
test('a timestamp that would read as an infinity stops the scan and names row and column', () => {
  const offset = 946_684_800_000_000n;
  const types: ColumnType[] = [{ kind: 'int64' }, { kind: 'timestamp', zoned: true }];
  const good = rowFrame([int64(41n), int64(2n ** 63n - 3n - offset)]);
  for (const taken of [2n ** 63n - 1n, 2n ** 63n]) {
    const bad = rowFrame([int64(42n), int64(taken - offset)]);
    expect(() => decode(types, concat([HEADER, good, bad]), [])).toThrow(
      expect.objectContaining({
        code: 'BRM-PG-VALUE',
        kind: 'operator',
        at: { column: 'c1', key: 'c0=42' },
      }) as Problem,
    );
  }
});

test('bytes that are not a binary COPY of this shape are refused', () => {
  const types: ColumnType[] = [{ kind: 'int32' }];
  const one = rowFrame([int32(1)]);
  expect(() => decode(types, one, [])).toThrow(/header/);
  expect(() => decode(types, concat([HEADER, rowFrame([null, null])]), [])).toThrow(/2 fields instead of 1/);
  expect(() => decode(types, concat([HEADER, rowFrame([int64(1n)])]), [])).toThrow(/8 bytes instead of 4/);
  expect(() => decode(types, concat([HEADER, frame('d', concat([int16(1), int32(400)]))]), [])).toThrow(
    /longer/,
  );
});

test('a batch taken between chunks does not lose or double rows', () => {
  const types: ColumnType[] = [{ kind: 'int32' }, { kind: 'text' }];
  const schema = schemaOf(types);
  const decoder = new CopyDecoder({
    decoders: types.map(decoderFor),
    builder: new BatchBuilder(schema),
    onFrame: () => {},
  });
  const seen: Value[] = [];
  decoder.push(HEADER, 0, HEADER.length);
  for (let chunk = 0; chunk < 6; chunk += 1) {
    const rows = Array.from({ length: 5000 }, (_, row) =>
      rowFrame([int32(chunk * 5000 + row), new Uint8Array(row % 50)]),
    );
    const bytes = concat(rows);
    decoder.push(bytes, 0, bytes.length);
    const batch = decoder.take(new BatchBuilder(schema)).finish();
    for (let row = 0; row < batch.rows; row += 1) seen.push(valueAt(batch.columns[0] as Column, row));
    expect((batch.columns[1] as Column).offsets?.[5000]).toBe((50 * 49 * 5000) / 100);
  }
  expect(seen).toEqual(Array.from({ length: 30_000 }, (_, index) => index));
});
