import type { BindingPlan, Run, Schema, VerificationReport } from '@brimful/model';
import { Problem, rangeSet } from '@brimful/model';
import type { CapturedTable } from '../../capture/captured-table.ts';
import { sleep } from '../../flow/pause-gate.ts';
import type { BindingInput } from '../run-binding-state.ts';
import type { BindingProgress } from '../run-change.ts';
import { BEGINS_ANEW } from '../guards-capture.ts';
import { comparesInPlace } from '../stages.ts';
import type { RunMeans } from './means.ts';
import { SourceTable } from './source-table.ts';
import type { TableSetState } from './table-set.ts';
import { TableSet, endOf } from './table-set.ts';

/** How often it is looked whether something has come about. */
const LOOK_MILLISECONDS = 100;
/** Entries that a table may be behind its journal and still count as caught up: the rest comes during the swap. */
const CAUGHT_UP_ENTRIES = 64;

/** What a binding tells its run. */
export interface BindingListener {
  /** Durable on return. */
  step(input: BindingInput, because?: string): Promise<void>;
  /** Cheap; written now and then. */
  progress(progress: BindingProgress): void;
}

/**
 * One table's way through a run, from wherever the journals and the destinations say it is up to "ready to swap" (or, merged
 * in place, to its end). Every step looks at what is so before it does anything, so after any crash it is begun again from
 * the top. (Invariant 4)
 */
export class BindingTask {
  readonly #means: RunMeans;
  readonly #run: Run;
  readonly #binding: BindingPlan;
  readonly #listener: BindingListener;
  readonly #tables: TableSet;
  readonly #source: SourceTable;
  /** The shape that is expected of what is read. */
  #shape: Schema | undefined;

  constructor(means: RunMeans, run: Run, binding: BindingPlan, listener: BindingListener) {
    this.#means = means;
    this.#run = run;
    this.#binding = binding;
    this.#listener = listener;
    this.#tables = new TableSet(means, binding);
    this.#source = new SourceTable(means, binding.collection, run.plan.request.task);
  }

  /** Rejects with the signal's reason, or with what stops this table. `retry` problems: begin again. */
  async advance(signal: AbortSignal): Promise<void> {
    switch (this.#run.mode) {
      case 'reset':
        return this.#reset(signal);
      case 'materialization':
        return this.#rebuild(signal);
      case 'incremental':
      case 'repair':
        return this.#merge(signal);
    }
  }

