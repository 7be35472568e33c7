import { expect, test } from 'vitest';
import { draftOf, EMPTY_FORM, missingIn } from './wizard-form.ts';

const INCREMENTAL = {
  ...EMPTY_FORM,
  task: 'shop/postgres',
  mode: 'incremental',
  reason: 'price was wrong',
} as const;

test('bounds that were typed for another mode are not sent along', () => {
  const form = { ...INCREMENTAL, rows: 'time', time: 'created_at', from: '2026-01-01' } as const;
  expect(draftOf(form)).toMatchObject({ time: 'created_at', from: '2026-01-01', zone: 'UTC' });
  expect(draftOf({ ...form, mode: 'reset' })).toEqual({
    mode: 'reset',
    task: 'shop/postgres',
    reason: 'price was wrong',
    verify: 'full',
    missingRows: 'remove',
  });
});

test('an incremental run has no undo, a rebuild from the collection reads no source', () => {
  expect(draftOf(INCREMENTAL)).not.toHaveProperty('undo');
  expect(draftOf({ ...INCREMENTAL, mode: 'materialization' })).not.toHaveProperty('missingRows');
});

test('keys are one on each line, empty lines are none', () => {
  expect(draftOf({ ...INCREMENTAL, rows: 'keys', keys: '17\n\n 18,a \n' }).keys).toEqual(['17', '18,a']);
});

test('a range needs an end, and every run a reason', () => {
  expect(missingIn(INCREMENTAL)).toBeNull();
  expect(missingIn({ ...INCREMENTAL, rows: 'key' })).toMatch(/first or a last key/u);
  expect(missingIn({ ...INCREMENTAL, reason: ' ' })).toMatch(/why/u);
  // The bound of another mode does not stand in the way.
  expect(missingIn({ ...INCREMENTAL, mode: 'reset', rows: 'key' })).toBeNull();
});
