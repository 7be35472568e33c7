import type { Batch, Column, ColumnType, Problem, Schema } from '@brimful/model';
import { ChangesBuilder, Operation } from '@brimful/model';
import type { Value } from '@brimful/model/testing';
import { UNKNOWN, valueAt } from '@brimful/model/testing';
import { expect, test } from 'vitest';
import { Decoder } from '../types/decoder.ts';
import { concat, cstring, int16, int32, int64 } from '../types/testing/frames.ts';
import type { PgoutputSink } from './pgoutput-decoder.ts';
import { PgoutputDecoder } from './pgoutput-decoder.ts';
import * as frames from './pgoutput-frames.ts';
import type { RelationInfo } from './pgoutput-relation.ts';
import { TableDecoder } from './pgoutput-table.ts';

const TABLE = 16_384;
const UNCHANGED = Symbol('unchanged');
type Field = string | null | typeof UNCHANGED;

const ascii = (text: string): Uint8Array => new TextEncoder().encode(text);

function tuple(kind: string, fields: readonly Field[]): Uint8Array {
  const parts = fields.map((field) => {
    if (field === null) return ascii('n');
    if (field === UNCHANGED) return ascii('u');
    return concat([ascii('t'), int32(ascii(field).length), ascii(field)]);
  });
  return concat([ascii(kind), int16(fields.length), ...parts]);
}

const change = (kind: string, ...tuples: Uint8Array[]): Uint8Array =>
  concat([ascii(kind), int32(TABLE), ...tuples]);

function relation(identity: string, keys: readonly boolean[]): Uint8Array {
  const columns = keys.map((key, index) =>
    concat([Uint8Array.of(key ? 1 : 0), cstring(`ü${index}`), int32(23 + index), int32(-1)]),
  );
  return concat([
    ascii('R'),
    int32(TABLE),
    cstring(''),
    cstring('a "b"'),
    ascii(identity),
    int16(keys.length),
    ...columns,
  ]);
}

const BEGIN = concat([ascii('B'), int64(0x1_0000_0020n), int64(5n), int32(-2)]);
const COMMIT = concat([
  ascii('C'),
  Uint8Array.of(0),
  int64(0x1_0000_0020n),
  int64(0x1_0000_0050n),
  int64(5n),
]);

class Recorder implements PgoutputSink {
  readonly calls: unknown[] = [];
  readonly schema: Schema;
  table: TableDecoder | undefined;
  changes: ChangesBuilder;
  asked = 0;
  skip = 0;

  constructor(types: readonly ColumnType[], key: readonly string[]) {
    const columns = types.map((type, index) => ({
      name: `ü${index}`,
      type,
      nullable: true,
      sourceType: type.kind,
    }));
    this.schema = { version: 1, columns, key };
    this.changes = new ChangesBuilder(this.schema);
  }

  begin(finalLsn: bigint, committedAt: bigint, xid: number): bigint {
    this.calls.push(['begin', finalLsn, committedAt, xid]);
    return 7n * 2n ** 32n + BigInt(xid);
  }

  commit(lsn: bigint, endLsn: bigint, committedAt: bigint): void {
    this.calls.push(['commit', lsn, endLsn, committedAt]);
  }

  relation(info: RelationInfo): void {
    this.calls.push(['relation', info]);
    const mapping = info.columns.map((_, index) => {
      const type = this.schema.columns[index]?.type;
      if (type === undefined) return { column: -1, decoder: Decoder.text };
      return { column: index, decoder: type.kind === 'int32' ? Decoder.int32 : Decoder.text };
    });
    this.table = new TableDecoder(info, this.schema, mapping, this.changes);
  }

  truncate(...args: unknown[]): void {
    this.calls.push(['truncate', ...args]);
  }

  message(
    prefix: string,
    lsn: bigint,
    transactional: boolean,
    buffer: Uint8Array,
    start: number,
    end: number,
  ): void {
    this.calls.push([
      'message',
      prefix,
      lsn,
      transactional,
      new TextDecoder().decode(buffer.subarray(start, end)),
    ]);
  }

  tableFor(relationId: number): TableDecoder | undefined {
    this.asked += 1;
    if (relationId !== TABLE) return undefined;
    return this.asked > this.skip ? this.table : undefined;
  }
}

const INT: ColumnType = { kind: 'int32' };
const TEXT: ColumnType = { kind: 'text' };

/** Messages lie behind other bytes, as they do in a socket's chunk. */
function run(recorder: Recorder, ...messages: readonly Uint8Array[]): Batch {
  const decoder = new PgoutputDecoder();
  for (const message of messages) {
    const buffer = concat([ascii('???'), message, ascii('!!!!!!')]);
    decoder.decode(buffer, 3, 3 + message.length, recorder);
  }
  return recorder.changes.finish();
}

interface Change {
  readonly operation: number;
  readonly row: readonly Value[];
  readonly oldKey: readonly Value[] | undefined;
}

function changesOf(batch: Batch): Change[] {
  return Array.from({ length: batch.rows }, (_, row) => ({
    operation: batch.changes?.operations[row] as number,
    row: batch.columns.map((column) => valueAt(column, row)),
    oldKey: batch.changes?.oldKey?.map((column: Column) => valueAt(column, row)),
  }));
}

