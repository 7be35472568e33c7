import type { MergeStep } from '@brimful/connector';
import type { Batch, Column, RowKey, RowKeyReader } from '@brimful/model';
import { BatchBuilder, ColumnBuilder, keyListReader, keyReader } from '@brimful/model';

/** Moves that do not touch each other's keys, so that they may happen at once. */
export interface MoveGroup {
  readonly kind: 'moves';
  readonly oldKey: readonly Column[];
  readonly batch: Batch;
  readonly unknown: readonly number[];
  /** Whether an earlier move of the group left the key that the row arrives at: what was there before is gone. */
  readonly vacated: Column;
}

type Move = Extract<MergeStep, { kind: 'move' }>;
type Step = Exclude<MergeStep, { kind: 'move' }> | MoveGroup;

/** Bounds the keys held at once. (Invariant 9) */
const GROUP_ROWS = 65_536;

/**
 * Puts moves that follow each other together: one statement for thousands of changed keys instead of one each, every one
 * of which would scan the table. A group ends where the order of its moves could be seen.
 */
export function groupMoves(steps: readonly MergeStep[]): Step[] {
  const result: Step[] = [];
  let group: Collecting | undefined;
  const flush = (): void => {
    if (group !== undefined) result.push(group.finish());
    group = undefined;
  };
  for (const step of steps) {
    if (step.kind !== 'move') {
      flush();
      result.push(step);
      continue;
    }
    for (let row = 0; row < step.batch.rows; row += 1) {
      if (group !== undefined && !group.takes(step, row)) flush();
      group ??= new Collecting(step);
      group.add(step, row);
    }
  }
  flush();
  return result;
}

class Collecting {
  readonly #unknown: readonly number[];
  readonly #batch: BatchBuilder;
  readonly #oldKey: readonly ColumnBuilder[];
  readonly #vacated = new ColumnBuilder({ kind: 'boolean' });
  readonly #readOld: RowKeyReader;
  readonly #readNew: RowKeyReader;
  readonly #left = new Set<RowKey>();
  readonly #taken = new Set<RowKey>();

  constructor(step: Move) {
    this.#unknown = step.unknown;
    this.#batch = new BatchBuilder(step.batch.schema);
    this.#oldKey = step.oldKey.map((column) => new ColumnBuilder(column.type));
    this.#readOld = keyListReader(step.batch.schema);
    this.#readNew = keyReader(step.batch.schema);
  }

  takes(step: Move, row: number): boolean {
    if (this.#batch.rows >= GROUP_ROWS || step.batch.schema.version !== this.#batch.schema.version)
      return false;
    if (step.unknown.join(',') !== this.#unknown.join(',')) return false;
    const from = this.#readOld(step.oldKey, row);
    const to = this.#readNew(step.batch.columns, row);
    // The row left from must be as it was before the group, the one arrived at must stay.
    return !this.#taken.has(from) && !this.#left.has(from) && !this.#taken.has(to);
  }

  add(step: Move, row: number): void {
    this.#vacated.appendBoolean(this.#left.has(this.#readNew(step.batch.columns, row)));
    this.#left.add(this.#readOld(step.oldKey, row));
    this.#taken.add(this.#readNew(step.batch.columns, row));
    step.batch.columns.forEach((column, index) => this.#batch.columns[index]?.appendFrom(column, row));
    this.#batch.endRow();
    step.oldKey.forEach((column, index) => this.#oldKey[index]?.appendFrom(column, row));
  }

  finish(): MoveGroup {
    const oldKey = this.#oldKey.map((column) => column.finish());
    return {
      kind: 'moves',
      oldKey,
      batch: this.#batch.finish(),
      unknown: this.#unknown,
      vacated: this.#vacated.finish(),
    };
  }
}
