import type { Action, Work } from '@brimful/connector';
import type { Batch, Schema } from '@brimful/model';
import { Problem } from '@brimful/model';
import type { Connection } from '../database/connection.ts';
import { FeedRefused, serveFeed } from '../database/feed.ts';
import { advance, isOwner } from './bookkeeping.ts';
import type { ChangeTarget } from './change-target.ts';
import { evolve } from './evolve.ts';
import type { View } from './held-column.ts';
import { viewOf } from './held-column.ts';
import { index, touch } from './load.ts';
import { append, merge, truncate } from './merge.ts';
import type { OpenTable } from './open-table.ts';
import type { TableState } from './table-state.ts';
import { valueProblem } from './value-problem.ts';

/** An action with the shape of the table as the source had it then. */
interface Placed {
  readonly action: Exclude<Action, { kind: 'evolve' }>;
  readonly schema: Schema;
  readonly view: View;
}

/**
 * Does one table's work within the caller's transaction and moves its checkpoint. Returns the table's new state, which
 * is true once the transaction commits. (Invariant 2)
 */
export async function applyWork(
  connection: Connection,
  table: OpenTable,
  work: Work,
  foreign: readonly string[],
  now: bigint,
): Promise<TableState> {
  // Invariant 3: before anything is touched, and again where the checkpoint moves.
  if (!(await isOwner(connection, table.request.id, table.epoch))) throw fenced(table);
  const state = structuredClone(table.state);
  const { placed, statements } = place(state, work.actions, foreign);
  for (const statement of statements) await connection.run(statement);
  for (let at = 0; at < placed.length;) {
    const { action, schema, view } = placed[at] as Placed;
    const target = changeTarget(connection, state, schema, view, foreign, now);
    if (action.kind === 'load') {
      const batches = loadsFrom(placed, at);
      await append(target, batches);
      at += batches.length;
      continue;
    }
    await act(target, action, table);
    at += 1;
  }
  const owned = await advance(connection, table.request.id, table.epoch, work.checkpoint, state);
  if (!owned) throw fenced(table);
  return state;
}

/** Invariant 3: somebody else has opened the table since. */
export function fenced(table: OpenTable): Problem {
  const at = { table: table.request.id.table };
  return new Problem('BRM-DUCKDB-FENCED', `another writer has taken over table ${at.table}`, {
    remedy: 'Run only one Brimful for this materialization.',
    at,
  });
}

/** All evolutions run first; each action remembers the shape it was meant for. */
function place(
  state: TableState,
  actions: readonly Action[],
  foreign: readonly string[],
): { placed: Placed[]; statements: string[] } {
  const placed: Placed[] = [];
  const statements: string[] = [];
  let view = viewOf(state.columns);
  for (const action of actions) {
    if (action.kind === 'evolve') {
      statements.push(...evolve(state, action.schema, foreign));
      view = viewOf(state.columns);
    } else {
      placed.push({ action, schema: state.schema, view });
    }
  }
  return { placed, statements };
}

/** Loads that follow each other become one statement. */
function loadsFrom(placed: readonly Placed[], from: number): Batch[] {
  const batches: Batch[] = [];
  for (let at = from; at < placed.length; at += 1) {
    const { action, schema } = placed[at] as Placed;
    if (action.kind !== 'load' || schema !== placed[from]?.schema) break;
    batches.push(action.batch);
  }
  return batches;
}

async function act(
  target: ChangeTarget,
  action: Exclude<Placed['action'], { kind: 'load' }>,
  table: OpenTable,
): Promise<void> {
  switch (action.kind) {
    case 'touch':
      return touch(target, action.keys, action.rows, table.request.id.generation);
    case 'index':
      return index(target);
    case 'settle':
      target.state.phase = 'settled';
      return;
    case 'truncate':
      return truncate(target);
    case 'merge':
      return merge(target, action.steps);
  }
}

function changeTarget(
  connection: Connection,
  state: TableState,
  schema: Schema,
  view: View,
  foreign: readonly string[],
  now: bigint,
): ChangeTarget {
  return {
    connection,
    state,
    schema,
    view,
    foreign,
    now,
    async feed(types, parts, origin, work) {
      const feed = { types, parts };
      try {
        return await serveFeed(feed, work);
      } catch (error) {
        throw error instanceof FeedRefused ? valueProblem(error, feed, origin, state.table) : error;
      }
    },
  };
}
