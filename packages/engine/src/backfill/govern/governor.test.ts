import { describe, expect, test } from 'vitest';
import { GOVERNOR_LIMITS } from './limits.ts';
import { GovernedSource } from './testing/governed-source.ts';

const MEGABYTE = 1024 ** 2;
const FREE = { bytesPerSecond: null, readers: null };
/** What may be open when something closes: a chunk per reader. */
const OPEN_CHUNKS_SECONDS = 3;

describe('people and the clock', () => {
  test('a pause lets the open chunks end, then nothing is read until somebody resumes', async () => {
    await using governed = new GovernedSource();
    const { governor } = governed;
    governed.start('run-1');
    await governed.span(5);
    governor.setPause('run-1', 'paused by anna: month-end');
    const ending = await governed.span(OPEN_CHUNKS_SECONDS);
    expect(ending.bytesPerSecond * OPEN_CHUNKS_SECONDS).toBeLessThanOrEqual(4 * 16 * MEGABYTE + 1);
    expect((await governed.span(600)).bytesPerSecond).toBe(0);
    expect(governor.pace('run-1').held()).toEqual({ state: 'paused', reason: 'paused by anna: month-end' });
    governor.setPause('run-1', null);
    expect((await governed.span(10)).bytesPerSecond).toBeGreaterThan(50 * MEGABYTE);
  });

  test('one run paused does not hold the other; all paused holds both', async () => {
    await using governed = new GovernedSource();
    const { governor } = governed;
    governed.start('run-1');
    governed.start('run-2');
    governor.setPause('run-1', 'paused by anna');
    await governed.span(5);
    expect((await governed.span(5)).bytesPerSecond).toBeGreaterThan(0);
    governor.setGate('all runs', 'operator', 'all runs paused by ben');
    await governed.span(OPEN_CHUNKS_SECONDS);
    expect((await governed.span(60)).bytesPerSecond).toBe(0);
    expect(governor.pace('run-2').held()).toEqual({ state: 'paused', reason: 'all runs paused by ben' });
    expect(governor.pace('run-1').held().reason).toBe('paused by anna');
    governor.setGate('all runs', 'operator', null);
    expect((await governed.span(10)).bytesPerSecond).toBeGreaterThan(0);
  });

  test('a closed window holds its run, in words of its own', async () => {
    await using governed = new GovernedSource();
    const { governor } = governed;
    governor.setWindow('run-1', 'opens at 22:00 Europe/Berlin');
    governed.start('run-1');
    expect((await governed.span(60)).bytesPerSecond).toBe(0);
    expect(governor.pace('run-1').held()).toEqual({
      state: 'window closed',
      reason: 'opens at 22:00 Europe/Berlin',
    });
    governor.setWindow('run-1', null);
    expect((await governed.span(10)).bytesPerSecond).toBeGreaterThan(0);
  });

  test('a rate is edited while it is waited for', async () => {
    await using governed = new GovernedSource();
    const { governor } = governed;
    governed.start('run-1');
    governor.setThrottle('run-1', { bytesPerSecond: 20 * MEGABYTE, readers: null });
    await governed.span(10);
    const limited = (await governed.span(60)).bytesPerSecond;
    expect(limited).toBeGreaterThan(19 * MEGABYTE);
    expect(limited).toBeLessThan(21 * MEGABYTE);
    expect(governor.pace('run-1').held()).toEqual({ state: 'throttled', reason: 'limited to 20 MB/s' });

    // Slower than one chunk a minute: whoever waits then is let go by the next rate at once.
    governor.setThrottle('run-1', { bytesPerSecond: 1024, readers: null });
    await governed.span(60);
    expect((await governed.span(300)).bytesPerSecond).toBeLessThan(2048);
    governor.setThrottle('run-1', { bytesPerSecond: 0, readers: null });
    await governed.span(OPEN_CHUNKS_SECONDS);
    expect((await governed.span(300)).bytesPerSecond).toBe(0);
    expect(governor.pace('run-1').held().state).toBe('paused');
    governor.setThrottle('run-1', FREE);
    expect((await governed.span(5)).bytesPerSecond).toBeGreaterThan(50 * MEGABYTE);
  });

  test('readers are limited per run and over all, and are edited too', async () => {
    await using governed = new GovernedSource();
    const { governor } = governed;
    const open = (token: string): number | undefined =>
      governor.status().paces.find((pace) => pace.token === token)?.openReaders;
    governed.start('run-1');
    governed.start('run-2');
    governor.setThrottle('run-1', { bytesPerSecond: null, readers: 1 });
    await governed.span(5);
    expect(open('run-1')).toBe(1);
    expect(open('run-2')).toBe(GOVERNOR_LIMITS.readers - 1);
    governor.setThrottle('run-1', { bytesPerSecond: null, readers: 0 });
    await governed.span(5);
    expect(open('run-1')).toBe(0);
    expect(open('run-2')).toBe(GOVERNOR_LIMITS.readers);
    expect(governor.pace('run-1').held().state).toBe('paused');
    governor.setThrottle('run-1', FREE);
    await governed.span(5);
    expect(open('run-1')).toBeGreaterThanOrEqual(1);
    expect((open('run-1') ?? 0) + (open('run-2') ?? 0)).toBe(GOVERNOR_LIMITS.readers);
  });

  test('a rate holds over any second or two, also just after it was set', async () => {
    await using governed = new GovernedSource();
    const { governor } = governed;
    governed.start('run-1');
    await governed.span(20);
    for (const rate of [50 * MEGABYTE, 3 * MEGABYTE, 300 * 1024]) {
      governor.setThrottle('run-1', { bytesPerSecond: rate, readers: null });
      // What is open ends first.
      await governed.span(OPEN_CHUNKS_SECONDS);
      const seconds = await governed.spans(60, 1);
      for (let from = 0; from + 1 < seconds.length; from += 1) {
        const read = seconds.slice(from, from + 2).reduce((sum, span) => sum + span.bytesPerSecond, 0);
        expect(read).toBeGreaterThan(0);
        expect(read).toBeLessThanOrEqual(rate * (2 + 1.25) + 1);
      }
    }
  });

  test('a rate that one reader can use is read by one', async () => {
    await using governed = new GovernedSource();
    const { governor } = governed;
    governed.start('run-1');
    await governed.span(20);
    expect(governor.pace('run-1').readers).toBeGreaterThan(1);
    governor.setThrottle('run-1', { bytesPerSecond: MEGABYTE, readers: null });
    expect(governor.pace('run-1').readers).toBe(1);
    governor.setThrottle('run-1', { bytesPerSecond: 0, readers: null });
    expect(governor.pace('run-1').readers).toBe(1);
  });

  test('lower rates ask for smaller chunks, and without one they are as large as serves the source', async () => {
    await using governed = new GovernedSource();
    const pace = governed.governor.pace('run-1');
    governed.governor.setThrottle('run-1', { bytesPerSecond: MEGABYTE, readers: 1 });
    expect(pace.chunkBytes()).toBe(MEGABYTE);
    governed.governor.setThrottle('run-1', { bytesPerSecond: 10, readers: 1 });
    expect(pace.chunkBytes()).toBe(64 * 1024);
    // A pause gives no open chunk up.
    governed.governor.setThrottle('run-1', { bytesPerSecond: 0, readers: 1 });
    expect(pace.chunkBytes()).toBeGreaterThanOrEqual(8 * MEGABYTE);
    governed.governor.setThrottle('run-1', FREE);
    governed.start('run-1');
    await governed.span(20);
    expect(pace.chunkBytes()).toBeGreaterThanOrEqual(48 * MEGABYTE);
  });

  test('an open chunk waits a second for its rate at most, and not at all once it is paused', async () => {
    await using governed = new GovernedSource();
    const { clock, governor } = governed;
    const pace = governor.pace('run-1');
    governor.setThrottle('run-1', { bytesPerSecond: 1024, readers: null });
    const { signal } = new AbortController();
    const from = clock.now();
    let took = -1;
    const taking = pace.take(100 * MEGABYTE, signal).then(() => (took = clock.now() - from));
    await clock.pass(10_000);
    await taking;
    expect(took).toBe(1_000);
    governor.setPause('run-1', 'paused');
    await pace.take(100 * MEGABYTE, signal);
    expect(clock.now() - from).toBe(10_000);
  });

  test('who waits can be stopped', async () => {
    await using governed = new GovernedSource();
    governed.governor.setPause('run-1', 'paused');
    const stop = new AbortController();
    const passing = governed.governor.pace('run-1').pass(stop.signal);
    await governed.span(1);
    stop.abort(new Error('cancelled'));
    await expect(passing).rejects.toThrow('cancelled');
  });
});

