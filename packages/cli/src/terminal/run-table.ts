import type { BackfillPlan, Run } from '@brimful/model';
import { formatShortSeconds } from './format.ts';
import { grid } from './grid.ts';
import type { PageOptions } from './page.ts';
import { pageWidth } from './page.ts';
import { subjectText } from './plan-page.ts';
import { advance, doneOf } from './run-lines.ts';
import { scopeWord } from './scope-text.ts';
import { clip } from './width.ts';

const REASON_HEADING = 'why';
const SHORTEST_REASON = 12;
const LONGEST_SUBJECT = 34;

/** Runs, the newest first, then plans that were not applied. */
export function runTable(
  runs: readonly Run[],
  plans: readonly BackfillPlan[],
  now: number,
  options: PageOptions,
): string[] {
  const applied = new Set(runs.map((run) => run.plan.id));
  const open = plans.filter((plan) => !applied.has(plan.id) && plan.expiresAt > now);
  const rows = [
    ...[...runs].sort((a, b) => b.createdAt - a.createdAt).map((run) => runRow(run, now)),
    ...open.sort((a, b) => b.createdAt - a.createdAt).map((plan) => planRow(plan, now)),
  ];
  if (rows.length === 0) {
    return ['No runs, and no plans. Plan one: brimful backfill plan --help'];
  }
  const headings = ['id', 'what', 'rows', 'state', 'done', 'age'];
  const widths = headings.map((heading, column) =>
    rows.reduce((longest, row) => Math.max(longest, (row.cells[column] ?? '').length), heading.length),
  );
  const used = widths.reduce((sum, width) => sum + width + 2, 0);
  const room = pageWidth(options) - used;
  const shows = room >= SHORTEST_REASON;
  const cells = rows.map((row) => (shows ? [...row.cells, clip(row.reason, room)] : row.cells));
  return grid(shows ? [...headings, REASON_HEADING] : headings, cells, [4, 5]).split('\n');
}

interface Row {
  readonly cells: readonly string[];
  readonly reason: string;
}

function runRow(run: Run, now: number): Row {
  const { request } = run.plan;
  const moves = advance(run).length > 0;
  return {
    cells: [
      run.id,
      clip(subjectText(run.plan), LONGEST_SUBJECT),
      scopeWord(request.scope),
      run.state,
      moves ? `${Math.floor(doneOf(run) * 100)} %` : '',
      age(run.createdAt, now),
    ],
    reason: request.reason,
  };
}

function planRow(plan: BackfillPlan, now: number): Row {
  return {
    cells: [
      plan.id,
      clip(subjectText(plan), LONGEST_SUBJECT),
      scopeWord(plan.request.scope),
      'planned',
      '',
      age(plan.createdAt, now),
    ],
    reason: plan.request.reason,
  };
}

function age(at: number, now: number): string {
  return formatShortSeconds((now - at) / 1000);
}
