import { setTimeout as sleep } from 'node:timers/promises';

import { assert } from '@brimful/model';
import type { Json } from '@brimful/model';
import type { Action, ConnectorContext } from '@brimful/connector';

import { addActions } from './apply-actions.ts';
import { fenceStatement, noteChanges } from './bookkeeping.ts';
import { problemOf, serverError } from './failure.ts';
import type { Lane } from './lane.ts';
import type { OpenTable } from './open-table.ts';
import { PipelineError } from './pipeline.ts';
import type { Statement, StatementResult } from './pipeline.ts';
import type { Attempt, Origin } from './transaction.ts';
import { Transaction } from './transaction.ts';
import type { Tuning } from './tuning.ts';

export interface TableWork {
  readonly table: OpenTable;
  readonly actions: readonly Action[];
  readonly checkpoint: Json;
}

/** How often a transaction comes again for an exclusive lock. */
const EXCLUSIVE_ATTEMPTS = 10;
/** After so many TRUNCATEs that readers kept waiting, rows are deleted instead, which needs no such lock. */
const TRUNCATE_ATTEMPTS = 3;
const PAUSE_MS = 250;
const LOCK_NOT_AVAILABLE = '55P03';
/** TRUNCATE of a table that foreign keys refer to. */
const FEATURE_NOT_SUPPORTED = '0A000';

const BEGIN: Statement = { text: 'BEGIN', prepared: true };
const COMMIT: Statement = { text: 'COMMIT', prepared: true };

/**
 * Does the works in one transaction, sent in one piece: begin, fence and checkpoints, statements, commit. The fence is
 * the first statement, so a writer that was replaced fails before it has changed anything. (Invariants 2 and 3)
 */
export async function applyWorks(
  lane: Lane,
  works: readonly TableWork[],
  context: ConnectorContext,
  signal: AbortSignal,
  tuning: Tuning,
): Promise<void> {
  for (let attempt = 1; ; attempt += 1) {
    const transaction = compile(lane, works, { tuning, truncateByDelete: attempt > TRUNCATE_ATTEMPTS });
    try {
      context.reach('postgres.apply.send');
      const results = await lane.run(transaction.statements);
      context.reach('postgres.apply.committed');
      transaction.committed();
      warnAboutMissing(transaction, results, context);
      return;
    } catch (error) {
      if (!(error instanceof PipelineError)) throw error;
      if (!mayTryAgain(error, transaction, attempt) || signal.aborted) {
        throw problemOf(error, 'writing', transaction.origins[error.statement]);
      }
      await sleep(PAUSE_MS * attempt, undefined, { signal });
    }
  }
}

function compile(lane: Lane, works: readonly TableWork[], attempt: Attempt): Transaction {
  const body = new Transaction(lane.staging.begin(), attempt);
  for (const { table, actions } of works) addActions(body, table, actions);
  noteChanges(body);
  const [first] = works;
  assert(first !== undefined, 'there is work to do');
  const fence: Origin = { table: first.table, doing: 'taking the fence', kind: 'fence' };
  const head: [Statement, Origin | undefined][] = [[BEGIN, undefined]];
  if (body.exclusive)
    head.push([{ text: `SET LOCAL lock_timeout = ${attempt.tuning.exclusiveLockMilliseconds}` }, undefined]);
  head.push([fenceStatement(works), fence]);
  body.statements.unshift(...head.map(([statement]) => statement));
  body.origins.unshift(...head.map(([, origin]) => origin));
  body.add(COMMIT);
  return body;
}

/** Nothing has happened: the server said so, and rolled back. */
function mayTryAgain(error: PipelineError, transaction: Transaction, attempt: number): boolean {
  const code = serverError(error)?.code;
  const truncating = transaction.statements[error.statement]?.text.startsWith('TRUNCATE') === true;
  if (code === FEATURE_NOT_SUPPORTED && truncating) return attempt <= TRUNCATE_ATTEMPTS;
  return code === LOCK_NOT_AVAILABLE && transaction.exclusive && attempt < EXCLUSIVE_ATTEMPTS;
}

/** A keyless row that should have gone was not there: somebody changed the table by hand. */
function warnAboutMissing(
  transaction: Transaction,
  results: readonly StatementResult[],
  context: ConnectorContext,
): void {
  for (const [index, origin] of transaction.origins.entries()) {
    if (origin?.expect === undefined) continue;
    const touched = Number(results[index]?.tag.split(' ').at(-1));
    if (touched === origin.expect) continue;
    context.log.warn(
      { table: origin.table.name, expected: origin.expect, found: touched },
      'rows that were deleted at the source were not in the destination: was the table changed by hand?',
    );
  }
}
