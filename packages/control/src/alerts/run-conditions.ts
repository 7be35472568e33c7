import type { AlertSeverity, Run, RunState } from '@brimful/model';
import type { Condition } from './condition.ts';

interface Ending {
  readonly word: string;
  readonly severity: AlertSeverity;
}

/** States in which a run has come to an end that somebody waits for. One in its undo window has ended well. */
const ENDINGS: Readonly<Partial<Record<RunState, Ending>>> = {
  swapped: { word: 'is done', severity: 'info' },
  done: { word: 'is done', severity: 'info' },
  cancelled: { word: 'was cancelled', severity: 'info' },
  undone: { word: 'was undone', severity: 'info' },
  failed: { word: 'has failed', severity: 'critical' },
};

/** The end of a run, when it is news. A run that is swapped in and later out of its undo window has ended once. */
export function runConditions(run: Run, news: number): Condition[] {
  const ending = ENDINGS[run.state];
  const at = run.endedAt ?? run.events.at(-1)?.at ?? run.createdAt;
  if (ending === undefined || at < news) return [];
  const { id, mode } = run;
  const { task, reason } = run.plan.request;
  const failed = run.bindings.find(({ problem }) => problem !== null)?.problem ?? null;
  const verdict = run.report?.verdict ?? null;
  const why = ending.severity === 'critical' ? (run.because ?? failed?.message) : run.because;
  const details = [
    ...(why === null || why === undefined ? [] : [why]),
    ...(run.report === null ? [] : [`${run.report.rows.toLocaleString('en')} rows`]),
    ...(verdict === null ? [] : [`both sides are ${verdict}`]),
  ];
  return [
    {
      id: idOf(run, ending),
      kind: 'run finished',
      severity: ending.severity,
      subject: { kind: 'run', name: id },
      sentence: `${id} (${mode} of ${task}: ${reason}) ${ending.word}${details.length === 0 ? '' : `: ${details.join(', ')}`}.`,
      remedy:
        ending.severity === 'critical'
          ? (failed?.remedy ?? `See why on its page, then: brimful backfill retry ${id}`)
          : null,
      lasts: 'until seen',
      event: idOf(run, ending),
    },
  ];
}

/** Failures that are over because somebody had them tried again. */
export function runsOver(runs: readonly Run[]): string[] {
  return runs.filter(({ state }) => state !== 'failed').map((run) => idOf(run, { word: 'has failed' }));
}

function idOf({ id }: Run, { word }: Pick<Ending, 'word'>): string {
  return `run:${id}:${word.split(' ').at(-1) ?? ''}`;
}
