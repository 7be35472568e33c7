import type { RuntimeStatus, TaskState } from '@brimful/model';
import { ALERT_KINDS, ALERT_SEVERITIES } from '@brimful/model';
import type { AlertDesk } from '../alerts/alert-watch.ts';
import { collectDefaultMetrics, Counter, Gauge, Histogram, Registry } from 'prom-client';

const STATES: readonly TaskState[] = ['starting', 'running', 'waiting', 'paused', 'failed', 'stopped'];
const SECONDS_BUCKETS = [0.005, 0.02, 0.1, 0.5, 2, 10, 60];

/** What Prometheus reads at `/metrics`. Everything about tasks is taken from the status at the moment it asks. */
export class Metrics {
  readonly #registry = new Registry();
  readonly #requests: Histogram<'operation' | 'status'>;
  readonly #fill: (status: RuntimeStatus) => void;
  readonly #listeners: Gauge;
  readonly #fillAlerts: (alerts: ReturnType<AlertDesk['list']>) => void;

  constructor() {
    const registers = [this.#registry];
    collectDefaultMetrics({ register: this.#registry, prefix: 'brimful_process_' });
    this.#requests = new Histogram({
      name: 'brimful_http_request_seconds',
      help: 'Time to answer requests of the API',
      labelNames: ['operation', 'status'],
      buckets: SECONDS_BUCKETS,
      registers,
    });
    this.#listeners = new Gauge({ name: 'brimful_http_listeners', help: 'Open event streams', registers });
    this.#fillAlerts = alertMetrics(registers);
    const tasks = taskMetrics(registers);
    const tables = tableMetrics(registers);
    const disk = diskMetrics(registers);
    this.#fill = (status) => {
      tasks(status);
      tables(status);
      disk(status);
    };
  }

  get contentType(): string {
    return this.#registry.contentType;
  }

  answered(operation: string, status: number, seconds: number): void {
    this.#requests.observe({ operation, status: String(status) }, seconds);
  }

  text(status: RuntimeStatus, alerts: ReturnType<AlertDesk['list']>, listeners: number): Promise<string> {
    this.#fillAlerts(alerts);
    this.#listeners.set(listeners);
    this.#fill(status);
    return this.#registry.metrics();
  }
}

type Fill = (status: RuntimeStatus) => void;

function taskMetrics(registers: Registry[]): Fill {
  const labelNames = ['kind', 'task'] as const;
  const state = new Gauge({
    name: 'brimful_task_state',
    help: '1 for the state a capture or materialization is in, 0 for the others',
    labelNames: [...labelNames, 'state'],
    registers,
  });
  const lag = new Gauge({
    name: 'brimful_task_lag_seconds',
    help: 'Age of the oldest change that is not there yet; absent while not known',
    labelNames,
    registers,
  });
  const lagBytes = new Gauge({
    name: 'brimful_capture_lag_bytes',
    help: "How far the source's log is ahead of the journals",
    labelNames: ['task'],
    registers,
  });
  const changes = new Counter({
    name: 'brimful_capture_changes_total',
    help: 'Changes journaled since the start',
    labelNames: ['task'],
    registers,
  });
  const written = new Counter({
    name: 'brimful_materialization_rows_total',
    help: 'Rows written to destinations since the start',
    labelNames: ['task'],
    registers,
  });
  return ({ captures, materializations }) => {
    for (const metric of [state, lag, lagBytes, changes, written]) metric.reset();
    const both = [
      ...captures.map((task) => ({ kind: 'capture', task })),
      ...materializations.map((task) => ({ kind: 'materialization', task })),
    ];
    for (const { kind, task } of both) {
      for (const one of STATES) state.set({ kind, task: task.name, state: one }, task.state === one ? 1 : 0);
      if (task.lagMilliseconds !== undefined) lag.set({ kind, task: task.name }, task.lagMilliseconds / 1000);
    }
    for (const task of captures) {
      if (task.lagBytes !== undefined) lagBytes.set({ task: task.name }, task.lagBytes);
      changes.inc({ task: task.name }, task.changes);
    }
    for (const task of materializations) written.inc({ task: task.name }, task.rowsWritten);
  };
}

function tableMetrics(registers: Registry[]): Fill {
  const journal = new Gauge({
    name: 'brimful_collection_journal_bytes',
    help: 'Bytes that the journal of a collection holds',
    labelNames: ['collection'],
    registers,
  });
  const behind = new Gauge({
    name: 'brimful_table_entries_behind',
    help: 'Journal entries that a destination table does not have yet',
    labelNames: ['task', 'collection', 'table'],
    registers,
  });
  return ({ captures, materializations }) => {
    journal.reset();
    behind.reset();
    for (const { bindings } of captures)
      for (const binding of bindings) journal.set({ collection: binding.collection }, binding.journal.bytes);
    for (const { name, bindings } of materializations)
      for (const { collection, table, offset, next } of bindings)
        behind.set({ task: name, collection, table }, Math.max(0, next - offset));
  };
}

function diskMetrics(registers: Registry[]): Fill {
  const bytes = new Gauge({
    name: 'brimful_disk_bytes',
    help: 'Of the data directory: used, and free on its disk',
    labelNames: ['what'],
    registers,
  });
  return ({ disk }) => {
    bytes.set({ what: 'used' }, disk.usedBytes);
    bytes.set({ what: 'free' }, disk.freeBytes);
  };
}

function alertMetrics(registers: Registry[]): (alerts: ReturnType<AlertDesk['list']>) => void {
  const open = new Gauge({
    name: 'brimful_alerts_open',
    help: 'Alerts that are open, also those that somebody has acknowledged',
    labelNames: ['kind', 'severity'],
    registers,
  });
  const waiting = new Gauge({
    name: 'brimful_webhook_messages_waiting',
    help: 'Messages about alerts that the webhook has not taken yet',
    registers,
  });
  const attempts = new Counter({
    name: 'brimful_webhook_attempts_total',
    help: 'Attempts to send a message to the webhook since the start',
    labelNames: ['outcome'],
    registers,
  });
  return ({ open: all, webhook }) => {
    open.reset();
    attempts.reset();
    for (const kind of ALERT_KINDS) for (const severity of ALERT_SEVERITIES) open.set({ kind, severity }, 0);
    for (const { kind, severity } of all) open.inc({ kind, severity });
    waiting.set(webhook?.waiting ?? 0);
    attempts.inc({ outcome: 'delivered' }, webhook?.delivered ?? 0);
    attempts.inc({ outcome: 'failed' }, webhook?.failed ?? 0);
  };
}
