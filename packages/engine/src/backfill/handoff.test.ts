import { UNKNOWN } from '@brimful/model/testing';
import { describe, expect, test } from 'vitest';
import { DOCS, changesOf, schemaWith, snapshotOf } from '../testing/table-fixture.ts';
import type { Change } from '../testing/table-fixture.ts';
import { Recorder } from './handoff.ts';

function insert(id: number): Change {
  return { operation: 'insert', row: [id, 'a', 'b'] };
}

function recorded(limit: number | undefined, ...transactions: readonly bigint[]): Recorder {
  const recorder = new Recorder(limit);
  for (const transaction of transactions)
    recorder.record(changesOf(DOCS, transaction, [insert(Number(transaction))]));
  return recorder;
}

function keys(recorder: Recorder, ...snapshot: Parameters<typeof snapshotOf>): unknown {
  const overtaken = recorder.overtaken(snapshotOf(...snapshot));
  return overtaken.kind === 'rows' ? [...overtaken.remedies.keys()] : overtaken.reason;
}

describe('the recorder', () => {
  test('tells by visibility, whatever the order of the commits', () => {
    const recorder = recorded(undefined, 12n, 10n, 11n);
    expect(keys(recorder, 20n)).toEqual([]);
    expect(keys(recorder, 20n, 10n, 12n)).toEqual([12, 10]);
    expect(keys(recorder, 9n)).toEqual([12, 10, 11]);
  });

  test('a truncation that the snapshot does not see voids the chunk', () => {
    const recorder = recorded(undefined);
    recorder.recordTruncate(10n);
    expect(keys(recorder, 9n)).toBe('truncated');
    expect(keys(recorder, 10n)).toEqual([]);
  });

  test('a truncation is known as long as a chunk may not see it', () => {
    const recorder = recorded(undefined);
    recorder.close(recorder.open(), snapshotOf(8n));
    recorder.recordTruncate(10n);
    const open = recorder.open();
    recorder.close(recorder.open(), snapshotOf(9n));
    expect(keys(recorder, 9n)).toBe('truncated');
    recorder.close(open, snapshotOf(10n));
    recorder.close(recorder.open(), snapshotOf(10n));
    expect(keys(recorder, 9n), 'no chunk to come is as old').toEqual([]);
  });

  test('what an update left out is what is missing, and nothing after a delete', () => {
    const recorder = new Recorder();
    recorder.record(changesOf(DOCS, 10n, [{ operation: 'update', row: [1, UNKNOWN, UNKNOWN] }]));
    recorder.record(changesOf(DOCS, 11n, [{ operation: 'update', row: [1, 'a', UNKNOWN] }]));
    const columns = (): unknown => {
      const overtaken = recorder.overtaken(snapshotOf(9n));
      return overtaken.kind === 'rows' && [...(overtaken.remedies.get(1)?.columns ?? [])];
    };
    expect(columns()).toEqual(['extra']);
    recorder.record(changesOf(DOCS, 12n, [{ operation: 'delete', row: [1, null, null] }]));
    expect(columns()).toEqual([]);
  });

  // Invariant 9
  test('overflow: transactions are kept instead of keys, and chunks must see them', () => {
    const recorder = recorded(2, 10n, 11n, 12n);
    expect(recorder.size).toBe(1);
    expect(keys(recorder, 20n, 10n)).toBe('forgotten');
    expect(keys(recorder, 20n, 12n)).toEqual([12]);
    expect(keys(recorder, 20n)).toEqual([]);
  });

  // Invariant 9
  test('so many transactions that they are no longer told apart: chunks see all up to the newest', () => {
    const recorder = new Recorder(1);
    const last = 100_005n;
    for (let transaction = 1n; transaction <= last; transaction += 1n)
      recorder.note(changesOf(DOCS, transaction, [insert(1)]));
    expect(keys(recorder, last + 10n, 3n)).toBe('forgotten');
    expect(keys(recorder, last + 10n, last)).toBe('forgotten');
    expect(keys(recorder, last + 10n)).toEqual([]);
    // Once a chunk saw them all, they need not be known any more.
    recorder.close(recorder.open(), snapshotOf(last + 10n));
    expect(keys(recorder, last + 10n, 3n)).toEqual([]);
  });

  test('records live as long as an open chunk may be older than they are', () => {
    const recorder = recorded(undefined, 10n);
    const old = recorder.open();
    const young = recorder.open();
    recorder.close(young, snapshotOf(10n));
    expect(keys(recorder, 9n), 'the older chunk is still open').toEqual([10]);
    recorder.close(old, snapshotOf(9n));
    expect(keys(recorder, 9n), 'only the last closed snapshot is known to be in the past').toEqual([10]);
    recorder.close(recorder.open(), snapshotOf(10n));
    expect(recorder.size).toBe(0);
  });

  test('a composite key in another order than the columns, and both keys of a move', () => {
    const schema = schemaWith(
      [
        ['note', { kind: 'text' }],
        ['line', { kind: 'text' }],
        ['part', { kind: 'int32' }],
      ],
      ['part', 'line'],
    );
    const recorder = new Recorder();
    recorder.record(
      changesOf(schema, 10n, [{ operation: 'move', row: ['n', 'new', 1], oldKey: [1, 'old'] }]),
    );
    const overtaken = recorder.overtaken(snapshotOf(9n));
    expect(overtaken.kind === 'rows' && overtaken.remedies.size).toBe(2);
  });
});