describe('the machine and the source', () => {
  test('a full disk stops reading until it is not', async () => {
    await using governed = new GovernedSource();
    const { governor } = governed;
    governed.start('run-1');
    await governed.span(5);
    governor.setGate('disk', 'machine', '1 GB left on the disk');
    governor.setGate('disk', 'machine', '0.9 GB left on the disk');
    await governed.span(OPEN_CHUNKS_SECONDS);
    expect((await governed.span(10)).bytesPerSecond).toBe(0);
    expect(governor.pace('run-1').held()).toEqual({ state: 'gated', reason: '0.9 GB left on the disk' });
    expect(governor.status().gates).toHaveLength(1);
    governor.setGate('disk', 'machine', null);
    expect((await governed.span(5)).bytesPerSecond).toBeGreaterThan(0);
  });

  test('somebody who waits for a lock of ours gets it after the open chunks', async () => {
    await using governed = new GovernedSource();
    governed.start('run-1');
    await governed.span(5);
    governed.source.health = { blockedByUs: 2 };
    await governed.span(OPEN_CHUNKS_SECONDS + 1);
    expect((await governed.span(10)).bytesPerSecond).toBe(0);
    expect(governed.governor.status().gates).toEqual([
      expect.objectContaining({ gate: 'locks', owner: 'source' }),
    ]);
    governed.source.health = {};
    expect((await governed.span(10)).bytesPerSecond).toBeGreaterThan(0);
  });
});

