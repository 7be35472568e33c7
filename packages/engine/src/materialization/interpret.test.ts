import type { Batch } from '@brimful/model';
import type { Entry, EntryKind } from '@brimful/store';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { DOCS, LOG, changesOf, rowsOf } from '../testing/table-fixture.ts';
import type { TableCheckpoint } from './checkpoint.ts';
import { NEW_TABLE } from './checkpoint.ts';
import { interpret, needsBatch } from './interpret.ts';

const SCAN = rowsOf(DOCS, [[1, 'a', null]]);
const CHANGES = changesOf(DOCS, 10n, [
  { operation: 'update', row: [1, 'b', null] },
  { operation: 'move', row: [2, 'c', null], oldKey: [1] },
]);

function entry(kind: EntryKind, offset: number, meta: Partial<Entry['meta']> = {}): Entry {
  return {
    kind,
    offset,
    appendedAt: 1,
    meta: { rows: 0, rawBytes: 10, schema: 1, committedAt: 1, scanned: 0, unknown: 0, ...meta },
  };
}

function rowsEntry(offset: number, batch: Batch): Entry {
  const scanned = batch.changes === undefined ? batch.rows : 0;
  return entry('rows', offset, { rows: batch.rows, scanned });
}

function kinds(of: Entry, batch: Batch | undefined, checkpoint: TableCheckpoint): readonly string[] {
  const { actions, merge } = interpret(of, batch, checkpoint);
  return [...actions.map(({ kind }) => kind), ...(merge ? ['merge'] : [])];
}

const replaying: TableCheckpoint = {
  ...NEW_TABLE,
  phase: 'replaying',
  offset: 3,
  loadFrom: 3,
  completeAt: 9,
};
const live: TableCheckpoint = { ...replaying, phase: 'live', offset: 10 };

describe('what an entry means', () => {
  test('pass 1 loads what was scanned, and only notes the keys of changes', () => {
    expect(kinds(rowsEntry(4, SCAN), SCAN, NEW_TABLE)).toEqual(['load']);
    expect(kinds(rowsEntry(4, CHANGES), CHANGES, NEW_TABLE)).toEqual(['touch', 'touch']);
    const keyless = changesOf(LOG, 1n, [{ operation: 'insert', row: [1, 'a', null] }]);
    expect(kinds(rowsEntry(4, keyless), keyless, NEW_TABLE)).toEqual([]);
  });

  test('pass 1 ends at the complete entry; the second begins behind the last truncation', () => {
    const truncated = interpret(entry('truncate', 5), undefined, NEW_TABLE);
    expect(truncated.checkpoint).toMatchObject({ phase: 'loading', offset: 6, loadFrom: 6 });
    const indexed = interpret(entry('complete', 8), undefined, truncated.checkpoint);
    expect(indexed.actions.map(({ kind }) => kind)).toEqual(['index']);
    expect(indexed.checkpoint).toMatchObject({ phase: 'replaying', offset: 6, completeAt: 8 });
  });

  test('pass 2 merges changes and leaves out what was scanned, but takes look-ups where they stand', () => {
    expect(needsBatch(rowsEntry(4, SCAN), replaying)).toBe(false);
    expect(needsBatch(rowsEntry(4, CHANGES), replaying)).toBe(true);
    const lookUp = entry('rows', 4, { rows: 1, scanned: 0 });
    expect(needsBatch(lookUp, replaying)).toBe(true);
    expect(kinds(lookUp, SCAN, replaying)).toEqual(['merge']);
    expect(kinds(lookUp, SCAN, NEW_TABLE)).toEqual(['touch']);
  });

  test('pass 2 ends where pass 1 did, at no other complete entry', () => {
    expect(kinds(entry('complete', 8), undefined, replaying)).toEqual([]);
    const settled = interpret(entry('complete', 9), undefined, replaying);
    expect(settled.actions.map(({ kind }) => kind)).toEqual(['settle']);
    expect(settled.checkpoint).toMatchObject({ phase: 'live', offset: 10 });
  });

  test('a live table merges everything, also what a later scan reads', () => {
    expect(kinds(rowsEntry(11, SCAN), SCAN, live)).toEqual(['merge']);
    expect(kinds(rowsEntry(11, CHANGES), CHANGES, live)).toEqual(['merge']);
    const truncated = interpret(entry('truncate', 12), undefined, live);
    expect(truncated.actions).toEqual([{ kind: 'truncate' }]);
    expect(truncated.checkpoint).toMatchObject({ phase: 'live', offset: 13, loadFrom: live.loadFrom });
    expect(kinds(entry('complete', 20), undefined, live)).toEqual([]);
  });

  test('is told for every entry in every phase, and only the end of pass 1 goes back', () => {
    const kind = fc.constantFrom<EntryKind>('rows', 'truncate', 'schema', 'complete', 'fence');
    const phase = fc.constantFrom(NEW_TABLE, replaying, live);
    const batch = fc.constantFrom(SCAN, CHANGES);
    fc.assert(
      fc.property(kind, phase, batch, fc.nat(20), (anyKind, checkpoint, anyBatch, offset) => {
        const at = Math.max(offset, checkpoint.offset);
        const of = anyKind === 'rows' ? rowsEntry(at, anyBatch) : entry(anyKind, at);
        const needed = needsBatch(of, checkpoint);
        const { checkpoint: next } = interpret(of, needed ? anyBatch : undefined, checkpoint);
        const goesBack = checkpoint.phase === 'loading' && anyKind === 'complete';
        expect(next.offset).toBe(goesBack ? checkpoint.loadFrom : at + 1);
        expect(next.offset).toBeGreaterThanOrEqual(next.loadFrom);
      }),
    );
  });
});
