import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { BURST_MILLISECONDS, Bucket } from './bucket.ts';
import { VirtualClock, settled } from './testing/virtual-clock.ts';

const NEVER = new AbortController().signal;

interface Taken {
  readonly at: number;
  readonly bytes: number;
}

/** Readers that take at once again and again, as many times as they are told bytes. */
async function run(
  bucket: Bucket,
  clock: VirtualClock,
  readers: readonly (readonly number[])[],
  milliseconds: number,
): Promise<{ readonly taken: readonly Taken[]; readonly byReader: readonly number[] }> {
  const taken: Taken[] = [];
  const byReader = readers.map(() => 0);
  const stop = new AbortController();
  const works = readers.map(async (sizes, reader) => {
    for (const bytes of sizes) {
      await bucket.take(bytes, stop.signal);
      taken.push({ at: clock.now(), bytes });
      byReader[reader] = (byReader[reader] ?? 0) + bytes;
    }
  });
  await clock.pass(milliseconds);
  stop.abort();
  await Promise.allSettled(works);
  return { taken, byReader };
}

function most(taken: readonly Taken[], rate: number, slack: number): void {
  for (let from = 0; from < taken.length; from += 1) {
    let bytes = 0;
    for (let to = from; to < taken.length; to += 1) {
      const { at, bytes: more } = taken[to] as Taken;
      bytes += more;
      const elapsed = at - (taken[from] as Taken).at;
      expect(bytes).toBeLessThanOrEqual((rate * elapsed) / 1000 + slack);
    }
  }
}

const sizes = fc.array(fc.integer({ min: 1, max: 20_000 }), { minLength: 1, maxLength: 25 });

describe('laws of the bucket', () => {
  // Invariant 9: what is read ahead of its rate is bounded, too.
  test('never more than rate × time + burst + one request, over any interval', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.integer({ min: 1_000, max: 100_000 }),
        fc.array(sizes, { minLength: 1, maxLength: 4 }),
        async (rate, readers) => {
          const clock = new VirtualClock();
          const bucket = new Bucket(rate, clock.now, clock.sleep);
          const { taken } = await run(bucket, clock, readers, 60_000);
          const largest = Math.max(...readers.flat());
          most(taken, rate, (rate * BURST_MILLISECONDS) / 1000 + largest + 1);
        },
      ),
      { numRuns: 40 },
    );
  });

  test('nobody starves: what is asked for first is let go first, and all of it in the time it costs', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.integer({ min: 5_000, max: 100_000 }),
        fc.array(fc.integer({ min: 1, max: 30_000 }), { minLength: 1, maxLength: 20 }),
        async (rate, asked) => {
          const clock = new VirtualClock();
          const bucket = new Bucket(rate, clock.now, clock.sleep);
          const from = clock.now();
          const order: number[] = [];
          const at: number[] = [];
          const all = asked.map(async (bytes, place) => {
            await bucket.take(bytes, NEVER);
            order.push(place);
            at.push(clock.now() - from);
          });
          await clock.pass(300_000);
          await Promise.all(all);
          expect(order).toEqual(asked.map((_, place) => place));
          let sum = 0;
          for (const [place, bytes] of asked.entries()) {
            sum += bytes;
            const due = (sum * 1000) / rate - BURST_MILLISECONDS;
            expect(at[place]).toBeLessThanOrEqual(Math.max(0, due) + 3);
            expect(at[place]).toBeGreaterThanOrEqual(Math.floor(due) - 3);
          }
        },
      ),
      { numRuns: 40 },
    );
  });

  test('changes of the rate at any time hold for those who wait', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(
          fc.record({
            rate: fc.integer({ min: 0, max: 50_000 }),
            milliseconds: fc.integer({ min: 1, max: 5_000 }),
          }),
          { minLength: 1, maxLength: 12 },
        ),
        async (steps) => {
          const clock = new VirtualClock();
          const bucket = new Bucket(0, clock.now, clock.sleep);
          const stop = new AbortController();
          let taken = 0;
          const work = (async () => {
            for (;;) {
              await bucket.take(100, stop.signal);
              taken += 100;
            }
          })();
          work.catch(() => undefined);
          for (const { rate, milliseconds } of steps) {
            bucket.rate = rate;
            const before = taken;
            await clock.pass(milliseconds);
            const due = (rate * milliseconds) / 1000;
            expect(taken - before).toBeLessThanOrEqual(due + 101);
            expect(taken - before).toBeGreaterThanOrEqual(due - 101 - rate * 0.002);
          }
          stop.abort();
          await Promise.allSettled([work]);
        },
      ),
      { numRuns: 40 },
    );
  });
});

