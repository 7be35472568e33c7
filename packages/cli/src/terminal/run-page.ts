import type { Run, RunReport } from '@brimful/model';
import { formatBytes, formatCount, formatMilliseconds, formatSeconds } from './format.ts';
import type { PageOptions } from './page.ts';
import { facts, formatClock, formatMoment, hanging, pageWidth } from './page.ts';
import { layoutFor, lineText } from './progress-line.ts';
import { problemText } from './problem-text.ts';
import { advance, runBindingLine, runTitle, stateMark, stateSentence } from './run-lines.ts';
import { scopeText } from './scope-text.ts';
import { verificationLines } from './verification-page.ts';
import { clip, padRight, textWidth } from './width.ts';

/** The newest of its history; `--json` has all. */
const SHOWN_EVENTS = 12;

/** One run: what it is, how far it is, what happened, what it came to. */
export function runPage(run: Run, options: PageOptions): string[] {
  const { colors } = options;
  const section = (title: string, lines: readonly string[]): string[] =>
    lines.length === 0 ? [] : ['', colors.bold(title), ...lines];
  return [
    headLine(run, options),
    ...facts(headFacts(run, options), options),
    ...section('Tables', tableLines(run, options)),
    ...section('Compared', comparedLines(run, options)),
    ...section('Report', run.report === null ? [] : reportLines(run.report, options)),
    ...section('History', historyLines(run, options)),
    ...nextLines(run, options),
  ];
}

function headLine(run: Run, options: PageOptions): string {
  const { colors } = options;
  const start = `${stateMark(run, colors)} ${colors.bold(runTitle(run))}  `;
  // Why it is so stands below, whole.
  const state = stateSentence({ ...run, because: null });
  const detail = advance(run).join(' · ');
  const room = pageWidth(options) - textWidth(start) - textWidth(state) - 2;
  return `${start}${state}${detail === '' || room <= 0 ? '' : colors.dim(`  ${clip(detail, room)}`)}`;
}

function headFacts(run: Run, { timeZone }: PageOptions): [string, string][] {
  const { request } = run.plan;
  const [scope = ''] = scopeText(request.scope).split('\n');
  const made = formatMoment(run.createdAt, timeZone);
  const later = (word: string, at: number | null): string => {
    if (at === null) return '';
    const moment = formatMoment(at, timeZone);
    const sameDay = moment.slice(0, 10) === made.slice(0, 10);
    return `${word} ${sameDay ? formatClock(at, timeZone) : moment}`;
  };
  const times = [`made ${made}`, later('began', run.startedAt), later('ended', run.endedAt)];
  const limits = throttleText(run);
  return [
    ['why', `${request.reason} (${request.author})`],
    ['rows', scope],
    ['plan', run.plan.id],
    ['when', times.filter((text) => text !== '').join(', ')],
    ...(limits === '' ? [] : [['limits', limits] as [string, string]]),
    ...(run.because === null ? [] : [[run.state, run.because] as [string, string]]),
  ];
}

export function throttleText({ throttle }: Pick<Run, 'throttle'>): string {
  return [
    throttle.bytesPerSecond === null
      ? ''
      : throttle.bytesPerSecond === 0
        ? 'rate 0: reads nothing'
        : `at most ${formatBytes(throttle.bytesPerSecond)}/s`,
    throttle.readers === null ? '' : `${throttle.readers} at once`,
  ]
    .filter((text) => text !== '')
    .join(', ');
}

function tableLines(run: Run, options: PageOptions): string[] {
  const lines = run.bindings.map(runBindingLine);
  const layout = layoutFor(pageWidth(options), lines);
  return run.bindings.flatMap((binding, index) => {
    const line = lines[index];
    if (line === undefined) return [];
    const problem =
      binding.problem === null
        ? []
        : problemText(binding.problem, options.colors, (text) => text)
            .split('\n')
            .flatMap((text) => hanging('      ', text.trim(), pageWidth(options)));
    return [lineText(line, layout, options.colors), ...problem];
  });
}

function comparedLines(run: Run, options: PageOptions): string[] {
  return run.bindings.flatMap(({ verifications }) =>
    verifications.flatMap((report) => verificationLines(report, options)),
  );
}

function reportLines(report: RunReport, options: PageOptions): string[] {
  const pairs: [string, string][] = [
    ['took', `${formatSeconds(report.seconds)}${ratioText(report.secondsRatio)}`],
    ['read', `${formatCount(report.rows)} rows${ratioText(report.rowsRatio)}, ${formatBytes(report.bytes)}`],
  ];
  if (report.deleted > 0)
    pairs.push(['removed', `${formatCount(report.deleted)} rows the source no longer has`]);
  if (report.swapMilliseconds !== null) {
    pairs.push(['swap', `kept readers waiting for at most ${formatMilliseconds(report.swapMilliseconds)}`]);
  }
  if (report.verdict !== null) pairs.push(['verdict', report.verdict]);
  return facts(pairs, options);
}

/** `ratio`: estimated over actual. */
function ratioText(ratio: number | null): string {
  if (ratio === null || !Number.isFinite(ratio)) return '';
  const percent = Math.round((ratio - 1) * 100);
  if (percent === 0) return ' (as estimated)';
  if (ratio >= 2) return ` (estimated ${ratio.toFixed(1)} times as much)`;
  return ` (estimated ${Math.abs(percent)} % ${percent > 0 ? 'more' : 'less'})`;
}

function historyLines({ events }: Run, options: PageOptions): string[] {
  const shown = events.slice(-SHOWN_EVENTS);
  const who = shown.reduce((longest, event) => Math.max(longest, textWidth(event.who)), 0);
  const hidden = events.length - shown.length;
  const day = (at: number): string => formatMoment(at, options.timeZone).slice(0, 10);
  return [
    ...(hidden > 0 ? [`  … ${hidden} before: --json has them all`] : []),
    ...shown.flatMap((event, index) => {
      const before = shown[index - 1];
      const newDay = before === undefined || day(before.at) !== day(event.at);
      const time = `${newDay ? day(event.at) : ' '.repeat(10)} ${formatClock(event.at, options.timeZone)}`;
      const prefix = `  ${options.colors.dim(time)}  ${padRight(event.who, who)}  `;
      return hanging(prefix, event.what, pageWidth(options));
    }),
  ];
}

/** What can be done about it now. */
function nextLines(run: Run, options: PageOptions): string[] {
  const command = (verb: string): string => `brimful backfill ${verb} ${run.id}`;
  const until = run.undoUntil === null ? '' : ` until ${formatMoment(run.undoUntil, options.timeZone)}`;
  const next = ((): string | undefined => {
    switch (run.state) {
      case 'paused':
        return `Go on: ${command('resume')}`;
      case 'failed':
        return `Try again: ${command('retry')}   Give up: ${command('cancel')}`;
      case 'swapped':
        return run.undoUntil === null ? undefined : `It can be undone${until}: ${command('undo')}`;
      case 'undone':
        return run.undoUntil === null ? undefined : `It can be redone${until}: ${command('redo')}`;
      default:
        return undefined;
    }
  })();
  return next === undefined ? [] : ['', next];
}
