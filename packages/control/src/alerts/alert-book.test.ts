import { describe, expect, test } from 'vitest';
import type { AlertBook, Waiting } from './alert-book.ts';
import {
  acknowledge,
  CLEAR_AFTER_MILLISECONDS,
  newBook,
  NOTHING_WAITS,
  OPEN_LIMIT,
  RAISE_AFTER_MILLISECONDS,
  RECENT_LIMIT,
  SAY_AGAIN_MILLISECONDS,
  step,
} from './alert-book.ts';
import { EVENT_MILLISECONDS } from './alerts-of.ts';
import type { Condition, Findings } from './condition.ts';

const SO: Condition = {
  id: 'slot-lag:a',
  kind: 'slot lag',
  severity: 'warning',
  subject: { kind: 'capture', name: 'a' },
  sentence: 'a is late',
  remedy: null,
  lasts: 'while so',
  event: null,
};
const HAPPENED: Condition = { ...SO, id: 'run:1:done', lasts: 'until seen', event: 'run:1:done' };

/** A book that is stepped on; it notes what changed. */
class Stepped {
  book: AlertBook = newBook(0);
  waiting: Waiting = NOTHING_WAITS;
  now = 0;

  /** After so long, with these findings: `raised slot-lag:a`. */
  after(milliseconds: number, conditions: readonly Condition[], parts: Partial<Findings> = {}): string[] {
    this.now += milliseconds;
    const findings = { conditions, unknown: new Set<string>(), over: new Set<string>(), ...parts };
    const next = step(this.book, this.waiting, findings, this.now);
    this.book = next.book;
    this.waiting = next.waiting;
    return next.changes.map(({ event, alert }) => `${event} ${alert.id}`);
  }

  get open(): string[] {
    return this.book.open.map(({ id }) => id);
  }
}

function raised(): Stepped {
  const stepped = new Stepped();
  stepped.after(0, [SO]);
  stepped.after(RAISE_AFTER_MILLISECONDS, [SO]);
  return stepped;
}

describe('what is so', () => {
  test('must be so for a while, without a gap, before it is told', () => {
    const stepped = new Stepped();
    expect(stepped.after(0, [SO])).toEqual([]);
    expect(stepped.after(RAISE_AFTER_MILLISECONDS - 1, [SO])).toEqual([]);
    expect(stepped.after(1, [])).toEqual([]);
    expect(stepped.after(1, [SO])).toEqual([]);
    expect(stepped.after(RAISE_AFTER_MILLISECONDS, [SO])).toEqual(['raised slot-lag:a']);
    expect(stepped.after(1000, [SO])).toEqual([]);
  });

  test('must be gone for a while before it is over: what flutters is told once', () => {
    const stepped = raised();
    const heard: string[] = [];
    for (let turn = 0; turn < 20; turn += 1) {
      heard.push(...stepped.after(CLEAR_AFTER_MILLISECONDS - 1, []), ...stepped.after(1, [SO]));
    }
    expect(heard).toEqual([]);
    expect(stepped.after(1, [])).toEqual([]);
    expect(stepped.after(CLEAR_AFTER_MILLISECONDS, [])).toEqual(['cleared slot-lag:a']);
    expect(stepped.book.recent).toMatchObject([{ id: 'slot-lag:a', clearedAt: stepped.now }]);
  });

  test('has another number when it comes again', () => {
    const stepped = raised();
    stepped.after(1, []);
    stepped.after(CLEAR_AFTER_MILLISECONDS, []);
    stepped.after(1, [SO]);
    stepped.after(RAISE_AFTER_MILLISECONDS, [SO]);
    expect(stepped.book.open.map(({ number }) => number)).toEqual([2]);
    expect(stepped.book.recent.map(({ number }) => number)).toEqual([1]);
  });

  test('stays while nothing is known of its task', () => {
    const stepped = raised();
    const unknown = new Set(['a']);
    stepped.after(1, [], { unknown });
    expect(stepped.after(10 * CLEAR_AFTER_MILLISECONDS, [], { unknown })).toEqual([]);
    expect(stepped.open).toEqual(['slot-lag:a']);
  });

  test('is raised again when it becomes critical, whoever had seen it, and stays so', () => {
    const stepped = raised();
    stepped.book = acknowledge(stepped.book, SO.id, 'anna', stepped.now);
    const critical = { ...SO, severity: 'critical' as const, sentence: 'a is very late' };
    expect(stepped.after(1, [critical])).toEqual(['raised slot-lag:a']);
    expect(stepped.book.open).toMatchObject([
      { number: 1, severity: 'critical', acknowledged: null, sentence: 'a is very late' },
    ]);
    expect([...stepped.after(1, [SO]), ...stepped.after(1, [critical])]).toEqual([]);
  });

  test('new values are said now and then, not at every look', () => {
    const stepped = raised();
    expect(stepped.after(1000, [{ ...SO, sentence: 'later' }])).toEqual([]);
    expect(stepped.after(SAY_AGAIN_MILLISECONDS, [{ ...SO, sentence: 'later' }])).toEqual([
      'said slot-lag:a',
    ]);
    expect(stepped.book.open[0]?.sentence).toBe('later');
  });

  test('that somebody has seen it does not end it', () => {
    const stepped = raised();
    stepped.book = acknowledge(stepped.book, SO.id, 'anna', stepped.now);
    expect(stepped.after(1, [SO])).toEqual([]);
    expect(stepped.book.open[0]?.acknowledged?.who).toBe('anna');
  });
});

describe('what happened', () => {
  test('is told at once, and once, also after it was seen', () => {
    const stepped = new Stepped();
    expect(stepped.after(0, [HAPPENED])).toEqual(['raised run:1:done']);
    stepped.book = acknowledge(stepped.book, HAPPENED.id, 'anna', 1);
    expect(stepped.after(1, [HAPPENED])).toEqual(['cleared run:1:done']);
    expect(stepped.after(1000, [HAPPENED])).toEqual([]);
  });

  test('is over by itself after a day', () => {
    const stepped = new Stepped();
    stepped.after(0, [HAPPENED]);
    expect(stepped.after(EVENT_MILLISECONDS - 1, [])).toEqual([]);
    expect(stepped.after(1, [])).toEqual(['cleared run:1:done']);
  });

  test('until something shows that it is over: neither time nor silence ends it', () => {
    const stepped = new Stepped();
    const divergent = { ...HAPPENED, lasts: 'until over' as const };
    stepped.after(0, [divergent]);
    stepped.book = acknowledge(stepped.book, HAPPENED.id, 'anna', 1);
    expect(stepped.after(10 * EVENT_MILLISECONDS, [])).toEqual([]);
    expect(stepped.after(1, [], { over: new Set([HAPPENED.id]) })).toEqual(['cleared run:1:done']);
  });
});

// Invariant 9
test('neither open alerts nor those that are over grow without end', () => {
  const stepped = new Stepped();
  const many = Array.from({ length: OPEN_LIMIT + 100 }, (_, index) => ({ ...SO, id: `slot-lag:${index}` }));
  stepped.after(0, many);
  expect(stepped.after(RAISE_AFTER_MILLISECONDS, many).length).toBe(OPEN_LIMIT);
  expect(stepped.after(1000, many)).toEqual([]);
  stepped.after(1, []);
  stepped.after(CLEAR_AFTER_MILLISECONDS, []);
  expect([stepped.book.open.length, stepped.book.recent.length]).toEqual([0, RECENT_LIMIT]);
});
