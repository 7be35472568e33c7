import type {
  BackfillPlan,
  BindingPlan,
  Guard,
  Run,
  RunBinding,
  RunEstimate,
  RunRequest,
  VerificationReport,
} from '@brimful/model';
import { NO_THROTTLE, WHOLE_TABLE } from '@brimful/model';

/** Plans, runs and verifications as an engine would make them, for tests of what is shown. */

/** 2026-11-22 19:40:00 UTC. */
export const MADE_AT = Date.UTC(2026, 10, 22, 19, 40);
const DAY_MILLISECONDS = 864e5;

export function runRequest(parts: Partial<RunRequest> = {}): RunRequest {
  return {
    mode: 'reset',
    task: 'shop/postgres',
    bindings: ['shop/orders'],
    scope: WHOLE_TABLE,
    columns: null,
    reason: 'schema cleanup',
    author: 'anna',
    acknowledged: [],
    missingRows: 'remove',
    deleteLimit: 0.05,
    throttle: NO_THROTTLE,
    windows: [],
    undoMilliseconds: DAY_MILLISECONDS,
    verify: 'full',
    ...parts,
  };
}

export function bindingPlan(parts: Partial<BindingPlan> = {}): BindingPlan {
  return {
    collection: 'shop/orders',
    resource: 'public.orders',
    generation: { from: 1, to: 2 },
    schema: { version: 1, columns: [], key: ['id'] },
    tables: [
      {
        materialization: 'shop/warehouse',
        table: 'orders',
        generation: { from: 1, to: 2 },
        rows: 1_000_412,
        bytes: 118e6,
        dependents: [
          { what: 'view sales_by_day', carried: true, note: 'made anew in the same transaction' },
          { what: 'grant SELECT to reporting', carried: true, note: '' },
        ],
      },
    ],
    rows: { value: 1_001_000, quality: 'statistics' },
    bytes: { value: 147e6, quality: 'sampled' },
    readShape: 'pages in order',
    firstRow: { id: '1', created_at: '2024-01-01 00:00:12+00', note: null },
    lastRow: { id: '1001000', created_at: '2026-11-22 19:39:58+00', note: 'leave at the door' },
    ...parts,
  };
}

export function runEstimate(parts: Partial<RunEstimate> = {}): RunEstimate {
  return {
    rows: { value: 1_001_000, quality: 'statistics' },
    bytes: { value: 147e6, quality: 'sampled' },
    seconds: { from: 12, to: 45, quality: 'sampled' },
    sourceBytesRead: 163e6,
    walBytes: 12e6,
    walHeadroomBytes: 4e9,
    destinationRowsWritten: 1_001_000,
    destinationBytesWritten: 147e6,
    peakLocalBytes: 61e6,
    peakDestinationBytes: 150e6,
    price: null,
    downtimeSeconds: 0,
    basedOn: 'rates of the last 3 runs',
    ...parts,
  };
}

export const WHOLE_TABLE_GUARD: Guard = {
  id: 'whole-table',
  level: 'confirm',
  subject: 'shop/orders',
  message: 'The whole table is read, about 1,001,000 rows.',
  evidence: 'reltuples 1001000 on 18248 pages',
  remedy: 'Bound the run with --mode incremental --time <column> --from … if a part is enough.',
};

export function backfillPlan(parts: Partial<BackfillPlan> = {}): BackfillPlan {
  return {
    id: 'plan-0a1b2c3d4e5f',
    createdAt: MADE_AT,
    expiresAt: MADE_AT + DAY_MILLISECONDS,
    request: runRequest(),
    basis: {},
    seen: { position: '24A/77F01B8', statisticsAt: MADE_AT - 40 * 60_000 },
    bindings: [bindingPlan()],
    stages: [
      {
        kind: 'read',
        subject: 'shop/orders',
        sentence: 'read about 1,001,000 rows of public.orders into generation 2 of shop/orders',
        level: 0,
      },
      {
        kind: 'build',
        subject: 'shop/warehouse: orders',
        sentence: 'build the next table of orders in shop/warehouse beside the present one',
        level: 1,
      },
      {
        kind: 'verify',
        subject: 'shop/warehouse: orders',
        sentence: 'compare every row of the source, the collection and the next table',
        level: 1,
      },
      {
        kind: 'swap',
        subject: 'shop/warehouse: orders',
        sentence: 'swap the next table of orders in shop/warehouse in',
        level: 2,
      },
      {
        kind: 'keep',
        subject: 'shop/orders',
        sentence: 'keep the previous generation current for 24 h, so that it can be undone',
        level: 3,
      },
    ],
    estimate: runEstimate(),
    guards: [
      {
        id: 'one-rebuild',
        level: 'ok',
        subject: 'shop/orders',
        message: 'No other run rebuilds it.',
        evidence: '',
        remedy: null,
      },
      WHOLE_TABLE_GUARD,
      {
        id: 'open-transaction',
        level: 'warn',
        subject: 'shop/postgres',
        message: 'A transaction has been open for 2 h; chunks wait until it ends.',
        evidence: 'pid 4711, idle in transaction since 17:38',
        remedy: 'End it: SELECT pg_terminate_backend(4711);',
      },
    ],
    alternatives: [
      'The columns did not change: an incremental run over created_at ≥ 2026-11-01 reads 3 % of it.',
    ],
    ...parts,
  };
}

export function runBinding(parts: Partial<RunBinding> = {}): RunBinding {
  return {
    collection: 'shop/orders',
    state: 'reading',
    rowsRead: 420_000,
    rowsEstimated: 1_001_000,
    bytesRead: 61e6,
    bytesEstimated: 147e6,
    rowsPerSecond: 410_000,
    etaSeconds: 2,
    done: 0.42,
    deleted: 0,
    verifications: [],
    problem: null,
    ...parts,
  };
}

export function aRun(parts: Partial<Run> = {}): Run {
  return {
    id: 'run-12',
    mode: 'reset',
    plan: backfillPlan(),
    state: 'running',
    because: null,
    throttle: NO_THROTTLE,
    bindings: [runBinding()],
    events: [
      { at: MADE_AT, who: 'anna', what: 'applied plan-0a1b2c3d4e5f' },
      { at: MADE_AT + 1500, who: 'system', what: 'shop/orders: reading' },
    ],
    createdAt: MADE_AT,
    startedAt: MADE_AT + 1000,
    endedAt: null,
    undoUntil: null,
    intent: null,
    report: null,
    ...parts,
  };
}

export function verification(parts: Partial<VerificationReport> = {}): VerificationReport {
  return {
    at: MADE_AT,
    sides: 'collection and table',
    subject: 'shop/warehouse: orders',
    verdict: 'equal',
    level: 'full',
    rows: { left: 1_001_000, right: 1_001_000 },
    asOf: 'offset 812',
    leaves: { total: 64, equal: 64, settled: 0, differing: 0 },
    onlyLeft: 0,
    onlyRight: 0,
    different: 0,
    byColumn: {},
    sampleKeys: [],
    skipped: [],
    problem: null,
    ...parts,
  };
}
