import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { addDays, isZone, localOf, offsetText, offsetAt, readLocal } from './zone.ts';

const utc = (text: string): number => Date.parse(`${text}Z`);
const ZONES = [
  'Europe/Berlin',
  'America/New_York',
  'Australia/Lord_Howe',
  'Asia/Kathmandu',
  'Pacific/Apia',
  'America/St_Johns',
  'UTC',
];

describe('a time zone', () => {
  test('clocks that go back show a time twice: Berlin an hour, Lord Howe half an hour', () => {
    expect(readLocal('Europe/Berlin', utc('2026-10-25T02:30'))).toEqual({
      kind: 'twice',
      earlier: utc('2026-10-25T00:30'),
      later: utc('2026-10-25T01:30'),
    });
    expect(readLocal('Australia/Lord_Howe', utc('2026-04-05T01:45'))).toEqual({
      kind: 'twice',
      earlier: utc('2026-04-04T14:45'),
      later: utc('2026-04-04T15:15'),
    });
    expect(readLocal('Australia/Lord_Howe', utc('2026-04-05T01:15')).kind).toBe('one');
    expect(readLocal('America/New_York', utc('2026-11-01T01:59:59.999')).kind).toBe('twice');
    expect(readLocal('America/New_York', utc('2026-11-01T02:00')).kind).toBe('one');
  });

  test('clocks that go forward leave times out: the edges belong to what is there', () => {
    expect(readLocal('Europe/Berlin', utc('2026-03-29T02:30'))).toEqual({
      kind: 'never',
      byOffsetBefore: utc('2026-03-29T01:30'),
      byOffsetAfter: utc('2026-03-29T00:30'),
    });
    expect(readLocal('Europe/Berlin', utc('2026-03-29T01:59:59.999')).kind).toBe('one');
    expect(readLocal('Europe/Berlin', utc('2026-03-29T03:00'))).toEqual({
      kind: 'one',
      at: utc('2026-03-29T01:00'),
    });
    expect(readLocal('America/New_York', utc('2026-03-08T02:00')).kind).toBe('never');
    expect(readLocal('Australia/Lord_Howe', utc('2026-10-04T02:15')).kind).toBe('never');
    expect(readLocal('Australia/Lord_Howe', utc('2026-10-04T02:30')).kind).toBe('one');
  });

  test('a whole day that was skipped, and a quarter-hour offset', () => {
    expect(readLocal('Pacific/Apia', utc('2011-12-30T12:00')).kind, 'Samoa had no 30 December 2011').toBe(
      'never',
    );
    expect(readLocal('Asia/Kathmandu', utc('2026-01-01T00:00'))).toEqual({
      kind: 'one',
      at: utc('2025-12-31T18:15'),
    });
    expect(offsetText(offsetAt('Asia/Kathmandu', 0))).toBe('+05:30');
    expect(offsetText(offsetAt('America/St_Johns', utc('2026-01-01T00:00')))).toBe('-03:30');
  });

  test('what the clocks show at an instant is read back as that instant', () => {
    fc.assert(
      fc.property(
        fc.constantFrom(...ZONES),
        fc.integer({ min: utc('1950-01-01T00:00'), max: utc('2037-01-01T00:00') }),
        (zone, at) => {
          const reading = readLocal(zone, localOf(zone, at));
          const instants = reading.kind === 'twice' ? [reading.earlier, reading.later] : [reading];
          expect(instants.map((one) => (typeof one === 'number' ? one : 'at' in one && one.at))).toContain(
            at,
          );
        },
      ),
    );
  });

  test('a calendar day is 23, 24 or 25 hours long', () => {
    const hours = (from: string, days: number): number =>
      (addDays('Europe/Berlin', utc(from), days) - utc(from)) / 3_600_000;
    expect(hours('2026-03-28T12:00', 1)).toBe(23);
    expect(hours('2026-10-24T12:00', 1)).toBe(25);
    expect(hours('2026-06-01T12:00', -1)).toBe(-24);
    expect(addDays('Europe/Berlin', utc('2026-03-28T01:30'), 1), '02:30 does not exist').toBe(
      utc('2026-03-29T01:30'),
    );
  });

  test('unknown names are known to be unknown', () => {
    expect(['Europe/Berlin', 'UTC'].every(isZone)).toBe(true);
    expect(isZone('Europe/Berlim')).toBe(false);
  });
});
