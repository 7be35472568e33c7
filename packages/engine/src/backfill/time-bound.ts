import type { ColumnDefinition, Scope } from '@brimful/model';
import { Problem } from '@brimful/model';
import { addDays, isZone, localOf, offsetText, readLocal } from './zone.ts';

/** A time range as a user wrote it. Absent: not given, an open end. */
export interface TimeRangeText {
  readonly from: string | undefined;
  readonly to: string | undefined;
  readonly zone: string | undefined;
}

type TimeScope = Extract<Scope, { kind: 'time' }>;

/**
 * The half-open range over a column. A date means its midnight. Instants need a zone, from the bound itself or given
 * beside it; a local time that the zone's clocks skip or show twice is refused with both readings. `7d` is seven calendar
 * days before `now`, `24h` as much elapsed time.
 *
 * Throws `BRM-REQUEST-TIME`, `-ZONE` or `-RANGE`, saying what would be right.
 */
export function timeScope(column: ColumnDefinition, range: TimeRangeText, now: number): TimeScope {
  const { zone } = range;
  if (zone !== undefined && !isZone(zone)) {
    throw new Problem('BRM-REQUEST-ZONE', `There is no time zone called ${JSON.stringify(zone)}.`, {
      remedy: 'Use a name of the IANA database: Europe/Berlin, America/New_York, UTC.',
      at: { zone },
    });
  }
  if (range.from === undefined && range.to === undefined) {
    throw new Problem('BRM-REQUEST-RANGE', `${column.name} is given, but neither --from nor --to.`, {
      remedy: 'Give at least one end; without bounds the run is about the whole table.',
    });
  }
  const bound = boundReader(column, zone, now);
  const from = range.from === undefined ? null : bound(range.from);
  const to = range.to === undefined ? null : bound(range.to);
  if (from !== null && to !== null && from.at >= to.at) {
    throw new Problem(
      'BRM-REQUEST-RANGE',
      `${from.text} is not before ${to.text}: nothing lies between them. Ranges are half-open, the end is not in.`,
      { remedy: `For one day write --from 2026-01-01 --to 2026-01-02.` },
    );
  }
  return {
    kind: 'time',
    column: column.name,
    from: from?.text ?? null,
    to: to?.text ?? null,
    zone: zone ?? 'UTC',
  };
}

/** Microseconds since 1970, in UTC or as the clocks show it, and the column's canonical text of it. */
interface Bound {
  readonly at: bigint;
  readonly text: string;
}

type BoundReader = (text: string) => Bound;

function boundReader(column: ColumnDefinition, zone: string | undefined, now: number): BoundReader {
  const { type } = column;
  if (type.kind === 'timestamp')
    return type.zoned
      ? (text) => instantBound(column, text, zone, now)
      : (text) => localBound(column, text, zone, now);
  if (type.kind === 'date') return (text) => dateBound(column, text, zone, now);
  throw new Problem(
    'BRM-REQUEST-TIME',
    `${column.name} is of type ${column.sourceType}: it has no times to bound by.`,
    {
      remedy:
        'Use a date or timestamp column with --time; for numbers and texts of the key use --key-from and --key-to.',
      at: { column: column.name },
    },
  );
}

function instantBound(column: ColumnDefinition, text: string, zone: string | undefined, now: number): Bound {
  const relative = ago(text);
  if (relative !== undefined) {
    if (relative.unit === 'elapsed') return instant(BigInt(now - relative.amount) * 1000n);
    return instant(BigInt(addDays(needed(zone, column, text), now, -relative.amount)) * 1000n);
  }
  const { local, offset } = absolute(column, text);
  if (offset !== null) return instant(local - BigInt(offset) * 1000n);
  const name = needed(zone, column, text);
  const whole = Number(local / 1000n);
  const reading = readLocal(name, whole);
  if (reading.kind === 'one') return instant(BigInt(reading.at) * 1000n + (local % 1000n));
  const readings =
    reading.kind === 'twice'
      ? [reading.earlier, reading.later]
      : [reading.byOffsetAfter, reading.byOffsetBefore];
  const [first, second] = readings.map((at) => reader(name, at)) as [string, string];
  throw new Problem(
    'BRM-REQUEST-ZONE',
    reading.kind === 'twice'
      ? `${text} happens twice in ${name}, because the clocks go back: it is ${first} or ${second}.`
      : `${text} does not exist in ${name}, because the clocks go forward: it could mean ${first} or ${second}.`,
    { remedy: `Write the one you mean with its offset.`, at: { column: column.name, zone: name } },
  );
}

/** `2026-10-25T02:30:00+02:00 (2026-10-25T00:30:00Z)`. */
function reader(zone: string, at: number): string {
  const local = localOf(zone, at);
  const shown = new Date(local).toISOString().slice(0, 19);
  return `${shown}${offsetText(local - at)} (${instant(BigInt(at) * 1000n).text})`;
}

