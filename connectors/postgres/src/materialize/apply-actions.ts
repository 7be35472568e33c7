import type { Batch } from '@brimful/model';
import type { Action, MergeStep } from '@brimful/connector';

import { indexTable, settleTable, truncateTable } from './complete-table.ts';
import { deleteRows } from './delete-rows.ts';
import { evolveTable } from './evolve-table.ts';
import { appendRows, removeRows } from './keyless-rows.ts';
import { loadRows, touchKeys } from './load-rows.ts';
import { moveRows, moveRuns } from './move-rows.ts';
import type { Move } from './move-rows.ts';
import type { OpenTable } from './open-table.ts';
import type { Transaction } from './transaction.ts';
import { upsertRows } from './upsert-rows.ts';

/** Writes the statements for one table's actions, in their order. Does no IO. */
export function addActions(transaction: Transaction, table: OpenTable, actions: readonly Action[]): void {
  for (let index = 0; index < actions.length; index += 1) {
    const action = actions[index] as Action;
    switch (action.kind) {
      case 'evolve':
        evolveTable(transaction, table, action.schema);
        break;
      case 'load': {
        const batches = followingLoads(actions, index);
        loadRows(transaction, table, batches);
        index += batches.length - 1;
        break;
      }
      case 'touch':
        touchKeys(transaction, table, action.keys, action.rows);
        break;
      case 'index':
        indexTable(transaction, table);
        break;
      case 'settle':
        settleTable(transaction, table);
        break;
      case 'truncate':
        truncateTable(transaction, table);
        break;
      case 'merge':
        addSteps(transaction, table, action.steps);
        break;
    }
  }
}

/** The loads from `start` on that one COPY can carry. */
function followingLoads(actions: readonly Action[], start: number): Batch[] {
  const batches: Batch[] = [];
  for (let index = start; index < actions.length; index += 1) {
    const action = actions[index];
    if (action?.kind !== 'load') break;
    if (batches.length > 0 && batches[0]?.schema.version !== action.batch.schema.version) break;
    batches.push(action.batch);
  }
  return batches;
}

function addSteps(transaction: Transaction, table: OpenTable, steps: readonly MergeStep[]): void {
  for (let index = 0; index < steps.length; index += 1) {
    const step = steps[index] as MergeStep;
    switch (step.kind) {
      case 'upsert':
        upsertRows(transaction, table, step.batch, step.unknown, step.mostlySame);
        break;
      case 'delete':
        deleteRows(transaction, table, step);
        break;
      case 'move': {
        const moves = followingMoves(steps, index);
        for (const run of moveRuns(moves)) moveRows(transaction, table, run);
        index += moves.length - 1;
        break;
      }
      case 'append':
        appendRows(transaction, table, step.batch);
        break;
      case 'remove':
        removeRows(transaction, table, step.batch);
        break;
    }
  }
}

function followingMoves(steps: readonly MergeStep[], start: number): Move[] {
  const moves: Move[] = [];
  for (let index = start; index < steps.length; index += 1) {
    const step = steps[index];
    if (step?.kind !== 'move') break;
    moves.push(step);
  }
  return moves;
}
