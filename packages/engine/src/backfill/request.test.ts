import type { RunRequest, Schema } from '@brimful/model';
import { Problem } from '@brimful/model';
import { describe, expect, test } from 'vitest';
import { ORDERS } from '../testing/plan-fixture.ts';
import type { RunDraft } from './request.ts';
import { parseRequest } from './request.ts';

const NOW = Date.parse('2026-03-30T10:00:00Z');

const LINES: Schema = {
  version: 1,
  columns: [
    { name: 'order_id', type: { kind: 'int64' }, nullable: false, sourceType: 'bigint' },
    { name: 'sku', type: { kind: 'text' }, nullable: false, sourceType: 'text' },
    {
      name: 'entered',
      type: { kind: 'timestamp', zoned: false },
      nullable: true,
      sourceType: 'timestamp without time zone',
    },
    { name: 'due', type: { kind: 'date' }, nullable: true, sourceType: 'date' },
    { name: 'price', type: { kind: 'decimal' }, nullable: true, sourceType: 'numeric' },
  ],
  key: ['order_id', 'sku'],
};

function request(draft: Partial<RunDraft>, schema: Schema = ORDERS): RunRequest {
  return parseRequest(
    { mode: 'incremental', task: 'shop/postgres', author: 'ada', reason: 'test', ...draft },
    [{ collection: 'shop/orders', schema }],
    NOW,
  );
}

function refusal(draft: Partial<RunDraft>, schema: Schema = ORDERS): Problem {
  try {
    const { scope } = request(draft, schema);
    throw new Error(`not refused: ${JSON.stringify(scope)}`);
  } catch (thrown) {
    if (thrown instanceof Problem) return thrown;
    throw thrown;
  }
}

const BERLIN = { time: 'created_at', zone: 'Europe/Berlin' };

