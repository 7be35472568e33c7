import type { RunWindow } from '@brimful/model';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { isOpen, nextChange, windowOf } from './window.ts';

const utc = (text: string): number => Date.parse(`${text}Z`);
const shown = (at: number | null): string | null =>
  at === null ? null : new Date(at).toISOString().slice(0, 16);
const NIGHT = windowOf('0 22 * * * 8h Europe/Berlin');

describe('windows', () => {
  test('a night belongs to two days', () => {
    expect(NIGHT).toEqual({ cron: '0 22 * * *', minutes: 480, zone: 'Europe/Berlin' });
    const open = (text: string): boolean => isOpen([NIGHT], utc(text));
    expect(open('2026-01-10T20:59')).toBe(false);
    expect(open('2026-01-10T21:00'), 'the opening is in').toBe(true);
    expect(open('2026-01-11T04:59')).toBe(true);
    expect(open('2026-01-11T05:00'), 'the end is not').toBe(false);
    expect(shown(nextChange([NIGHT], utc('2026-01-10T12:00')))).toBe('2026-01-10T21:00');
    expect(shown(nextChange([NIGHT], utc('2026-01-11T01:00')))).toBe('2026-01-11T05:00');
  });

  test('it opens by the zone’s clocks and stays open for elapsed time, also when the clocks change', () => {
    expect(shown(nextChange([NIGHT], utc('2026-07-01T12:00'))), 'summer').toBe('2026-07-01T20:00');
    expect(shown(nextChange([NIGHT], utc('2026-03-28T22:00'))), '7:00 on the clock').toBe('2026-03-29T05:00');
    expect(shown(nextChange([NIGHT], utc('2026-10-24T21:00'))), '5:00 on the clock').toBe('2026-10-25T04:00');
  });

  test('a time that the clocks skip opens it after they did; one they show twice, the first time only', () => {
    const half = windowOf('30 2 * * * 10m Europe/Berlin');
    const skipped = nextChange([half], utc('2026-03-29T00:00'));
    expect(shown(skipped)).toMatch(/^2026-03-29T01:(?:00|30)$/u);
    expect(shown(nextChange([half], utc('2026-10-25T00:00')))).toBe('2026-10-25T00:30');
    expect(shown(nextChange([half], utc('2026-10-25T00:41')))).toBe('2026-10-26T01:30');
  });

  test('windows that touch or overlap are one; a window that never closes has no next change', () => {
    const early = windowOf('0 18 * * * 4h Europe/Berlin');
    expect(shown(nextChange([early, NIGHT], utc('2026-01-10T18:00')))).toBe('2026-01-11T05:00');
    expect(nextChange([windowOf('0 * * * * 2h UTC')], utc('2026-01-10T18:00'))).toBeNull();
    expect(isOpen([], 0)).toBe(true);
    expect(nextChange([], 0)).toBeNull();
  });

  test('nothing changes before the next change, and at it something does', () => {
    const windows: readonly RunWindow[] = [
      NIGHT,
      windowOf('0 12 * * 6 90m America/New_York'),
      windowOf('15 3 1 * * 25h Asia/Kathmandu'),
    ];
    fc.assert(
      fc.property(
        fc.subarray([...windows], { minLength: 1 }),
        fc.integer({ min: utc('2026-01-01T00:00'), max: utc('2027-01-01T00:00') }),
        fc.double({ min: 0, max: 1, noNaN: true }),
        (some, now, part) => {
          const next = nextChange(some, now) as number;
          expect(next).toBeGreaterThan(now);
          expect(isOpen(some, next)).toBe(!isOpen(some, now));
          const between = now + Math.floor((next - now - 1) * part);
          expect(isOpen(some, between)).toBe(isOpen(some, now));
        },
      ),
      { numRuns: 60 },
    );
  });

  test('what cannot be is refused with the reason', () => {
    expect(() => windowOf('0 22 * * 8h Europe/Berlin')).toThrow('five cron fields');
    expect(() => windowOf('0 22 * * * 8h Europe/Berlim')).toThrow('no time zone called Europe/Berlim');
    expect(() => windowOf('0 25 * * * 8h UTC')).toThrow('cannot be');
    expect(() => windowOf('0 0 30 2 * 8h UTC')).toThrow('never opens');
    expect(() => windowOf('0 22 * * * 8d UTC')).toThrow('a minute to a week');
    expect(() => windowOf('0 22 * * * eight UTC')).toThrow('a length of time');
  });
});