function localBound(column: ColumnDefinition, text: string, zone: string | undefined, now: number): Bound {
  const relative = ago(text);
  if (relative !== undefined) {
    const name = needed(zone, column, text);
    const at = relative.unit === 'elapsed' ? now - relative.amount : addDays(name, now, -relative.amount);
    return clock(BigInt(localOf(name, at)) * 1000n);
  }
  const { local, offset } = absolute(column, text);
  if (offset === null && zone === undefined) return clock(local);
  throw new Problem(
    'BRM-REQUEST-ZONE',
    `${column.name} is a timestamp without time zone: its values are compared as they stand, in no zone.`,
    {
      remedy: `Leave out ${offset === null ? '--zone' : 'the offset'} and write the bound as the table has it.`,
      at: { column: column.name },
    },
  );
}

function dateBound(column: ColumnDefinition, text: string, zone: string | undefined, now: number): Bound {
  const relative = ago(text);
  if (relative?.unit === 'days') {
    const local = localOf(needed(zone, column, text), now) - relative.amount * DAY_MILLISECONDS;
    return dateOf(BigInt(local) * 1000n);
  }
  if (relative === undefined && DATE_ONLY.test(text)) return dateOf(absolute(column, text).local);
  throw new Problem('BRM-REQUEST-TIME', `${column.name} holds dates, and ${text} is not one.`, {
    remedy: 'Write 2026-01-31, or 7d for seven days ago.',
    at: { column: column.name },
  });
}

function needed(zone: string | undefined, column: ColumnDefinition, text: string): string {
  if (zone !== undefined) return zone;
  throw new Problem('BRM-REQUEST-ZONE', `${text} for ${column.name} can be meant in any time zone.`, {
    remedy: 'Say in which, e.g. --zone Europe/Berlin or --zone UTC, or write the offset: 2026-01-01T00:00Z.',
    at: { column: column.name },
  });
}

const DAY_MILLISECONDS = 24 * 3_600_000;
const DATE_ONLY = /^\d{4}-\d\d-\d\d$/u;
const AGO = /^(?<amount>\d{1,6})(?<unit>w|d|h|m)$/u;

/** How long ago, in calendar days or in elapsed milliseconds. */
function ago(text: string): { readonly unit: 'days' | 'elapsed'; readonly amount: number } | undefined {
  const parts = AGO.exec(text)?.groups;
  if (parts === undefined) return undefined;
  const amount = Number(parts['amount']);
  switch (parts['unit']) {
    case 'w':
      return { unit: 'days', amount: amount * 7 };
    case 'd':
      return { unit: 'days', amount };
    case 'h':
      return { unit: 'elapsed', amount: amount * 3_600_000 };
    default:
      return { unit: 'elapsed', amount: amount * 60_000 };
  }
}

const ABSOLUTE =
  /^(?<year>\d{4})-(?<month>\d\d)-(?<day>\d\d)(?:[T ](?<hour>\d\d):(?<minute>\d\d)(?::(?<second>\d\d)(?:\.(?<fraction>\d{1,6}))?)?(?<offset>Z|[+-]\d\d(?::?\d\d)?)?)?$/u;

/** `local`: microseconds since 1970 as the clocks show it. `offset`: in milliseconds, null where none was written. */
function absolute(
  column: ColumnDefinition,
  text: string,
): { readonly local: bigint; readonly offset: number | null } {
  const parts = ABSOLUTE.exec(text)?.groups;
  const number = (name: string): number => Number(parts?.[name] ?? 0);
  const date = new Date(0);
  date.setUTCFullYear(number('year'), number('month') - 1, number('day'));
  const exists =
    parts !== undefined &&
    number('year') > 0 &&
    date.toISOString().slice(0, 10) === text.slice(0, 10) &&
    number('hour') < 24 &&
    number('minute') < 60 &&
    number('second') < 60;
  if (!exists) {
    throw new Problem('BRM-REQUEST-TIME', `${text} is not a time that ${column.name} can be bounded by.`, {
      remedy:
        'Write 2026-01-31, 2026-01-31T12:30, 2026-01-31T12:30:00+02:00, or ago: 7d (calendar days), 24h (elapsed).',
      at: { column: column.name },
    });
  }
  const seconds = number('hour') * 3600 + number('minute') * 60 + number('second');
  const fraction = BigInt((parts['fraction'] ?? '').padEnd(6, '0'));
  const local = BigInt(date.getTime() + seconds * 1000) * 1000n + fraction;
  return { local, offset: offsetOf(parts['offset']) };
}

function offsetOf(text: string | undefined): number | null {
  if (text === undefined) return null;
  if (text === 'Z') return 0;
  const digits = text.slice(1).replace(':', '').padEnd(4, '0');
  const minutes = Number(digits.slice(0, 2)) * 60 + Number(digits.slice(2));
  return (text.startsWith('-') ? -minutes : minutes) * 60_000;
}

function instant(at: bigint): Bound {
  return { at, text: `${isoText(at)}Z` };
}

function clock(at: bigint): Bound {
  return { at, text: isoText(at) };
}

function dateOf(at: bigint): Bound {
  const text = isoText(at).slice(0, 10);
  return { at: BigInt(Date.parse(text)) * 1000n, text };
}

/** As the columns' own canonical text: no trailing zeros behind the second. */
function isoText(microseconds: bigint): string {
  const fraction = ((microseconds % 1_000_000n) + 1_000_000n) % 1_000_000n;
  const whole = new Date(Number((microseconds - fraction) / 1000n)).toISOString().slice(0, 19);
  return fraction === 0n ? whole : `${whole}.${fraction.toString().padStart(6, '0').replace(/0+$/u, '')}`;
}
