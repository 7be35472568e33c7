import type { ConfiguredSettings } from '@brimful/api';
import type { Alert, BackfillPlan, Run, RuntimeStatus, VerificationReport } from '@brimful/model';
import { Problem } from '@brimful/model';
import type { AlertDesk } from '../../alerts/alert-watch.ts';
import type { HttpTarget } from '../http-target.ts';
import { LogRing } from '../log-ring.ts';
import { fakeCatalog, fakeConnections, fakeSecrets } from './fake-catalog.ts';

/** A pipe that only seems to run: one capture, one materialization, one run; it notes what is asked of it. */
export interface FakeTarget extends HttpTarget {
  readonly asked: unknown[];
  /** Tells everybody who watches. */
  show(run: Run): void;
  readonly watchers: () => number;
  /** Ends verifications that go on. */
  readonly verified: PromiseWithResolvers<readonly VerificationReport[]>;
}

export const SECRET = 'hunter2hunter2';

export function fakeTarget(): FakeTarget {
  const asked: unknown[] = [];
  const watchers = new Set<(run: Run) => void>();
  const verified = Promise.withResolvers<readonly VerificationReport[]>();
  const logs = new LogRing((text) => text.replaceAll(SECRET, '***'), Date.now);
  const note = <T>(answer: T, ...what: unknown[]): Promise<T> => {
    asked.push(what);
    return Promise.resolve(answer);
  };
  return {
    asked,
    verified,
    logs,
    catalog: fakeCatalog(note),
    connections: fakeConnections(note),
    secrets: fakeSecrets(note),
    alerts: fakeAlerts(asked),
    settings: () => SETTINGS,
    watchers: () => watchers.size,
    show: (run) => watchers.forEach((tell) => tell(run)),
    status: aStatus,
    verify: async (request, signal, onProgress) => {
      onProgress({ subject: request.target, stage: 'collection', rows: 5 });
      const ended = new Promise<never>((_, reject) => {
        signal.addEventListener('abort', () => reject(new Error('ended')));
      });
      return Promise.race([verified.promise, ended]);
    },
    backfills: {
      plan: (draft) => note(aPlan(), 'plan', draft),
      findPlan: (id) => known(id, 'plan-1', aPlan()),
      plans: async () => [aPlan()],
      apply: (id, approval) => note(aRun('run-000002'), 'apply', id, approval),
      runs: async () => [aRun('run-000001')],
      run: (id) => known(id, 'run-000001', aRun(id)),
      order: (id, order) => note(aRun(id), 'order', id, order),
      async *watch(signal) {
        const queue: Run[] = [aRun('run-000001')];
        let bell = Promise.withResolvers<void>();
        const tell = (run: Run): void => {
          queue.push(run);
          bell.resolve();
        };
        signal.addEventListener('abort', () => bell.resolve());
        watchers.add(tell);
        try {
          while (!signal.aborted) {
            bell = Promise.withResolvers<void>();
            const run = queue.shift();
            if (run === undefined) await bell.promise;
            else yield run;
          }
          signal.throwIfAborted();
        } finally {
          watchers.delete(tell);
        }
      },
    },
    collections: {
      generations: async () => ({
        generation: 1,
        nextGeneration: null,
        previousGeneration: null,
        schema: SCHEMA,
      }),
      schemas: async () => ({ generation: 1, versions: [SCHEMA] }),
      preview: (name, limit, skip) =>
        note(
          {
            rows: [
              { operation: 'insert' as const, offset: 3, values: { id: '1', note: `password=${SECRET}` } },
            ],
            schema: SCHEMA,
            next: 4,
          },
          'preview',
          name,
          limit,
          skip,
        ),
    },
  };
}

export const ALERT: Alert = {
  id: 'slot-lag:shop/postgres',
  number: 3,
  kind: 'slot lag',
  severity: 'warning',
  subject: { kind: 'capture', name: 'shop/postgres' },
  sentence: `shop/postgres is late, ${SECRET}`,
  remedy: 'Wait.',
  lasts: 'while so',
  raisedAt: 5,
  saidAt: 6,
  clearedAt: null,
  acknowledged: null,
  delivery: { event: 'raised', state: 'waiting', attempts: 2, at: 7, error: 'ECONNREFUSED' },
};

const SETTINGS: ConfiguredSettings = {
  file: '/srv/brimful.yaml',
  dataDirectory: '/srv/data',
  limits: { diskFreeBytes: 1, diskUsedBytes: null, memoryBytes: 2, retentionMilliseconds: null },
  backfill: { undo: '12h', prices: null },
  alerts: {
    lagMilliseconds: 3,
    retainedLogBytes: 4,
    stalledMilliseconds: 5,
    diskFreeBytes: 6,
    from: 'warning',
    webhook: { origin: 'https://hooks.example.com', isSigned: true },
  },
};

