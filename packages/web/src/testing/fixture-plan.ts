import type { BackfillPlan, BindingPlan, Guard, RunRequest, Schema, Stage } from '@brimful/model';
import { NO_THROTTLE, WHOLE_TABLE } from '@brimful/model';
import type { FixtureTable } from './fixture-status.ts';

const HOUR_MILLISECONDS = 3_600_000;

export const ORDERS_SCHEMA: Schema = {
  version: 3,
  key: ['id'],
  columns: [
    { name: 'id', type: { kind: 'int64' }, nullable: false, sourceType: 'bigint' },
    { name: 'customer_id', type: { kind: 'int64' }, nullable: false, sourceType: 'bigint' },
    {
      name: 'status',
      type: { kind: 'other', name: 'order_status' },
      nullable: false,
      sourceType: 'public.order_status',
    },
    {
      name: 'total',
      type: { kind: 'decimal', precision: 12, scale: 2 },
      nullable: true,
      sourceType: 'numeric(12,2)',
    },
    {
      name: 'created_at',
      type: { kind: 'timestamp', zoned: true },
      nullable: false,
      sourceType: 'timestamptz',
    },
    { name: 'details', type: { kind: 'json', binary: true }, nullable: true, sourceType: 'jsonb' },
    { name: 'channel', type: { kind: 'text' }, nullable: false, sourceType: 'text', initial: 'web' },
  ],
};

interface Draft {
  readonly mode: RunRequest['mode'];
  readonly task: string;
  readonly bindings?: readonly string[];
  readonly reason?: string;
}

/** A plan as the engine would make it, of all tables or of those in the draft. */
export function planOf(
  draft: Draft,
  tables: readonly FixtureTable[],
  number: number,
  now: number,
): BackfillPlan {
  const inScope = tables.filter(({ name }) => draft.bindings?.includes(`shop/${name}`) ?? true);
  const rows = inScope.reduce((sum, table) => sum + table.rows, 0);
  return {
    id: `plan-5f0c1de2a${String(number).padStart(3, '0')}`,
    createdAt: now,
    expiresAt: now + 24 * HOUR_MILLISECONDS,
    request: requestOf(draft),
    basis: {},
    seen: { position: '24819207728', statisticsAt: now - HOUR_MILLISECONDS },
    bindings: inScope.map((table) => bindingOf(draft.mode, table)),
    stages: inScope.flatMap((table) => stagesOf(draft.mode, table)),
    estimate: {
      rows: { value: rows, quality: 'statistics' },
      bytes: { value: rows * 212, quality: 'sampled' },
      seconds: { from: Math.ceil(rows / 90_000), to: Math.ceil(rows / 40_000), quality: 'sampled' },
      sourceBytesRead: rows * 230,
      walBytes: 48e6,
      walHeadroomBytes: 8.6e9,
      destinationRowsWritten: rows,
      destinationBytesWritten: rows * 96,
      peakLocalBytes: rows * 74,
      peakDestinationBytes: draft.mode === 'incremental' ? 12e6 : rows * 96,
      price: null,
      downtimeSeconds: 0,
      basedOn: 'the last 3 runs',
    },
    guards: inScope.flatMap((table) => guardsOf(table)),
    alternatives:
      draft.mode === 'reset'
        ? [
            'shop/orders and its tables have the columns of the source: if only some rows are wrong, --mode incremental --time created_at --from … reads only those.',
          ]
        : [],
  };
}

function requestOf(draft: Draft): RunRequest {
  return {
    mode: draft.mode,
    task: draft.task,
    bindings: draft.bindings ?? null,
    scope: WHOLE_TABLE,
    columns: null,
    reason: draft.reason ?? 'prices were imported wrongly in March',
    author: 'anna',
    acknowledged: [],
    missingRows: 'remove',
    deleteLimit: 0.1,
    throttle: NO_THROTTLE,
    windows: [],
    undoMilliseconds: draft.mode === 'incremental' ? 0 : 24 * HOUR_MILLISECONDS,
    verify: 'full',
  };
}

function bindingOf(mode: RunRequest['mode'], { name, rows }: FixtureTable): BindingPlan {
  const generation = mode === 'incremental' ? { from: 1, to: 1 } : { from: 1, to: 2 };
  return {
    collection: `shop/${name}`,
    resource: `public.${name}`,
    generation,
    schema: ORDERS_SCHEMA,
    tables: [
      {
        materialization: 'shop/warehouse',
        table: name,
        generation,
        rows,
        bytes: rows * 96,
        dependents:
          name === 'orders' ? [{ what: 'view revenue_by_day', carried: true, note: 'reads orders' }] : [],
      },
    ],
    rows: { value: rows, quality: rows > 100_000 ? 'statistics' : 'exact' },
    bytes: { value: rows * 212, quality: 'sampled' },
    readShape: 'pages in order',
    firstRow: { id: '1', created_at: '2021-02-03T08:12:44Z' },
    lastRow: { id: String(rows), created_at: '2026-11-22T20:14:02Z' },
  };
}

function stagesOf(mode: RunRequest['mode'], { name, rows }: FixtureTable): readonly Stage[] {
  const collection = `shop/${name}`;
  const table = `shop/warehouse: ${name}`;
  const read = `${rows.toLocaleString('en')} rows of public.${name}`;
  if (mode === 'incremental') {
    return [
      {
        kind: 'read',
        subject: collection,
        sentence: `read ${read} again and merge them into ${collection}`,
        level: 0,
      },
      {
        kind: 'reconcile',
        subject: collection,
        sentence: `look up what was not read of ${collection}, remove what the source no longer has`,
        level: 1,
      },
      {
        kind: 'verify',
        subject: collection,
        sentence: `compare every row of ${collection} with the source`,
        level: 2,
      },
    ];
  }
  return [
    {
      kind: 'read',
      subject: collection,
      sentence: `read ${read} into generation 2 of ${collection}`,
      level: 0,
    },
    {
      kind: 'build',
      subject: table,
      sentence: `build ${name} in shop/warehouse beside the live one`,
      level: 1,
    },
    { kind: 'catch up', subject: table, sentence: `let ${name} take what changed meanwhile`, level: 2 },
    { kind: 'verify', subject: table, sentence: `compare every row of ${name} with the source`, level: 3 },
    { kind: 'swap', subject: table, sentence: `swap ${name} in, readers wait some milliseconds`, level: 4 },
    {
      kind: 'keep',
      subject: table,
      sentence: 'keep the one before current for 24 h, undo swaps it back',
      level: 5,
    },
  ];
}

function guardsOf({ name, rows }: FixtureTable): readonly Guard[] {
  return [
    {
      id: 'whole-table',
      level: 'confirm',
      subject: `shop/${name}`,
      message: `Every row of public.${name} is read, about ${rows.toLocaleString('en')}.`,
      evidence: `${rows.toLocaleString('en')} rows by its statistics; read: pages in order`,
      remedy: 'If some rows are enough: --mode incremental with --time, --key-from or --keys.',
    },
    {
      id: 'wal-headroom',
      level: 'ok',
      subject: `shop/${name}`,
      message: 'The source keeps enough log for the run.',
      evidence: '48 MB expected, 8.6 GB may be kept',
      remedy: null,
    },
  ];
}
