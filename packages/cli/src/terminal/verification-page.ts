import type { VerificationReport, Verdict } from '@brimful/model';
import { plural } from './format.ts';
import type { PageOptions } from './page.ts';
import { hanging, pageWidth } from './page.ts';
import { problemText } from './problem-text.ts';
import { harmless } from './width.ts';

const SHOWN_KEYS = 5;

const MARKS: Readonly<Record<Verdict, string>> = {
  equal: '✓',
  'equal after catch-up': '✓',
  divergent: '✗',
  inconclusive: '?',
  error: '✗',
};

/** Whether a comparison found both sides equal. What was not looked at is never a pass. */
export function isPass({ verdict, problem }: VerificationReport): boolean {
  return problem === null && (verdict === 'equal' || verdict === 'equal after catch-up');
}

export function verificationPage(reports: readonly VerificationReport[], options: PageOptions): string[] {
  const passed = reports.filter(isPass).length;
  const lines = reports.flatMap((report) => verificationLines(report, options));
  const total = `${passed} of ${plural(reports.length, 'comparison')} found equal.`;
  return [...lines, '', total, ...repairLines(reports)];
}

/** One plan may mend several. */
function repairLines(reports: readonly VerificationReport[]): string[] {
  const plans = [...new Set(reports.flatMap(({ repairPlan }) => repairPlan ?? []))];
  const without = reports.some(
    ({ verdict, repairPlan }) => verdict === 'divergent' && repairPlan === undefined,
  );
  return [
    ...(plans.length === 0
      ? []
      : ['Nothing was changed. The smallest run that mends it is planned; look at it, and apply it:']),
    ...plans.flatMap((id) => [`  brimful backfill show ${id}`, `  brimful backfill apply ${id} --watch`]),
    ...(without
      ? [
          plans.length === 0
            ? 'Read again what differs; which way fits: brimful backfill --help'
            : 'For the rest no run could be planned: brimful backfill --help',
        ]
      : []),
  ];
}

/** One comparison: verdict first, then what it is based on, then every kind of difference. Values are never shown. */
export function verificationLines(report: VerificationReport, options: PageOptions): string[] {
  const { colors } = options;
  const width = pageWidth(options);
  const { verdict, subject, sides, level, rows, asOf, leaves } = report;
  const mark = isPass(report) ? colors.green(MARKS[verdict]) : colors.red(MARKS[verdict]);
  const counted =
    rows.left === rows.right
      ? plural(rows.left, 'row')
      : `${count(rows.left)} and ${plural(rows.right, 'row')}`;
  const settled = leaves.settled > 0 ? `, ${leaves.settled} after the stream caught up` : '';
  const based =
    level === 'counts'
      ? `only counted: ${counted}, as of ${asOf}`
      : `${counted} in ${plural(leaves.total, 'range')}, ${count(leaves.equal)} equal${settled}; as of ${asOf}`;
  return [
    ...hanging(`  ${mark} `, `${subject}, ${sides}: ${verdict}`, width),
    ...hanging('    ', based, width),
    ...differences(report).flatMap((text) => hanging('    - ', text, width)),
    ...report.skipped.flatMap((text) => hanging('    ! not looked at: ', text, width)),
    ...(report.problem === null
      ? []
      : problemText(report.problem, colors, (text) => text)
          .split('\n')
          .flatMap((text) => hanging('    ', text.trim(), width))),
  ];
}

function differences({
  sides,
  onlyLeft,
  onlyRight,
  different,
  byColumn,
  sampleKeys,
}: VerificationReport): string[] {
  const [left = 'left', right = 'right'] = sides.split(' and ');
  const columns = Object.entries(byColumn)
    .sort(([, a], [, b]) => b - a)
    .map(([column, rows]) => `${column} in ${plural(rows, 'row')}`);
  const keys = sampleKeys
    .slice(0, SHOWN_KEYS)
    .map((key) => (key.length === 1 ? key[0] : `(${key.join(', ')})`));
  return [
    onlyLeft > 0 ? `${plural(onlyLeft, 'row')} only in the ${left}` : '',
    onlyRight > 0 ? `${plural(onlyRight, 'row')} only in the ${right}` : '',
    different > 0 ? `${plural(different, 'row')} with other values` : '',
    columns.length > 0 ? `by column: ${columns.join(', ')}` : '',
    keys.length > 0
      ? `for example ${keys.map((key) => harmless(key ?? '')).join(', ')}${sampleKeys.length > SHOWN_KEYS ? ', …' : ''}`
      : '',
  ].filter((text) => text !== '');
}

function count(number: number): string {
  return number.toLocaleString('en-US');
}
