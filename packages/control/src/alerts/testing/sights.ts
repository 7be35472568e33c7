import type {
  AlertLimits,
  CaptureBindingStatus,
  CaptureStatus,
  MaterializationBindingStatus,
  MaterializationStatus,
  ProblemRecord,
  RuntimeStatus,
  VerificationReport,
} from '@brimful/model';
import { DEFAULT_ALERT_LIMITS } from '@brimful/model';
import type { Sight } from '../sight.ts';

/** When everything in these tests begins. */
export const BEGAN = 1_700_000_000_000;
export const MINUTE = 60_000;
export const LIMITS: AlertLimits = { ...DEFAULT_ALERT_LIMITS, diskFreeBytes: 2e9 };

export const DENIED: ProblemRecord = {
  code: 'BRM-PG-DENIED',
  kind: 'operator',
  message: 'permission denied for table notes',
  remedy: 'GRANT SELECT ON notes TO brimful;',
  at: {},
};

export function aCapture(
  parts: Partial<CaptureStatus> = {},
  bindings: readonly Partial<CaptureBindingStatus>[] = [{}],
): CaptureStatus {
  return {
    name: 'shop/postgres',
    connector: 'postgres',
    state: 'running',
    sentence: 'Streaming change events',
    position: '100',
    lagBytes: 0,
    lagMilliseconds: 0,
    changes: 7,
    changesPerSecond: 1,
    bindings: bindings.map((binding, index) => ({
      resource: `public.t${index}`,
      collection: `shop/t${index}`,
      phase: 'streaming',
      rowsRead: 10,
      rowsEstimated: 10,
      bytesRead: 100,
      bytesEstimated: 100,
      estimateQuality: 'statistics',
      rowsPerSecond: 0,
      bytesPerSecond: 0,
      changes: 7,
      journal: { first: 0, next: 4, bytes: 400 },
      ...binding,
    })),
    ...parts,
  };
}

export function aMaterialization(
  parts: Partial<MaterializationStatus> = {},
  bindings: readonly Partial<MaterializationBindingStatus>[] = [{}],
): MaterializationStatus {
  return {
    name: 'shop/warehouse',
    connector: 'duckdb',
    state: 'running',
    sentence: 'All tables follow',
    rowsWritten: 17,
    rowsPerSecond: 2,
    bindings: bindings.map((binding, index) => ({
      collection: `shop/t${index}`,
      table: `t${index}`,
      phase: 'live',
      offset: 4,
      next: 4,
      rowsWritten: 17,
      bytesWritten: 300,
      rowsPerSecond: 2,
      lagMilliseconds: 0,
      ...binding,
    })),
    ...parts,
  };
}

export function aStatus(parts: Partial<RuntimeStatus> = {}): RuntimeStatus {
  return {
    at: BEGAN,
    startedAt: BEGAN,
    pid: 1,
    captures: [aCapture()],
    materializations: [aMaterialization()],
    disk: { usedBytes: 1e9, freeBytes: 50e9, limitBytes: 1e9, paused: false },
    ...parts,
  };
}

export function aSight(status: Partial<RuntimeStatus> = {}, parts: Partial<Sight> = {}): Sight {
  return {
    status: aStatus(status),
    runs: [],
    verifications: [],
    limits: LIMITS,
    standstill: new Map(),
    open: new Set(),
    since: BEGAN,
    ...parts,
  };
}

export function aReport(parts: Partial<VerificationReport> = {}): VerificationReport {
  return {
    at: BEGAN,
    sides: 'collection and table',
    subject: 'shop/warehouse: t0',
    verdict: 'divergent',
    level: 'full',
    rows: { left: 10, right: 9 },
    asOf: '4',
    leaves: { total: 1, equal: 0, settled: 0, differing: 1 },
    onlyLeft: 1,
    onlyRight: 0,
    different: 0,
    byColumn: {},
    sampleKeys: [['1']],
    skipped: [],
    problem: null,
    ...parts,
  };
}