describe('the probe', () => {
  test('a silent one: first carefully, then not at all, until it is heard again', async () => {
    await using governed = new GovernedSource();
    const { governor, source } = governed;
    governed.start('run-1');
    await governed.span(20);
    source.isProbeSilent = true;
    await governed.span(8);
    expect(governor.status().probe).toBe('unknown');
    expect(governor.status().ceilingBytesPerSecond).toBeLessThanOrEqual(8 * MEGABYTE);
    await governed.span(30);
    expect((await governed.span(60)).bytesPerSecond).toBe(0);
    expect(governor.pace('run-1').held()).toMatchObject({ state: 'gated' });
    expect(governor.status().gates).toEqual([expect.objectContaining({ gate: 'probe', owner: 'governor' })]);
    // It was closed and opened again, one at a time.
    expect(source.opened).toBeGreaterThan(2);
    expect(source.opened).toBeLessThan(20);
    expect(source.openProbes).toBeLessThanOrEqual(1);
    source.isProbeSilent = false;
    await governed.span(15);
    expect((await governed.span(10)).bytesPerSecond).toBeGreaterThan(50 * MEGABYTE);
  });

  test('one that does not open is tried again', async () => {
    let fails = 3;
    await using governed = new GovernedSource({
      openProbe: (source) => async () => {
        fails -= 1;
        if (fails >= 0) throw new Error('too many clients');
        return source.openProbe();
      },
    });
    governed.start('run-1');
    await governed.span(15);
    expect(governed.governor.status().probe).toBe('heard');
  });

  test('one that never answers is given up, and closed should it come after all', async () => {
    const late = Promise.withResolvers<void>();
    let tries = 0;
    await using governed = new GovernedSource({
      openProbe: (source) => async () => {
        tries += 1;
        if (tries === 1) await late.promise;
        return source.openProbe();
      },
    });
    governed.start('run-1');
    await governed.span(45);
    expect(governed.governor.status().probe).toBe('heard');
    expect(governed.source.openProbes).toBe(1);
    late.resolve();
    await governed.span(1);
    expect(governed.source.opened).toBe(2);
    expect(governed.source.openProbes).toBe(1);
  });

  test('it is open only while somebody reads, and closed at the end', async () => {
    const governed = new GovernedSource();
    await governed.span(10);
    expect(governed.source.opened).toBe(0);
    expect(governed.governor.status().probe).toBe('not needed');
    governed.governor.setPause('run-1', null);
    governed.start('run-1');
    await governed.span(10);
    expect(governed.source.openProbes).toBe(1);
    await governed[Symbol.asyncDispose]();
    expect(governed.source.openProbes).toBe(0);
  });

  test('it is closed a while after the last use', async () => {
    await using governed = new GovernedSource();
    const { signal } = new AbortController();
    await governed.governor.pace('run-1').pass(signal);
    await governed.span(30);
    expect(governed.source.openProbes).toBe(1);
    await governed.span(60);
    expect(governed.source.openProbes).toBe(0);
    governed.governor.forget('run-1');
    expect(governed.governor.status().paces).toEqual([]);
  });

  test('without any, sources are read carefully', async () => {
    await using governed = new GovernedSource({ openProbe: () => undefined });
    governed.start('run-1');
    await governed.span(10);
    const { bytesPerSecond } = await governed.span(30);
    expect(bytesPerSecond).toBeGreaterThan(7 * MEGABYTE);
    expect(bytesPerSecond).toBeLessThan(9 * MEGABYTE);
  });
});

describe('what people see', () => {
  test('plain data that says how fast, how fast it may, and why', async () => {
    await using governed = new GovernedSource();
    governed.source.application = 0.5;
    governed.start('run-1');
    await governed.span(30);
    const status = governed.governor.status();
    expect(structuredClone(status)).toEqual(status);
    expect(JSON.parse(JSON.stringify(status))).toEqual(status);
    expect(status.bytesPerSecond).toBeGreaterThan(0);
    expect(status.baselineMilliseconds).toBeGreaterThan(0.5);
    expect(status.signals.map(({ name }) => name)).toContain('active sessions');
    const [pace] = status.paces;
    expect(pace?.state).toBe('throttled');
    expect(pace?.reason).toMatch(/^all runs on the source together read [\d.]+ MB\/s: look-ups /);
  });
});
