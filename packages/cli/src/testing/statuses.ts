import type {
  CaptureBindingStatus,
  CaptureStatus,
  MaterializationBindingStatus,
  MaterializationStatus,
  ProblemRecord,
  RuntimeStatus,
} from '@brimful/model';

/** Statuses as a runtime would publish them, for tests of what is drawn. */

export function runtimeStatus(parts: Partial<RuntimeStatus> = {}): RuntimeStatus {
  return {
    at: 1_700_000_000_000,
    startedAt: 1_700_000_000_000 - 60_000,
    pid: process.pid,
    captures: [],
    materializations: [],
    disk: { usedBytes: 512e6, freeBytes: 80e9, limitBytes: 1024 ** 3, paused: false },
    ...parts,
  };
}

export function captureStatus(
  bindings: readonly CaptureBindingStatus[],
  parts: Partial<CaptureStatus> = {},
): CaptureStatus {
  return {
    name: 'shop/postgres',
    connector: 'postgres',
    state: 'running',
    sentence: 'Backfilling 2 of 3 bindings, streaming change events beside it',
    lagBytes: 1234,
    lagMilliseconds: 12,
    changes: 100,
    changesPerSecond: 310.4,
    bindings,
    ...parts,
  };
}

export function captureBinding(
  name: string,
  phase: CaptureBindingStatus['phase'],
  parts: Partial<CaptureBindingStatus> = {},
): CaptureBindingStatus {
  return {
    resource: `public.${name}`,
    collection: `shop/${name}`,
    phase,
    rowsRead: 0,
    rowsEstimated: 0,
    bytesRead: 0,
    bytesEstimated: 0,
    estimateQuality: 'statistics',
    rowsPerSecond: 0,
    bytesPerSecond: 0,
    changes: 0,
    journal: { first: 0, next: 0, bytes: 0 },
    ...parts,
  };
}

export function materializationStatus(
  bindings: readonly MaterializationBindingStatus[],
  parts: Partial<MaterializationStatus> = {},
): MaterializationStatus {
  return {
    name: 'shop/warehouse',
    connector: 'duckdb',
    state: 'running',
    sentence: 'Loading 1 of 2 tables',
    rowsWritten: 0,
    rowsPerSecond: 0,
    bindings,
    ...parts,
  };
}

export function materializationBinding(
  name: string,
  phase: MaterializationBindingStatus['phase'],
  parts: Partial<MaterializationBindingStatus> = {},
): MaterializationBindingStatus {
  return {
    collection: `shop/${name}`,
    table: name,
    phase,
    offset: 0,
    next: 0,
    rowsWritten: 0,
    bytesWritten: 0,
    rowsPerSecond: 0,
    ...parts,
  };
}

export const VALUE_PROBLEM: ProblemRecord = {
  code: 'BRM-PG-VALUE',
  kind: 'operator',
  message: 'The value of column price of row id=4711 cannot be represented exactly.',
  remedy: 'Correct the row at the source, then restart the table with: brimful up',
  at: { table: 'public.products', rowKey: 'id=4711', column: 'price' },
};
