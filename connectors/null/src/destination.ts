import type { Action, Destination, MergeStep, TableHandle, TableRequest, Work } from '@brimful/connector';
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

  async idle(): Promise<void> {
    // Holds nothing to let go of.
  }

  async drop(id: TableRequest['id']): Promise<void> {
    tables.delete(tableKey(id));
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

class NullTable implements TableHandle {
  readonly request: TableRequest;
  readonly checkpoint: Json | undefined;
  readonly epoch: number;

  constructor(request: TableRequest, checkpoint: Json | undefined, epoch: number) {
    this.request = request;
    this.checkpoint = checkpoint;
    this.epoch = epoch;
  }
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
