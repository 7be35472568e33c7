import type { Run, RunBinding, RunBindingState, RunState } from '@brimful/model';
import type { Colors } from 'picocolors/types.js';
import { formatBytes, formatCount, formatShortSeconds } from './format.ts';
import { subjectText } from './plan-page.ts';
import type { Line } from './progress-line.ts';
import { harmless } from './width.ts';

/** Whether something is still done, or waited for. One in its undo window is at rest. */
export function isActive({ state, intent }: Pick<Run, 'state' | 'intent'>): boolean {
  return STATES[state].activity !== 'rest' || intent !== null;
}

/** Whether nothing more will happen to it by itself but cleaning up: watching it ends. */
export function isOver(run: Pick<Run, 'state' | 'intent'>): boolean {
  return !isActive(run) && run.state !== 'planned';
}

/** Whether somebody who looks at the whole should see it: it goes on, waits for a person, or can be undone. */
export function isShown(run: Run): boolean {
  return isActive(run) || run.state === 'failed' || (run.state === 'swapped' && run.undoUntil !== null);
}

/** `work`: something moves. `wait`: it will go on. `rest`: nothing is due. */
type Activity = 'work' | 'wait' | 'rest';

const STATES: Readonly<Record<RunState, { readonly activity: Activity; readonly mark: string }>> = {
  planned: { activity: 'rest', mark: '○' },
  approved: { activity: 'wait', mark: '○' },
  waiting: { activity: 'wait', mark: '◌' },
  running: { activity: 'work', mark: '▶' },
  throttled: { activity: 'work', mark: '▷' },
  paused: { activity: 'wait', mark: '‖' },
  'window closed': { activity: 'wait', mark: '◌' },
  interrupted: { activity: 'wait', mark: '◌' },
  'catching up': { activity: 'work', mark: '▶' },
  verifying: { activity: 'work', mark: '▶' },
  'ready to swap': { activity: 'work', mark: '▶' },
  swapped: { activity: 'rest', mark: '✓' },
  done: { activity: 'rest', mark: '✓' },
  cancelled: { activity: 'rest', mark: '■' },
  failed: { activity: 'rest', mark: '✗' },
  expired: { activity: 'rest', mark: '■' },
  undone: { activity: 'rest', mark: '↶' },
};

export function stateMark({ state }: Pick<Run, 'state'>, colors: Colors): string {
  const { activity, mark } = STATES[state];
  if (state === 'failed') return colors.red(mark);
  if (mark === '✓' || activity === 'work') return colors.green(mark);
  return activity === 'wait' ? colors.yellow(mark) : colors.dim(mark);
}

/** `running: 42 %, 410 k rows/s, 1 min left`, `paused: by anna`. */
export function stateSentence(run: Run): string {
  const because = run.because === null ? '' : `: ${harmless(run.because)}`;
  const intent = run.intent === null ? '' : `, ${run.intent} asked for`;
  return `${run.state}${intent}${because}`;
}

/** How far it is: part done, rate and what is left, of the bindings that read. Empty when nothing does. */
export function advance(run: Run): readonly string[] {
  if (STATES[run.state].activity === 'rest') return [];
  const rows = sum(run.bindings, (binding) => binding.rowsPerSecond);
  const left = run.bindings.flatMap(({ etaSeconds }) => (etaSeconds === null ? [] : [etaSeconds]));
  return [
    `${Math.floor(doneOf(run) * 100)} %`,
    ...(rows >= 1 ? [`${formatCount(rows)} rows/s`] : []),
    ...(left.length === 0 ? [] : [`${formatShortSeconds(Math.max(...left))} left`]),
  ];
}

/** By rows, so that a large table counts for more than a small one. */
export function doneOf({ bindings }: Run): number {
  const weight = (binding: RunBinding): number => Math.max(1, binding.rowsEstimated, binding.rowsRead);
  const total = sum(bindings, weight);
  return total === 0 ? 0 : sum(bindings, (binding) => weight(binding) * binding.done) / total;
}

/** `12`: commands know it as `run-000012`. */
export function shortId({ id }: Pick<Run, 'id'>): string {
  return id.replace(/^run-0*(?=\d)/, '');
}

/** `run-12 reset of shop/orders`. */
export function runTitle(run: Run): string {
  return `${run.id}  ${subjectText(run.plan)}`;
}

/** Failed first, then what is at work, then what waits, then what is through. */
const URGENCY: Readonly<Record<RunBindingState, number>> = {
  failed: 0,
  reading: 2,
  reconciling: 2,
  building: 2,
  'catching up': 2,
  verifying: 3,
  ready: 3,
  paused: 4,
  waiting: 4,
  swapped: 5,
  done: 5,
  skipped: 6,
  cancelled: 6,
  undone: 6,
};

export function runBindingLine(binding: RunBinding): Line {
  const { state, rowsRead, rowsEstimated, bytesRead, rowsPerSecond, etaSeconds } = binding;
  const urgency = URGENCY[state];
  const atWork = urgency >= 2 && urgency <= 4;
  return {
    name: harmless(binding.collection),
    phase: state,
    urgency,
    // Never 100 % while something is still done.
    done: atWork ? Math.min(binding.done, 0.99) : undefined,
    rows: rowsText(rowsRead, rowsEstimated, atWork),
    bytes: bytesRead === 0 ? '' : formatBytes(bytesRead),
    rate: rowsPerSecond >= 1 && atWork ? `${formatCount(rowsPerSecond)}/s` : '',
    last: etaSeconds !== null && atWork ? `${formatShortSeconds(etaSeconds)} left` : lastText(binding),
  };
}

function rowsText(read: number, estimated: number, atWork: boolean): string {
  if (atWork && estimated > 0) return `${formatCount(read)}/~${formatCount(estimated)}`;
  return read === 0 ? '' : formatCount(read);
}

function lastText({ deleted, verifications }: RunBinding): string {
  const bad = verifications.find(({ verdict }) => !verdict.startsWith('equal'));
  if (bad !== undefined) return bad.verdict;
  return deleted > 0 ? `-${formatCount(deleted)}` : '';
}

function sum<T>(all: readonly T[], value: (one: T) => number): number {
  return all.reduce((total, one) => total + value(one), 0);
}
