import { describe, expect, test } from 'vitest';
import { GOVERNOR_LIMITS } from './limits.ts';
import type { Span } from './testing/governed-source.ts';
import { GovernedSource } from './testing/governed-source.ts';
import { FULL_BYTES_PER_SECOND, percentile } from './testing/modelled-source.ts';

const MEGABYTE = 1024 ** 2;

/** The application's 95th percentile without us. */
async function quiet(application: number, seed: number): Promise<number> {
  await using alone = new GovernedSource({ seed });
  alone.source.application = application;
  return (await alone.span(60)).p95;
}

function mean(spans: readonly Span[]): number {
  return spans.reduce((sum, { bytesPerSecond }) => sum + bytesPerSecond, 0) / spans.length;
}

describe('beside an application', () => {
  for (const seed of [1, 2, 3, 4]) {
    for (const application of [0.3, 0.5]) {
      test(`at load ${application} its p95 stays within 2 ms, at a tenth of full speed (seed ${seed})`, async () => {
        const idle = await quiet(application, seed);
        await using governed = new GovernedSource({ seed });
        governed.source.application = application;
        governed.start('run-1');
        const spans = await governed.spans(36, 5);
        const within = spans.filter(({ p95 }) => p95 <= idle + 2).length;
        expect(within / spans.length).toBeGreaterThanOrEqual(0.9);
        const full = FULL_BYTES_PER_SECOND * (1 - application);
        expect(mean(spans)).toBeGreaterThanOrEqual(full / 10);
      });
    }
  }

  test('beside look-ups that now and then take long whoever reads, it still reads at a tenth of full speed', async () => {
    const shares: number[] = [];
    for (const seed of [11, 12, 13, 14, 15, 16]) {
      await using governed = new GovernedSource({ seed });
      governed.source.application = 0.3;
      governed.source.outliers = 0.1;
      governed.start('run-1');
      shares.push(mean(await governed.spans(24, 5)) / (FULL_BYTES_PER_SECOND * 0.7));
    }
    expect(shares.reduce((sum, share) => sum + share, 0) / shares.length).toBeGreaterThanOrEqual(0.1);
  });

  test('without a governor, the same source would hurt it', async () => {
    const idle = await quiet(0.5, 1);
    await using free = new GovernedSource({
      limits: { ...GOVERNOR_LIMITS, lookUpExtraMilliseconds: 1e9, lookUpFactor: 1e9 },
    });
    free.source.application = 0.5;
    free.start('run-1');
    await free.span(60);
    expect((await free.span(30)).p95).toBeGreaterThan(idle + 10);
  });

  test('it is not swung: rates of neighbouring moments differ little', async () => {
    await using governed = new GovernedSource({ seed: 5 });
    governed.source.application = 0.4;
    governed.start('run-1');
    await governed.span(60);
    const spans = await governed.spans(60, 5);
    const steps = spans.slice(1).map(({ bytesPerSecond }, place) => {
      const before = spans[place]?.bytesPerSecond ?? bytesPerSecond;
      return Math.max(bytesPerSecond / before, before / bytesPerSecond);
    });
    expect(percentile(steps, 0.9)).toBeLessThan(2);
    const rates = spans.map(({ bytesPerSecond }) => bytesPerSecond);
    expect(percentile(rates, 0.9) / percentile(rates, 0.1)).toBeLessThan(5);
  });

  test('hardly reading beside a source that is strained without us, it learns what is normal there', async () => {
    await using governed = new GovernedSource({ seed: 2 });
    governed.source.application = 0.1;
    governed.start('run-1');
    await governed.span(30);
    governed.source.application = 0.9;
    await governed.span(60);
    const strained = governed.governor.status();
    expect(strained.ceilingBytesPerSecond).toBeLessThan(16 * MEGABYTE);
    await governed.span(300);
    expect(governed.governor.status().baselineMilliseconds).toBeGreaterThan(2);
    // Steering never stops anybody.
    expect((await governed.span(30)).bytesPerSecond).toBeGreaterThan(0.5 * MEGABYTE);
  });
});

describe('an application that comes and goes', () => {
  test('alone it reads at nearly full speed; when somebody comes it gives way within seconds', async () => {
    const idle = await quiet(0.5, 7);
    await using governed = new GovernedSource({ seed: 7 });
    governed.start('run-1');
    const alone = await governed.spans(6, 5);
    expect(mean(alone)).toBeGreaterThan(FULL_BYTES_PER_SECOND * 0.9);

    governed.source.application = 0.5;
    await governed.span(5);
    const beside = await governed.spans(24, 5);
    const within = beside.filter(({ p95 }) => p95 <= idle + 2).length;
    expect(within / beside.length).toBeGreaterThanOrEqual(0.85);

    governed.source.application = 0;
    await governed.span(10);
    expect(mean(await governed.spans(4, 5))).toBeGreaterThan(FULL_BYTES_PER_SECOND * 0.9);

    governed.source.application = 0.5;
    await governed.span(3);
    const again = await governed.spans(12, 5);
    expect(again.filter(({ p95 }) => p95 <= idle + 2).length / again.length).toBeGreaterThanOrEqual(0.85);
  });

  test('where it is not told who else is there, it grows all the same', async () => {
    await using governed = new GovernedSource();
    governed.source.health = { recentSessions: null };
    governed.start('run-1');
    await governed.span(30);
    expect((await governed.span(60)).bytesPerSecond).toBeGreaterThan(FULL_BYTES_PER_SECOND * 0.15);
  });
});

describe('log headroom', () => {
  test('the gate closes before the source gives up on us, and opens only when the log is drained', async () => {
    await using governed = new GovernedSource();
    const limit = 2048 * MEGABYTE;
    const written = 60 * MEGABYTE;
    const drained = 100 * MEGABYTE;
    let retained = 0;
    let most = 0;
    let turns = 0;
    let wasClosed = false;
    governed.start('run-1');
    for (let second = 0; second < 600; second += 1) {
      const { bytesPerSecond } = await governed.span(1);
      // The busier the runs, the less is left for the stream.
      const rest = drained * Math.max(0, 1 - bytesPerSecond / (FULL_BYTES_PER_SECOND * 0.8));
      retained = Math.max(0, retained + written - rest);
      most = Math.max(most, retained);
      governed.source.health = { retainedBytes: retained, headroomBytes: limit - retained };
      const isClosed = governed.governor.status().gates.some(({ gate }) => gate === 'log headroom');
      if (isClosed !== wasClosed) turns += 1;
      wasClosed = isClosed;
    }
    expect(turns).toBeGreaterThanOrEqual(2);
    // With hysteresis: 300 MB of log are between closing and opening.
    expect(turns).toBeLessThan(120);
    expect(most).toBeLessThan(limit * 0.9);
  });
});

describe('the stream', () => {
  test('what falls behind is given way to, and goes on at the floor at least', async () => {
    await using governed = new GovernedSource();
    governed.start('run-1');
    await governed.span(20);
    let { bytesPerSecond } = await governed.span(10);
    expect(bytesPerSecond).toBeGreaterThan(FULL_BYTES_PER_SECOND * 0.9);
    for (let second = 0; second < 60; second += 1) {
      governed.governor.noteLag(20_000);
      ({ bytesPerSecond } = await governed.span(1));
    }
    expect((await governed.span(5)).bytesPerSecond).toBeLessThan(8 * MEGABYTE);
    expect(bytesPerSecond).toBeGreaterThanOrEqual(0);
    expect(governed.governor.status().signals).toContainEqual(
      expect.objectContaining({ name: 'stream lag', value: 20_000 }),
    );
  });
});
