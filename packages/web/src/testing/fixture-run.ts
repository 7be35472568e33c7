import type { RunSummary } from '@brimful/api';
import type {
  BackfillPlan,
  Run,
  RunBinding,
  RunState,
  RunVerb,
  Throttle,
  VerificationReport,
} from '@brimful/model';
import { NO_THROTTLE } from '@brimful/model';

const UNDO_MILLISECONDS = 24 * 3_600_000;

/** A run that really goes on: `tick` reads rows, a verb changes its state. */
export class FixtureRun {
  #run: Run;
  readonly #secondsInAll: number;

  constructor(id: string, plan: BackfillPlan, now: number, secondsInAll: number) {
    this.#secondsInAll = secondsInAll;
    this.#run = {
      id,
      mode: plan.request.mode,
      plan,
      state: 'running',
      because: null,
      throttle: NO_THROTTLE,
      bindings: plan.bindings.map(({ collection, rows, bytes }) =>
        waiting(collection, rows.value, bytes.value),
      ),
      events: [
        { at: now, who: plan.request.author, what: `applied: ${plan.request.reason}` },
        { at: now, who: 'system', what: 'started' },
      ],
      createdAt: now,
      startedAt: now,
      endedAt: null,
      undoUntil: null,
      intent: null,
      report: null,
    };
  }

  get run(): Run {
    return this.#run;
  }

  get summary(): RunSummary {
    const { plan, events, bindings, ...rest } = this.#run;
    const rowsEstimated = bindings.reduce((sum, binding) => sum + binding.rowsEstimated, 0);
    const rowsRead = bindings.reduce((sum, binding) => sum + binding.rowsRead, 0);
    const eta = Math.max(...bindings.map(({ etaSeconds }) => etaSeconds ?? 0));
    return {
      ...rest,
      planId: plan.id,
      request: plan.request,
      tables: {
        total: bindings.length,
        done: bindings.filter(({ done }) => done >= 1).length,
        failed: bindings.filter(({ state }) => state === 'failed').length,
      },
      rowsRead,
      rowsEstimated,
      rowsPerSecond: bindings.reduce((sum, binding) => sum + binding.rowsPerSecond, 0),
      etaSeconds: eta === 0 ? null : eta,
      done: rowsEstimated === 0 ? 0 : rowsRead / rowsEstimated,
      lastEvent: events.at(-1) ?? null,
    };
  }

  tick(now: number, seconds: number): void {
    if (this.#run.state !== 'running') return;
    const bindings = this.#run.bindings.map((binding, index) =>
      readOn(binding, seconds, this.#secondsInAll * (1 + index / 8)),
    );
    this.#run = { ...this.#run, bindings };
    if (bindings.every(({ done }) => done >= 1)) this.#swapIn(now);
  }

  order(verb: RunVerb, who: string, why: string | null, throttle: Throttle | undefined, now: number): void {
    const next: Partial<Record<RunVerb, RunState>> = {
      pause: 'paused',
      resume: 'running',
      cancel: 'cancelled',
      undo: 'undone',
      redo: 'swapped',
    };
    const state = next[verb] ?? this.#run.state;
    this.#run = {
      ...this.#run,
      state,
      throttle: throttle ?? this.#run.throttle,
      because: verb === 'pause' ? `by ${who}` : null,
      events: [...this.#run.events, { at: now, who, what: why === null ? verb : `${verb}: ${why}` }],
      ...(state === 'paused'
        ? {
            bindings: this.#run.bindings.map((binding) => ({
              ...binding,
              rowsPerSecond: 0,
              etaSeconds: null,
            })),
          }
        : {}),
    };
  }

  #swapIn(now: number): void {
    const { plan, createdAt, bindings, mode } = this.#run;
    const isInPlace = mode === 'incremental';
    const rows = bindings.reduce((sum, { rowsRead }) => sum + rowsRead, 0);
    const seconds = Math.max(1, Math.round((now - createdAt) / 1000));
    this.#run = {
      ...this.#run,
      state: isInPlace ? 'done' : 'swapped',
      undoUntil: isInPlace ? null : now + UNDO_MILLISECONDS,
      endedAt: isInPlace ? now : null,
      bindings: bindings.map((binding) => ({
        ...binding,
        state: isInPlace ? 'done' : 'swapped',
        verifications: [
          equal(binding, 'source and collection', now),
          equal(binding, 'collection and table', now),
        ],
      })),
      events: [
        ...this.#run.events,
        { at: now, who: 'system', what: 'all read' },
        { at: now, who: 'system', what: `verified: every row of ${bindings.length} tables is equal` },
        { at: now, who: 'system', what: isInPlace ? 'completed' : 'swapped' },
      ],
      // As the engine does: what can still be undone is not over, and has no report yet.
      report: isInPlace
        ? {
            seconds,
            rows,
            bytes: rows * 212,
            deleted: 0,
            rowsRatio: plan.estimate.rows.value / Math.max(1, rows),
            secondsRatio: 1.08,
            swapMilliseconds: null,
            verdict: 'equal',
          }
        : null,
    };
  }
}

function waiting(collection: string, rows: number, bytes: number): RunBinding {
  return {
    collection,
    state: 'waiting',
    rowsRead: 0,
    rowsEstimated: rows,
    bytesRead: 0,
    bytesEstimated: bytes,
    rowsPerSecond: 0,
    etaSeconds: null,
    done: 0,
    deleted: 0,
    verifications: [],
    problem: null,
  };
}

function readOn(binding: RunBinding, seconds: number, secondsInAll: number): RunBinding {
  const done = Math.min(1, binding.done + seconds / secondsInAll);
  return {
    ...binding,
    state: done >= 1 ? 'verifying' : 'reading',
    done,
    rowsRead: Math.round(done * binding.rowsEstimated),
    bytesRead: Math.round(done * binding.bytesEstimated),
    rowsPerSecond: done >= 1 ? 0 : Math.round(binding.rowsEstimated / secondsInAll),
    etaSeconds: done >= 1 ? null : Math.ceil((1 - done) * secondsInAll),
  };
}

function equal({ collection, rowsRead }: RunBinding, sides: string, at: number): VerificationReport {
  return {
    at,
    sides,
    subject: sides === 'source and collection' ? collection : `shop/warehouse: ${collection.split('/')[1]}`,
    verdict: 'equal',
    level: 'full',
    rows: { left: rowsRead, right: rowsRead },
    asOf: '24819207728',
    leaves: { total: 64, equal: 64, settled: 0, differing: 0 },
    onlyLeft: 0,
    onlyRight: 0,
    different: 0,
    byColumn: {},
    sampleKeys: [],
    skipped: [],
    problem: null,
  };
}
