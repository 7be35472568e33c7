import type { Alert, AlertDelivery, AlertRecord } from '@brimful/model';
import { byUrgency } from '@brimful/model';
import { EVENT_MILLISECONDS } from './alerts-of.ts';
import type { Condition, Findings } from './condition.ts';

/** What is so must be so for that long before it is told, and gone for that long before it is over: nothing flutters. */
export const RAISE_AFTER_MILLISECONDS = 5000;
export const CLEAR_AFTER_MILLISECONDS = 30_000;
/** A sentence with values is renewed this often. */
export const SAY_AGAIN_MILLISECONDS = 60_000;
/** More at once are not raised until others are over. (Invariant 9) */
export const OPEN_LIMIT = 500;
/** Alerts that are over and still shown. */
export const RECENT_LIMIT = 200;

/** All alerts. Plain data, durable as one record. */
export interface AlertBook extends AlertRecord {
  /** What happened before is nobody's news. */
  readonly since: number;
  /** The last that was given. */
  readonly number: number;
  /** That are over, the newest first. */
  readonly recent: readonly Alert[];
  /** Events that were told, and when: until they are too old to be news. */
  readonly noticed: Readonly<Record<string, number>>;
}

/** Since when what is not told yet has been so, and what is told has been gone. A restart begins anew. */
export interface Waiting {
  readonly soSince: ReadonlyMap<string, number>;
  readonly goneSince: ReadonlyMap<string, number>;
}

export interface AlertChange {
  /** `said`: its words or severity are new, nobody need be told. An alert that becomes critical is raised again. */
  readonly event: 'raised' | 'cleared' | 'said';
  readonly alert: Alert;
}

export interface Step {
  readonly book: AlertBook;
  readonly waiting: Waiting;
  readonly changes: readonly AlertChange[];
}

export const NOTHING_WAITS: Waiting = { soSince: new Map(), goneSince: new Map() };

export function newBook(now: number): AlertBook {
  return { since: now, number: 0, open: [], recent: [], noticed: {} };
}

/** The next book, given what was found now. Pure. */
export function step(book: AlertBook, waiting: Waiting, findings: Findings, now: number): Step {
  const found = new Map(findings.conditions.map((condition) => [condition.id, condition]));
  const kept = keep(book, waiting, findings, found, now);
  const raised = raise(book, waiting, kept.open, found, now);
  const cleared = kept.changes.flatMap(({ event, alert }) => (event === 'cleared' ? [alert] : []));
  const changes = [...kept.changes, ...raised.alerts.map((alert) => ({ event: 'raised' as const, alert }))];
  return {
    waiting: { soSince: raised.soSince, goneSince: kept.goneSince },
    changes,
    book:
      changes.length === 0
        ? book
        : {
            ...book,
            number: raised.alerts.at(-1)?.number ?? book.number,
            open: [...kept.open, ...raised.alerts].toSorted(byUrgency),
            recent: [...cleared, ...book.recent].slice(0, RECENT_LIMIT),
            noticed: raised.noticed,
          },
  };
}

interface Kept {
  readonly open: Alert[];
  readonly changes: AlertChange[];
  readonly goneSince: Map<string, number>;
}

function keep(
  book: AlertBook,
  { goneSince }: Waiting,
  findings: Findings,
  found: ReadonlyMap<string, Condition>,
  now: number,
): Kept {
  const kept: Kept = { open: [], changes: [], goneSince: new Map() };
  for (const alert of book.open) {
    const condition = found.get(alert.id);
    const since = goneSince.get(alert.id) ?? now;
    if (isOver(alert, condition, findings, now - since, now)) {
      kept.changes.push({ event: 'cleared', alert: { ...alert, clearedAt: now } });
      continue;
    }
    if (condition === undefined) kept.goneSince.set(alert.id, since);
    const said = condition === undefined ? alert : saidAgain(alert, condition, now);
    kept.open.push(said);
    if (said === alert) continue;
    const isWorse = said.severity === 'critical' && alert.severity !== 'critical';
    kept.changes.push({ event: isWorse ? 'raised' : 'said', alert: said });
  }
  return kept;
}

function isOver(
  alert: Alert,
  condition: Condition | undefined,
  { over, unknown }: Findings,
  goneMilliseconds: number,
  now: number,
): boolean {
  if (over.has(alert.id)) return true;
  switch (alert.lasts) {
    case 'until over':
      return false;
    case 'until seen':
      return alert.acknowledged !== null || now - alert.raisedAt >= EVENT_MILLISECONDS;
    case 'while so':
      if (condition !== undefined || unknown.has(alert.subject.name)) return false;
      return goneMilliseconds >= CLEAR_AFTER_MILLISECONDS;
  }
}

/** It may become worse, and stays as bad as it was until it is over: a value near a limit must not raise it again and again. */
function saidAgain(alert: Alert, { severity, sentence, remedy }: Condition, now: number): Alert {
  const isWorse = severity === 'critical' && alert.severity !== 'critical';
  const isDue = now - alert.saidAt >= SAY_AGAIN_MILLISECONDS && sentence !== alert.sentence;
  if (!isWorse && !isDue) return alert;
  // What becomes critical is not what somebody has said they have seen.
  const changed = isWorse ? { severity, acknowledged: null } : {};
  return { ...alert, ...changed, sentence, remedy, saidAt: now };
}

interface Raised {
  readonly alerts: Alert[];
  readonly soSince: Map<string, number>;
  readonly noticed: Readonly<Record<string, number>>;
}

function raise(
  book: AlertBook,
  { soSince }: Waiting,
  open: readonly Alert[],
  found: ReadonlyMap<string, Condition>,
  now: number,
): Raised {
  const openIds = new Set(open.map(({ id }) => id));
  const noticed = Object.entries(book.noticed).filter(([, at]) => now - at < 2 * EVENT_MILLISECONDS);
  const raised: Raised = { alerts: [], soSince: new Map(), noticed: Object.fromEntries(noticed) };
  for (const condition of found.values()) {
    const { id, event } = condition;
    if (openIds.has(id) || (event !== null && event in book.noticed)) continue;
    const since = soSince.get(id) ?? now;
    const isDue = event !== null || now - since >= RAISE_AFTER_MILLISECONDS;
    if (!isDue || open.length + raised.alerts.length >= OPEN_LIMIT) {
      raised.soSince.set(id, since);
      continue;
    }
    raised.alerts.push(alertOf(condition, book.number + raised.alerts.length + 1, now));
    if (event !== null) noticed.push([event, now]);
  }
  return { ...raised, noticed: Object.fromEntries(noticed) };
}

function alertOf(condition: Condition, number: number, now: number): Alert {
  const { event: _, ...said } = condition;
  return { ...said, number, raisedAt: now, saidAt: now, clearedAt: null, acknowledged: null, delivery: null };
}

/** Somebody has seen it: what only tells what happened is cleared by the next step. The same book: there is none such. */
export function acknowledge(book: AlertBook, id: string, who: string, now: number): AlertBook {
  const open = book.open.map((alert) =>
    alert.id === id && alert.acknowledged === null ? { ...alert, acknowledged: { who, at: now } } : alert,
  );
  return { ...book, open };
}

/** What became of telling it. An alert that is forgotten meanwhile is left so. */
export function delivered(book: AlertBook, number: number, delivery: AlertDelivery): AlertBook {
  const noted = (alert: Alert): Alert => (alert.number === number ? { ...alert, delivery } : alert);
  return { ...book, open: book.open.map(noted), recent: book.recent.map(noted) };
}
