import type {
  Action,
  Destination,
  MergeStep,
  TableHandle,
  TablePair,
  TableRequest,
  TableRows,
  TableSurvey,
  Work,
} from '@brimful/connector';
import type { Column, Json } from '@brimful/model';
import { batchBytes, Problem } from '@brimful/model';
import type { NullTotals } from './totals.ts';
import { nullTotals } from './totals.ts';

/** Enough that the engine, not this destination, decides how many tables load at once. */
const LANES = 8;

/**
 * Counts rows and drops them. Keeps checkpoints and fences for as long as the process lives, so a writer that was
 * replaced is refused as everywhere; after a restart everything is written again.
 */
export class NullDestination implements Destination {
  readonly lanes = LANES;
  readonly gatherMilliseconds: number;

  constructor(gatherMilliseconds: number) {
    this.gatherMilliseconds = gatherMilliseconds;
  }

  async open(request: TableRequest): Promise<TableHandle> {
    const kept = tables.get(tableKey(request.id)) ?? { epoch: 0, checkpoint: undefined };
    kept.epoch += 1;
    tables.set(tableKey(request.id), kept);
    const name = nameKey(request.id);
    if (!live.has(name)) live.set(name, request.id.generation);
    return new NullTable(request, kept.checkpoint, kept.epoch);
  }

  async apply(works: readonly Work[], signal: AbortSignal): Promise<void> {
    signal.throwIfAborted();
    // Invariant 3: all fences first, so that a refused transaction changes nothing.
    const kept = works.map((work) => fenced(work.table));
    for (const [index, work] of works.entries()) {
      const { materialization, table } = work.table.request.id;
      const totals = nullTotals(materialization, table);
      for (const action of work.actions) count(action, totals);
      totals.transactions += 1;
      (kept[index] as Kept).checkpoint = work.checkpoint; // Invariant 2
    }
  }

  /** Generations change places in memory; there is nobody who could see it. */
  async swap(
    pairs: readonly TablePair[],
    signal: AbortSignal,
  ): Promise<{ readonly attempts: number; readonly longestWaitMilliseconds: number }> {
    signal.throwIfAborted();
    // Invariant 3: all fences first, as in `apply`.
    for (const pair of pairs) {
      fenced(pair.live);
      fenced(pair.next);
    }
    for (const { next } of pairs) live.set(nameKey(next.request.id), next.request.id.generation);
    return { attempts: 1, longestWaitMilliseconds: 0 };
  }

  /** Rows were dropped as they came: an answer without rows would look like an empty table. */
  async read(table: TableHandle): Promise<TableRows> {
    fenced(table);
    throw new Problem('BRM-NULL-READ', 'The null destination keeps no rows that could be compared.', {
      at: { table: table.request.id.table },
      remedy: 'Verify the collection against its source instead.',
    });
  }

  /** It keeps nothing that could be told about. */
  async survey(): Promise<TableSurvey | undefined> {
    return undefined;
  }

  async idle(): Promise<void> {
    // Holds nothing to let go of.
  }

  async drop(id: TableRequest['id']): Promise<void> {
    tables.delete(tableKey(id));
    if (live.get(nameKey(id)) === id.generation) live.delete(nameKey(id));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    // Holds nothing to let go of.
  }
}

interface Kept {
  epoch: number;
  checkpoint: Json | undefined;
}

const tables = new Map<string, Kept>();
/** Which generation of a table has its name. */
const live = new Map<string, number>();

class NullTable implements TableHandle {
  readonly request: TableRequest;
  readonly checkpoint: Json | undefined;
  readonly epoch: number;

  constructor(request: TableRequest, checkpoint: Json | undefined, epoch: number) {
    this.request = request;
    this.checkpoint = checkpoint;
    this.epoch = epoch;
  }

  get place(): 'live' | 'beside' {
    const { id } = this.request;
    return live.get(nameKey(id)) === id.generation ? 'live' : 'beside';
  }
}

function nameKey(id: TableRequest['id']): string {
  return JSON.stringify([id.materialization, id.table]);
}

function tableKey(id: TableRequest['id']): string {
  return JSON.stringify([id.materialization, id.table, id.generation]);
}

function fenced(table: TableHandle): Kept {
  const kept = tables.get(tableKey(table.request.id));
  if (kept === undefined || !(table instanceof NullTable) || table.epoch !== kept.epoch) {
    throw new Problem(
      'BRM-DESTINATION-FENCED',
      `Another writer has taken over the table ${table.request.id.table}.`,
      {
        at: { table: table.request.id.table },
        remedy: 'Stop one of the two processes that run this materialization.',
      },
    );
  }
  return kept;
}

function count(action: Action, totals: NullTotals): void {
  switch (action.kind) {
    case 'load':
      totals.loaded += action.batch.rows;
      totals.bytes += batchBytes(action.batch);
      return;
    case 'merge':
      for (const step of action.steps) countStep(step, totals);
      return;
    case 'evolve':
    case 'touch':
    case 'index':
    case 'settle':
    case 'truncate':
      return;
  }
}

function countStep(step: MergeStep, totals: NullTotals): void {
  switch (step.kind) {
    case 'upsert':
    case 'append':
    case 'move':
      totals.merged += step.batch.rows;
      totals.bytes += batchBytes(step.batch);
      return;
    case 'remove':
      totals.removed += step.batch.rows;
      totals.bytes += batchBytes(step.batch);
      return;
    case 'delete':
      totals.removed += step.rows;
      totals.bytes += columnBytes(step.keys);
      return;
  }
}

function columnBytes(columns: readonly Column[]): number {
  let bytes = 0;
  for (const column of columns) bytes += column.values.length;
  return bytes;
}
