import classes from './state-mark.module.css';

type Tone = 'good' | 'busy' | 'wait' | 'bad' | 'idle';

const TONES: Readonly<Record<string, Tone>> = {
  running: 'good',
  streaming: 'good',
  live: 'good',
  done: 'good',
  swapped: 'good',
  equal: 'good',
  ok: 'good',
  verified: 'good',
  'equal after catch-up': 'good',
  ready: 'good',
  'ready to swap': 'busy',
  backfilling: 'busy',
  filling: 'busy',
  loading: 'busy',
  indexing: 'busy',
  replaying: 'busy',
  reading: 'busy',
  reconciling: 'busy',
  building: 'busy',
  verifying: 'busy',
  'catching up': 'busy',
  starting: 'busy',
  joining: 'busy',
  approved: 'busy',
  waiting: 'wait',
  paused: 'wait',
  throttled: 'wait',
  'window closed': 'wait',
  interrupted: 'wait',
  stale: 'wait',
  inconclusive: 'wait',
  warn: 'wait',
  warning: 'wait',
  confirm: 'wait',
  failed: 'bad',
  critical: 'bad',
  gap: 'bad',
  error: 'bad',
  divergent: 'bad',
  block: 'bad',
};

/** A state as a coloured dot and its word. The word alone is enough: colour only repeats it. */
export function StateMark({ state, label }: { readonly state: string; readonly label?: string }) {
  return (
    <span className={classes.mark}>
      <span className={classes.dot} data-tone={TONES[state] ?? 'idle'} aria-hidden="true" />
      {label ?? state}
    </span>
  );
}
