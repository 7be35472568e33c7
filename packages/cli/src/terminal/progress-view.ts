import { stripVTControlCharacters } from 'node:util';
import type {
  CaptureStatus,
  MaterializationStatus,
  ProblemRecord,
  Run,
  RunProposal,
  RuntimeStatus,
} from '@brimful/model';
import type { Colors } from 'picocolors/types.js';
import { formatBytes, formatMilliseconds } from './format.ts';
import type { Line } from './progress-line.ts';
import { captureLine, layoutFor, lineText, materializationLine } from './progress-line.ts';
import { placeText } from './problem-text.ts';
import {
  advance,
  isActive,
  isShown,
  shortId,
  runBindingLine,
  runTitle,
  stateMark,
  stateSentence,
} from './run-lines.ts';
import { clip, harmless, textWidth, wrap } from './width.ts';

export interface ViewOptions {
  readonly columns: number;
  /** Lines that may be used; Infinity where the text scrolls. */
  readonly rows: number;
  readonly colors: Colors;
}

/** More problems than this are counted, not shown: the first ones are what somebody will act on. */
const SHOWN_PROBLEMS = 4;
const PROBLEM_LINES = 3;
/** More runs than this at once are counted. */
const SHOWN_RUNS = 5;
/** A block shows its header, and at least one line of tables or their summary. */
const LEAST_TABLE_LINES = 1;

interface Block {
  readonly header: string;
  /** Most important first. */
  readonly lines: readonly Line[];
  readonly problems: readonly string[];
}

/**
 * The state of everything as lines of text, no wider than the terminal and no more than fit. With more tables than
 * lines the ones that need attention come first, then those at work; the rest are counted.
 *
 * `runs`: those that are still going on, or can be undone; others are left out.
 */
export function progressView(
  status: RuntimeStatus,
  options: ViewOptions,
  runs: readonly Run[] = [],
): string[] {
  const estimates = new Map(
    status.captures.flatMap(({ bindings }) =>
      bindings.flatMap(({ collection, estimateQuality, rowsEstimated }) =>
        estimateQuality === 'unknown' ? [] : [[collection, rowsEstimated] as const],
      ),
    ),
  );
  const blocks = [
    ...status.captures.map((capture) => captureBlock(capture, options)),
    ...status.materializations.map((materialization) =>
      materializationBlock(materialization, estimates, options),
    ),
    ...runBlocks(runs, options),
  ];
  const footer = diskLines(status, options);
  const fixed = blocks.reduce((sum, block) => sum + 1 + block.problems.length, footer.length);
  const shares = share(
    blocks.map((block) => block.lines.length),
    options.rows - fixed,
  );
  const layout = layoutFor(
    options.columns,
    blocks.flatMap((block) => block.lines),
  );
  const lines = blocks.flatMap((block, index) => {
    const room = shares[index] as number;
    const shown = block.lines.length <= room ? block.lines : block.lines.slice(0, Math.max(0, room - 1));
    const hidden = block.lines.slice(shown.length);
    return [
      block.header,
      ...shown.map((line) => lineText(line, layout, options.colors)),
      ...(hidden.length === 0 || room === 0 ? [] : [summary(hidden, shown.length > 0, options)]),
      ...block.problems,
    ];
  });
  const nothing = blocks.length === 0 ? ['There is no source yet: add one in the browser.'] : [];
  return [...nothing, ...lines, ...footer].slice(0, options.rows);
}

function captureBlock(capture: CaptureStatus, options: ViewOptions): Block {
  const lag = [
    capture.lagMilliseconds === undefined ? '' : `lag ${formatMilliseconds(capture.lagMilliseconds)}`,
    capture.lagBytes === undefined || capture.lagBytes === 0 ? '' : formatBytes(capture.lagBytes),
    capture.changesPerSecond >= 1 ? `${Math.round(capture.changesPerSecond)} changes/s` : '',
  ];
  return {
    header: header(capture, lag, options),
    lines: important(capture.bindings.map(captureLine)),
    problems: problemLines(capture, capture.bindings, options),
  };
}