describe('time ranges', () => {
  test('dates are midnights in the zone, instants are kept in UTC, microseconds too', () => {
    expect(request({ ...BERLIN, from: '2026-01-01', to: '2026-07-01' }).scope).toEqual({
      kind: 'time',
      column: 'created_at',
      from: '2025-12-31T23:00:00Z',
      to: '2026-06-30T22:00:00Z',
      zone: 'Europe/Berlin',
    });
    expect(
      request({ ...BERLIN, zone: 'Asia/Kathmandu', from: '2026-01-01T12:00:00.000001' }).scope,
    ).toMatchObject({
      from: '2026-01-01T06:15:00.000001Z',
      to: null,
    });
    expect(request({ time: 'created_at', to: '2026-01-01T12:30+05:45' }).scope).toMatchObject({
      to: '2026-01-01T06:45:00Z',
      zone: 'UTC',
    });
  });

  test('a local time that happens twice or never is refused with both readings named', () => {
    const twice = refusal({ ...BERLIN, from: '2026-10-25T02:30' });
    expect(twice.code).toBe('BRM-REQUEST-ZONE');
    expect(twice.message).toBe(
      '2026-10-25T02:30 happens twice in Europe/Berlin, because the clocks go back: it is 2026-10-25T02:30:00+02:00 (2026-10-25T00:30:00Z) or 2026-10-25T02:30:00+01:00 (2026-10-25T01:30:00Z).',
    );
    const never = refusal({ ...BERLIN, from: '2026-03-29T02:30' });
    expect(never.message).toContain('does not exist in Europe/Berlin');
    expect(never.message).toContain('2026-03-29T01:30:00+01:00 (2026-03-29T00:30:00Z)');
    expect(never.message).toContain('2026-03-29T03:30:00+02:00 (2026-03-29T01:30:00Z)');
    expect(refusal({ ...BERLIN, zone: 'Australia/Lord_Howe', from: '2026-10-04T02:15' }).message).toContain(
      'does not exist',
    );
    expect(request({ ...BERLIN, from: '2026-10-25T02:30+01:00' }).scope).toMatchObject({
      from: '2026-10-25T01:30:00Z',
    });
    expect(request({ ...BERLIN, zone: 'America/New_York', from: '2026-03-08' }).scope).toMatchObject({
      from: '2026-03-08T05:00:00Z',
    });
  });

  test('1d is a calendar day, 24h is elapsed time', () => {
    expect(request({ ...BERLIN, from: '48h', to: '2d' }), 'the clocks went forward meanwhile').toMatchObject({
      scope: { from: '2026-03-28T10:00:00Z', to: '2026-03-28T11:00:00Z' },
    });
  });

  test('an instant needs a zone, and what has none does not take one', () => {
    expect(refusal({ time: 'created_at', from: '2026-01-01' })).toMatchObject({
      code: 'BRM-REQUEST-ZONE',
      remedy: expect.stringContaining('--zone') as string,
    });
    expect(refusal({ time: 'created_at', from: '7d' }).code).toBe('BRM-REQUEST-ZONE');
    expect(request({ time: 'created_at', from: '24h' }).scope).toMatchObject({
      from: '2026-03-29T10:00:00Z',
    });
    expect(refusal({ ...BERLIN, zone: 'Berlin/Europe', from: '7d' }).message).toContain(
      'no time zone called',
    );
    expect(request({ time: 'entered', from: '2026-01-01 10:00' }, LINES).scope).toMatchObject({
      from: '2026-01-01T10:00:00',
    });
    expect(refusal({ time: 'entered', zone: 'UTC', from: '2026-01-01' }, LINES).remedy).toContain('--zone');
    expect(refusal({ time: 'entered', from: '2026-01-01T00:00Z' }, LINES).remedy).toContain('the offset');
    expect(request({ time: 'entered', zone: 'Europe/Berlin', from: '1d' }, LINES).scope).toMatchObject({
      from: '2026-03-29T12:00:00',
    });
  });

  test('dates are bounded by dates', () => {
    expect(request({ time: 'due', from: '2026-01-01', to: '2026-01-02' }, LINES).scope).toMatchObject({
      from: '2026-01-01',
      to: '2026-01-02',
    });
    expect(request({ time: 'due', from: '7d', zone: 'Europe/Berlin' }, LINES).scope).toMatchObject({
      from: '2026-03-23',
    });
    expect(refusal({ time: 'due', from: '24h' }, LINES).message).toContain('holds dates');
    expect(refusal({ time: 'due', from: '2026-01-01T00:00' }, LINES).message).toContain('holds dates');
  });

  test('ranges are half-open and never empty; days and columns must exist', () => {
    expect(refusal({ ...BERLIN, from: '2026-01-01', to: '2026-01-01' }).code).toBe('BRM-REQUEST-RANGE');
    expect(refusal({ ...BERLIN, from: '2026-02-01', to: '2026-01-01' }).message).toContain('half-open');
    expect(refusal({ ...BERLIN }).message).toContain('neither --from nor --to');
    for (const from of ['2026-02-30', '2026-01-01T24:00', 'yesterday', '0000-01-01', '1.1.2026'])
      expect(refusal({ ...BERLIN, from }).code, from).toBe('BRM-REQUEST-TIME');
    expect(refusal({ time: 'created', from: '2026-01-01' }).remedy).toContain('created_at');
    expect(refusal({ from: '2026-01-01' }).message).toContain('Of which column');
    expect(refusal({ time: 'note', from: '2026-01-01' }).message).toContain('type text');
  });
});

