import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { ControlServer, ControlTarget, VerifyRequest } from '@brimful/control';
import { serveControl } from '@brimful/control';
import type { VerificationReport } from '@brimful/model';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { openStore } from '../../data-directory.ts';
import { FakeBackfills } from '../../testing/fake-backfills.ts';
import { fakeConnectors } from '../../testing/fake-connectors.ts';
import {
  aRun,
  backfillPlan,
  runBinding,
  runRequest,
  verification,
  WHOLE_TABLE_GUARD,
} from '../../testing/runs.ts';
import { runtimeStatus, VALUE_PROBLEM } from '../../testing/statuses.ts';
import type { TestContext } from '../../testing/test-context.ts';
import { testContext } from '../../testing/test-context.ts';
import { status } from '../status.ts';
import { verify } from '../verify.ts';
import { apply, run } from './apply.ts';
import { list, show } from './look.ts';
import { order } from './order.ts';
import { plan } from './plan.ts';

const CONFIG = `
captures:
  shop/fake: { connector: fake, config: { url: "fake://me:s3cret@db/shop" } }
materializations:
  shop/sink: { connector: sink, config: { path: out.db }, source: shop/fake }
`;

let directory: string;

beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'brimful-backfill-'));
  writeFileSync(join(directory, 'brimful.yaml'), CONFIG);
  mkdirSync(join(directory, 'data'));
});

afterEach(() => rmSync(directory, { recursive: true, force: true }));

function context(json = false): TestContext {
  return testContext(directory, fakeConnectors(), { json });
}

function pipe(
  backfills: FakeBackfills,
  verifies: ControlTarget['verify'] = async () => [],
): Promise<ControlServer> {
  return serveControl(
    { backfills, status: () => runtimeStatus(), verify: verifies },
    join(directory, 'data'),
  );
}

const RESET = { mode: 'reset', reason: 'schema cleanup', as: 'anna', binding: ['shop/orders'] };
const CLEAR = backfillPlan({ guards: [] });
const BLOCKED = backfillPlan({ guards: [{ ...WHOLE_TABLE_GUARD, level: 'block' }] });
const nobody = (): Promise<boolean> => Promise.reject(new Error('nobody is asked'));

describe('plan', () => {
  test('shows the plan, says what to do next, and 5 while somebody has to acknowledge something', async () => {
    const backfills = new FakeBackfills();
    await using _pipe = await pipe(backfills);
    const shown = context();
    expect(await plan(shown, 'shop/fake', RESET)).toBe(5);
    expect(shown.out()).toContain(
      'Nothing has happened yet. Apply it:\n  brimful backfill apply plan-0a1b2c3d4e5f --acknowledge whole-table\n',
    );
    expect(backfills.drafts).toMatchObject([
      { task: 'shop/fake', author: 'anna', bindings: ['shop/orders'] },
    ]);
    backfills.planned = CLEAR;
    expect(await plan(context(), 'shop/fake', RESET)).toBe(0);
  });

  test('one that is blocked is 5 and offers no apply', async () => {
    const backfills = new FakeBackfills();
    backfills.planned = BLOCKED;
    await using _pipe = await pipe(backfills);
    const shown = context();
    expect(await plan(shown, 'shop/fake', RESET)).toBe(5);
    expect(shown.out()).not.toContain('backfill apply');
    expect(shown.out()).toContain('Mend what blocks it (whole-table)');
  });

  test('as JSON it is the very plan', async () => {
    await using _pipe = await pipe(new FakeBackfills());
    const shown = context(true);
    await plan(shown, 'shop/fake', RESET);
    expect(JSON.parse(shown.out())).toEqual(JSON.parse(JSON.stringify(backfillPlan())));
  });

  test("the configuration's secrets are not shown, wherever they turn up", async () => {
    const backfills = new FakeBackfills();
    backfills.planned = backfillPlan({ request: runRequest({ reason: 'password s3cret leaked' }) });
    await using _pipe = await pipe(backfills);
    for (const shown of [context(), context(true)]) {
      await plan(shown, 'shop/fake', RESET);
      // Invariant 10
      expect(shown.out()).not.toContain('s3cret');
    }
  });
});