function materializationBlock(
  materialization: MaterializationStatus,
  estimates: ReadonlyMap<string, number>,
  options: ViewOptions,
): Block {
  const lag = [
    materialization.waiting === undefined ? '' : harmless(materialization.waiting),
    materialization.lagMilliseconds === undefined
      ? ''
      : `lag ${formatMilliseconds(materialization.lagMilliseconds)}`,
  ];
  return {
    header: header(materialization, lag, options),
    lines: important(
      materialization.bindings.map((binding) =>
        materializationLine(binding, estimates.get(binding.collection)),
      ),
    ),
    problems: problemLines(materialization, materialization.bindings, options),
  };
}

/** Backfill runs, the newest last: where the eye is. */
function runBlocks(runs: readonly Run[], options: ViewOptions): Block[] {
  const shown = runs.filter(isShown);
  const hidden = shown.length - SHOWN_RUNS;
  const blocks = shown.slice(-SHOWN_RUNS).map((run) => runBlock(run, options));
  if (hidden <= 0) return blocks;
  const text = clip(`  … ${hidden} more runs: brimful backfill list`, options.columns);
  return [{ header: options.colors.dim(text), lines: [], problems: [] }, ...blocks];
}

function runBlock(run: Run, options: ViewOptions): Block {
  const { colors } = options;
  return {
    header: headline(
      { mark: stateMark(run, colors), name: runTitle(run), sentence: stateSentence(run) },
      run.state === 'swapped' ? [`undo: brimful backfill undo ${shortId(run)}`] : advance(run),
      options,
    ),
    lines: isActive(run) ? important(run.bindings.map(runBindingLine)) : [],
    problems: problemLines(
      {},
      run.bindings.map(({ collection, problem }) => ({
        resource: collection,
        problem: problem ?? undefined,
      })),
      options,
    ),
  };
}

const MARKS: Readonly<Record<CaptureStatus['state'], string>> = {
  starting: '○',
  running: '●',
  waiting: '◌',
  paused: '‖',
  failed: '✗',
  stopped: '■',
};

function header(
  task: CaptureStatus | MaterializationStatus,
  details: readonly string[],
  options: ViewOptions,
): string {
  const { colors } = options;
  const paint =
    task.state === 'failed' ? colors.red : task.state === 'running' ? colors.green : colors.yellow;
  const { name, sentence, state } = task;
  return headline(
    { mark: paint(MARKS[state]), name: harmless(name), sentence: harmless(sentence) },
    details,
    options,
  );
}

interface Headline {
  /** One column wide, coloured. */
  readonly mark: string;
  readonly name: string;
  readonly sentence: string;
}

function headline(
  { mark, name, sentence: wanted }: Headline,
  details: readonly string[],
  options: ViewOptions,
): string {
  const { colors, columns } = options;
  const detail = details.filter((text) => text !== '').join(' · ');
  const start = `${stripVTControlCharacters(mark)} ${name}  `;
  // The sentence gives way first, but never wholly: it says what is going on.
  const room = Math.max(0, columns - textWidth(start));
  const roomForDetail = Math.max(0, room - Math.min(textWidth(wanted), SHORTEST_SENTENCE));
  const shownDetail = detail === '' ? '' : clip(`  ${detail}`, roomForDetail);
  const sentence = clip(wanted, Math.max(0, room - textWidth(shownDetail)));
  const line = `${mark} ${colors.bold(name)}  ${sentence}${colors.dim(shownDetail)}`;
  return textWidth(line) <= columns ? line : clip(`${start}${sentence}`, columns);
}

const SHORTEST_SENTENCE = 40;

function important(lines: Line[]): Line[] {
  return lines.sort((a, b) => a.urgency - b.urgency || compareNames(a.name, b.name));
}

function compareNames(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}

/** `… 988 more: 980 streaming, 8 waiting`. */
function summary(hidden: readonly Line[], others: boolean, { columns, colors }: ViewOptions): string {
  const counts = new Map<string, number>();
  for (const line of hidden) counts.set(line.phase, (counts.get(line.phase) ?? 0) + 1);
  const parts = [...counts].map(([phase, count]) => `${count} ${phase}`);
  const text = `  … ${hidden.length} ${others ? 'more' : 'tables'}: ${parts.join(', ')}`;
  return colors.dim(clip(text, columns));
}

