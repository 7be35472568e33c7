import type { ControlClient } from '@brimful/control';
import type { VerificationReport } from '@brimful/model';
import { newestPostgres } from '@brimful/testbed/vitest';
import { describe, expect, test } from 'vitest';
import { untilRun } from './order-run.ts';
import { PipeBed } from './pipe-bed.ts';

const MINUTES = 60_000;

const ORDERS = `
  CREATE TABLE orders (id bigint PRIMARY KEY, v text);
  INSERT INTO orders SELECT i, 'v' || i FROM generate_series(1, 5000) i;
  ANALYZE orders`;

function verify(control: ControlClient): Promise<readonly VerificationReport[]> {
  const request = { target: 'shop/orders', bindings: null, level: 'full' } as const;
  return control.verify(request, AbortSignal.timeout(MINUTES), () => undefined);
}

describe('what a verification finds to differ comes with the run that mends it', () => {
  test.each([
    [
      'values and rows that somebody took away are read again by their keys',
      "UPDATE orders SET v = 'somebody else' WHERE id IN (7, 4711); DELETE FROM orders WHERE id = 99",
      'repair',
    ],
    [
      'rows that the collection never had need a rebuild',
      "INSERT INTO orders VALUES (1000000, 'stranger')",
      'materialization',
    ],
  ])('%s', { timeout: 5 * MINUTES }, async (_name, damage, mode) => {
    await using bed = await PipeBed.create(newestPostgres(), ORDERS);
    await using pipe = bed.start();
    await bed.arrived(pipe);
    const control = await bed.control();
    expect((await verify(control)).map(({ verdict, repairPlan }) => [verdict, repairPlan])).toEqual([
      ['equal', undefined],
      ['equal', undefined],
      ['equal', undefined],
    ]);
    await bed.copied(damage);
    const reports = await verify(control);
    const divergent = reports.filter(({ verdict }) => verdict === 'divergent');
    expect(divergent.map(({ subject }) => subject)).toEqual(['shop/copy: orders']);
    const plan = await control.backfills.findPlan(divergent[0]?.repairPlan ?? '');
    expect(plan.request.mode).toBe(mode);
    const acknowledged = plan.guards.filter(({ level }) => level === 'confirm').map(({ id }) => id);
    const { id } = await control.backfills.apply(plan.id, { who: 'test', acknowledged });
    await untilRun(() => bed.control(), id, mode === 'repair' ? 'done' : 'swapped');
    expect((await verify(control)).map(({ verdict }) => verdict)).toEqual(['equal', 'equal', 'equal']);
    expect(await bed.differences(pipe)).toEqual([]);
  });
});
