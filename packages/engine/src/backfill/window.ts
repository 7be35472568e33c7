import type { RunWindow } from '@brimful/model';
import { Problem, toProblem } from '@brimful/model';
import { Cron } from 'croner';
import { durationOf } from './quantity.ts';
import { isZone } from './zone.ts';

/** A window is looked at minute by minute nowhere: openings are. More than these in one look is one that never closes. */
const OPENINGS_LIMIT = 1000;
/** Windows that join without a gap over so many openings count as never closing: a week of hourly ones and some more. */
const JOINED_LIMIT = 200;
/** Longer is not a window, and a cron expression that opens it would hide that. */
const LONGEST_MINUTES = 7 * 24 * 60;
const MINUTE_MILLISECONDS = 60_000;

/**
 * Whether reading is allowed now: no windows at all, or one of them is open. A window opens when the clocks of its zone
 * show a time that its cron expression matches, and stays open for its minutes of elapsed time, over midnight and over
 * changes of the clocks. A time that the clocks skip opens it when they have gone forward; one they show twice, the first
 * time.
 */
export function isOpen(windows: readonly RunWindow[], now: number): boolean {
  return windows.length === 0 || windows.some((window) => closesAt(window, now) !== null);
}

/** When that changes next, in milliseconds since 1970. Null: never, or not within many openings. */
export function nextChange(windows: readonly RunWindow[], now: number): number | null {
  if (windows.length === 0) return null;
  if (!isOpen(windows, now)) return earliest(windows.map((window) => nextOpening(window, now)));
  let at = now;
  for (let look = 0; look < JOINED_LIMIT; look += 1) {
    const closings = windows.map((window) => closesAt(window, at)).filter((closing) => closing !== null);
    if (closings.length === 0) return at;
    at = Math.max(...closings);
  }
  return null;
}

/** When it closes if it is open at the instant, by the opening that lasts longest; else null. */
function closesAt(window: RunWindow, at: number): number | null {
  const cron = cronOf(window);
  const length = window.minutes * MINUTE_MILLISECONDS;
  let opening = cron.nextRun(new Date(at - length));
  let last: number | null = null;
  for (let look = 0; look < OPENINGS_LIMIT && opening !== null && opening.getTime() <= at; look += 1) {
    last = opening.getTime();
    opening = cron.nextRun(opening);
  }
  return last === null ? null : last + length;
}

function nextOpening(window: RunWindow, after: number): number | null {
  return cronOf(window).nextRun(new Date(after))?.getTime() ?? null;
}

function earliest(times: readonly (number | null)[]): number | null {
  const known = times.filter((time) => time !== null);
  return known.length === 0 ? null : Math.min(...known);
}

const crons = new Map<string, Cron>();

function cronOf({ cron, zone }: RunWindow): Cron {
  const key = `${zone} ${cron}`;
  const known = crons.get(key);
  if (known !== undefined) return known;
  // 5-part: minutes are the finest that a window of minutes can mean. Paused: only arithmetic, no timers.
  const parsed = new Cron(cron, { timezone: zone, paused: true, mode: '5-part' });
  crons.set(key, parsed);
  return parsed;
}

/** `0 22 * * 1-5 8h Europe/Berlin`: cron, for how long, zone. Throws `BRM-REQUEST-WINDOW`. */
export function windowOf(text: string): RunWindow {
  const words = text.trim().split(/\s+/u);
  const zone = words.pop() ?? '';
  const length = words.pop() ?? '';
  const window = { cron: words.join(' '), minutes: 0, zone };
  if (words.length !== 5) throw wrong(text, 'it needs five cron fields, a length and a zone');
  if (!isZone(zone)) throw wrong(text, `there is no time zone called ${zone}`);
  try {
    if (nextOpening(window, 0) === null) throw wrong(text, 'it never opens');
  } catch (thrown) {
    if (thrown instanceof Problem) throw thrown;
    throw wrong(text, toProblem(thrown).message);
  }
  const minutes = durationOf(length, 'window') / MINUTE_MILLISECONDS;
  if (minutes < 1 || minutes > LONGEST_MINUTES) throw wrong(text, 'it must be open from a minute to a week');
  return { ...window, minutes };
}

function wrong(text: string, why: string): Problem {
  return new Problem('BRM-REQUEST-WINDOW', `The window ${JSON.stringify(text)} cannot be: ${why}.`, {
    remedy:
      'Write when it opens, for how long and in which zone: 0 22 * * * 8h Europe/Berlin is every night from 22:00 to 6:00.',
  });
}
