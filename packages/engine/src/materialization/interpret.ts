import type { Action } from '@brimful/connector';
import type { Batch, Column } from '@brimful/model';
import { Operation, keyIndices } from '@brimful/model';
import type { Entry } from '@brimful/store';
import type { TableCheckpoint } from './checkpoint.ts';
import { baseOf } from './checkpoint.ts';

/** What one journal entry means for a table. */
export interface Meaning {
  /** Actions to take as they are. */
  readonly actions: readonly Action[];
  /** Changes to be folded with their neighbours and merged. */
  readonly merge: boolean;
  /** Whether it must be applied apart from other tables' work, because it takes long. */
  readonly alone: boolean;
  readonly checkpoint: TableCheckpoint;
}

/** Below this, building a key takes no longer than a merge, so small tables share their transactions. */
const SMALL_TABLE_ROWS = 20_000;

/** Whether the entry's batch is needed at all in this phase: pass 2 leaves out what pass 1 loaded. */
export function needsBatch(entry: Entry, checkpoint: TableCheckpoint): boolean {
  if (entry.kind !== 'rows' || entry.meta.rows === 0) return false;
  return checkpoint.phase !== 'replaying' || entry.meta.scanned === 0;
}

/**
 * The two passes and the steady state, as a pure function of checkpoint and entry. Convergent: pass 2 replays every
 * change since the load began, so whichever of a key's copies pass 1 kept, the last change decides. (Invariant 4)
 */
export function interpret(entry: Entry, batch: Batch | undefined, checkpoint: TableCheckpoint): Meaning {
  const next: TableCheckpoint = { ...checkpoint, offset: entry.offset + 1 };
  switch (entry.kind) {
    case 'rows':
      return rowsMeaning(entry, batch, next);
    case 'truncate':
      return truncateMeaning(entry, next);
    case 'complete':
      return completeMeaning(entry, next);
    case 'schema':
    case 'fence':
      return { actions: [], merge: false, alone: false, checkpoint: next };
  }
}

function rowsMeaning(entry: Entry, batch: Batch | undefined, next: TableCheckpoint): Meaning {
  const nothing: Meaning = { actions: [], merge: false, alone: false, checkpoint: next };
  if (batch === undefined) return nothing;
  const counted = { ...next, rows: next.rows + batch.rows };
  if (next.phase !== 'loading') return { ...nothing, merge: true, checkpoint: counted };
  if (entry.meta.scanned > 0) return { ...nothing, actions: [{ kind: 'load', batch }], checkpoint: counted };
  return { ...nothing, actions: touched(batch) };
}

/** Everything before is void: a table that is being loaded starts over behind it. */
function truncateMeaning(entry: Entry, next: TableCheckpoint): Meaning {
  const checkpoint = next.phase === 'loading' ? { ...next, loadFrom: entry.offset + 1 } : next;
  return { actions: [{ kind: 'truncate' }], merge: false, alone: isLarge(next), checkpoint };
}

function completeMeaning(entry: Entry, next: TableCheckpoint): Meaning {
  const base = baseOf(next);
  if (base !== undefined) {
    // A base has each key once, and all that happened before it: there is nothing to replay.
    const actions: readonly Action[] = [{ kind: 'index' }, { kind: 'settle' }];
    const checkpoint: TableCheckpoint = { ...next, phase: 'live', offset: base.asOf, base: null };
    return { actions, merge: false, alone: isLarge(next), checkpoint };
  }
  if (next.phase === 'loading') {
    const checkpoint: TableCheckpoint = {
      ...next,
      phase: 'replaying',
      offset: next.loadFrom,
      completeAt: entry.offset,
    };
    return { actions: [{ kind: 'index' }], merge: false, alone: isLarge(next), checkpoint };
  }
  if (next.phase === 'replaying' && entry.offset === next.completeAt) {
    return {
      actions: [{ kind: 'settle' }],
      merge: false,
      alone: isLarge(next),
      checkpoint: { ...next, phase: 'live' },
    };
  }
  return { actions: [], merge: false, alone: false, checkpoint: next };
}

/** The keys a batch of changes touches: of these, a load may have brought more than one copy. */
function touched(batch: Batch): readonly Action[] {
  if (batch.schema.key.length === 0) return [];
  const keys = keyIndices(batch.schema).map((index) => batch.columns[index] as Column);
  const actions: Action[] = [{ kind: 'touch', keys, rows: batch.rows }];
  const { changes } = batch;
  if (changes?.oldKey !== undefined && changes.operations.includes(Operation.move)) {
    actions.push({ kind: 'touch', keys: changes.oldKey, rows: batch.rows });
  }
  return actions;
}

function isLarge({ rows }: TableCheckpoint): boolean {
  return rows > SMALL_TABLE_ROWS;
}
