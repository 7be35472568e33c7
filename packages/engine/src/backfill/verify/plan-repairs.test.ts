import type { BackfillPlan, RunRequest, VerificationReport } from '@brimful/model';
import { Problem } from '@brimful/model';
import { expect, test } from 'vitest';
import type { Verification } from './plan-repairs.ts';
import { planRepairs } from './plan-repairs.ts';

function divergent(
  subject: string,
  keys: readonly string[],
  changes: Partial<Verification> = {},
): Verification {
  const report: VerificationReport = {
    at: 0,
    sides: 'collection and table',
    subject,
    verdict: 'divergent',
    level: 'full',
    rows: { left: 3, right: 3 },
    asOf: '100',
    leaves: { total: 3, equal: 2, settled: 0, differing: 1 },
    onlyLeft: 0,
    onlyRight: 0,
    different: keys.length,
    byColumn: {},
    sampleKeys: [],
    skipped: [],
    problem: null,
  };
  const repairs = {
    collection: 'shop/orders',
    hasKey: true,
    capture: 'shop/postgres',
    materialization: subject,
  };
  return { report, differing: { keys: keys.map((key) => [key]), complete: true }, repairs, ...changes };
}

class Planned {
  readonly requests: RunRequest[] = [];
  readonly warnings: string[] = [];
  readonly log = {
    debug: () => undefined,
    info: () => undefined,
    warn: (_fields: object, message: string) => void this.warnings.push(message),
    error: () => undefined,
  };

  async plan(request: RunRequest): Promise<BackfillPlan> {
    this.requests.push(request);
    return { id: `plan-${this.requests.length}` } as BackfillPlan;
  }
}

function plansOf(reports: readonly VerificationReport[]): readonly (string | undefined)[] {
  return reports.map(({ repairPlan }) => repairPlan);
}

test('two tables of one collection share one run over the keys of both, each once', async () => {
  const planned = new Planned();
  const found = [divergent('shop/copy', ['7', '9']), divergent('shop/lake', ['9', '11'])];
  expect(plansOf(await planRepairs(found, 'ann', planned, planned.log))).toEqual(['plan-1', 'plan-1']);
  expect(planned.requests).toMatchObject([
    {
      mode: 'repair',
      author: 'ann',
      undoMilliseconds: 0,
      scope: { kind: 'keys', keys: [['7'], ['9'], ['11']] },
    },
  ]);
});

test('what has to be rebuilt has a run of its own; what is equal, or captured no more, has none', async () => {
  const planned = new Planned();
  const stranger = divergent('shop/copy', ['7']);
  const found = [
    { ...stranger, report: { ...stranger.report, onlyRight: 1 } },
    divergent('shop/lake', ['9']),
    { ...stranger, report: { ...stranger.report, verdict: 'equal' as const } },
    divergent('shop/gone', ['1'], { repairs: undefined }),
  ];
  expect(plansOf(await planRepairs(found, 'ann', planned, planned.log))).toEqual([
    'plan-1',
    'plan-2',
    undefined,
    undefined,
  ]);
  expect(planned.requests.map(({ mode }) => mode)).toEqual(['materialization', 'repair']);
});

test('a source that is away costs the plan, not the reports', async () => {
  const planned = new Planned();
  const away = { plan: () => Promise.reject(new Problem('BRM-PG-UNREACHABLE', 'away', { kind: 'retry' })) };
  const found = [divergent('shop/copy', ['7'])];
  expect(await planRepairs(found, 'ann', away, planned.log)).toEqual([found[0]?.report]);
  expect(planned.warnings).toEqual(['a repair could not be planned']);
});
