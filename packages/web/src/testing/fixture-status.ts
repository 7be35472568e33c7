import { loadAt, lostAt } from './fixture-load.ts';
import type {
  CaptureBindingStatus,
  CaptureStatus,
  MaterializationBindingStatus,
  MaterializationStatus,
  RuntimeStatus,
  SchemaStatus,
} from '@brimful/model';

const MEGABYTE = 1e6;

export interface FixtureTable {
  readonly name: string;
  readonly rows: number;
}

export const SHOP: readonly FixtureTable[] = [
  { name: 'orders', rows: 1_204_331 },
  { name: 'order_lines', rows: 4_870_112 },
  { name: 'customers', rows: 318_204 },
  { name: 'products', rows: 41_870 },
  { name: 'payments', rows: 1_190_877 },
  { name: 'refunds', rows: 20_415 },
  { name: 'shipments', rows: 1_150_240 },
  { name: 'addresses', rows: 402_118 },
  { name: 'carts', rows: 988_030 },
  { name: 'coupons', rows: 1_204 },
  { name: 'reviews', rows: 96_332 },
  { name: 'stock_levels', rows: 83_740 },
];

/** For what must stay fast with many tables. */
export function manyTables(count: number): readonly FixtureTable[] {
  return Array.from({ length: count }, (_, index) => ({
    name: `table_${String(index).padStart(4, '0')}`,
    rows: 1000 + index,
  }));
}

export function statusAt(at: number, startedAt: number, tables: readonly FixtureTable[]): RuntimeStatus {
  const seconds = (at - startedAt) / 1000;
  return {
    at,
    startedAt,
    pid: 4242,
    captures: [shop(tables, seconds), billing(seconds)],
    materializations: [warehouse(tables, seconds), lake(seconds)],
    disk: {
      usedBytes: 2870 * MEGABYTE,
      freeBytes: 61_400 * MEGABYTE,
      limitBytes: 1074 * MEGABYTE,
      paused: false,
    },
  };
}

function shop(tables: readonly FixtureTable[], seconds: number): CaptureStatus {
  return {
    name: 'shop/postgres',
    connector: 'postgres',
    state: 'running',
    sentence: `Streaming change events (all ${tables.length} bindings are backfilled)`,
    position: '24819207728',
    lagBytes: 18_432,
    lagMilliseconds: 240,
    changes: Math.round(48_210 + seconds * 310),
    changesPerSecond: 310,
    load: loadAt(false),
    retries: 0,
    bindings: tables.map((table, index) => ({
      ...streaming(`public.${table.name}`, `shop/${table.name}`, table.rows, index),
      schema: shapeOf(index),
    })),
  };
}

/** Two of the tables have changed their shape. */
function shapeOf(index: number): SchemaStatus {
  const registeredAt = Date.UTC(2026, 10, 22, 19, index);
  if (index === 0)
    return { version: 3, registeredAt, change: { sentence: 'adds channel (text)', isWidening: true } };
  if (index === 4)
    return {
      version: 2,
      registeredAt,
      change: { sentence: 'drops iban, renames state to status', isWidening: false },
    };
  return { version: 1, registeredAt };
}

function streaming(resource: string, collection: string, rows: number, index: number): CaptureBindingStatus {
  return {
    resource,
    collection,
    phase: 'streaming',
    rowsRead: rows,
    rowsEstimated: rows,
    bytesRead: rows * 212,
    bytesEstimated: rows * 212,
    estimateQuality: 'exact',
    rowsPerSecond: 0,
    bytesPerSecond: 0,
    changes: (index * 7919) % 20_000,
    journal: { first: 0, next: Math.round(rows / 1000) + 40, bytes: rows * 74 },
  };
}

function billing(seconds: number): CaptureStatus {
  const read = Math.min(5_900_000, Math.round(2_310_000 + seconds * 41_000));
  const ledger: CaptureBindingStatus = {
    ...streaming('public.ledger', 'billing/ledger', 6_100_000, 3),
    phase: 'backfilling',
    cursor: 'from 0000000000012f4c, in 3 parts',
    retries: 1,
    rowsRead: read,
    bytesRead: read * 180,
    estimateQuality: 'statistics',
    rowsPerSecond: 41_000,
    bytesPerSecond: 7.4 * MEGABYTE,
    etaSeconds: Math.round((6_100_000 - read) / 41_000),
  };
  const legacy: CaptureBindingStatus = {
    ...streaming('public.legacy_notes', 'billing/legacy_notes', 0, 0),
    phase: 'failed',
    estimateQuality: 'unknown',
    problem: {
      code: 'BRM-PG-DENIED',
      kind: 'operator',
      message: 'permission denied for table legacy_notes',
      remedy: 'GRANT SELECT ON public.legacy_notes TO brimful;',
      at: { table: 'public.legacy_notes' },
    },
  };
  return {
    name: 'billing/postgres',
    connector: 'postgres',
    state: 'running',
    sentence: 'Streaming change events (1 of 3 bindings are backfilled)',
    position: '8810022144',
    lagBytes: 1_048_576,
    lagMilliseconds: 1900,
    changes: 12_020,
    changesPerSecond: 12,
    load: loadAt(true),
    retries: 2,
    lastProblem: lostAt(),
    bindings: [streaming('public.invoices', 'billing/invoices', 722_019, 5), ledger, legacy],
  };
}

function warehouse(tables: readonly FixtureTable[], seconds: number): MaterializationStatus {
  return {
    name: 'shop/warehouse',
    connector: 'duckdb',
    state: 'running',
    sentence: `Merging changes into ${tables.length} tables`,
    lagMilliseconds: 1200,
    rowsWritten: Math.round(10_400_000 + seconds * 310),
    rowsPerSecond: 310,
    batches: 4821 + Math.round(seconds),
    lagBytes: 444_000,
    retries: 0,
    bindings: tables.map(({ name, rows }, index) =>
      index === 2
        ? withNext(live(`shop/${name}`, name, rows, 0))
        : live(`shop/${name}`, name, rows, index % 5 === 0 ? 1200 : 0),
    ),
  };
}

/** A table whose next generation is being built. */
function withNext(binding: MaterializationBindingStatus): MaterializationBindingStatus {
  return {
    ...binding,
    generations: { current: 1, collection: 1, beside: [{ generation: 2, done: 0.62, phase: 'loading' }] },
  };
}

function live(
  collection: string,
  table: string,
  rows: number,
  lagMilliseconds: number,
): MaterializationBindingStatus {
  const next = Math.round(rows / 1000) + 40;
  return {
    collection,
    table,
    phase: 'live',
    offset: lagMilliseconds === 0 ? next : next - 2,
    next,
    rowsWritten: rows,
    bytesWritten: rows * 96,
    rowsPerSecond: lagMilliseconds === 0 ? 0 : 100,
    lagBytes: lagMilliseconds === 0 ? 0 : 148_000,
    batches: 812,
    generations: { current: 1, collection: 1, beside: [] },
    lagMilliseconds,
  };
}

function lake(seconds: number): MaterializationStatus {
  return {
    name: 'billing/reporting',
    connector: 'postgres',
    state: 'running',
    sentence: 'Loading 1 of 2 tables',
    lagMilliseconds: 64_000,
    rowsWritten: Math.round(2_800_000 + seconds * 36_000),
    rowsPerSecond: 36_000,
    bindings: [
      live('billing/invoices', 'invoices', 722_019, 0),
      { ...live('billing/ledger', 'ledger', 2_200_000, 64_000), phase: 'loading', rowsPerSecond: 36_000 },
    ],
  };
}
