import type {
  CatalogChange,
  Publication,
  PublicationPlan,
  PublicationSummary,
  TextHunk,
} from '@brimful/model';
import { unifiedLines } from '@brimful/control';
import { grid } from './grid.ts';
import type { PageOptions } from './page.ts';
import { formatMoment, hanging, pageWidth } from './page.ts';
import { rowsText } from './estimate-text.ts';
import { plural } from './format.ts';
import { harmless } from './width.ts';

const MARKS = { add: '+', remove: '-', change: '~' } as const;

/** What a new text of the file would do. */
export function catalogPlanPage(plan: PublicationPlan, options: PageOptions): string[] {
  const { colors } = options;
  const width = pageWidth(options);
  const { changes, problems, blocked, warnings, findings, diff, rows } = plan;
  const isEmpty = changes.length === 0 && diff.length === 0;
  const lines = [
    isEmpty ? 'Nothing changes.' : colors.bold(headline(plan)),
    ...changeLines(changes, options),
  ];
  if (rows !== null) lines.push(...hanging('  ', `First reads together: ${rowsText(rows)} rows.`, width));
  for (const { message, line, column, remedy } of problems) {
    const place = line === null ? '' : `${line}:${column ?? 1}: `;
    lines.push(
      ...hanging(`${colors.red('✗')} `, `${place}${message}${remedy === null ? '' : ` ${remedy}`}`, width),
    );
  }
  for (const { subject, level, message, remedy } of findings) {
    if (level === 'ok') continue;
    const mark = level === 'error' ? colors.red('✗') : colors.yellow('!');
    lines.push(
      ...hanging(`${mark} `, `${subject}: ${message}${remedy === null ? '' : `\n${remedy}`}`, width),
    );
  }
  for (const warning of warnings) lines.push(...hanging(`${colors.yellow('!')} `, warning, width));
  const shown = new Set(findings.map(({ subject, message }) => `${subject}: ${message}`));
  for (const reason of blocked)
    if (!shown.has(reason)) lines.push(...hanging(`${colors.red('✗')} `, reason, width));
  return lines;
}

function headline({ changes, diff }: PublicationPlan): string {
  if (changes.length === 0) return diff.length === 0 ? 'Nothing changes.' : 'Only the text changes:';
  return `${plural(changes.length, 'change')}:`;
}

/** One publication, with what it changed. */
export function publicationPage(publication: Publication, options: PageOptions, withDiff: boolean): string[] {
  const { number, state, at, who, why, origin, changes, diff, after, before, problem } = publication;
  const width = pageWidth(options);
  const { colors } = options;
  return [
    colors.bold(
      `Publication ${number}: ${state}, ${formatMoment(at, options.timeZone)}, by ${harmless(who)} (${origin})`,
    ),
    ...(why === '' ? [] : hanging('  ', why, width)),
    ...(problem === null
      ? []
      : hanging(`${colors.red('✗')} `, `${problem.message} [${problem.code}]`, width)),
    ...changeLines(changes, options),
    ...(withDiff
      ? ['', ...(before === null ? after.split('\n').map(harmless) : diffLines(diff, options))]
      : []),
  ];
}

/** All that are kept, the newest first. */
export function publicationTable(all: readonly PublicationSummary[], options: PageOptions): string {
  if (all.length === 0) return 'There is none yet.';
  const rows = all.map(({ number, state, at, who, headline: first, why }) => [
    String(number),
    state,
    formatMoment(at, options.timeZone),
    harmless(who),
    harmless(why === '' ? first : `${why}: ${first}`),
  ]);
  return grid(['number', 'state', 'at', 'by', 'what'], rows, [0]);
}

export function diffLines(diff: readonly TextHunk[], { colors }: PageOptions): string[] {
  return unifiedLines(diff).map((line) => {
    const shown = harmless(line);
    return line.startsWith('+') ? colors.green(shown) : line.startsWith('-') ? colors.red(shown) : shown;
  });
}

function changeLines(changes: readonly CatalogChange[], options: PageOptions): string[] {
  const { colors } = options;
  const width = pageWidth(options);
  return changes.flatMap(({ action, sentence, effect, command }) => [
    ...hanging(`  ${MARKS[action]} `, sentence, width),
    ...hanging('      ', effect, width).map((line) => colors.dim(line)),
    ...(command === null ? [] : [`      ${harmless(command)}`]),
  ]);
}
