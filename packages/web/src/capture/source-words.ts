import type { SourceHealthStatus, SourceLoadStatus } from '@brimful/model';
import { byteRate, bytes, duration } from '../words/quantity.ts';

/** Look-ups are of milliseconds and parts of them. */
export function latency(milliseconds: number | null): string {
  if (milliseconds === null) return 'unknown';
  return milliseconds < 10 ? `${milliseconds.toFixed(1)} ms` : duration(milliseconds / 1000);
}

interface Throttle {
  /** For the coloured dot. */
  readonly state: string;
  readonly word: string;
  readonly why: string;
}

/** From here on a signal says why less is read. */
const STRAINED = 0.7;

/** What holds reading back now, and why: first what stops it, then what slows it. */
export function throttleWords({
  gates,
  readings,
  strain,
  signals,
  ceilingBytesPerSecond,
  probe,
}: SourceLoadStatus): Throttle {
  const [gate] = gates;
  if (gate !== undefined) return { state: 'paused', word: `stopped: ${gate.gate}`, why: gate.reason };
  if (readings.length === 0)
    return { state: 'idle', word: 'none', why: 'nothing reads; the stream is never held' };
  const held = readings.find(({ state }) => state !== 'free');
  if (held !== undefined) return { state: 'throttled', word: held.state, why: held.reason ?? held.token };
  if (probe === 'unknown') {
    return { state: 'throttled', word: 'careful', why: 'nothing is heard of its load' };
  }
  const [worst] = signals.toSorted((left, right) => right.value / right.limit - left.value / left.limit);
  if (worst !== undefined && strain !== null && strain >= STRAINED) {
    const { name, value, limit, unit } = worst;
    return {
      state: 'throttled',
      word: 'slowing down',
      why: `${name} ${round(value)} of at most ${round(limit)} ${unit}`,
    };
  }
  return { state: 'running', word: 'none', why: `may grow beyond ${byteRate(ceilingBytesPerSecond)}` };
}

/** Null: it has none, or says nothing of them. */
export function replicaWords(health: SourceHealthStatus | null): string | null {
  if (health === null) return null;
  const { replicaLagBytes, replicaLagMilliseconds } = health;
  if (replicaLagMilliseconds !== null) return `${duration(replicaLagMilliseconds / 1000)} behind`;
  return replicaLagBytes === null ? null : `${bytes(replicaLagBytes)} behind`;
}

function round(value: number): string {
  return value >= 100 ? String(Math.round(value)) : value.toFixed(1);
}
