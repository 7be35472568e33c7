import type { SourceLoadStatus } from '@brimful/model';
import { expect, test } from 'vitest';
import { latency, replicaWords, throttleWords } from './source-words.ts';

const QUIET: SourceLoadStatus = {
  at: 1,
  bytesPerSecond: 0,
  ceilingBytesPerSecond: 8e6,
  streamedBytesPerSecond: 0,
  readers: 1,
  strain: null,
  signals: [],
  lookUpMilliseconds: null,
  baselineMilliseconds: null,
  probe: 'not needed',
  health: null,
  gates: [],
  readings: [],
};
const FREE = { token: 'run-1', state: 'free', reason: null, bytesPerSecond: 1, openReaders: 1 } as const;
const HELD = { ...FREE, token: 'run-2', state: 'window closed', reason: 'until 22:00' } as const;

test('what stops reading is said before what slows it, and that before what only grows', () => {
  const gates = [{ gate: 'locks', owner: 'source', reason: '2 sessions wait', since: 1 }] as const;
  const signals = [
    { name: 'sessions', value: 1, limit: 10, unit: 'sessions' },
    { name: 'look-ups', value: 4.5, limit: 5, unit: 'ms' },
  ];
  const strained = { ...QUIET, readings: [FREE], probe: 'heard', strain: 0.9, signals } as const;
  const said = (load: SourceLoadStatus): string => Object.values(throttleWords(load)).join(' | ');
  expect(said({ ...strained, gates, readings: [HELD] })).toBe('paused | stopped: locks | 2 sessions wait');
  expect(said({ ...strained, readings: [FREE, HELD] })).toBe('throttled | window closed | until 22:00');
  expect(said(strained)).toBe('throttled | slowing down | look-ups 4.5 of at most 5.0 ms');
  expect(said({ ...strained, strain: 0.2 })).toBe('running | none | may grow beyond 8.0 MB/s');
  expect(said({ ...strained, probe: 'unknown' })).toBe('throttled | careful | nothing is heard of its load');
  expect(said(QUIET)).toBe('idle | none | nothing reads; the stream is never held');
});

test('latencies of parts of milliseconds, and replicas that there are not', () => {
  expect([latency(0.34), latency(42), latency(null)]).toEqual(['0.3 ms', '42 ms', 'unknown']);
  expect(replicaWords(null)).toBeNull();
});