describe('apply and run', () => {
  test('apply makes a run; watched, it ends with how the run ended', async () => {
    const backfills = new FakeBackfills();
    await using _pipe = await pipe(backfills);
    const shown = context();
    expect(await apply(shown, 'plan-0a1b2c3d4e5f', { as: 'anna', acknowledge: ['whole-table'] })).toBe(0);
    expect(backfills.approvals).toEqual([['anna', ['whole-table']]]);
    expect(shown.out()).toContain('run-000012 is approved: reset of shop/orders.');

    const watched = context();
    const ended = show(watched, '12', { watch: true });
    await expect.poll(() => watched.out()).toContain('run-000012: approved');
    backfills.put(aRun({ id: 'run-000011', state: 'failed' }));
    backfills.put(aRun({ id: 'run-000012', state: 'running' }));
    await expect.poll(() => watched.out()).toContain('run-000012: running');
    backfills.put(aRun({ id: 'run-000012', state: 'failed', because: 'no table is left' }));
    expect(await ended).toBe(7);
    expect(watched.out()).toContain('run-000012: failed: no table is left');
    expect(watched.out()).toContain('Try again: brimful backfill retry run-000012');
  });

  test('run plans, shows, asks for each guard and once more, and applies what was acknowledged', async () => {
    const backfills = new FakeBackfills();
    await using _pipe = await pipe(backfills);
    const asked: string[] = [];
    const yes = async (question: string): Promise<boolean> => asked.push(question) > 0;
    expect(await run(context(), 'shop/fake', { ...RESET, watch: false }, yes)).toBe(0);
    expect(asked).toEqual([
      expect.stringContaining('whole-table, shop/orders: The whole table is read'),
      'Begin reset of shop/orders?',
    ]);
    expect(backfills.approvals).toEqual([['anna', ['whole-table']]]);
  });

  test('run does nothing when somebody says no, when it is blocked, or when --yes meets a guard', async () => {
    const backfills = new FakeBackfills();
    await using _pipe = await pipe(backfills);
    expect(await run(context(), 'shop/fake', RESET, async () => false)).toBe(5);
    await expect(run(context(), 'shop/fake', { ...RESET, yes: true }, nobody)).rejects.toMatchObject({
      code: 'BRM-PLAN-CONFIRM',
      remedy: expect.stringContaining('--acknowledge whole-table'),
    });
    backfills.planned = BLOCKED;
    expect(await run(context(), 'shop/fake', { ...RESET, yes: true }, nobody)).toBe(5);
    expect(backfills.approvals).toEqual([]);
  });

  test('run --yes --json: a line for the plan, then one for each change of the run', async () => {
    const backfills = new FakeBackfills();
    backfills.planned = CLEAR;
    await using _pipe = await pipe(backfills);
    const shown = context(true);
    const ended = run(shown, 'shop/fake', { ...RESET, yes: true }, nobody);
    await expect.poll(() => shown.out()).toContain('"approved"');
    backfills.put(aRun({ id: 'run-000012', state: 'swapped' }));
    expect(await ended).toBe(0);
    const lines = shown.out().trim().split('\n');
    const said = lines.map((line) => JSON.parse(line) as { id: string; state?: string });
    expect(said[0]).toMatchObject({ id: 'plan-0a1b2c3d4e5f' });
    expect(said.at(-1)).toMatchObject({ id: 'run-000012', state: 'swapped' });
  });
});

describe('orders', () => {
  test('go to the run with who, why and which table', async () => {
    const backfills = new FakeBackfills();
    backfills.put(aRun({ id: 'run-000012', throttle: { bytesPerSecond: null, readers: 4 } }));
    await using _pipe = await pipe(backfills);
    const shown = context();
    const flags = { as: 'anna', reason: 'lunch', binding: 'shop/orders' };
    expect(await order(shown, 'pause', '12', flags)).toBe(0);
    expect(shown.out()).toBe('pause shop/orders of run-000012: the run is paused.\n');
    await order(context(), 'throttle', 'run-12', { as: 'anna', rate: '20MB/s' });
    expect(backfills.orders).toEqual([
      ['run-000012', { verb: 'pause', who: 'anna', why: 'lunch', collection: 'shop/orders' }],
      [
        'run-000012',
        { verb: 'throttle', who: 'anna', why: null, throttle: { bytesPerSecond: 20e6, readers: 4 } },
      ],
    ]);
    expect(await order(context(), 'cancel', '12', { as: 'anna', watch: true })).toBe(7);
  });
});

