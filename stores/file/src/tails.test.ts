import { expect, test } from 'vitest';
import { bodyChecksum } from './checksum.ts';
import { type FreshEntry, Tails } from './tails.ts';

function fresh(offset: number, body = new Uint8Array(1_000).fill(offset)): FreshEntry {
  return { offset, kind: 'rows', meta: '{"rows":1}', body, appendedAt: 1, bodyChecksum: bodyChecksum(body) };
}

test('the ring is bounded over all journals, oldest out first', () => {
  const tails = new Tails(10_000);
  const a = tails.attach('a');
  const b = tails.attach('b');
  for (let offset = 0; offset < 50; offset += 1) {
    tails.appended('a', 1, [fresh(offset)]);
    tails.appended('b', 2, [fresh(offset)]);
    expect(tails.bytes).toBeLessThanOrEqual(10_000);
  }
  expect(a.take(1, 0)).toBeUndefined();
  expect(a.take(1, 49)?.body).toEqual(new Uint8Array(1_000).fill(49));
  expect(b.take(2, 49)).toMatchObject({ offset: 49, meta: { rows: 1 } });
  tails.detach(a);
  tails.detach(b);
  expect(tails.bytes).toBe(0);
});

test('nothing is kept for a journal that nobody reads', () => {
  const tails = new Tails();
  tails.appended('a', 1, [fresh(0)]);
  expect(tails.bytes).toBe(0);
});

test('entries of an earlier life of a journal are never taken for those of the next', () => {
  const tails = new Tails();
  const tail = tails.attach('a');
  tails.appended('a', 1, [fresh(0)]);
  expect(tail.take(2, 0)).toBeUndefined();
  tails.appended('a', 2, [fresh(5)]);
  expect(tail.take(1, 0)).toBeUndefined();
  expect(tail.take(1, 5)).toBeUndefined();
  expect(tail.take(2, 5)?.offset).toBe(5);
  tails.dropped('a');
  expect(tail.take(2, 5)).toBeUndefined();
});

test('bytes changed after their append are noticed', () => {
  const tails = new Tails();
  const tail = tails.attach('a');
  const body = new Uint8Array(100);
  tails.appended('a', 1, [fresh(0, body)]);
  body[50] = 1;
  expect(() => tail.take(1, 0)).toThrow(expect.objectContaining({ code: 'BRM-STORE-CHANGED', kind: 'bug' }));
});

test('no wake-up between looking and waiting is missed, and an abort wakes', async () => {
  const tails = new Tails();
  const tail = tails.attach('a');
  const stop = new AbortController();
  const { version } = tail;
  tails.appended('a', 1, [fresh(0)]);
  await tail.changed(version, stop.signal);
  const waiting = tail.changed(tail.version, stop.signal);
  stop.abort();
  await waiting;
  await tail.changed(tail.version, stop.signal);
});
