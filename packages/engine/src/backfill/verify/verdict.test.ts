import type { ProblemRecord } from '@brimful/model';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { verdictOf } from './verdict.ts';

const problem: ProblemRecord = { code: 'BRM-BUG', kind: 'bug', message: '', remedy: null, at: {} };

test('the worst that is so counts, and only when nothing is so the sides are equal', () => {
  fc.assert(
    fc.property(
      fc.constantFrom(null, problem),
      fc.nat(2),
      fc.nat(2),
      fc.nat(2),
      fc.constantFrom([], ['a column']),
      (met, divergent, unchecked, settled, skipped) => {
        const verdict = verdictOf({ problem: met, divergent, unchecked, settled, skipped });
        const worst = [
          [met !== null, 'error'],
          [divergent > 0, 'divergent'],
          [unchecked > 0 || skipped.length > 0, 'inconclusive'],
          [settled > 0, 'equal after catch-up'],
          [true, 'equal'],
        ].find(([isSo]) => isSo);
        expect(verdict).toBe(worst?.[1]);
      },
    ),
  );
});
