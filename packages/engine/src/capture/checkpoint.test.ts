import { expect, test } from 'vitest';
import type { BackfillEvent, BackfillPhase } from './checkpoint.ts';
import { newBackfill, nextPhase } from './checkpoint.ts';

const PHASES: readonly BackfillPhase[] = ['waiting', 'scanning', 'filling', 'complete', 'gap'];
const EVENTS: readonly BackfillEvent[] = ['begin', 'covered', 'filled', 'restart', 'lost'];

test('the way of a first read, and what is impossible', () => {
  expect(newBackfill().phase).toBe('waiting');
  const table = Object.fromEntries(
    PHASES.map((phase) => [phase, EVENTS.map((event) => nextPhase(phase, event) ?? '-').join(' ')]),
  );
  expect(table).toEqual({
    waiting: 'scanning - - waiting gap',
    scanning: 'scanning filling - waiting gap',
    filling: '- filling complete waiting gap',
    complete: '- - - waiting gap',
    gap: '- - - waiting gap',
  });
});
