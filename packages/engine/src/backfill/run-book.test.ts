import type { Run } from '@brimful/model';
import { describe, expect, test } from 'vitest';
import { MemoryDisk } from '../testing/memory-store.ts';
import { PLANNED_AT, planOf } from '../testing/plan-fixture.ts';
import { SeededRandom } from '../testing/scheduler.ts';
import { RunBook } from './run-book.ts';
import { newRun, withEvent } from './run-change.ts';

const approval = { who: 'ada', acknowledged: [], now: PLANNED_AT };
const make = (id: string): Run => newRun(id, planOf(['shop/orders']), approval);

describe('the book of runs', () => {
  test('R7: changes by many at once all go in', async () => {
    const disk = new MemoryDisk();
    const random = new SeededRandom(7);
    // Every reading and writing takes another while, so that they come in between each other.
    const turn = async (): Promise<void> => {
      for (let left = random.below(6); left > 0; left -= 1) await Promise.resolve();
    };
    const book = new RunBook(disk.open().registry);
    await book.create(make);
    await Promise.all(
      Array.from({ length: 30 }, (_, at) =>
        new RunBook(disk.open({ turn }).registry).change('run-000001', (run) =>
          withEvent(run, { at, who: 'x', what: `n${at}` }),
        ),
      ),
    );
    const { events } = await book.get('run-000001');
    expect(events.filter(({ who }) => who === 'x').length).toBe(30);
  });

  test('R5: runs that begin at once see each other: of two for one table, one is refused', async () => {
    const disk = new MemoryDisk();
    const alone = (id: string, runs: readonly Run[]): Run => {
      if (runs.length > 0) throw new Error(`${runs[0]?.id} has it`);
      return make(id);
    };
    const outcomes = await Promise.allSettled(
      [0, 1, 2].map(() => new RunBook(disk.open().registry).create(alone)),
    );
    expect(outcomes.filter(({ status }) => status === 'fulfilled').length).toBe(1);
  });

  test('ids grow, the newest is first, and an unknown one is said to be so', async () => {
    const book = new RunBook(new MemoryDisk().open().registry);
    for (let count = 0; count < 12; count += 1) await book.create(make);
    const ids = (await book.list()).map(({ id }) => id);
    expect(ids[0]).toBe('run-000012');
    expect(ids.at(-1)).toBe('run-000001');
    await expect(book.get('run-000099')).rejects.toMatchObject({ code: 'BRM-RUN-UNKNOWN' });
  });

  test('a change that refuses, and one that changes nothing, write nothing', async () => {
    const disk = new MemoryDisk();
    const book = new RunBook(disk.open().registry);
    await book.create(make);
    const { revision } = disk;
    await book.change('run-000001', (run) => run);
    await expect(
      book.change('run-000001', () => {
        throw new Error('no');
      }),
    ).rejects.toThrow('no');
    expect(disk.revision).toBe(revision);
  });

  test('watching shows what is there and then what changes', async () => {
    const book = new RunBook(new MemoryDisk().open().registry);
    await book.create(make);
    const stop = new AbortController();
    const seen: string[] = [];
    for await (const run of book.watch(stop.signal)) {
      seen.push(`${run.id} ${run.state}`);
      if (seen.length === 1) await book.change(run.id, (now) => ({ ...now, state: 'running' }));
      else stop.abort();
    }
    expect(seen).toEqual(['run-000001 approved', 'run-000001 running']);
  });

  test('plans that nobody applied are forgotten a week after they expired', async () => {
    const book = new RunBook(new MemoryDisk().open().registry);
    const old = { ...planOf(['shop/orders']), id: 'plan-old' };
    await book.putPlan(old);
    await book.putPlan({ ...planOf(['shop/orders']), createdAt: old.expiresAt + 6 * 24 * 3_600_000 });
    expect((await book.plans()).map(({ id }) => id)).toEqual(['plan-0123456789ab', 'plan-old']);
    await book.putPlan({ ...planOf(['shop/orders']), createdAt: old.expiresAt + 8 * 24 * 3_600_000 });
    expect(await book.plan('plan-old')).toBeUndefined();
  });
});
