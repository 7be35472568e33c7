import type { BackfillPlan, BindingPlan, RunRequest, Schema } from '@brimful/model';
import { NO_THROTTLE, WHOLE_TABLE } from '@brimful/model';

export const HOUR_MILLISECONDS = 3_600_000;
/** When plans of these fixtures are made: 2026-03-01T12:00Z. */
export const PLANNED_AT = Date.UTC(2026, 2, 1, 12);

export const ORDERS: Schema = {
  version: 1,
  columns: [
    { name: 'id', type: { kind: 'int64' }, nullable: false, sourceType: 'bigint', sourceId: 1 },
    {
      name: 'created_at',
      type: { kind: 'timestamp', zoned: true },
      nullable: false,
      sourceType: 'timestamp with time zone',
      sourceId: 2,
    },
    { name: 'note', type: { kind: 'text' }, nullable: true, sourceType: 'text', sourceId: 3 },
  ],
  key: ['id'],
};

export function requestOf(changes: Partial<RunRequest> = {}): RunRequest {
  return {
    mode: 'reset',
    task: 'shop/postgres',
    bindings: null,
    scope: WHOLE_TABLE,
    columns: null,
    reason: 'schema cleanup',
    author: 'ada',
    acknowledged: [],
    missingRows: 'remove',
    deleteLimit: 0.1,
    throttle: NO_THROTTLE,
    windows: [],
    undoMilliseconds: 24 * HOUR_MILLISECONDS,
    verify: 'full',
    ...changes,
  };
}

/** A plan over the collections, with nothing in it that any test of runs looks at. */
export function planOf(collections: readonly string[], changes: Partial<RunRequest> = {}): BackfillPlan {
  const exact = (value: number): BindingPlan['rows'] => ({ value, quality: 'exact' });
  return {
    id: 'plan-0123456789ab',
    createdAt: PLANNED_AT,
    expiresAt: PLANNED_AT + 24 * HOUR_MILLISECONDS,
    request: requestOf(changes),
    basis: {},
    seen: { position: null, statisticsAt: null },
    bindings: collections.map((collection) => ({
      collection,
      resource: `public.${collection.split('/').at(-1)}`,
      generation: { from: 1, to: 2 },
      schema: ORDERS,
      tables: [],
      rows: exact(1000),
      bytes: exact(100_000),
      readShape: 'pages in order',
      firstRow: null,
      lastRow: null,
    })),
    stages: [],
    estimate: {
      rows: exact(1000 * collections.length),
      bytes: exact(100_000 * collections.length),
      seconds: { from: 1, to: 4, quality: 'statistics' },
      sourceBytesRead: 0,
      walBytes: 0,
      walHeadroomBytes: null,
      destinationRowsWritten: 0,
      destinationBytesWritten: 0,
      peakLocalBytes: 0,
      peakDestinationBytes: 0,
      price: null,
      downtimeSeconds: 0,
      basedOn: 'a default',
    },
    guards: [],
    alternatives: [],
  };
}