const KEYED = relation('d', [true, false, false]);

test('what surrounds the rows is told as it is', () => {
  const recorder = new Recorder([INT, TEXT], ['ü0']);
  const truncation = concat([ascii('T'), int32(2), Uint8Array.of(3), int32(TABLE), int32(-1)]);
  const note = concat([ascii('M'), Uint8Array.of(1), int64(9n), cstring('brimful'), int32(3), ascii('abc')]);
  const type = concat([ascii('Y'), int32(5), cstring('public'), cstring('mood')]);
  const origin = concat([ascii('O'), int64(1n), cstring('elsewhere')]);
  run(recorder, BEGIN, origin, type, relation('i', [true, false]), truncation, note, COMMIT);
  const columns = [
    { name: 'ü0', key: true, typeOid: 23, modifier: -1 },
    { name: 'ü1', key: false, typeOid: 24, modifier: -1 },
  ];
  expect(recorder.calls).toEqual([
    ['begin', 0x1_0000_0020n, 946_684_800_000_005n, 0xffff_fffe],
    ['relation', { id: TABLE, schema: 'pg_catalog', name: 'a "b"', identity: 'i', columns }],
    ['truncate', [TABLE, 0xffff_ffff], { cascade: true, restartIdentity: true }],
    ['message', 'brimful', 9n, true, 'abc'],
    ['commit', 0x1_0000_0020n, 0x1_0000_0050n, 946_684_800_000_005n],
  ]);
});

test('rows carry their transaction, and values that were left out are unknown', () => {
  const recorder = new Recorder([INT, TEXT, TEXT], ['ü0']);
  const batch = run(
    recorder,
    BEGIN,
    KEYED,
    change('I', tuple('N', ['1', '', null])),
    change('U', tuple('N', ['1', UNCHANGED, 'new'])),
    change('D', tuple('K', ['1', null, null])),
    COMMIT,
  );
  expect(changesOf(batch)).toEqual([
    { operation: Operation.insert, row: [1, '', null], oldKey: undefined },
    { operation: Operation.update, row: [1, UNKNOWN, 'new'], oldKey: undefined },
    { operation: Operation.delete, row: [1, null, null], oldKey: undefined },
  ]);
  expect(batch.changes?.positions[2]).toBe(0x1_0000_0020n);
  expect(batch.changes?.committedAt[0]).toBe(946_684_800_000_005n);
  expect(batch.changes?.transactions[1]).toBe(7n * 2n ** 32n + 0xffff_fffen);
});

test('a changed key is a move from the old key, an unchanged one that was logged is not', () => {
  const recorder = new Recorder([INT, TEXT, TEXT], ['ü1', 'ü0']);
  const batch = run(
    recorder,
    BEGIN,
    relation('i', [true, true, false]),
    change('U', tuple('K', ['1', 'a', null]), tuple('N', ['2', 'a', UNCHANGED])),
    change('U', tuple('K', ['2', 'a', null]), tuple('N', ['2', 'a', 'x'])),
    change('U', tuple('K', ['2', 'a', null]), tuple('N', ['2', 'ab', 'x'])),
    // A TOASTed part of the key, logged with the old row because the new one leaves it out.
    change('U', tuple('K', ['2', 'long', null]), tuple('N', ['3', UNCHANGED, 'x'])),
  );
  expect(changesOf(batch)).toEqual([
    { operation: Operation.move, row: [2, 'a', UNKNOWN], oldKey: ['a', 1] },
    { operation: Operation.update, row: [2, 'a', 'x'], oldKey: [null, null] },
    { operation: Operation.move, row: [2, 'ab', 'x'], oldKey: ['a', 2] },
    { operation: Operation.move, row: [3, 'long', 'x'], oldKey: ['long', 2] },
  ]);
});

test('under replica identity full the old row supplies what the new one leaves out', () => {
  const recorder = new Recorder([INT, TEXT, TEXT], ['ü0']);
  const batch = run(
    recorder,
    BEGIN,
    relation('f', [true, true, true]),
    change('U', tuple('O', ['1', 'toasted', null]), tuple('N', ['1', UNCHANGED, 'y'])),
    change('U', tuple('O', ['1', 'toasted', 'y']), tuple('N', ['2', UNCHANGED, 'y'])),
    change('D', tuple('O', ['2', 'toasted', 'y'])),
  );
  expect(changesOf(batch)).toEqual([
    { operation: Operation.update, row: [1, 'toasted', 'y'], oldKey: [null] },
    { operation: Operation.move, row: [2, 'toasted', 'y'], oldKey: [1] },
    { operation: Operation.delete, row: [2, null, null], oldKey: [null] },
  ]);
});

