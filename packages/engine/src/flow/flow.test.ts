import fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { BackOff } from './back-off.ts';
import { Bell } from './bell.ts';
import { ByteBudget } from './byte-budget.ts';
import { Meter } from './meter.ts';
import { PauseGate, sleep, untilAborted } from './pause-gate.ts';
import { Slots } from './slots.ts';
import { Watermark } from './watermark.ts';

const never = new AbortController().signal;

/** Whether a promise has resolved once everything that can happen has. */
async function isSettled(promise: Promise<unknown>): Promise<boolean> {
  let settled = false;
  const note = (): void => {
    settled = true;
  };
  promise.then(note, note);
  for (let turn = 0; turn < 10; turn += 1) await Promise.resolve();
  return settled;
}

describe('the watermark', () => {
  test('only grows, and wakes who waited for as much or less', async () => {
    const mark = new Watermark();
    const waits = [5n, 10n, 11n].map((position) => mark.reached(position, never));
    mark.advance(10n);
    mark.advance(3n);
    expect(mark.position).toBe(10n);
    expect(await Promise.all(waits.map(isSettled))).toEqual([true, true, false]);
    await mark.reached(10n, never);
  });

  test('a wait ends with its signal', async () => {
    const stop = new AbortController();
    const wait = new Watermark().reached(1n, stop.signal);
    stop.abort(new Error('stopped'));
    await expect(wait).rejects.toThrow('stopped');
    await expect(new Watermark().reached(0n, stop.signal)).rejects.toThrow('stopped');
  });
});

// Invariant 9
describe('the byte budget', () => {
  test('never gives out more than it has, but for one request that is larger than all', () =>
    fc.assert(
      fc.asyncProperty(fc.array(fc.integer({ min: 1, max: 150 }), { maxLength: 30 }), async (requests) => {
        const budget = new ByteBudget(100);
        let held = 0;
        const order: number[] = [];
        await Promise.all(
          requests.map(async (bytes, index) => {
            const lease = await budget.take(bytes, never);
            order.push(index);
            held += 1;
            expect(budget.takenBytes <= 100 || held === 1).toBe(true);
            await Promise.resolve();
            held -= 1;
            lease.release();
            lease.release();
          }),
        );
        expect(order, 'first come, first served').toEqual(requests.map((_, index) => index));
        expect(budget.takenBytes).toBe(0);
      }),
    ));

  test('who gives up the wait lets the next ones in', async () => {
    const budget = new ByteBudget(100);
    const first = await budget.take(60, never);
    const stop = new AbortController();
    const large = budget.take(90, stop.signal);
    const small = budget.take(40, never);
    expect(await isSettled(small)).toBe(false);
    stop.abort(new Error('stopped'));
    await expect(large).rejects.toThrow('stopped');
    (await small).release();
    first.release();
    expect(budget.takenBytes).toBe(0);
  });

  test('slots are places', async () => {
    const slots = new Slots(2);
    const releases = await Promise.all([slots.take(never), slots.take(never)]);
    const third = slots.take(never);
    expect(await isSettled(third)).toBe(false);
    releases[0]?.();
    releases[0]?.();
    (await third)();
  });
});

describe('the gate', () => {
  test('holds while it is closed, also when it closes again at once', async () => {
    const gate = new PauseGate();
    await gate.pass(never);
    gate.close('full');
    expect(gate.reason).toBe('full');
    const pass = gate.pass(never);
    gate.open();
    gate.close('again');
    expect(await isSettled(pass)).toBe(false);
    gate.open();
    await pass;
  });

  test('a wait ends with its signal', async () => {
    const gate = new PauseGate();
    gate.close('full');
    const stop = new AbortController();
    const pass = gate.pass(stop.signal);
    stop.abort(new Error('stopped'));
    await expect(pass).rejects.toThrow('stopped');
    await expect(untilAborted(Promise.resolve(1), stop.signal)).rejects.toThrow('stopped');
    expect(await untilAborted(Promise.resolve(1), never)).toBe(1);
  });
});

test('the bell wakes all who took it before it rang, and nobody after', async () => {
  const bell = new Bell();
  const before = [bell.next, bell.next];
  bell.ring();
  const after = bell.next;
  expect(await Promise.all(before.map(isSettled))).toEqual([true, true]);
  expect(await isSettled(after)).toBe(false);
});

test('back-off doubles to a limit, with jitter, and starts over after a try that lasted', () => {
  const backOff = new BackOff();
  const full = Array.from({ length: 10 }, () => backOff.next(0, 1));
  expect(full).toEqual([200, 400, 800, 1600, 3200, 6400, 12_800, 15_000, 15_000, 15_000]);
  expect(backOff.next(0, 0)).toBe(7500);
  expect(backOff.next(BackOff.SETTLED_MILLISECONDS, 1)).toBe(200);
});

test('the meter tells what came in the last seconds', () => {
  const meter = new Meter();
  expect(meter.perSecond(0)).toBe(0);
  meter.add(1000);
  expect(meter.perSecond(2000)).toBe(500);
  for (let at = 3000; at <= 30_000; at += 1000) meter.perSecond(at);
  expect(meter.perSecond(31_000)).toBe(0);
  expect(meter.total).toBe(1000);
});

describe('sleeping', () => {
  beforeEach(() => {
    vi.useFakeTimers();
  });
  afterEach(() => {
    vi.useRealTimers();
  });

  test('lasts as long as it says, or until its signal', async () => {
    const done = sleep(100, never);
    await vi.advanceTimersByTimeAsync(99);
    expect(await isSettled(done)).toBe(false);
    await vi.advanceTimersByTimeAsync(1);
    await done;
    const stop = new AbortController();
    const cut = sleep(100, stop.signal);
    stop.abort(new Error('stopped'));
    await expect(cut).rejects.toThrow('stopped');
    expect(vi.getTimerCount()).toBe(0);
  });
});
