import type { ProbeReading, SourceHealth } from '@brimful/connector';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { Ceiling, Strain } from './ceiling.ts';
import { FLOOR_BYTES_PER_SECOND, firstCeiling, steer } from './ceiling.ts';
import type { Intake, Law } from './law.ts';
import { bytesPerSecond, firstLaw, govern, isCareful } from './law.ts';
import { GOVERNOR_LIMITS } from './limits.ts';
import { HEALTHY } from './testing/modelled-source.ts';

const MEGABYTE = 1024 ** 2;
const LOOK_MILLISECONDS = 250;

interface Tick extends Partial<Omit<Intake, 'now' | 'readings'>> {
  readonly lookUp?: number | null;
  readonly health?: Partial<SourceHealth> | null;
}

/** The law after so many looks; two look-ups each, unless it is told that there are none. */
function looks(law: Law, count: number, tick: Tick = {}): Law {
  const { lookUp = 1, health = {}, ...rest } = tick;
  for (let look = 0; look < count; look += 1) {
    const now = law.at + LOOK_MILLISECONDS;
    const readings: ProbeReading[] = [
      { at: now - 100, lookUpMilliseconds: lookUp, health: null },
      { at: now, lookUpMilliseconds: lookUp, health: health === null ? null : { ...HEALTHY, ...health } },
    ];
    const intake: Intake = {
      now,
      isProbed: true,
      readings,
      takenBytes: 0,
      waited: false,
      streamedBytes: 0,
      streamLagMilliseconds: null,
      ...rest,
    };
    law = govern(
      law,
      tick.lookUp === undefined && tick.health === null ? { ...intake, readings: [] } : intake,
      GOVERNOR_LIMITS,
    );
  }
  return law;
}

/** No reading at all. */
const SILENCE: Tick = { health: null };

function reading(law: Law): Tick {
  return { takenBytes: (bytesPerSecond(law, GOVERNOR_LIMITS) * LOOK_MILLISECONDS) / 1000, waited: true };
}

function start(): Law {
  return looks(firstLaw(0, GOVERNOR_LIMITS), 20);
}

