import fc from 'fast-check';
import { expect, test } from 'vitest';
import { PostgresSnapshot } from './snapshot.ts';
import { XidWidener } from './widen.ts';

test('a snapshot sees what had ended, not what ran or came later', () => {
  const snapshot = new PostgresSnapshot('10:20:12,15');
  expect([9n, 10n, 11n, 12n, 14n, 15n, 19n, 20n, 21n].filter((xid) => snapshot.sees(xid))).toEqual([
    9n,
    10n,
    11n,
    14n,
    19n,
  ]);
  expect(new PostgresSnapshot('7:7:').sees(6n)).toBe(true);
  expect(new PostgresSnapshot('7:7:').sees(7n)).toBe(false);
  expect([9n, 10n].map((xid) => snapshot.seesAllUpTo(xid))).toEqual([true, false]);
});

test('ids of 32 bits are widened to the nearest of 64, over any number of wrap-arounds', () => {
  const reference = fc.bigInt({ min: 2n ** 32n, max: 2n ** 60n });
  const distance = fc.bigInt({ min: -(2n ** 31n), max: 2n ** 31n - 1n });
  fc.assert(
    fc.property(reference, fc.array(distance, { minLength: 1, maxLength: 20 }), (start, steps) => {
      let at = start;
      const xids = new XidWidener(start);
      for (const step of steps) {
        // A log's transactions lie near each other; the stream as a whole may go on for ever.
        at += step / 4n;
        expect(xids.widen(Number(BigInt.asUintN(32, at)))).toBe(at);
      }
    }),
  );
});
