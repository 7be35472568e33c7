import type { AlertSubject, Run, VerificationReport } from '@brimful/model';
import type { Condition } from './condition.ts';

/** Two sides that were found to differ: open until a later comparison finds them equal. */
export function divergence(report: VerificationReport, news: number): Condition[] {
  if (report.verdict !== 'divergent' || report.at < news) return [];
  const { subject, sides, onlyLeft, onlyRight, different, repairPlan } = report;
  const id = `verification:${subject}`;
  const counts = [
    ...(onlyLeft === 0 ? [] : [`${onlyLeft} missing`]),
    ...(onlyRight === 0 ? [] : [`${onlyRight} too many`]),
    ...(different === 0 ? [] : [`${different} different`]),
  ];
  return [
    {
      id,
      kind: 'verification divergent',
      severity: 'critical',
      subject: subjectOf(subject),
      sentence: `${subject}: ${sides} differ${counts.length === 0 ? '' : ` (rows: ${counts.join(', ')})`}.`,
      remedy:
        repairPlan === undefined
          ? 'Verify it again; if it still differs, reset it.'
          : `A repair is planned: brimful backfill apply ${repairPlan}`,
      lasts: 'until over',
      event: `${id} ${report.at}`,
    },
  ];
}

/** Of every subject the newest report, those of runs included. */
export function newestReports(
  reports: readonly VerificationReport[],
  runs: readonly Run[],
): readonly VerificationReport[] {
  const newest = new Map<string, VerificationReport>();
  for (const report of [
    ...runs.flatMap(({ bindings }) => bindings.flatMap((one) => one.verifications)),
    ...reports,
  ]) {
    const known = newest.get(report.subject);
    if (known === undefined || known.at <= report.at) newest.set(report.subject, report);
  }
  return [...newest.values()];
}

/** `shop/warehouse: orders` is a table of a materialization, `shop/orders` a collection. */
function subjectOf(subject: string): AlertSubject {
  const [name = subject, table] = subject.split(': ', 2);
  return table === undefined ? { kind: 'collection', name } : { kind: 'materialization', name, table };
}
