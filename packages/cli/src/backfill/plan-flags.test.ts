import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { PlanFlags } from './plan-flags.ts';
import { runDraft } from './plan-flags.ts';
import { runId } from './run-id.ts';
import { changedThrottle } from './throttle-flags.ts';

const NONE = { undo: undefined, prices: undefined };
const LEAST: PlanFlags = { mode: 'incremental', reason: 'lost a day', as: 'anna' };

let directory: string;

beforeAll(() => {
  directory = mkdtempSync(join(tmpdir(), 'brimful-flags-'));
});

afterAll(() => rmSync(directory, { recursive: true, force: true }));

function draft(flags: PlanFlags, settings = NONE as Parameters<typeof runDraft>[2]): object {
  return JSON.parse(
    JSON.stringify(runDraft('shop/pg', { ...LEAST, ...flags }, settings, directory)),
  ) as object;
}

describe('what was typed goes to the engine as it is', () => {
  test('times, columns, limits, guards', () => {
    const flags: PlanFlags = {
      binding: ['shop/orders'],
      time: 'created_at',
      from: '2026-01-01',
      to: '2026-02-01',
      zone: 'Europe/Berlin',
      columns: 'total, note',
      rate: '20MB/s',
      readers: '2',
      window: ['0 22 * * * 8h Europe/Berlin'],
      keepMissing: true,
      verify: 'counts',
      acknowledge: ['whole-table'],
    };
    expect(draft(flags)).toEqual({
      mode: 'incremental',
      task: 'shop/pg',
      author: 'anna',
      reason: 'lost a day',
      bindings: ['shop/orders'],
      time: 'created_at',
      from: '2026-01-01',
      to: '2026-02-01',
      zone: 'Europe/Berlin',
      columns: ['total', 'note'],
      rate: '20MB/s',
      readers: '2',
      windows: ['0 22 * * * 8h Europe/Berlin'],
      missingRows: 'keep',
      verify: 'counts',
      acknowledged: ['whole-table'],
    });
  });

  test('keys: of one column by commas, of several by semicolons, single ones, and from a file', () => {
    writeFileSync(join(directory, 'keys.txt'), 'DE,17\r\n\n"a,b",18\n');
    expect(draft({ keys: '17, 18,19' })).toMatchObject({ keys: ['17', '18', '19'] });
    expect(draft({ keys: 'DE,17; DE,18' })).toMatchObject({ keys: ['DE,17', 'DE,18'] });
    expect(draft({ key: ['DE,17'], keysFile: 'keys.txt' })).toMatchObject({
      keys: ['DE,17', 'DE,17', '"a,b",18'],
    });
  });

  test("the configuration's undo is for what swaps, and a flag wins over it", () => {
    const settings = { undo: '2h', prices: undefined };
    expect(draft({ mode: 'reset' }, settings)).toMatchObject({ undo: '2h' });
    expect(draft({ mode: 'reset', undo: '0' }, settings)).toMatchObject({ undo: '0' });
    expect(draft({}, settings)).not.toHaveProperty('undo');
  });

  test('without --as the author is the user of the operating system', () => {
    expect(runDraft('t', { mode: 'reset', reason: 'x' }, NONE, directory).author).not.toBe('');
  });
});

describe('mistakes are said in words, with what to do', () => {
  const cases: readonly [string, PlanFlags, RegExp][] = [
    ['no mode', { mode: undefined as never }, /--mode is missing/],
    ['no reason', { reason: undefined as never }, /--reason is missing/],
    ['two bounds', { time: 'at', from: '7d', keys: '1' }, /--time and --keys exclude each other/],
    ['bounds of a reset', { mode: 'reset', keyFrom: '1' }, /--key-from\/--key-to bounds an incremental run/],
    ['times without a column', { from: '7d' }, /which one\?/],
    ['a column without times', { time: 'at' }, /--time alone bounds nothing/],
    ['a limit for what is kept', { keepMissing: true, deleteLimit: '5%' }, /--delete-limit has no meaning/],
    ['no keys', { keys: ' , ' }, /No keys were given/],
    ['too many keys', { keys: '1,'.repeat(100_001) }, /100,001 keys are more than 100,000/],
    ['a file that is not there', { keysFile: 'nowhere.txt' }, /cannot be read: ENOENT/],
  ];
  test.each(cases)('%s', (_name, flags, message) => {
    expect(() => draft(flags)).toThrow(
      expect.objectContaining({
        code: 'BRM-USAGE-OPTION',
        message: expect.stringMatching(message),
        remedy: expect.any(String),
      }),
    );
  });
});

test('a throttle changes what is named and leaves the rest', () => {
  const now = { bytesPerSecond: 1e6, readers: 4 };
  expect(changedThrottle(now, { rate: '20MB/s' })).toEqual({ bytesPerSecond: 20e6, readers: 4 });
  expect(changedThrottle(now, { rate: '0' })).toEqual({ bytesPerSecond: 0, readers: 4 });
  expect(changedThrottle(now, { rate: 'none', readers: '1' })).toEqual({ bytesPerSecond: null, readers: 1 });
  for (const flags of [{}, { rate: 'fast' }, { rate: '20MB/h' }, { readers: '0' }, { readers: '1.5' }]) {
    expect(() => changedThrottle(now, flags)).toThrow(expect.objectContaining({ code: 'BRM-USAGE-OPTION' }));
  }
});

test('runs can be called by their number', () => {
  expect(['12', 'run-12', 'run-000012', '0', 'run-1234567', 'plan-1'].map(runId)).toEqual([
    'run-000012',
    'run-000012',
    'run-000012',
    'run-000000',
    'run-1234567',
    'plan-1',
  ]);
});
