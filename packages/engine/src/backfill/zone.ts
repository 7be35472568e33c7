const HOUR_MILLISECONDS = 3_600_000;
/** Offsets reach from -12 to +14 hours, and some places have skipped a whole day. */
const LOOK_AROUND_HOURS = [-36, -24, -12, 0, 12, 24, 36] as const;

const formats = new Map<string, Intl.DateTimeFormat>();

function formatOf(zone: string): Intl.DateTimeFormat {
  const known = formats.get(zone);
  if (known !== undefined) return known;
  const format = new Intl.DateTimeFormat('en-US', {
    timeZone: zone,
    hourCycle: 'h23',
    year: 'numeric',
    month: 'numeric',
    day: 'numeric',
    hour: 'numeric',
    minute: 'numeric',
    second: 'numeric',
  });
  formats.set(zone, format);
  return format;
}

/** Whether this name of a time zone is known here: `Europe/Berlin`, `UTC`. */
export function isZone(zone: string): boolean {
  try {
    formatOf(zone);
    return true;
  } catch {
    // Intl has no other way to ask.
    return false;
  }
}

/**
 * What the clocks of a zone show at an instant, written as if it were UTC. Milliseconds since 1970; exact between the years
 * 1 and 9999.
 */
export function localOf(zone: string, at: number): number {
  const fields = new Map<string, number>();
  for (const { type, value } of formatOf(zone).formatToParts(at)) fields.set(type, Number(value));
  const field = (name: string): number => fields.get(name) ?? 0;
  const day = new Date(0);
  // Date.UTC takes years below 100 for 19xx.
  day.setUTCFullYear(field('year'), field('month') - 1, field('day'));
  const seconds = field('hour') * 3600 + field('minute') * 60 + field('second');
  return day.getTime() + seconds * 1000 + (((at % 1000) + 1000) % 1000);
}

/** Milliseconds by which a zone's clocks are ahead of UTC at an instant. */
export function offsetAt(zone: string, at: number): number {
  return localOf(zone, at) - at;
}

/** Which instants a local time stands for. */
export type Reading =
  | { readonly kind: 'one'; readonly at: number }
  /** The clocks went back: it happens twice. */
  | { readonly kind: 'twice'; readonly earlier: number; readonly later: number }
  /** The clocks went forward over it. What it would be by the offset before (the later instant) and by the one after. */
  | { readonly kind: 'never'; readonly byOffsetBefore: number; readonly byOffsetAfter: number };

/** `local`: as `localOf` gives it. */
export function readLocal(zone: string, local: number): Reading {
  const offsets = LOOK_AROUND_HOURS.map((hours) => offsetAt(zone, local + hours * HOUR_MILLISECONDS));
  const instants = [...new Set(offsets)]
    .map((offset) => local - offset)
    .filter((at) => localOf(zone, at) === local)
    .sort((a, b) => a - b);
  const [first] = instants;
  const last = instants.at(-1);
  if (first === undefined || last === undefined) {
    return {
      kind: 'never',
      byOffsetBefore: local - (offsets[0] as number),
      byOffsetAfter: local - (offsets.at(-1) as number),
    };
  }
  return first === last ? { kind: 'one', at: first } : { kind: 'twice', earlier: first, later: last };
}

/**
 * The same time of day so many calendar days away: 23 or 25 hours a day where the clocks change. Where that time does not
 * exist, as much later; where it happens twice, the first.
 */
export function addDays(zone: string, at: number, days: number): number {
  const reading = readLocal(zone, localOf(zone, at) + days * 24 * HOUR_MILLISECONDS);
  if (reading.kind === 'one') return reading.at;
  return reading.kind === 'twice' ? reading.earlier : reading.byOffsetBefore;
}

/** `+02:00`, `-03:30`, `+00:19:32`. */
export function offsetText(milliseconds: number): string {
  const seconds = Math.abs(Math.round(milliseconds / 1000));
  const pad = (value: number): string => String(value).padStart(2, '0');
  const clock = `${pad(Math.floor(seconds / 3600))}:${pad(Math.floor(seconds / 60) % 60)}`;
  const rest = seconds % 60 === 0 ? '' : `:${pad(seconds % 60)}`;
  return `${milliseconds < 0 ? '-' : '+'}${clock}${rest}`;
}