describe('without a running pipe', () => {
  async function inStore(...records: readonly [string, unknown][]): Promise<void> {
    await using store = await openStore(join(directory, 'data'));
    for (const [key, value] of records) await store.registry.put(key, value);
  }

  test('plans and runs can be looked at, and the status shows what goes on', async () => {
    const failed = aRun({
      id: 'run-000007',
      state: 'failed',
      bindings: [runBinding({ state: 'failed', problem: VALUE_PROBLEM })],
    });
    await inStore(
      ['plans/plan-0a1b2c3d4e5f', backfillPlan({ expiresAt: Date.now() + 1e6 })],
      ['runs/run-000007', { ...failed, plan: backfillPlan({ id: 'plan-ffffffffffff' }) }],
      ['status', runtimeStatus()],
    );
    const shown = context();
    expect(await list(shown)).toBe(0);
    expect(shown.out()).toMatch(/run-000007 .*failed[^]*plan-0a1b2c3d4e5f .*planned/);
    expect(await show(shown, '7', {})).toBe(0);
    expect(shown.out()).toContain(VALUE_PROBLEM.code);
    expect(await show(shown, '7', { watch: true })).toBe(7);
    expect(await show(shown, 'plan-0a1b2c3d4e5f', {})).toBe(0);
    const about = context();
    expect(await status(about)).toBe(1);
    expect(about.out()).toContain('run-000007  reset of shop/orders  failed');
    const json = context(true);
    await list(json);
    expect(JSON.parse(json.out())).toMatchObject({ runs: [{ id: 'run-000007' }], plans: [{}] });
  });

  test('orders are recorded, and it is said that the next `up` follows', async () => {
    await inStore(['runs/run-000007', aRun({ id: 'run-000007' })]);
    const shown = context();
    expect(await order(shown, 'pause', '7', { as: 'anna' })).toBe(0);
    expect(shown.out()).toContain('the next `brimful up` follows');
    await using store = await openStore(join(directory, 'data'));
    expect((await store.registry.get<{ state: string }>('runs/run-000007'))?.value.state).toBe('paused');
  });

  test('what is not there is said', async () => {
    await inStore();
    await expect(show(context(), '99', {})).rejects.toMatchObject({ code: 'BRM-RUN-UNKNOWN' });
    await expect(apply(context(), 'plan-x', {})).rejects.toMatchObject({ code: 'BRM-PLAN-UNKNOWN' });
    rmSync(join(directory, 'data'), { recursive: true });
    await expect(list(context())).rejects.toMatchObject({ code: 'BRM-STATUS-NONE' });
  });

  test('nothing can be compared', async () => {
    await expect(verify(context(), 'shop/sink', {})).rejects.toMatchObject({ code: 'BRM-VERIFY-OFFLINE' });
  });
});

describe('verify', () => {
  test.each<[string, readonly VerificationReport[], number]>([
    ['equal is 0', [verification(), verification({ verdict: 'equal after catch-up' })], 0],
    ['divergent is 6', [verification(), verification({ verdict: 'divergent', different: 1 })], 6],
    ['inconclusive is 6: what was not looked at is no pass', [verification({ verdict: 'inconclusive' })], 6],
    ['nothing compared is 6', [], 6],
  ])('%s', async (_name, reports, code) => {
    const asked: VerifyRequest[] = [];
    await using _pipe = await pipe(new FakeBackfills(), async (wanted) => {
      asked.push(wanted);
      return reports;
    });
    const shown = context(true);
    expect(await verify(shown, 'shop/sink', { binding: ['shop/orders'], level: 'counts' })).toBe(code);
    expect(asked).toMatchObject([{ target: 'shop/sink', bindings: ['shop/orders'], level: 'counts' }]);
    expect(JSON.parse(shown.out())).toHaveLength(reports.length);
  });
});