test('without a key an update is a delete of the whole old row and an insert', () => {
  const recorder = new Recorder([INT, TEXT], []);
  const batch = run(
    recorder,
    BEGIN,
    relation('f', [true, true]),
    change('U', tuple('O', ['1', 'long']), tuple('N', ['2', UNCHANGED])),
    change('D', tuple('O', ['2', 'long'])),
  );
  expect(changesOf(batch).map(({ operation, row }) => [operation, ...row])).toEqual([
    [Operation.delete, 1, 'long'],
    [Operation.insert, 2, 'long'],
    [Operation.delete, 2, 'long'],
  ]);
  expect(recorder.asked).toBe(2);
});

test('columns that the log lacks are unknown, those the schema lacks are left out', () => {
  const lacking = new Recorder([INT, TEXT, TEXT], ['ü0']);
  const batch = run(lacking, BEGIN, relation('d', [true, false]), change('I', tuple('N', ['1', 'a'])));
  expect(changesOf(batch)[0]?.row).toEqual([1, 'a', UNKNOWN]);
  const narrow = new Recorder([INT], ['ü0']);
  expect(changesOf(run(narrow, BEGIN, KEYED, change('I', tuple('N', ['1', 'a', null]))))[0]?.row).toEqual([
    1,
  ]);
});

test('skipped changes are counted and not looked at', () => {
  const recorder = new Recorder([INT, TEXT, TEXT], ['ü0']);
  recorder.skip = 2;
  const broken = change('I', ascii('no tuple at all'));
  const batch = run(
    recorder,
    BEGIN,
    KEYED,
    broken,
    change('D', ascii('?')),
    change('I', tuple('N', ['3', 'c', 'd'])),
  );
  expect(changesOf(batch).map(({ row }) => row)).toEqual([[3, 'c', 'd']]);
});

// Invariant 6
test('a value or an identity that cannot be followed stops its table by name', () => {
  const poisoned = new Recorder([INT, TEXT, INT], ['ü0']);
  expect(() => run(poisoned, BEGIN, KEYED, change('I', tuple('N', ['77', 'a', 'x'])))).toThrow(
    expect.objectContaining({
      code: 'BRM-PG-VALUE',
      at: { table: 'pg_catalog.a "b"', column: 'ü2', key: 'ü0=77' },
    }) as Problem,
  );
  const identity = expect.objectContaining({ code: 'BRM-PG-IDENTITY' }) as Problem;
  const update = change('U', tuple('N', ['1', 'a', 'b']));
  expect(() => run(new Recorder([INT, TEXT, TEXT], ['ü1']), BEGIN, KEYED, update)).toThrow(identity);
  expect(() => run(new Recorder([INT, TEXT, TEXT], []), BEGIN, KEYED, update)).toThrow(identity);
  const insert = change('I', tuple('N', ['1']));
  expect(() => run(new Recorder([INT, TEXT], ['ü1']), BEGIN, relation('d', [true]), insert)).toThrow(
    identity,
  );
  const toastedKey = change('U', tuple('N', [UNCHANGED, 'a', 'b']));
  expect(() => run(new Recorder([INT, TEXT, TEXT], ['ü0']), BEGIN, KEYED, toastedKey)).toThrow(identity);
});

// Invariant 8
test('decoding goes on with other tables after one stopped', () => {
  const recorder = new Recorder([INT, TEXT, TEXT], ['ü0']);
  const decoder = new PgoutputDecoder();
  const send = (message: Uint8Array): void => decoder.decode(message, 0, message.length, recorder);
  for (const message of [BEGIN, KEYED]) send(message);
  expect(() => send(change('I', tuple('N', ['x', 'a', 'b'])))).toThrow(/ü0/);
  recorder.changes = new ChangesBuilder(recorder.schema);
  send(KEYED);
  send(change('I', tuple('N', ['1', 'a', 'b'])));
  expect(changesOf(recorder.changes.finish())).toHaveLength(1);
});

// Invariant 1
test('a status names what is durable as flushed', () => {
  const sent = frames.encodeStandbyStatus({
    written: 3n,
    flushed: 2n ** 63n + 2n,
    applied: 1n,
    now: 946_684_800_000_001n,
    replyRequested: true,
  });
  const body = concat([
    ascii('r'),
    int64(3n),
    int64(-(2n ** 63n) + 2n),
    int64(1n),
    int64(1n),
    Uint8Array.of(1),
  ]);
  expect(sent).toEqual(concat([ascii('d'), int32(38), body]));
});

test('frames of the stream are read where they lie', () => {
  const data = concat([ascii('..w'), int64(0x16_b374_d848n), int64(-1n), int64(5n), ascii('B')]);
  expect(data[2]).toBe(frames.XLOG_DATA);
  expect(frames.xlogStart(data, 2)).toBe(0x16_b374_d848n);
  expect(frames.serverEnd(data, 2)).toBe(2n ** 64n - 1n);
  expect(data[2 + frames.XLOG_HEADER_BYTES]).toBe(0x42);
  const keepalive = concat([ascii('k'), int64(77n), int64(5n), Uint8Array.of(1)]);
  expect(frames.serverEnd(keepalive, 0)).toBe(77n);
  expect(frames.replyRequested(keepalive, 0)).toBe(true);
  expect(frames.formatLsn(0x16_b374_d848n)).toBe('16/B374D848');
  expect(frames.parseLsn('16/B374D848')).toBe(0x16_b374_d848n);
});
