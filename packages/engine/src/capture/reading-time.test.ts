import { expect, test } from 'vitest';
import { Meter } from '../flow/meter.ts';
import type { MeasuredRead } from './reading-time.ts';
import { ReadingTime } from './reading-time.ts';

class Bench {
  readonly #time = new ReadingTime();
  #now = 0;

  /** Begins to read a table now; the result ends it, with so many rows of a hundred bytes. */
  begin(): (rows: number | Error) => Promise<MeasuredRead | null> {
    const table = { rowsMeter: new Meter(), bytesMeter: new Meter() };
    // What came before does not count.
    table.rowsMeter.add(7);
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    const reading = this.#time.during(
      table,
      () => this.#now,
      () => promise,
    );
    return (rows) => {
      if (rows instanceof Error) {
        reject(rows);
        return reading;
      }
      table.rowsMeter.add(rows);
      table.bytesMeter.add(rows * 100);
      resolve();
      return reading;
    };
  }

  pass(milliseconds: number): void {
    this.#now += milliseconds;
  }
}

test('tables that are read at once count once in time, and together in rows', async () => {
  const bench = new Bench();
  const first = bench.begin();
  bench.pass(1_000);
  const second = bench.begin();
  bench.pass(3_000);
  expect(await first(1_000_000)).toBeNull();
  bench.pass(6_000);
  const all = { rows: 3_000_000, bytes: 300_000_000, milliseconds: 10_000, at: 10_000 };
  expect(await second(2_000_000)).toEqual(all);
});

test('a read that came to nothing, and one of a few rows, say nothing about speed', async () => {
  const bench = new Bench();
  const failing = bench.begin();
  const other = bench.begin();
  bench.pass(9_000);
  await expect(failing(new Error('lost'))).rejects.toThrow('lost');
  expect(await other(1_000_000)).toBeNull();
  const small = bench.begin();
  bench.pass(9_000);
  expect(await small(1_000)).toBeNull();
  const next = bench.begin();
  bench.pass(1_000);
  expect(await next(1_000_000)).toMatchObject({ rows: 1_000_000, milliseconds: 1_000 });
});
