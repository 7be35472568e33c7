import type { SourceHealth, Survey, TableSurvey } from '@brimful/connector';
import type { EstimatedNumber } from '@brimful/model';
import type { BindingFacts, PlanFacts, TableFacts } from '../backfill/plan-facts.ts';
import { FIRST_GENERATION, FIRST_TABLE } from '../collection/generations.ts';
import { ORDERS, PLANNED_AT } from './plan-fixture.ts';

const GB = 1e9;

export function statistics(value: number): EstimatedNumber {
  return { value, quality: 'statistics' };
}

export const HEALTH: SourceHealth = {
  position: '123456',
  retainedBytes: 16e6,
  headroomBytes: 4 * GB,
  replicaLagBytes: null,
  replicaLagMilliseconds: null,
  activeSessions: 3,
  processors: 4,
  blockedByUs: 0,
  oldestSnapshotAge: 0,
};

export function surveyOf(changes: Partial<Survey> = {}): Survey {
  return {
    resource: 'public.orders',
    problem: null,
    schema: ORDERS,
    tableRows: statistics(1_000_000),
    tableBytes: statistics(100e6),
    rows: statistics(1_000_000),
    bytes: statistics(100e6),
    bytesRead: 120e6,
    readShape: 'pages in order',
    isServed: true,
    statisticsAt: PLANNED_AT - 1000,
    firstRow: { id: '1' },
    lastRow: { id: '1000000' },
    source: HEALTH,
    extremes: [],
    guards: [],
    ...changes,
  };
}

export function tableSurveyOf(changes: Partial<TableSurvey> = {}): TableSurvey {
  return {
    rows: 1_000_000,
    bytes: 90e6,
    dependents: [],
    columns: [],
    misfits: [],
    guards: [],
    ...changes,
  };
}

export function tableFacts(changes: Partial<TableFacts> = {}): TableFacts {
  return {
    materialization: 'shop/warehouse',
    table: 'orders',
    deletes: 'hard',
    adopt: false,
    generations: FIRST_TABLE,
    survey: tableSurveyOf(),
    problem: null,
    ...changes,
  };
}

export function bindingFacts(changes: Partial<BindingFacts> = {}): BindingFacts {
  return {
    collection: 'shop/orders',
    resource: 'public.orders',
    sourceSchema: ORDERS,
    survey: surveyOf(),
    schema: ORDERS,
    shapes: [],
    generations: FIRST_GENERATION,
    journal: { first: 0, next: 50, bytes: 40e6 },
    hasBase: false,
    collectionRows: null,
    phase: 'streaming',
    isCutOff: false,
    tables: [tableFacts()],
    ...changes,
  };
}

export function factsOf(binding: Partial<BindingFacts> = {}, changes: Partial<PlanFacts> = {}): PlanFacts {
  return {
    now: PLANNED_AT,
    bindings: [bindingFacts(binding)],
    runs: [],
    firstRead: null,
    disk: { freeBytes: 100 * GB, keepFreeBytes: GB },
    prices: null,
    captureProblem: null,
    ...changes,
  };
}