describe('law', () => {
  test('silence: after two seconds carefully, after fifteen not at all, and open again with the first reading', () => {
    let law = start();
    expect(bytesPerSecond(law, GOVERNOR_LIMITS)).toBe(16 * MEGABYTE);
    law = looks(law, 7, SILENCE);
    expect(isCareful(law)).toBe(false);
    law = looks(law, 1, SILENCE);
    expect(bytesPerSecond(law, GOVERNOR_LIMITS)).toBe(8 * MEGABYTE);
    law = looks(law, 51, SILENCE);
    expect(law.gates).toEqual([]);
    law = looks(law, 1, SILENCE);
    expect(law.gates).toEqual([
      {
        gate: 'probe',
        owner: 'governor',
        reason: "nothing was heard of the source's load for 15 s",
        since: law.at,
      },
    ]);
    expect(looks(law, 1).gates).toEqual([]);
  });

  test('a probe that tells look-ups but no health any more closes, too; one that never did, does not', () => {
    const law = looks(start(), 130, { health: null, lookUp: 1 });
    expect(law.gates.map(({ gate }) => gate)).toEqual(['probe']);
    expect(looks(firstLaw(0, GOVERNOR_LIMITS), 500, { health: null, lookUp: 1 }).gates).toEqual([]);
  });

  test('health of an earlier probe closes nothing for a later one', () => {
    let law = looks(start(), 1, { health: { blockedByUs: 3 } });
    expect(law.gates).toHaveLength(1);
    law = looks(law, 10, { ...SILENCE, isProbed: false });
    expect(law.gates).toEqual([]);
    expect(looks(law, 1, SILENCE).gates).toEqual([]);
  });

  test('what the stream takes is taken from the runs, down to the floor', () => {
    const law = looks(start(), 40, { streamedBytes: 2 * MEGABYTE });
    expect(bytesPerSecond(law, GOVERNOR_LIMITS)).toBeCloseTo(8 * MEGABYTE, -6);
    const busy = looks(start(), 40, { streamedBytes: 200 * MEGABYTE });
    expect(bytesPerSecond(busy, GOVERNOR_LIMITS)).toBe(FLOOR_BYTES_PER_SECOND);
  });

  test('a limit for all runs together is one', () => {
    const limits = { ...GOVERNOR_LIMITS, bytesPerSecond: 3 * MEGABYTE };
    expect(bytesPerSecond(start(), limits)).toBe(3 * MEGABYTE);
  });

  test('one strained moment sheds once: what is only remembered of it is no reason to shed again', () => {
    let law = start();
    for (let look = 0; look < 40; look += 1) law = looks(law, 1, reading(law));
    const before = bytesPerSecond(law, GOVERNOR_LIMITS);
    while (bytesPerSecond(law, GOVERNOR_LIMITS) >= before)
      law = looks(law, 1, { ...reading(law), lookUp: 50 });
    const shed = bytesPerSecond(law, GOVERNOR_LIMITS);
    for (let look = 0; look < 12; look += 1) {
      law = looks(law, 1, reading(law));
      expect(bytesPerSecond(law, GOVERNOR_LIMITS)).toBeGreaterThanOrEqual(shed);
    }
  });

  test('look-ups that fail halve it', () => {
    let law = start();
    law = looks(law, 1, reading(law));
    law = looks(law, 40, { ...reading(law), lookUp: null });
    expect(law.u).toBeGreaterThan(1);
    expect(bytesPerSecond(law, GOVERNOR_LIMITS)).toBe(FLOOR_BYTES_PER_SECOND);
  });

  test('a rate that nobody uses does not grow; one that is used does', () => {
    let idle = start();
    idle = looks(idle, 100, { takenBytes: MEGABYTE / 4, waited: false, lookUp: 0.3 });
    expect(bytesPerSecond(idle, GOVERNOR_LIMITS)).toBe(16 * MEGABYTE);
    let used = start();
    for (let look = 0; look < 100; look += 1) used = looks(used, 1, { ...reading(used), lookUp: 0.3 });
    expect(bytesPerSecond(used, GOVERNOR_LIMITS)).toBeGreaterThan(100 * MEGABYTE);
  });

  test('whatever comes, steering alone leaves the floor, and its numbers are numbers', () => {
    const tick = fc.record({
      lookUp: fc.option(fc.double({ min: 0, max: 1e5, noNaN: true })),
      health: fc.option(
        fc.record({
          activeSessions: fc.option(fc.nat(500)),
          processors: fc.option(fc.nat(64)),
          recentSessions: fc.option(fc.nat(3)),
        }),
      ),
      takenBytes: fc.nat(1e9),
      waited: fc.boolean(),
      streamedBytes: fc.nat(1e9),
      streamLagMilliseconds: fc.option(fc.nat(1e6)),
      isProbed: fc.boolean(),
    });
    fc.assert(
      fc.property(fc.array(fc.tuple(tick, fc.integer({ min: 1, max: 20 })), { maxLength: 30 }), (ticks) => {
        let law = firstLaw(0, GOVERNOR_LIMITS);
        for (const [each, count] of ticks) {
          law = looks(law, count, each);
          const rate = bytesPerSecond(law, GOVERNOR_LIMITS);
          expect(rate).toBeGreaterThanOrEqual(FLOOR_BYTES_PER_SECOND);
          expect(Number.isFinite(rate)).toBe(true);
          expect(law.u === null || Number.isFinite(law.u)).toBe(true);
          for (const { readers } of Object.values(law.ceilings)) {
            expect(readers).toBeGreaterThanOrEqual(1);
            expect(readers).toBeLessThanOrEqual(GOVERNOR_LIMITS.readers);
          }
          // Invariant 9: what it remembers is bounded.
          expect(law.pulse.samples.length + law.pulse.quiet.length).toBeLessThanOrEqual(200);
        }
      }),
      { numRuns: 50 },
    );
  });
});