describe('bucket', () => {
  test('several readers get the same, whatever the size of their requests', async () => {
    const clock = new VirtualClock();
    const bucket = new Bucket(100_000, clock.now, clock.sleep);
    const { byReader } = await run(
      bucket,
      clock,
      [Array<number>(1000).fill(1_000), Array<number>(1000).fill(1_000), Array<number>(1000).fill(1_000)],
      10_000,
    );
    for (const bytes of byReader) expect(bytes).toBeGreaterThan(330_000);
  });

  test('a small request does not wait for what comes after it', async () => {
    const clock = new VirtualClock();
    const bucket = new Bucket(1_000, clock.now, clock.sleep);
    let isDone = false;
    const small = bucket.take(500, NEVER).then(() => (isDone = true));
    const large = bucket.take(100_000, NEVER);
    await clock.pass(300);
    expect(isDone).toBe(true);
    await clock.pass(100_000);
    await Promise.all([small, large]);
  });

  test('a request larger than the burst is a debt for the next', async () => {
    const clock = new VirtualClock();
    const bucket = new Bucket(1_000, clock.now, clock.sleep);
    const due = bucket.charge(10_250);
    expect(bucket.debt).toBe(10_000);
    let isDone = false;
    const waiting = bucket.paid(due, NEVER).then(() => (isDone = true));
    await clock.pass(9_990);
    expect(isDone).toBe(false);
    await clock.pass(20);
    expect(isDone).toBe(true);
    await waiting;
  });

  test('a debt takes no longer at a lower rate, nor after a stop', async () => {
    const clock = new VirtualClock();
    const bucket = new Bucket(50_000, clock.now, clock.sleep);
    bucket.charge(50_000 + 12_500);
    bucket.rate = 0;
    await clock.pass(60_000);
    bucket.rate = 1_000;
    let paid = false;
    const waiting = bucket.paid(bucket.due, NEVER).then(() => (paid = true));
    await clock.pass(999);
    expect(paid).toBe(false);
    await clock.pass(2);
    await waiting;
    // What is charged from then on is paid at the new rate alone.
    const from = clock.now();
    let took = -1;
    const next = bucket.take(2_000, NEVER).then(() => (took = clock.now() - from));
    await clock.pass(5_000);
    await next;
    expect(took).toBeGreaterThan(1_900);
  });

  test('a bounded wait ends, and the debt stays', async () => {
    const clock = new VirtualClock();
    const bucket = new Bucket(0, clock.now, clock.sleep);
    let isDone = false;
    const waiting = bucket.paid(bucket.charge(100), NEVER, 1_000).then(() => (isDone = true));
    await clock.pass(999);
    expect(isDone).toBe(false);
    await clock.pass(1);
    expect(isDone).toBe(true);
    expect(bucket.debt).toBe(100);
    expect(bucket.takeWaited()).toBe(true);
    expect(bucket.takeWaited()).toBe(false);
    await waiting;
  });

  test('0 stops, Infinity lets everybody go, at once', async () => {
    const clock = new VirtualClock();
    const bucket = new Bucket(0, clock.now, clock.sleep);
    let done = 0;
    const all = [1e9, 1e9, 1].map((bytes) => bucket.take(bytes, NEVER).then(() => (done += 1)));
    await clock.pass(3_600_000);
    expect(done).toBe(0);
    bucket.rate = Infinity;
    await settled();
    expect(done).toBe(3);
    await Promise.all(all);
    bucket.rate = 1_000;
    expect(bucket.debt).toBe(0);
    bucket.charge(100);
    expect(bucket.debt).toBe(100);
  });

  test('what was saved up is the burst, however long nobody took', async () => {
    const clock = new VirtualClock();
    const bucket = new Bucket(1_000, clock.now, clock.sleep);
    await clock.pass(1_000_000);
    bucket.charge(1_000);
    expect(bucket.debt).toBe(750);
  });

  test('who is aborted while waiting gets the reason and stays charged', async () => {
    const clock = new VirtualClock();
    const bucket = new Bucket(1_000, clock.now, clock.sleep);
    const stop = new AbortController();
    const waiting = bucket.take(2_250, stop.signal);
    stop.abort(new Error('enough'));
    await expect(waiting).rejects.toThrow('enough');
    expect(bucket.debt).toBe(2_000);
  });

  test('a clock that goes back pays nothing and does not stop the payments', async () => {
    let now = 1_000_000;
    const bucket = new Bucket(
      1_000,
      () => now,
      async () => undefined,
    );
    bucket.charge(1_250);
    now -= 500_000;
    expect(bucket.debt).toBe(1_000);
    now += 400;
    expect(bucket.debt).toBe(600);
  });
});