function fakeAlerts(asked: unknown[]): AlertDesk {
  return {
    list: () => ({
      open: [ALERT],
      recent: [{ ...ALERT, number: 2, clearedAt: 4 }],
      webhook: {
        origin: 'https://hooks.example.com',
        isSigned: true,
        from: 'warning',
        waiting: 1,
        delivered: 4,
        failed: 2,
        last: { at: 7, ok: false, error: 'ECONNREFUSED' },
      },
    }),
    acknowledge: (id, who) => {
      asked.push(['acknowledge', id, who]);
      return { ...ALERT, acknowledged: { who, at: 9 } };
    },
    test: async () => ({ state: 'delivered', status: 204, error: null, milliseconds: 12 }),
    listen: () => () => undefined,
  };
}

function known<T>(id: string, wanted: string, found: T): Promise<T> {
  if (id === wanted) return Promise.resolve(found);
  return Promise.reject(
    new Problem('BRM-RUN-UNKNOWN', `There is no run ${id}.`, {
      remedy: 'See `brimful backfill list`.',
      at: { run: id },
    }),
  );
}

const SCHEMA = {
  version: 1,
  key: ['id'],
  columns: [
    { name: 'id', type: { kind: 'int64' }, nullable: false, sourceType: 'bigint', sourceId: 1 },
    {
      name: 'total',
      type: { kind: 'decimal', precision: 12, scale: 2 },
      nullable: true,
      sourceType: 'numeric',
    },
  ],
} as const;

function aStatus(): RuntimeStatus {
  return {
    at: Date.now(),
    startedAt: 1,
    pid: process.pid,
    captures: [
      {
        name: 'shop/postgres',
        connector: 'postgres',
        state: 'running',
        sentence: `Streaming with ${SECRET}`,
        position: '22',
        lagBytes: 10,
        lagMilliseconds: 3,
        changes: 7,
        changesPerSecond: 1,
        bindings: [
          {
            resource: 'public.orders',
            collection: 'shop/orders',
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
          },
        ],
      },
    ],
    materializations: [
      {
        name: 'shop/warehouse',
        connector: 'duckdb',
        state: 'running',
        sentence: 'Keeping 1 table current',
        lagMilliseconds: 1500,
        rowsWritten: 17,
        rowsPerSecond: 2,
        bindings: [
          {
            collection: 'shop/orders',
            table: 'orders',
            phase: 'live',
            offset: 3,
            next: 4,
            rowsWritten: 17,
            bytesWritten: 300,
            rowsPerSecond: 2,
          },
        ],
      },
    ],
    disk: { usedBytes: 1000, freeBytes: 9e9, limitBytes: 1e9, paused: false },
  };
}

function aPlan(): BackfillPlan {
  const number = { value: 10, quality: 'exact' } as const;
  return {
    id: 'plan-1',
    createdAt: 1,
    expiresAt: 2,
    request: {
      mode: 'reset',
      task: 'shop/postgres',
      bindings: null,
      scope: { kind: 'all' },
      columns: null,
      reason: 'why not',
      author: 'anna',
      acknowledged: [],
      missingRows: 'remove',
      deleteLimit: 0.1,
      throttle: { bytesPerSecond: null, readers: null },
      windows: [],
      undoMilliseconds: 0,
      verify: 'full',
    },
    basis: { 'shop/orders': { schema: 1, deep: [null, 'x'] } },
    seen: { position: null, statisticsAt: null },
    bindings: [
      {
        collection: 'shop/orders',
        resource: 'public.orders',
        generation: { from: 1, to: 2 },
        schema: SCHEMA,
        tables: [],
        rows: number,
        bytes: number,
        readShape: 'pages in order',
        firstRow: { id: '1', total: null },
        lastRow: null,
      },
    ],
    stages: [{ kind: 'read', subject: 'shop/orders', sentence: 'read 10 rows', level: 0 }],
    estimate: {
      rows: number,
      bytes: number,
      seconds: { from: 1, to: 2, quality: 'sampled' },
      sourceBytesRead: 1,
      walBytes: 1,
      walHeadroomBytes: null,
      destinationRowsWritten: 10,
      destinationBytesWritten: 1,
      peakLocalBytes: 1,
      peakDestinationBytes: 1,
      price: null,
      downtimeSeconds: 0,
      basedOn: 'a default',
    },
    guards: [
      { id: 'g1', level: 'confirm', subject: 'shop/orders', message: 'm', evidence: 'e', remedy: null },
    ],
    alternatives: [],
  };
}

export function aRun(id: string, parts: Partial<Run> = {}): Run {
  return {
    id,
    mode: 'reset',
    plan: aPlan(),
    state: 'running',
    because: null,
    throttle: { bytesPerSecond: null, readers: null },
    bindings: [
      {
        collection: 'shop/orders',
        state: 'reading',
        rowsRead: 5,
        rowsEstimated: 10,
        bytesRead: 50,
        bytesEstimated: 100,
        rowsPerSecond: 1,
        etaSeconds: 5,
        done: 0.5,
        deleted: 0,
        verifications: [],
        problem: null,
      },
    ],
    events: [{ at: 1, who: 'anna', what: 'applied' }],
    createdAt: 1,
    startedAt: 1,
    endedAt: null,
    undoUntil: null,
    intent: null,
    report: null,
    ...parts,
  };
}