describe('keys', () => {
  test('bounds are on the first columns of the key, single keys are whole', () => {
    expect(request({ keyFrom: '1000', keyTo: '2000' }).scope).toEqual({
      kind: 'key',
      from: ['1000'],
      to: ['2000'],
    });
    expect(request({ keyFrom: '7,"a,b"' }, LINES).scope).toMatchObject({ from: ['7', 'a,b'], to: null });
    expect(request({ keys: ['7,x', '007,x', '8,"say ""hi"""'] }, LINES).scope).toEqual({
      kind: 'keys',
      keys: [
        ['7', 'x'],
        ['8', 'say "hi"'],
      ],
    });
    expect(refusal({ keys: ['7'] }, LINES).message).toContain('1 of the key');
    expect(refusal({ keyFrom: '1,2' }).message).toContain('2 values');
    expect(refusal({ keyFrom: 'x' }).message).toContain('no value of the key column id');
    expect(refusal({ keys: [] }).code).toBe('BRM-REQUEST-KEY');
    expect(refusal({ keyFrom: '1' }, { ...LINES, key: [] }).message).toContain('has no key');
  });

  test('an empty range is refused where the order is ours to know', () => {
    expect(refusal({ keyFrom: '9', keyTo: '9' }).code).toBe('BRM-REQUEST-RANGE');
    expect(refusal({ keyFrom: '10', keyTo: '9' }).code).toBe('BRM-REQUEST-RANGE');
    expect(request({ keyFrom: '9', keyTo: '10' }).scope).toMatchObject({ from: ['9'] });
    expect(refusal({ keyFrom: '7,a', keyTo: '7' }, LINES).code).toBe('BRM-REQUEST-RANGE');
    expect(request({ keyFrom: '7', keyTo: '7,a' }, LINES).scope).toMatchObject({ to: ['7', 'a'] });
    expect(request({ keyFrom: '7,b', keyTo: '7,a' }, LINES).scope, 'a collation of its own').toMatchObject({
      kind: 'key',
    });
  });
});

describe('the rest of a request', () => {
  test('a reason is never empty, a mode is one of four, and only a part is a part', () => {
    expect(refusal({ reason: '  ' }).code).toBe('BRM-REQUEST-REASON');
    expect(refusal({ mode: 'full' }).remedy).toContain('reset: read everything anew');
    expect(refusal({ mode: 'reset', keyFrom: '1' }).remedy).toContain('--mode incremental');
    expect(refusal({ mode: 'materialization', columns: ['note'] }).code).toBe('BRM-REQUEST-SCOPE');
    expect(refusal({ keyFrom: '1', time: 'created_at', from: '24h' }).message).toContain('choose one');
    expect(refusal({ columns: ['nota'] }).message).toContain('no column nota');
  });

  test('defaults are safe, and everything can be said', () => {
    expect(request({ mode: 'reset' })).toMatchObject({
      scope: { kind: 'all' },
      bindings: null,
      columns: null,
      missingRows: 'remove',
      deleteLimit: 0.1,
      throttle: { bytesPerSecond: null, readers: null },
      undoMilliseconds: 86_400_000,
      verify: 'full',
    });
    expect(request({}).undoMilliseconds, 'nothing is swapped').toBe(0);
    expect(
      request({
        mode: 'reset',
        rate: '20MB/s',
        readers: '2',
        undo: '0',
        verify: 'counts',
        missingRows: 'keep',
        deleteLimit: '5%',
        windows: ['0 22 * * * 8h Europe/Berlin'],
        acknowledged: ['whole-table'],
      }),
    ).toMatchObject({
      throttle: { bytesPerSecond: 20_000_000, readers: 2 },
      undoMilliseconds: 0,
      verify: 'counts',
      missingRows: 'keep',
      deleteLimit: 0.05,
      windows: [{ cron: '0 22 * * *', minutes: 480, zone: 'Europe/Berlin' }],
      acknowledged: ['whole-table'],
    });
    for (const wrong of [
      { rate: 'fast' },
      { undo: '31d', mode: 'reset' },
      { deleteLimit: '2' },
      { verify: 'no' },
    ])
      expect(refusal(wrong).code, JSON.stringify(wrong)).toBe('BRM-REQUEST-QUANTITY');
  });
});
