import type { CollectionDetail, Preview, SchemaVersions, Usage } from '@brimful/api';
import type { RuntimeStatus } from '@brimful/model';
import { ORDERS_SCHEMA } from './fixture-plan.ts';
import type { FixtureTable } from './fixture-status.ts';
import { statusAt } from './fixture-status.ts';

const EVERY_MILLISECONDS = 10_000;
const INTERVALS = 180;
const STATUSES = ['paid', 'shipped', 'open', 'returned'];
const NEXT_OFFSET = 1_244;

export function usageOf(now: number, startedAt: number, tables: readonly FixtureTable[]): Usage {
  const at = Array.from({ length: INTERVALS }, (_, index) => now - (INTERVALS - index) * EVERY_MILLISECONDS);
  const status = statusAt(now, startedAt, tables);
  const wave = (index: number, phase: number): number =>
    1 + 0.4 * Math.sin(index / 14 + phase) + 0.15 * Math.sin(index / 3 + phase);
  const series = (
    kind: 'capture' | 'materialization',
    name: string,
    perSecond: number,
    phase: number,
  ): Usage['series'][number] => ({
    kind,
    name,
    rows: at.map((_, index) => Math.round(perSecond * 10 * wave(index, phase))),
    bytes: at.map((_, index) => Math.round(perSecond * 2120 * wave(index, phase))),
    lagMilliseconds: at.map((_, index) => Math.round(240 * wave(index * 2, phase))),
  });
  return {
    everyMilliseconds: EVERY_MILLISECONDS,
    at,
    series: [
      ...status.captures.map(({ name, changesPerSecond }, index) =>
        series('capture', name, changesPerSecond, index),
      ),
      ...status.materializations.map(({ name, rowsPerSecond }, index) =>
        series('materialization', name, rowsPerSecond, index),
      ),
    ],
  };
}

export function previewOf(limit: number, skip: number): Preview {
  const rows = Array.from({ length: limit }, (_, index): Preview['rows'][number] => {
    const number = 1_204_331 - skip - limit + index;
    const values = {
      id: String(number),
      customer_id: String((number * 7919) % 318_204),
      status: STATUSES[number % STATUSES.length] ?? 'open',
      total: number % 17 === 0 ? null : `${(number % 900) + 12}.${String(number % 100).padStart(2, '0')}`,
      created_at: `2026-11-22T20:${String(number % 60).padStart(2, '0')}:04.118Z`,
      details: `{"gift": ${number % 9 === 0}, "weight": ${number % 4000}, "note": null}`,
      channel: number % 3 === 0 ? 'app' : 'web',
    };
    return { operation: number % 5 === 0 ? 'update' : 'insert', offset: NEXT_OFFSET - 2, values };
  });
  return { rows, schema: ORDERS_SCHEMA, next: NEXT_OFFSET };
}

export function collectionOf(
  name: string,
  { captures, materializations }: RuntimeStatus,
): CollectionDetail | undefined {
  const capture = captures.find(({ bindings }) => bindings.some(({ collection }) => collection === name));
  const binding = capture?.bindings.find(({ collection }) => collection === name);
  if (capture === undefined || binding === undefined) return undefined;
  const { resource, phase, rowsRead, changes, journal } = binding;
  const readers = materializations.flatMap((materialization) =>
    materialization.bindings
      .filter(({ collection }) => collection === name)
      .map(({ table, phase, offset, lagMilliseconds }) => ({
        materialization: materialization.name,
        table,
        phase,
        offset,
        ...(lagMilliseconds === undefined ? {} : { lagMilliseconds }),
      })),
  );
  return {
    collection: {
      name,
      capture: capture.name,
      resource,
      phase,
      rowsRead,
      changes,
      journal: { ...journal },
      readers,
    },
    generation: 1,
    nextGeneration: null,
    previousGeneration: null,
    schema: ORDERS_SCHEMA,
  };
}

export function schemasAt(now: number): SchemaVersions {
  const columns = ORDERS_SCHEMA.columns.map((column) => ({ ...column }));
  const key = [...ORDERS_SCHEMA.key];
  const DAY_MILLISECONDS = 86_400_000;
  return {
    generation: 1,
    versions: [
      { version: 1, columns: columns.slice(0, -2), key, registeredAt: null, changes: [] },
      {
        version: 2,
        columns: columns.slice(0, -1),
        key,
        registeredAt: now - 40 * DAY_MILLISECONDS,
        changes: [
          { kind: 'rename', sentence: 'renames state to status', isWidening: false },
          { kind: 'add', sentence: 'adds details (json, normalised)', isWidening: true },
          { kind: 'widen', sentence: 'widens total from decimal(10,2) to decimal(12,2)', isWidening: true },
        ],
      },
      {
        version: 3,
        columns,
        key,
        registeredAt: now - 95 * 60_000,
        changes: [{ kind: 'add', sentence: 'adds channel (text)', isWidening: true }],
      },
    ],
  };
}