  /** The next generation is read and its tables are built, both at once. */
  async #reset(signal: AbortSignal): Promise<void> {
    const generation = this.#binding.generation.to;
    await this.#listener.step('read');
    await this.#beginAnew();
    const keeps = this.#run.plan.request.missingRows === 'keep';
    await this.#source.addGeneration(generation, keeps);
    await this.#tables.build(generation);
    await this.#untilRead(() => this.#source.table(generation), signal);
    await this.#listener.step('all read');
    await this.#listener.step('build');
    await this.#untilCaughtUp(generation, signal);
    await this.#verify(true, generation, signal);
  }

  /** The plan said so, and it was acknowledged. */
  async #beginAnew(): Promise<void> {
    const { guards, request } = this.#run.plan;
    if (!guards.some(({ id, level }) => id === BEGINS_ANEW && level === 'confirm')) return;
    const capture = this.#means.captures.find(({ spec }) => spec.name === request.task);
    await capture?.beginAnew(this.#run.id);
  }

  async #rebuild(signal: AbortSignal): Promise<void> {
    const generation = this.#binding.generation.from;
    await this.#listener.step('build');
    await this.#means.compact(this.#binding.collection, generation, signal);
    await this.#tables.build(generation);
    await this.#untilCaughtUp(generation, signal);
    await this.#verify(false, generation, signal);
  }

  /** What is in scope is read again and merged; tables follow as they always do. */
  async #merge(signal: AbortSignal): Promise<void> {
    const { request } = this.#run.plan;
    const { collection, generation, rows } = this.#binding;
    const known = Math.max(rows.value, ...this.#tables.plans.map((table) => table.rows ?? 0));
    await this.#listener.step('read');
    await this.#source.capture.reread(collection, {
      run: this.#run.id,
      scope: request.scope,
      columns: request.columns,
      missingRows: request.missingRows,
      deleteLimitRows: deleteLimit(known, request.deleteLimit),
    });
    await this.#untilRead(() => this.#source.table(null), signal);
    const { reread } = this.#source.table(null).backfill;
    // The generation that readers have was exchanged under it: this one was not read.
    if (reread?.run !== this.#run.id)
      throw new Problem('BRM-RUN-READING', `${collection} has changed hands`, { kind: 'retry' });
    if (reread.outcome === 'cancelled')
      throw new Problem('BRM-RUN-CANCELLED', `the read of ${collection} was cancelled`);
    await this.#listener.step('all read');
    const end = await endOf(this.#means, collection, generation.from);
    await until(() => this.#tables.haveReached(end), signal);
    await this.#listener.step('built');
    if (comparesInPlace(request)) {
      await this.#listener.step('caught up');
      await this.#verify(false, generation.from, signal, this.#tables.followed());
    }
    await this.#listener.step('completed');
  }

  async #untilRead(table: () => CapturedTable, signal: AbortSignal): Promise<void> {
    await until(() => {
      const now = table();
      this.#listener.progress(readProgress(now, this.#means.context.now()));
      const { problem } = now;
      this.#assertPlannedShape(now.writer.schema);
      if (problem !== undefined && (now.backfill.phase === 'gap' || now.stopped)) throw thrownAgain(problem);
      return now.backfill.phase === 'complete';
    }, signal);
  }

  /** What was planned is what is read: another shape stops this table until somebody has seen it. Its live tables go on. */
  #assertPlannedShape(schema: Schema | undefined): void {
    if (schema === undefined) return;
    const { collection } = this.#binding;
    this.#shape ??= wasRetried(this.#run, collection) ? schema : this.#binding.schema;
    const drift = shapeDrift(this.#shape, schema);
    if (drift === undefined) return;
    throw new Problem(
      'BRM-RUN-DRIFT',
      `The shape of ${collection} has changed since the run was planned: ${drift}.`,
      {
        remedy: `To go on with the shape it has now: brimful backfill retry ${this.#run.id}. What was read so far is kept.`,
        at: { collection },
      },
    );
  }

  async #untilCaughtUp(generation: number, signal: AbortSignal): Promise<void> {
    let state: TableSetState = { rows: 0, isLive: false, offset: 0 };
    await until(() => {
      state = this.#tables.state();
      if (this.#run.mode === 'materialization') this.#listener.progress({ rowsRead: state.rows });
      return state.isLive;
    }, signal);
    await this.#listener.step('built');
    for (;;) {
      const end = await endOf(this.#means, this.#binding.collection, generation);
      if (this.#tables.state().offset >= end - CAUGHT_UP_ENTRIES) break;
      await sleep(LOOK_MILLISECONDS, signal);
    }
    await this.#listener.step('caught up');
  }

  /** Rows that a run was told to keep are in the collection alone. Everything else must be equal. */
  #passes({ verdict, sides, onlyLeft, different }: VerificationReport): boolean {
    if (verdict === 'equal' || verdict === 'equal after catch-up') return true;
    const keeps = this.#run.plan.request.missingRows === 'keep' && sides === 'source and collection';
    return keeps && verdict === 'divergent' && onlyLeft === 0 && different === 0;
  }

  /** Invariant 7: nothing is swapped in that has not been compared with where it came from. */
  async #verify(
    source: boolean,
    generation: number,
    signal: AbortSignal,
    tables = this.#binding.tables,
  ): Promise<void> {
    const binding = { ...this.#binding, tables };
    const level = this.#run.plan.request.verify;
    const subject = { binding, level, source, generation, run: this.#run.id };
    const reports = await this.#means.verify(subject, signal);
    const worst = reports.find((report) => !this.#passes(report));
    this.#listener.progress({ verifications: reports });
    if (worst !== undefined) {
      if (worst.problem !== null) throw thrownAgain(worst.problem);
      throw new Problem(
        'BRM-RUN-DIVERGENT',
        `${worst.subject}: ${worst.sides} are ${worst.verdict}: ${worst.onlyLeft} rows only in the first, ${worst.onlyRight} only in the second, ${worst.different} different`,
        {
          remedy:
            'The live table is as it was. See the report of this run; retry the table, or cancel the run.',
          at: { collection: binding.collection },
        },
      );
    }
    await this.#listener.step('verified');
  }
}

/** Rows that a run may remove. A handful is never a catastrophe, whatever the part. */
const DELETE_LIMIT_LEAST_ROWS = 1000;
function deleteLimit(rows: number, part: number): number {
  return Math.max(DELETE_LIMIT_LEAST_ROWS, Math.floor(rows * part));
}

function readProgress(table: CapturedTable, now: number): BindingProgress {
  const { backfill, openRows, openBytes } = table;
  const { plan, done, phase } = backfill;
  const estimate = plan?.estimate;
  const rowsRead = backfill.rows + openRows;
  const isDone = phase === 'complete';
  return {
    rowsRead,
    bytesRead: backfill.bytes + openBytes,
    ...(estimate === undefined ? {} : { rowsEstimated: Math.max(estimate.rows, rowsRead) }),
    rowsPerSecond: isDone ? 0 : table.rowsMeter.perSecond(now),
    deleted: backfill.reread?.deleted ?? 0,
    done: isDone
      ? 1
      : partDone(
          rowsRead,
          estimate?.rows,
          plan === null || rangeSet.isEmpty(rangeSet.subtract(plan.total, done)),
        ),
  };
}

function partDone(rows: number, estimated: number | undefined, isCovered: boolean): number {
  if (isCovered && estimated !== undefined) return 0.99;
  return estimated === undefined || estimated === 0 ? 0 : Math.min(0.99, rows / estimated);
}

/** Somebody has seen what had stopped the table. */
function wasRetried({ events }: Run, collection: string): boolean {
  return events.some(({ what }) => what.startsWith(`${collection}: retry`));
}

/** In words; undefined: the same columns, types and key. */
function shapeDrift(planned: Schema, now: Schema): string | undefined {
  const types = new Map(now.columns.map(({ name, sourceType }) => [name, sourceType]));
  const known = new Map(planned.columns.map(({ name, sourceType }) => [name, sourceType]));
  const changes = [
    ...planned.columns.flatMap(({ name, sourceType }) => {
      const type = types.get(name);
      if (type === undefined) return [`column ${name} is gone`];
      return type === sourceType ? [] : [`column ${name} was ${sourceType} and is ${type}`];
    }),
    ...now.columns.filter(({ name }) => !known.has(name)).map(({ name }) => `column ${name} is new`),
    ...(planned.key.join() === now.key.join()
      ? []
      : [`its key was (${planned.key.join(', ')}) and is (${now.key.join(', ')})`]),
  ];
  return changes.length === 0 ? undefined : changes.join(', ');
}

/** Looks until it is so. */
async function until(isSo: () => boolean, signal: AbortSignal): Promise<void> {
  while (!isSo()) await sleep(LOOK_MILLISECONDS, signal);
}

function thrownAgain(record: NonNullable<CapturedTable['problem']>): Problem {
  const { code, message, kind, remedy, at } = record;
  return new Problem(code, message, { kind, at, ...(remedy === null ? {} : { remedy }) });
}