/** How many lines each block gets: equal shares, and what one does not need goes to the others. */
function share(wanted: readonly number[], available: number): number[] {
  if (available === Infinity) return [...wanted];
  const shares = wanted.map((want) => Math.min(want, LEAST_TABLE_LINES));
  let left = available - shares.reduce((sum, lines) => sum + lines, 0);
  while (left > 0) {
    const hungry = wanted.flatMap((want, index) => (want > (shares[index] as number) ? [index] : []));
    if (hungry.length === 0) break;
    const each = Math.max(1, Math.floor(left / hungry.length));
    for (const index of hungry) {
      const more = Math.min(each, (wanted[index] as number) - (shares[index] as number), left);
      (shares[index] as number) += more;
      left -= more;
    }
  }
  return shares;
}

interface WithProblem {
  readonly problem?: ProblemRecord | undefined;
  readonly proposal?: RunProposal | undefined;
}

interface Found {
  readonly name: string;
  readonly problem: ProblemRecord;
  readonly proposal: RunProposal | undefined;
}

function problemLines(
  task: WithProblem,
  bindings: readonly (WithProblem & ({ readonly resource: string } | { readonly table: string }))[],
  options: ViewOptions,
): string[] {
  const found: Found[] = [
    ...(task.problem === undefined ? [] : [{ name: '', problem: task.problem, proposal: task.proposal }]),
    ...bindings.flatMap((binding) =>
      binding.problem === undefined
        ? []
        : [
            {
              name: 'resource' in binding ? binding.resource : binding.table,
              problem: binding.problem,
              proposal: binding.proposal,
            },
          ],
    ),
  ];
  const shown = found.slice(0, SHOWN_PROBLEMS).flatMap((one) => problemBlock(one, options));
  const hidden = found.length - SHOWN_PROBLEMS;
  return hidden > 0
    ? [
        ...shown,
        clip(`  … ${hidden} more with problems: brimful status --json has them all`, options.columns),
      ]
    : shown;
}

function problemBlock({ name, problem, proposal }: Found, { columns, colors }: ViewOptions): string[] {
  const { table: _table, resource: _resource, columns: _columns, ...place } = problem.at;
  const where = placeText(name === '' ? problem.at : place);
  const text = [name, where === '' ? '' : `(${where})`, problem.message, `[${problem.code}]`]
    .filter((part) => part !== '')
    .join(' ');
  const lines = wrap(harmless(text.replaceAll('\n', ' ')), columns - 4).slice(0, PROBLEM_LINES);
  const advice = proposal?.sentence ?? problem.remedy;
  const remedy =
    advice === null ? [] : wrap(harmless(advice.replaceAll('\n', ' ')), columns - 6).slice(0, PROBLEM_LINES);
  return [
    ...lines.map((line, index) => colors.red(clip(`${index === 0 ? '  ✗ ' : '    '}${line}`, columns))),
    ...remedy.map((line, index) => clip(`${index === 0 ? '    → ' : '      '}${line}`, columns)),
    ...(proposal === undefined ? [] : commandLines(proposal, columns)),
  ];
}

/** There to be copied: broken where a shell takes it together again. */
function commandLines({ command }: RunProposal, columns: number): string[] {
  const lines = wrap(harmless(command), columns - 10);
  return lines.map((line, index) => {
    const end = index < lines.length - 1 ? ' \\' : '';
    return clip(`${index === 0 ? '      ' : '        '}${line}${end}`, columns);
  });
}

function diskLines({ disk }: RuntimeStatus, { columns, colors }: ViewOptions): string[] {
  const text =
    `Journals hold ${formatBytes(disk.usedBytes)}, ${formatBytes(disk.freeBytes)} free` +
    (disk.paused ? `: captures are paused below ${formatBytes(disk.limitBytes)} free` : '');
  return [disk.paused ? colors.red(clip(text, columns)) : colors.dim(clip(text, columns))];
}