describe('ceiling', () => {
  const first = { ...firstCeiling(false, GOVERNOR_LIMITS), bytesPerSecond: 100 * MEGABYTE, readers: 4 };

  function step(ceiling: Ceiling, u: number, now: number, change: Partial<Strain> = {}): Ceiling {
    const usedBytesPerSecond = ceiling.bytesPerSecond;
    return steer(
      ceiling,
      { u, now, usedBytesPerSecond, isUsed: true, waitedAt: now, ...change },
      GOVERNOR_LIMITS,
    );
  }

  test.each([
    [0.2, 200, 4],
    [0.39, 125, 4],
    [0.4, 100, 4],
    [0.69, 100, 4],
    [0.7, 85, 3],
    [0.99, 85, 3],
    [1, 50, 2],
    [2, 50, 2],
  ])('at u %d of 100 MB/s become %d, and of 4 readers %d', (u, megabytes, readers) => {
    const next = step(first, u, 1_000);
    expect(next.bytesPerSecond / MEGABYTE).toBeCloseTo(megabytes);
    expect(next.readers).toBe(readers);
  });

  test('sheds once a second at most, and waits three before it grows again', () => {
    const shed = step(first, 1, 10_000);
    expect(step(shed, 1, 10_999)).toBe(shed);
    expect(step(shed, 0.1, 12_999).bytesPerSecond).toBe(shed.bytesPerSecond);
    expect(step(shed, 0.1, 13_000).bytesPerSecond).toBeGreaterThan(shed.bytesPerSecond);
    expect(step(shed, 1, 11_000).bytesPerSecond).toBe(shed.bytesPerSecond / 2);
  });

  test('what is shed is what was read, not a ceiling that nobody reached', () => {
    const next = step(first, 0.8, 1_000, { usedBytesPerSecond: 60 * MEGABYTE });
    expect(next.bytesPerSecond).toBeCloseTo(60 * 0.85 * MEGABYTE);
  });

  test('goes quickly to what was borne, slowly towards what was not, past that only much later', () => {
    let ceiling = step({ ...first, highestGood: 80 * MEGABYTE }, 1, 0);
    expect(ceiling.highestGood).toBe(80 * MEGABYTE);
    let now = 3_000;
    const seen: number[] = [];
    for (; now < 29_000; now += 1_000) {
      ceiling = step(ceiling, 0.1, now);
      seen.push(Math.round(ceiling.bytesPerSecond / MEGABYTE));
    }
    expect(seen.slice(0, 4)).toEqual([80, 88, 95, 95]);
    expect(Math.max(...seen)).toBe(95);
    for (; now < 34_000; now += 1_000) ceiling = step(ceiling, 0.1, now);
    expect(ceiling.bytesPerSecond).toBeGreaterThan(110 * MEGABYTE);
    expect(ceiling.lowestBad).toBeNull();
  });

  test('another reader comes only where nobody waits for the rate, and not back to what was too many', () => {
    const one = { ...first, readers: 1 };
    const short = { isUsed: false, waitedAt: 0 };
    expect(step(one, 0.2, 5_000, { isUsed: false }).readers).toBe(1);
    expect(step(one, 0.2, 5_000, { ...short, usedBytesPerSecond: 0 }).readers).toBe(1);
    const two = step(one, 0.2, 5_000, short);
    expect(two.readers).toBe(2);
    const shed = step(two, 0.8, 7_000, short);
    expect(shed.readers).toBe(1);
    expect(step(shed, 0.2, 60_000, short).readers).toBe(1);
    expect(step(shed, 0.2, 130_000, short).readers).toBe(2);
  });
});
