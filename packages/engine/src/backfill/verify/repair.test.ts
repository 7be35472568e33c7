import type { VerificationReport } from '@brimful/model';
import { SCOPE_KEYS_LIMIT } from '@brimful/model';
import { expect, test } from 'vitest';
import type { RepairSubject } from './repair.ts';
import { repairOf } from './repair.ts';
import type { DifferingKeys, Verified } from './verified.ts';

const SUBJECT: RepairSubject = { collection: 'shop/orders', hasKey: true, capture: 'shop/postgres' };
const TERMS = { author: 'ann', deleteLimit: 0.1, undoMilliseconds: 0 };

function found(differing: DifferingKeys, changes: Partial<VerificationReport> = {}): Verified {
  const report: VerificationReport = {
    at: 0,
    sides: 'source and collection',
    subject: 'shop/orders',
    verdict: 'divergent',
    level: 'full',
    rows: { left: 3, right: 2 },
    asOf: '100',
    leaves: { total: 3, equal: 2, settled: 0, differing: 1 },
    onlyLeft: 1,
    onlyRight: 0,
    different: 0,
    byColumn: {},
    sampleKeys: [],
    skipped: [],
    problem: null,
    ...changes,
  };
  return { report, differing };
}

test('known keys are read again, and nothing else', () => {
  expect(repairOf(found({ keys: [['7'], ['9']], complete: true }), SUBJECT, TERMS)).toMatchObject({
    mode: 'repair',
    task: 'shop/postgres',
    bindings: ['shop/orders'],
    scope: { kind: 'keys', keys: [['7'], ['9']] },
    reason: '1 rows differ between source and collection (shop/orders)',
    missingRows: 'remove',
  });
});

test('too many keys make it the whole table, without touching the source where the collection is right', () => {
  const many = { keys: Array.from({ length: SCOPE_KEYS_LIMIT }, (_, key) => [String(key)]), complete: false };
  expect(repairOf(found(many), SUBJECT, TERMS)).toMatchObject({
    mode: 'incremental',
    scope: { kind: 'all' },
  });
  const table = { ...SUBJECT, materialization: 'shop/warehouse' };
  expect(repairOf(found(many), table, TERMS)).toMatchObject({
    mode: 'materialization',
    task: 'shop/warehouse',
  });
  const keyless = { keys: [], complete: false };
  expect(repairOf(found(keyless), { ...SUBJECT, hasKey: false }, TERMS)).toMatchObject({ mode: 'reset' });
});

test('a table with rows that its collection never had is rebuilt: no read of the source can tell that they must go', () => {
  const few = { keys: [['7']], complete: true };
  const table = { ...SUBJECT, materialization: 'shop/warehouse' };
  const report = { sides: 'collection and table', onlyLeft: 0, onlyRight: 1 };
  expect(repairOf(found(few, report), table, TERMS)).toMatchObject({ mode: 'materialization' });
  expect(repairOf(found(few, { ...report, onlyRight: 0, different: 1 }), table, TERMS)).toMatchObject({
    mode: 'repair',
  });
  expect(repairOf(found(few, { onlyLeft: 0, onlyRight: 1 }), SUBJECT, TERMS)).toMatchObject({
    mode: 'repair',
  });
});

test('what does not differ needs no repair, and what was not seen to its end gets none', () => {
  for (const verdict of ['equal', 'equal after catch-up', 'inconclusive', 'error'] as const) {
    expect(repairOf(found({ keys: [], complete: true }, { verdict }), SUBJECT, TERMS)).toBeUndefined();
  }
});
